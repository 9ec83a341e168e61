import Bytes
import Mitigation
import Model
import Testing

@Suite struct LifetimeTests {
  @Test("MIT-PUT-16 an unknown mid is created with the granted lifetime once the kernel has it")
  func created() {
    var desk = Desk()
    let outcome = desk.put(123)
    #expect(outcome == .created(mid: 123, lifetime: .seconds(3600), status: nil, nil))
    #expect(desk.enforcedMids == [123])
  }

  @Test("MIT-LIF-01 MIT-LIF-03 a lifetime is never higher than the client's maximum")
  func maximum() {
    var desk = Desk { $0.clients[0].maximumLifetime = 600 }
    #expect(desk.put(1, lifetime: .seconds(601)).lifetime == .seconds(600))
    #expect(desk.put(1, lifetime: .indefinite).lifetime == .seconds(600))
    #expect(desk.put(1, lifetime: .seconds(5)).lifetime == .seconds(5))
  }

  @Test("MIT-LIF-02 lifetime 0 is refused here too")
  func zero() {
    var desk = Desk()
    #expect(desk.put(1, lifetime: .seconds(0)).refusal != nil)
    desk.put(1)
    #expect(desk.put(1, lifetime: .seconds(0)).refusal != nil)
  }

  @Test("MIT-LIF-04 on expiry it is removed without a terminating period")
  func expiry() {
    var desk = Desk()
    desk.put(1, lifetime: .seconds(100))
    #expect(desk.engine.nextEvent == desk.now + .seconds(100))
    #expect(desk.pass(99).isEmpty)
    #expect(desk.pass(1) == [.remove(MitigationID(1))])
    #expect(desk.show(1).refusal?.reason == .unknownMitigation)
    let ending = desk.engine.takeEndings().first
    #expect(ending?.cause == .expired)
    #expect(ending?.report.status == .attackMitigationTerminated)
    #expect(desk.engine.nextEvent == nil)
  }

  @Test("MIT-LIF-05 a report carries the remaining lifetime")
  func remaining() {
    var desk = Desk()
    desk.put(1, lifetime: .seconds(100))
    desk.pass(30)
    #expect(desk.report()?.remaining == .seconds(70))
  }

  @Test("MIT-PUT-17 MIT-PUT-21 the same again is a refresh, and each repeat is answered")
  func refresh() {
    var desk = Desk()
    desk.put(1)
    desk.pass(1000)
    let outcome = desk.put(1, lifetime: .seconds(1800))
    #expect(outcome == .changed(mid: 1, lifetime: .seconds(1800), nil))
    #expect(desk.changes == [.renew(MitigationID(1), remaining: .seconds(1800))])
    #expect(desk.report()?.remaining == .seconds(1800))
    #expect(desk.put(1, lifetime: .seconds(1800)) == outcome)
  }

  @Test("MIT-PUT-18 the order of lists and the cut of ranges make no difference, a value does")
  func differs() {
    var desk = Desk()
    var scope = Fixture.scope(to: ["2001:db8:ffff::7", "2001:db8:ffff::8"])
    scope.targetProtocols = [6, 17]
    scope.targetPortRanges = [PortRange(80), PortRange(81), PortRange(443)]
    desk.put(1, scope)
    var same = scope
    same.targetPrefixes.reverse()
    same.targetProtocols = [17, 6, 17]
    same.targetPortRanges = [PortRange(443), PortRange(80, 81) ?? PortRange(0)]
    #expect(desk.put(1, same).isChanged)
    #expect(desk.report()?.scope == scope)
    same.targetProtocols = [17]
    let before = desk.engine
    #expect(desk.reason(same) == .differsFromStored)
    #expect(desk.engine == before)
    scope.requestedAction = .block
    #expect(desk.reason(scope) == .differsFromStored)
  }

  @Test("If-None-Match refuses what exists")
  func mustBeNew() {
    var desk = Desk()
    let name = MitigationName(cuid: Fixture.cuid, mid: 1)
    let request = MitigationRequest.mitigateNew(name, Fixture.scope(), lifetime: .seconds(60))
    #expect(desk.ask(request).isCreated)
    #expect(desk.ask(request).refusal?.reason == .alreadyExists)
  }

  @Test("MIT-EFF-02 MIT-EFF-05 an efficacy update refreshes")
  func efficacy() {
    var desk = Desk()
    desk.put(1)
    desk.pass(100)
    #expect(desk.put(1, lifetime: .seconds(50), efficacy: .underAttack).isChanged)
    #expect(desk.report()?.remaining == .seconds(50))
  }

  @Test("MIT-EFF-03 an efficacy update of an unknown mid is ignored")
  func efficacyUnknown() {
    var desk = Desk()
    let before = desk.engine
    #expect(desk.put(1, efficacy: .underAttack) == .ignored)
    #expect(desk.engine == before)
  }

  @Test("MIT-EFF-03 one that a withdrawal overtook is ignored")
  func efficacyLate() {
    var desk = Desk()
    desk.put(1)
    desk.delete(1)
    #expect(desk.put(1, efficacy: .attackSuccessfullyMitigated) == .ignored)
    #expect(desk.status() == .dotsClientWithdrawnMitigation)
  }

  @Test("MIT-EFF-04 an efficacy update with another scope is refused")
  func efficacyDiffers() {
    var desk = Desk()
    desk.put(1)
    let scope = Fixture.scope(to: ["2001:db8:ffff::8"])
    #expect(desk.put(1, scope, efficacy: .underAttack).refusal?.reason == .differsFromStored)
  }

  @Test("MIT-EFF-06 RUL-05 an efficacy update without lifetime renews with the last granted one")
  func efficacyWithoutLifetime() {
    var desk = Desk()
    desk.put(1, lifetime: .seconds(500))
    desk.pass(400)
    #expect(desk.put(1, lifetime: nil, efficacy: .underAttack).lifetime == .seconds(500))
    #expect(desk.report()?.remaining == .seconds(500))
  }

  @Test("MIT-STS-04 a refused renewal shows as status 4 until one succeeds")
  func renewalFails() {
    var desk = Desk()
    desk.put(1, lifetime: .seconds(8000))
    desk.engine.renewalFailed(MitigationID(1))
    #expect(desk.status() == .attackExceededCapability)
    desk.engine.renewed()
    #expect(desk.status() == .attackMitigationInProgress)
    desk.engine.renewalFailed(MitigationID(1))
    desk.put(1)
    #expect(desk.status() == .attackMitigationInProgress)
  }

  @Test("a clock that jumps far ahead ends everything once and traps nowhere")
  func clockJump() {
    var desk = Desk()
    desk.put(1, lifetime: .indefinite)
    desk.put(2, Fixture.scope(to: ["2001:db8:ffff::8"]))
    desk.delete(2)
    desk.now = Instant(milliseconds: .max)
    #expect(desk.pass(1).count == 2)
    #expect(desk.engine.count == 0)
    #expect(desk.put(3).isCreated)
    desk.now = Instant(milliseconds: .min)
    #expect(desk.put(4, Fixture.scope(to: ["2001:db8:ffff::8"])).isCreated)
    #expect(desk.delete(4) == .deleted)
  }
}
