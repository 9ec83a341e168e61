import Bytes
import Mitigation
import Model
import Testing

@Suite struct DomainTests {
  /// What a source and a target come to with the usual client.
  private func reason(
    _ source: Text,
    _ target: Text,
    ports: [UInt16] = [],
    _ change: (inout CoreSettings) -> Void = { _ in }
  ) -> RefusalReason? {
    var desk = Desk(change)
    return desk.reason(Fixture.scope(from: [source], to: [target], ports: ports))
  }

  @Test("CH-MIT-01 Call Home without source-prefix is refused, also with source ports only")
  func sourceRequired() {
    var desk = Desk()
    #expect(desk.reason(Fixture.scope(from: [])) == .sourceRequired)
    #expect(desk.reason(Fixture.scope(from: [], ports: [53])) == .sourceRequired)
  }

  @Test("CH-MIT-02 Call Home without target-prefix is refused, even with names")
  func targetRequired() {
    var desk = Desk()
    var scope = Fixture.scope(to: [])
    scope.targetFQDNs = ["victim.example"]
    #expect(desk.reason(scope) == .targetPrefixRequired)
  }

  @Test("CH-MIT-04 names beside prefixes are stored in Call Home and make no rule")
  func namesAreDiagnostics() {
    var desk = Desk()
    var scope = Fixture.scope()
    scope.targetFQDNs = ["victim.example"]
    #expect(desk.put(1, scope).isCreated)
    #expect(desk.report()?.scope == scope)
    #expect(desk.kernel.values.first?.targets == [Fixture.victim6])
  }

  @Test(
    "CH-MIT-05 exactly the unroutable targets are refused",
    arguments: [
      ("10.1.2.3", RefusalReason.targetNotRoutable), ("172.16.0.0/12", .targetNotRoutable),
      ("192.168.7.0/24", .targetNotRoutable), ("169.254.1.1", .targetNotRoutable),
      ("127.0.0.1", .targetNotRoutable), ("224.0.0.5", .targetNotRoutable),
      ("255.255.255.255", .targetNotRoutable), ("203.0.113.77", .targetNotRoutable),
      ("192.168.1.1", .targetNotRoutable), ("0.0.0.0/1", .targetNotRoutable),
      ("203.0.113.0/24", nil), ("198.51.100.1", nil), ("198.18.0.1", nil), ("100.64.3.4", nil),
      ("172.32.0.1", nil),
    ] as [(Text, RefusalReason?)]
  )
  func routableV4(target: Text, expected: RefusalReason?) {
    #expect(reason("203.0.113.77", target) == expected)
  }

  @Test(
    "CH-MIT-05 the same for IPv6",
    arguments: [
      ("fd00::1", RefusalReason.targetNotRoutable), ("fe80::1", .targetNotRoutable),
      ("::1", .targetNotRoutable), ("ff02::1", .targetNotRoutable),
      ("2001:db8:aaaa::1", .targetNotRoutable), ("2001:db8:1::22", .targetNotRoutable),
      ("2001:db8:1::1", .targetNotRoutable), ("2001:db8::/32", nil), ("2001:db8:2::1", nil),
    ] as [(Text, RefusalReason?)]
  )
  func routableV6(target: Text, expected: RefusalReason?) {
    #expect(reason("2001:db8:1::10", target) == expected)
  }

  @Test(
    "CH-MIT-05 CH-NAT-05 a source that isn't ours is refused",
    arguments: [
      "203.0.113.78", "203.0.113.0/24", "198.51.100.9", "0.0.0.0/0", "127.0.0.1", "224.0.0.1",
    ] as [Text]
  )
  func foreignSource(source: Text) {
    #expect(reason(source, "198.51.100.7") == .sourceNotOfThisHome)
  }

  @Test("CH-NAT-07 where the IPv4 address is shared, a source needs ports, all of this home's")
  func sharedAddress() {
    let change = { (settings: inout CoreSettings) in
      settings.portSet = PortSet(offset: 6, length: 8, number: 52)
    }
    let source: Text = "203.0.113.77"
    let target: Text = "198.51.100.7"
    #expect(reason(source, target, change) == .portsNotOfThisHome)
    // RFC 7597, Appendix A: PSID 0x34 has 1232 to 1235, 2256 to 2259 and so on up to 64,723.
    #expect(reason(source, target, ports: [1232, 64_723], change) == nil)
    #expect(reason(source, target, ports: [1232, 1236], change) == .portsNotOfThisHome)
    #expect(reason(source, target, ports: [208], change) == .portsNotOfThisHome)
    #expect(reason("2001:db8:1::10", "2001:db8:ffff::7", change) == nil)
    #expect(reason(source, target) == nil)
  }

  @Test(
    "CH-MIT-05 an IPv6 source beyond the home's prefix is refused",
    arguments: ["2001:db8:2::10", "2001:db8::/32", "::/0", "::1", "ff02::1"] as [Text]
  )
  func foreignSourceV6(source: Text) {
    #expect(reason(source, "2001:db8:ffff::7") == .sourceNotOfThisHome)
  }

  @Test(
    "CH-MIT-13 inside addresses are refused, whether or not the home has them",
    arguments: [
      ("192.168.1.20", "198.51.100.7"), ("192.168.9.20", "198.51.100.7"),
      ("10.0.0.1", "198.51.100.7"), ("169.254.1.1", "198.51.100.7"),
      ("fd00::1", "2001:db8:ffff::7"), ("fe80::1", "2001:db8:ffff::7"),
    ] as [(Text, Text)]
  )
  func insideOnly(source: Text, target: Text) {
    #expect(reason(source, target) == .sourceInsideOnly)
  }

  @Test("CH-MIT-13 RUL-19 a client of the same operator may name inside addresses of the home")
  func internalAllowed() {
    let change = { (settings: inout CoreSettings) in settings.clients[0].mayNameInternal = true }
    #expect(reason("192.168.1.20", "198.51.100.7", change) == nil)
    #expect(reason("192.168.9.20", "198.51.100.7", change) == .sourceNotOfThisHome)
    #expect(reason("192.168.1.20", "10.9.9.9", change) == nil)
    #expect(reason("192.168.1.20", "192.168.1.1", change) == .targetNotRoutable)
  }

  @Test("CH-MIT-13 the WAN address is in the domain even when it is private")
  func privateWAN() {
    var home = Fixture.home
    home.wanAddresses = [Fixture.address("10.7.7.7")]
    var desk = Desk(Fixture.settings, home: home)
    #expect(desk.put(1, Fixture.scope(from: ["10.7.7.7"], to: ["198.51.100.7"])).isCreated)
  }

  @Test("CH-NAT-03 the WAN address with ports makes a rule after translation, without a wide one")
  func wanSource() {
    var desk = Desk()
    desk.put(1, Fixture.scope(from: ["203.0.113.77"], to: ["198.51.100.7"], ports: [4000]))
    desk.put(2, Fixture.scope(from: ["203.0.113.77"], to: ["198.51.100.8"]))
    let rules = desk.kernel.values.sorted { $0.id < $1.id }
    #expect(rules.map { $0.sources } == [[.translated(Fixture.wan)], [.any]])
    #expect(rules.map { $0.sourcePorts } == [[PortRange(4000)], []])
  }

  @Test("CH-NAT-03 a wide IPv4 source doesn't widen the IPv6 part of its request")
  func wideStaysInFamily() {
    var desk = Desk()
    desk.put(1, Fixture.scope(from: ["203.0.113.77"], to: ["198.51.100.7", "2001:db8:ffff::7"]))
    #expect(desk.kernel.values.first?.targets == [Fixture.victim])
    let sources: [Text] = ["203.0.113.77", "2001:db8:1::10"]
    let targets: [Text] = ["198.51.100.8", "2001:db8:ffff::8"]
    desk.put(2, Fixture.scope(from: sources, to: targets))
    let rule = desk.kernel[MitigationID(2)]
    #expect(
      rule?.sources == [.inside(Fixture.prefix("0.0.0.0/0")), .inside(Fixture.device6)]
    )
  }

  @Test("CH-MIT-09 source and target need a family in common")
  func families() {
    #expect(reason("203.0.113.77", "2001:db8:ffff::7") == .noCommonFamily)
    #expect(reason("2001:db8:1::10", "198.51.100.7") == .noCommonFamily)
  }

  @Test("CH-MIT-06 trigger-mitigation false is refused in Call Home")
  func triggerRequired() {
    var desk = Desk()
    var scope = Fixture.scope()
    scope.triggerMitigation = false
    #expect(desk.reason(scope) == .triggerRequired)
  }

  @Test("MIT-PUT-06 all traffic is a target only with a source inside the home")
  func everything() {
    #expect(reason("2001:db8:1::10", "::/0") == nil)
    #expect(reason("203.0.113.77", "0.0.0.0/0") == .targetEverything)
    #expect(reason("203.0.113.77", "0.0.0.0/0", ports: [4000]) == nil)
    var desk = Desk()
    desk.role = .base
    #expect(desk.reason(Fixture.scope(from: [], to: ["0.0.0.0/0"])) == .targetEverything)
  }

  @Test("without a source no target may hold a network of the home: what comes in would be stopped")
  func aroundTheHome() {
    var desk = Desk()
    desk.role = .base
    #expect(desk.reason(Fixture.scope(from: [], to: ["2001:db8::/32"])) == .targetEverything)
    #expect(desk.reason(Fixture.scope(from: [], to: ["2000::/3"])) == .targetEverything)
    #expect(desk.reason(Fixture.scope(from: [], to: ["2001:db8:ffff::/48"])) == nil)
    #expect(reason("2001:db8:1::10", "2001:db8::/32") == nil)
  }

  @Test("MIT-PUT-07 RUL-18 a target must lie inside the client's domain")
  func clientTargets() {
    let change = { (settings: inout CoreSettings) in
      settings.clients[0].targets = [Fixture.prefix("198.51.100.0/24")]
    }
    #expect(reason("203.0.113.77", "198.51.100.0/25", change) == nil)
    #expect(reason("203.0.113.77", "198.51.0.0/16", change) == .targetOutsideDomain)
    #expect(reason("2001:db8:1::10", "::/0", change) == .targetOutsideDomain)
  }

  @Test("MIT-PUT-11 MIT-PUT-13 base mode takes neither names nor aliases")
  func names() {
    var desk = Desk()
    desk.role = .base
    var named = Fixture.scope()
    named.targetFQDNs = ["victim.example"]
    #expect(desk.reason(named) == .namesNotSupported)
    var uri = Fixture.scope(to: [])
    uri.targetURIs = ["https://victim.example/"]
    #expect(desk.reason(uri) == .namesNotSupported)
    var alias = Fixture.scope(to: [])
    alias.aliasNames = ["https1"]
    #expect(desk.reason(alias) == .unknownAlias)
  }

  @Test("MIT-PUT-13 an alias that nobody created is refused in Call Home too")
  func aliasInCallHome() {
    var desk = Desk()
    var scope = Fixture.scope()
    scope.aliasNames = ["https1"]
    #expect(desk.reason(scope) == .unknownAlias)
  }

  @Test("CH-NAT-06 a target behind NAT64 is matched as the host sends it, under the IPv6 prefix")
  func translatedTarget() {
    var desk = Desk()
    let target: Text = "64:ff9b::c633:6407"
    #expect(desk.put(1, Fixture.scope(from: ["2001:db8:1::10"], to: [target])).isCreated)
    #expect(desk.kernel.values.first?.targets == [Fixture.prefix("64:ff9b::c633:6407/128")])
  }

  @Test("MIT-PUT-22 MIT-PUT-23 a base mode request without a source means any source")
  func baseMode() {
    var desk = Desk()
    desk.role = .base
    #expect(desk.put(1, Fixture.scope(from: [], to: ["198.51.100.7"])).isCreated)
    #expect(desk.kernel.values.first?.sources == [.any])
    #expect(
      desk.reason(Fixture.scope(from: ["198.51.100.9"], to: ["198.51.100.8"]), mid: 2)
        == .sourceNotOfThisHome
    )
    #expect(desk.reason(Fixture.scope(from: [], to: ["10.0.0.1"]), mid: 2) == .targetNotRoutable)
  }
}
