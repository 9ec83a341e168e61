import Bytes
import Mitigation
import Model
import Testing

@Suite struct ProtectionTests {
  private func protecting(_ change: (inout ProtectSettings) -> Void) -> Desk {
    Desk {
      var section = ProtectSettings(section: "alarm")
      change(&section)
      $0.protections = [section]
    }
  }

  @Test("CH-MIT-14 wholly protected in Call Home: 4.09 with cause 4 and nothing else")
  func callHome() {
    var desk = protecting { $0.prefixes = [Fixture.prefix("2001:db8:ffff::/48")] }
    let refusal = desk.put(9).refusal
    #expect(refusal?.reason == .protectedTraffic)
    #expect(refusal?.mid == 9)
    #expect(
      refusal?.conflict == ConflictInformation(cause: .requestRejectedLegitimateTraffic)
    )
  }

  @Test("CH-MIT-14 wholly protected in base mode: 4.09 with cause 2 without a scope")
  func base() {
    var desk = protecting { $0.prefixes = [Fixture.prefix("198.51.100.7")] }
    desk.role = .base
    let conflict = desk.put(1, Fixture.scope(from: [], to: ["198.51.100.7"])).conflict
    #expect(conflict?.cause == .conflictWithAcceptList)
    #expect(conflict?.scope == nil)
  }

  @Test("CH-MIT-14 partly protected: the protected targets and sources are left out")
  func partly() {
    var desk = protecting {
      $0.prefixes = [Fixture.victim6]
      $0.sources = [Fixture.device6]
    }
    let sources: [Text] = ["2001:db8:1::10", "2001:db8:1::11"]
    #expect(desk.put(1, Fixture.scope(from: sources)).isCreated)
    #expect(desk.kernel[MitigationID(1)]?.sources == [.inside(Fixture.prefix("2001:db8:1::11"))])
    let targets: [Text] = ["2001:db8:ffff::7", "2001:db8:ffff::8"]
    #expect(desk.put(2, Fixture.scope(to: targets)).isCreated)
    #expect(desk.kernel[MitigationID(2)]?.targets == [Fixture.prefix("2001:db8:ffff::8")])
  }

  @Test("CH-MIT-14 a device is protected by its hardware address as long as that is known")
  func device() {
    let mac = MACAddress(0x0011_2233_4455)
    var desk = protecting { $0.macs = MACPrefix(parsing: "00:11:22:33:44:55").map { [$0] } ?? [] }
    #expect(desk.put(1).isCreated)
    desk.surroundings.macOf = { $0 == Fixture.device6.address ? mac : nil }
    let scope = Fixture.scope(to: ["2001:db8:ffff::9"])
    #expect(desk.reason(scope, mid: 2) == .protectedTraffic)
  }

  @Test("CH-MIT-14 protected ports protect a request for nothing but them")
  func ports() {
    var desk = protecting {
      $0.prefixes = [Fixture.prefix("2001:db8:ffff::/48")]
      $0.udpPorts = [PortRange(5060)]
    }
    var scope = Fixture.scope()
    scope.targetProtocols = [17]
    scope.targetPortRanges = [PortRange(5060)]
    #expect(desk.reason(scope) == .protectedTraffic)
    scope.targetProtocols = [17, 6]
    #expect(desk.reason(scope) == nil)
    scope.targetProtocols = []
    #expect(desk.reason(scope, mid: 2) == nil)
  }

  @Test("CH-MIT-14 the router's own traffic is protected")
  func router() {
    var desk = Desk()
    #expect(desk.reason(Fixture.scope(from: ["2001:db8:1::1"])) == .protectedTraffic)
    #expect(desk.reason(Fixture.scope(from: ["2001:db8:aaaa::1"])) == .protectedTraffic)
    #expect(desk.reason(Fixture.scope(from: ["2001:db8:1::1", "2001:db8:1::2"])) == nil)
    #expect(
      desk.kernel.values.first?.sources == [.inside(Fixture.prefix("2001:db8:1::2"))]
    )
  }

  @Test("CH-MIT-14 name service of the router's resolvers is protected, their other ports are not")
  func resolvers() {
    var desk = Desk { $0.resolvers = [Fixture.victim6.address] }
    var scope = Fixture.scope()
    scope.targetProtocols = [17]
    scope.targetPortRanges = [PortRange(53)]
    #expect(desk.reason(scope) == .protectedTraffic)
    scope.targetPortRanges = [PortRange(54)]
    #expect(desk.reason(scope) == nil)
  }
}
