import Bytes
import Mitigation
import Model
import Testing

@Suite struct RedirectionTests {
  private func desk(_ role: SessionRole) -> Desk {
    var desk = Desk { $0.clients[0].alternateServer = "alt.example 192.0.2.9" }
    desk.role = role
    return desk
  }

  @Test(
    "RED-01 a new request of a client with an alternate server is sent there, and leaves nothing"
  )
  func redirected() {
    var desk = desk(.base)
    for isImmediate in [true, false] {
      var scope = Fixture.scope()
      scope.triggerMitigation = isImmediate
      let refusal = desk.put(1, scope).refusal
      #expect(refusal?.reason == .redirected && refusal?.retryAfter == 3600)
      #expect(refusal?.alternate == "alt.example 192.0.2.9")
    }
    #expect(desk.kernel.isEmpty && desk.engine.count == 0)
    #expect(desk.put(1, efficacy: .underAttack) == .ignored)
  }

  @Test("RED-01 what is mitigated here goes on here: refresh, status and withdrawal")
  func existing() {
    var desk = Desk()
    desk.role = .base
    desk.put(1)
    var settings = Fixture.settings
    settings.clients[0].alternateServer = "alt.example"
    #expect(desk.engine.reconfigured(settings, now: desk.now) != nil)
    #expect(desk.put(1).isChanged && desk.status(1) == .attackMitigationInProgress)
    #expect(desk.put(2).refusal?.reason == .redirected)
    #expect(desk.delete(1) == .deleted)
  }

  @Test("RED-02 never in Call Home")
  func callHome() {
    var desk = desk(.callHome)
    #expect(desk.put(1).isCreated)
    // A 5.03 for another reason tells no alternate server either.
    desk.isKernelFull = true
    let refusal = desk.put(2, Fixture.scope(to: ["2001:db8:eeee::9"])).refusal
    #expect(refusal?.reason == .kernelFull && refusal?.alternate.isEmpty == true)
  }

  @Test("RED-01 another client's requests stay")
  func others() {
    var desk = desk(.base)
    desk.client = Fixture.other
    #expect(desk.put(1).isCreated)
  }
}
