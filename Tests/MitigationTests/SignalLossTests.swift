import Bytes
import Mitigation
import Model
import Testing

@Suite struct SignalLossTests {
  /// A client of base mode with a request that waits for the loss of its signal.
  private func prepared() -> Desk {
    var desk = Desk()
    desk.role = .base
    var scope = Fixture.scope()
    scope.triggerMitigation = false
    desk.put(1, scope)
    return desk
  }

  private func lose(_ desk: inout Desk, by name: Text = Fixture.client) -> RequestOutcome? {
    let session = Fixture.session(name, role: .base)
    guard
      let section = desk.engine.client(for: session)?.section,
      let decision = desk.engine.signalLost(by: section, now: desk.now, wall: Fixture.wall)
    else { return nil }
    guard case .enforce(let changes) = decision else { return nil }
    desk.commit(changes)
    return desk.engine.enforced()
  }

  @Test("MIT-TRG-01 what waits for the loss has no rule and status 8 before it, a rule after it")
  func begins() {
    var desk = prepared()
    #expect(desk.kernel.isEmpty)
    #expect(desk.status(1) == .attackMitigationSignalLoss)
    #expect(!desk.engine.isMitigating(for: Fixture.session(role: .base)))
    #expect(lose(&desk) != nil)
    #expect(desk.kernel.count == 1)
    #expect(desk.status(1) == .attackMitigationInProgress)
    #expect(desk.engine.isMitigating(for: Fixture.session(role: .base)))
  }

  @Test("CFG-15 a client is mitigating from its first activation to the end of its last mitigation")
  func standing() {
    var desk = prepared()
    let session = Fixture.session(role: .base)
    #expect(!desk.engine.isMitigating(for: session))
    desk.put(2, Fixture.scope(to: ["2001:db8:eeee::9"]))
    desk.put(3, Fixture.scope(to: ["2001:db8:dddd::9"]), lifetime: .seconds(60))
    desk.delete(2)
    desk.pass(59)
    #expect(desk.engine.isMitigating(for: session))
    desk.pass(200)
    #expect(!desk.engine.isMitigating(for: session))
  }

  @Test("MIT-TRG-02 immediate requests that overlap it end, others go on")
  func overlapping() {
    var desk = prepared()
    desk.put(2)
    desk.put(3, Fixture.scope(to: ["2001:db8:eeee::9"]))
    #expect(desk.kernel.count == 2)
    #expect(lose(&desk) != nil)
    let ended = desk.engine.takeEndings()
    #expect(ended.map { $0.name.mid } == [2])
    #expect(desk.status(1) == .attackMitigationInProgress)
    #expect(desk.status(3) == .attackMitigationInProgress)
  }

  @Test("MIT-TRG-03 a client that is back finds it going on, and a second loss changes nothing")
  func back() {
    var desk = prepared()
    #expect(lose(&desk) != nil)
    #expect(lose(&desk) == nil)
    #expect(desk.status(1) == .attackMitigationInProgress)
    #expect(desk.kernel.count == 1)
  }

  @Test("MIT-TRG-01 another client's loss begins nothing")
  func other() {
    var desk = prepared()
    #expect(lose(&desk, by: Fixture.other) == nil)
    #expect(lose(&desk, by: "nobody.example") == nil)
    #expect(desk.kernel.isEmpty)
  }

  @Test("a kernel that refuses leaves the request waiting")
  func refused() {
    var desk = prepared()
    let section = desk.engine.settings.clients[0].section
    _ = desk.engine.signalLost(by: section, now: desk.now, wall: Fixture.wall)
    #expect(desk.engine.refusedByKernel(isFull: true).refusal?.reason == .kernelFull)
    #expect(desk.status(1) == .attackMitigationSignalLoss)
  }

  @Test("MIT-TRG-01 of what was prepared one can begin alone, where there is no room for all")
  func oneByOne() {
    var desk = prepared()
    var scope = Fixture.scope(to: ["2001:db8:eeee::9"])
    scope.triggerMitigation = false
    desk.put(2, scope)
    let section = desk.engine.settings.clients[0].section
    let prepared = desk.engine.prepared(by: section)
    #expect(prepared.count == 2)
    let decision = desk.engine.signalLost(
      by: section,
      only: prepared[1],
      now: desk.now,
      wall: Fixture.wall
    )
    guard case .enforce(let changes)? = decision else {
      Issue.record("nothing is to be enforced")
      return
    }
    desk.commit(changes)
    _ = desk.engine.enforced()
    #expect(desk.status(1) == .attackMitigationSignalLoss)
    #expect(desk.status(2) == .attackMitigationInProgress)
    #expect(desk.engine.prepared(by: section) == [prepared[0]])
    #expect(desk.engine.prepared(by: "nobody").isEmpty)
  }

  @Test("MIT-OVL-04 an immediate request ends what the loss began: status 7 for a while, then 8")
  func overlapped() {
    var desk = prepared()
    #expect(lose(&desk) != nil)
    #expect(desk.put(2).isCreated)
    #expect(desk.enforcedMids == [2])
    // The new rule goes in before the old one comes out.
    guard case .install? = desk.changes.first, case .remove? = desk.changes.last else {
      Issue.record("\(desk.changes)")
      return
    }
    #expect(desk.status(1) == .attackMitigationWithdrawn)
    desk.pass(19)
    #expect(desk.status(1) == .attackMitigationWithdrawn)
    desk.pass(1)
    #expect(desk.status(1) == .attackMitigationSignalLoss)
    #expect(desk.report(1)?.start == nil && desk.report(1)?.dropped == nil)
    #expect(lose(&desk) != nil)
    #expect(desk.enforcedMids == [1])
  }

  @Test("MIT-OVL-04 a loss while status 7 is still told begins it again")
  func lostMeanwhile() {
    var desk = prepared()
    #expect(lose(&desk) != nil)
    desk.put(2)
    #expect(lose(&desk) != nil)
    #expect(desk.enforcedMids == [1] && desk.status(1) == .attackMitigationInProgress)
    desk.pass(30)
    #expect(desk.enforcedMids == [1])
  }

  @Test("MIT-OVL-04 an immediate request elsewhere leaves what the loss began alone")
  func elsewhere() {
    var desk = prepared()
    #expect(lose(&desk) != nil)
    desk.put(2, Fixture.scope(to: ["2001:db8:eeee::9"]))
    #expect(desk.enforcedMids == [1, 2] && desk.status(1) == .attackMitigationInProgress)
  }

  @Test(
    "MIT-STS-04 MIT-TRG-03 once its attack is over, status 3 for a while, then 8 without a rule"
  )
  func over() {
    var desk = prepared()
    #expect(lose(&desk) != nil)
    let id = desk.engine.mitigations(now: desk.now)[0].id
    desk.engine.counted([(id, DropCounters(packets: 5, bytes: 9))], now: desk.now)
    #expect(desk.status(1) == .attackSuccessfullyMitigated)
    desk.pass(300)
    desk.engine.counted([(id, DropCounters(packets: 5, bytes: 9))], now: desk.now)
    #expect(desk.status(1) == .attackStopped && desk.kernel.count == 1)
    desk.pass(20)
    #expect(desk.status(1) == .attackMitigationSignalLoss && desk.kernel.isEmpty)
  }

  @Test("MIT-STS-04 an attack that goes on before status 8 keeps the rule")
  func again() {
    var desk = prepared()
    #expect(lose(&desk) != nil)
    let id = desk.engine.mitigations(now: desk.now)[0].id
    desk.pass(300)
    desk.engine.counted([(id, DropCounters(packets: 0, bytes: 0))], now: desk.now)
    desk.pass(10)
    desk.engine.counted([(id, DropCounters(packets: 5, bytes: 9))], now: desk.now)
    desk.pass(20)
    #expect(desk.status(1) == .attackSuccessfullyMitigated && desk.kernel.count == 1)
  }

  @Test("MIT-OVL-04 a restart while status 7 is told finds it waiting")
  func restarted() {
    var desk = prepared()
    #expect(lose(&desk) != nil)
    desk.put(2)
    var next = Desk()
    next.role = .base
    next.now = desk.now
    #expect(next.engine.restore(desk.engine.records(now: desk.now), now: next.now) == [])
    #expect(next.status(1) == .attackMitigationSignalLoss)
    #expect(next.report(1)?.start == nil)
  }

  @Test(
    "MIT-OVL-04 a device that the loss put into quarantine is free when an immediate request comes"
  )
  func quarantine() {
    var desk = Desk { $0.action = .quarantine }
    let mac = MACAddress(0x0011_2233_4455)
    desk.surroundings.macOf = { _ in mac }
    desk.surroundings.addressesOf = { _ in [Fixture.device6.address] }
    desk.role = .base
    var scope = Fixture.scope()
    scope.triggerMitigation = false
    desk.put(1, scope)
    #expect(lose(&desk) != nil && desk.confined[mac] != nil)
    var blocked = Fixture.scope()
    blocked.requestedAction = .block
    #expect(desk.put(2, blocked).isCreated)
    #expect(desk.confined[mac] == nil && desk.enforcedMids == [2])
  }
}
