import Bytes
import Mitigation
import Model
import Testing

@Suite struct OverlapTests {
  @Test("MIT-OVL-01 MIT-OVL-02 the higher mid overrides, and its rule goes in first")
  func higher() {
    var desk = Desk()
    desk.put(1, Fixture.scope(to: ["2001:db8:ffff::/48"]))
    #expect(desk.put(2).isCreated)
    guard case .install(let rule, _) = desk.changes.first else {
      Issue.record("no installation first")
      return
    }
    #expect(rule.id == MitigationID(2))
    #expect(desk.changes.dropFirst() == [.remove(MitigationID(1))])
    #expect(desk.show(1).refusal?.reason == .unknownMitigation)
    let ending = desk.engine.takeEndings().first
    #expect(ending?.cause == .overridden)
    #expect(ending?.report.status == .attackMitigationTerminated)
  }

  @Test("MIT-OVL-01 ports and protocols don't separate")
  func ports() {
    var desk = Desk()
    var scope = Fixture.scope()
    scope.targetProtocols = [6]
    desk.put(1, scope)
    scope.targetProtocols = [17]
    desk.put(2, scope)
    #expect(desk.enforcedMids == [2])
  }

  @Test("MIT-OVL-03 the lower mid is refused with the winner's mid and no status")
  func lower() {
    var desk = Desk()
    desk.put(123)
    desk.put(124, Fixture.scope(to: ["2001:db8:ffff::8"]))
    let targets: [Text] = ["2001:db8:ffff::/64"]
    let refusal = desk.put(122, Fixture.scope(to: targets)).refusal
    #expect(refusal?.reason == .overlapsNewerRequest)
    #expect(refusal?.mid == nil)
    var scope = ConflictScope()
    scope.mid = 124
    #expect(refusal?.conflict == ConflictInformation(cause: .overlappingTargets, scope: scope))
  }

  @Test("IDS-08 IDS-09 lower mids are welcome where nothing overlaps")
  func rollover() {
    var desk = Desk()
    desk.put(3_221_225_471)
    #expect(desk.put(0, Fixture.scope(to: ["2001:db8:ffff::8"])).isCreated)
  }

  @Test("IDS-09 once the last mitigation of a cuid is gone, no mid is too low")
  func reset() {
    var desk = Desk { $0.terminating = 0 }
    desk.put(3_221_225_471)
    #expect(desk.put(0).refusal?.reason == .overlapsNewerRequest)
    desk.delete(3_221_225_471)
    #expect(desk.put(0).isCreated && desk.put(1).isCreated)
  }

  @Test("IDS-09 what is prepared makes way for itself once mids start again at 0")
  func recreated() {
    var desk = Desk()
    desk.role = .base
    var scope = Fixture.scope()
    scope.triggerMitigation = false
    desk.put(3_221_225_471, scope)
    #expect(desk.put(7, scope).isCreated)
    #expect(desk.report(3_221_225_471) == nil && desk.status(7) == .attackMitigationSignalLoss)
    #expect(desk.put(3, scope).refusal?.reason == .overlapsNewerRequest)
    #expect(desk.put(0, scope).isCreated)
    #expect(desk.report(7) == nil && desk.status(0) == .attackMitigationSignalLoss)
  }

  @Test("RUL-07 two devices that attack one victim make two mitigations by the rule scope")
  func sources() {
    var desk = Desk()
    desk.put(1)
    desk.put(2, Fixture.scope(from: ["2001:db8:1::11"]))
    #expect(desk.enforcedMids == [1, 2])
  }

  @Test("RUL-07 and one by the rule target")
  func target() {
    var desk = Desk { $0.clients[0].overlap = .target }
    desk.put(1)
    desk.put(2, Fixture.scope(from: ["2001:db8:1::11"]))
    #expect(desk.enforcedMids == [2])
  }

  @Test("RUL-07 behind one public address the source port is the device")
  func translated() {
    var desk = Desk()
    let from: [Text] = ["203.0.113.77"]
    let to: [Text] = ["198.51.100.7"]
    desk.put(1, Fixture.scope(from: from, to: to, ports: [4000]))
    desk.put(2, Fixture.scope(from: from, to: to, ports: [4001]))
    #expect(desk.enforcedMids == [1, 2])
    desk.put(3, Fixture.scope(from: from, to: to, ports: [4001, 4002]))
    #expect(desk.enforcedMids == [1, 3])
    desk.put(4, Fixture.scope(from: from, to: to))
    #expect(desk.enforcedMids == [4])
  }

  @Test("RUL-07 a request without source overlaps by target alone")
  func withoutSource() {
    var desk = Desk()
    desk.role = .base
    desk.put(1)
    desk.put(2, Fixture.scope(from: []))
    #expect(desk.enforcedMids == [2])
  }

  @Test("MIT-OVL-01 a shared name overlaps by the rule target only")
  func names() {
    var first = Fixture.scope()
    first.targetFQDNs = ["victim.example"]
    var second = Fixture.scope(to: ["2001:db8:ffff::8"])
    second.targetFQDNs = ["victim.example"]
    var desk = Desk()
    desk.put(1, first)
    desk.put(2, second)
    #expect(desk.enforcedMids == [1, 2])
    desk = Desk { $0.clients[0].overlap = .target }
    desk.put(1, first)
    desk.put(2, second)
    #expect(desk.enforcedMids == [2])
  }

  @Test("MIT-TRG-01 a preconfigured request is stored with status 8 and enforced by nothing")
  func preconfigured() {
    var desk = Desk()
    desk.role = .base
    var scope = Fixture.scope()
    scope.triggerMitigation = false
    #expect(desk.put(1, scope).isCreated)
    #expect(desk.kernel.isEmpty)
    #expect(desk.status() == .attackMitigationSignalLoss)
    #expect(desk.report()?.start == nil)
    #expect(desk.put(1, scope).isChanged)
    #expect(desk.kernel.isEmpty)
    #expect(desk.pass(3600).isEmpty)
    #expect(desk.engine.count == 0)
  }

  @Test("MIT-OVL-04 immediate and waiting requests don't override each other")
  func triggers() {
    var desk = Desk()
    desk.role = .base
    var scope = Fixture.scope()
    scope.triggerMitigation = false
    desk.put(5, scope)
    #expect(desk.put(1).isCreated)
    #expect(desk.status(5) == .attackMitigationSignalLoss)
    #expect(desk.enforcedMids == [1])
  }
}
