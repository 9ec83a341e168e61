import Bytes
import Mitigation
import Model
import Testing

@Suite struct ConflictTests {
  private func two(_ change: (inout CoreSettings) -> Void = { _ in }) -> Desk {
    var desk = Desk(change)
    desk.put(1, Fixture.scope(to: ["2001:db8:ffff::/64", "2001:db8:eeee::1"]))
    desk.client = Fixture.other
    desk.cuid = "other-client"
    return desk
  }

  private var shared: ConflictInformation {
    var scope = ConflictScope()
    scope.targetPrefixes = [Fixture.victim6]
    return ConflictInformation(cause: .overlappingTargets, status: .requestActive, scope: scope)
  }

  @Test("MIT-CON-01 MIT-CON-02 by default both clients' requests stay and both are told")
  func accept() {
    var desk = two()
    #expect(desk.put(8).conflict == shared)
    #expect(desk.kernel.count == 2)
    #expect(desk.report(8)?.conflict == shared)
    desk.client = Fixture.client
    desk.cuid = Fixture.cuid
    #expect(desk.report(1)?.conflict == shared)
    #expect(desk.engine.mitigations(now: desk.now).first?.conflict == shared)
  }

  @Test("MIT-CON-01 where the actions differ both rules stand, and the stricter holds by itself")
  func differ() {
    var desk = two {
      $0.action = .observe
      $0.clients[1].may = [.block]
    }
    var scope = Fixture.scope()
    scope.requestedAction = .block
    #expect(desk.put(8, scope).conflict == shared)
    #expect(Set(desk.kernel.values.map { $0.verdict }) == [.count, .drop])
  }

  @Test("MIT-CON-03 the other's mid and cuid are nowhere to be seen")
  func hidden() {
    var desk = two()
    #expect(desk.put(8).conflict?.scope?.mid == nil)
  }

  @Test("MIT-CON-04 by setting the older stays alone, and the lifetime left is the retry-timer")
  func reject() {
    var desk = two { $0.conflict = .reject }
    desk.pass(600)
    let refusal = desk.put(8).refusal
    #expect(refusal?.reason == .overlapsOtherClient)
    #expect(refusal?.mid == 8)
    #expect(refusal?.conflict?.status == .requestInactiveOtherActive)
    #expect(refusal?.conflict?.retryTimer == 3000)
    #expect(refusal?.conflict?.scope == shared.scope)
    #expect(desk.put(8).refusal == refusal)
  }

  @Test("a conflict ends with the other request")
  func ends() {
    var desk = two()
    desk.put(8, lifetime: .seconds(7200))
    desk.pass(3600)
    #expect(desk.report(8)?.conflict == nil)
    #expect(desk.put(8).conflict == nil)
  }

  @Test("requests that share no target are in no conflict")
  func apart() {
    var desk = two()
    #expect(desk.put(8, Fixture.scope(to: ["2001:db8:dddd::1"])).conflict == nil)
  }

  /// Where the older stays alone: the other client's preconfigured request, begun by the loss of its
  /// signal beside an active one of the first client.
  private func deactivated() -> Desk {
    var desk = Desk { $0.conflict = .reject }
    desk.role = .base
    desk.client = Fixture.other
    desk.cuid = "other-client"
    var scope = Fixture.scope()
    scope.triggerMitigation = false
    desk.put(8, scope, lifetime: .seconds(86_400))
    desk.client = Fixture.client
    desk.cuid = Fixture.cuid
    desk.put(1, lifetime: .seconds(600))
    desk.client = Fixture.other
    desk.cuid = "other-client"
    let session = Fixture.session(Fixture.other, role: .base)
    let section = desk.engine.client(for: session)?.section ?? ""
    let decision = desk.engine.signalLost(by: section, now: desk.now, wall: Fixture.wall)
    #expect(decision != nil)
    return desk
  }

  @Test("MIT-CON-05 MIT-CON-06 a deactivated request has status 7, and retry-timer + 45 s to live")
  func deactivation() {
    var desk = deactivated()
    let report = desk.report(8)
    #expect(report?.status == .attackMitigationWithdrawn && report?.remaining == .seconds(645))
    #expect(report?.conflict?.status == .requestInactiveOtherActive)
    #expect(report?.conflict?.retryTimer == 600)
    #expect(desk.kernel.count == 1)
    desk.pass(644)
    #expect(desk.report(8) != nil)
    desk.pass(1)
    #expect(desk.show(8).refusal?.reason == .unknownMitigation)
  }

  @Test(
    "MIT-CON-05 a refresh tests the conflict again: 4.09 before its end, 2.04 and a rule after it"
  )
  func reactivation() {
    var desk = deactivated()
    var scope = Fixture.scope()
    scope.triggerMitigation = false
    let refusal = desk.put(8, scope).refusal
    #expect(refusal?.reason == .overlapsOtherClient && refusal?.conflict?.retryTimer == 600)
    desk.pass(601)
    #expect(desk.report(8)?.conflict == nil)
    #expect(desk.put(8, scope, lifetime: .seconds(700)).isChanged)
    #expect(desk.status(8) == .attackMitigationInProgress && desk.enforcedMids == [8])
    #expect(desk.report(8)?.remaining == .seconds(700))
  }
}
