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
      let decision = desk.engine.signalLost(by: session, now: desk.now, wall: Fixture.wall)
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
    let session = Fixture.session(role: .base)
    _ = desk.engine.signalLost(by: session, now: desk.now, wall: Fixture.wall)
    #expect(desk.engine.refusedByKernel(isFull: true).refusal?.reason == .kernelFull)
    #expect(desk.status(1) == .attackMitigationSignalLoss)
  }
}
