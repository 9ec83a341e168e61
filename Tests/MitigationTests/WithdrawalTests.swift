import Bytes
import Mitigation
import Model
import Testing

@Suite struct WithdrawalTests {
  @Test("MIT-DEL-02 a withdrawal is answered 2.02, also of an unknown mid")
  func unknown() {
    var desk = Desk()
    #expect(desk.delete(77) == .deleted)
    #expect(desk.changes.isEmpty)
  }

  @Test("MIT-DEL-03 MIT-DEL-05 it goes on with status 5 for 120 s, then it is gone")
  func terminating() {
    var desk = Desk()
    desk.put(1)
    #expect(desk.delete(1) == .deleted)
    #expect(desk.changes == [.renew(MitigationID(1), remaining: .seconds(120))])
    #expect(desk.status() == .dotsClientWithdrawnMitigation)
    #expect(desk.report()?.remaining == .seconds(120))
    #expect(desk.pass(119).isEmpty)
    #expect(desk.pass(1) == [.remove(MitigationID(1))])
    #expect(desk.show(1).refusal?.reason == .unknownMitigation)
    #expect(desk.engine.takeEndings().first?.cause == .withdrawn)
  }

  @Test("MIT-DEL-03 a second withdrawal changes nothing")
  func twice() {
    var desk = Desk()
    desk.put(1)
    desk.delete(1)
    desk.pass(60)
    #expect(desk.delete(1) == .deleted)
    #expect(desk.report()?.remaining == .seconds(60))
  }

  @Test("MIT-DEL-03 the period never outlasts the granted lifetime")
  func shortLifetime() {
    var desk = Desk()
    desk.put(1, lifetime: .seconds(30))
    desk.delete(1)
    #expect(desk.report()?.remaining == .seconds(30))
  }

  @Test("MIT-DEL-04 the period doubles up to 300 s when the client comes back, and calms down")
  func doubling() {
    var desk = Desk()
    desk.put(1)
    for expected in [120, 240, 300, 300] as [UInt32] {
      desk.delete(1)
      #expect(desk.report()?.remaining == .seconds(expected))
      desk.pass(10)
      #expect(desk.put(1).isChanged)
    }
    desk.pass(300)
    desk.delete(1)
    #expect(desk.report()?.remaining == .seconds(120))
  }

  @Test("MIT-DEL-04 a new mid on the same target counts as asking again")
  func doublingAcrossMids() {
    var desk = Desk()
    desk.put(1)
    desk.delete(1)
    desk.put(2)
    desk.delete(2)
    #expect(desk.report(2)?.remaining == .seconds(240))
  }

  @Test("MIT-DEL-06 a PUT of the same mid in the period revives it, a different one is refused")
  func revival() {
    var desk = Desk()
    desk.put(1)
    desk.delete(1)
    #expect(desk.reason(Fixture.scope(to: ["2001:db8:ffff::8"])) == .differsFromStored)
    #expect(desk.put(1).isChanged)
    #expect(desk.status() == .attackMitigationInProgress)
    #expect(desk.report()?.remaining == .seconds(3600))
  }

  @Test("MIT-DEL-06 a new mid that overlaps overrides it, even a lower one")
  func overridden() {
    var desk = Desk()
    desk.put(5)
    desk.delete(5)
    #expect(desk.put(3).isCreated)
    #expect(desk.enforcedMids == [3])
  }

  @Test("MIT-DEL-07 a preconfigured request that waits is gone at once")
  func waiting() {
    var desk = Desk()
    desk.role = .base
    var scope = Fixture.scope()
    scope.triggerMitigation = false
    desk.put(1, scope)
    #expect(desk.delete(1) == .deleted)
    #expect(desk.engine.count == 0)
  }

  @Test("MIT-DEL-08 without a period it is removed at once")
  func none() {
    var desk = Desk { $0.terminating = 0 }
    desk.put(1)
    #expect(desk.delete(1) == .deleted)
    #expect(desk.changes == [.remove(MitigationID(1))])
    #expect(desk.engine.count == 0)
  }

  @Test("MIT-DEL-02 a kernel that fails doesn't stop a withdrawal")
  func kernelFails() {
    var desk = Desk()
    desk.put(1)
    desk.isKernelFull = false
    #expect(desk.delete(1) == .deleted)
    #expect(desk.status() == .dotsClientWithdrawnMitigation)
  }
}
