import Bytes
import Mitigation
import Model
import Testing

@Suite struct ConsentTests {
  private func asked(_ change: (inout CoreSettings) -> Void = { _ in }) -> Desk {
    var desk = Desk {
      $0.action = .ask
      change(&$0)
    }
    desk.put(1)
    return desk
  }

  @Test("CH-MIT-10 what the owner is asked about is 2.01 with status 1, and nothing is enforced")
  func created() {
    var desk = Desk { $0.action = .ask }
    guard case .created(_, _, let status, _) = desk.put(1) else {
      Issue.record("not created")
      return
    }
    #expect(status == .attackMitigationInProgress && desk.kernel.isEmpty)
    #expect(desk.report()?.status == .attackMitigationInProgress && desk.report()?.start == nil)
    #expect(desk.engine.mitigations(now: desk.now).first?.action == .ask)
    #expect(!desk.engine.isMitigating(for: Fixture.session()))
    #expect(desk.put(1).isChanged && desk.kernel.isEmpty)
  }

  @Test("CH-MIT-10 with the owner's yes it begins, at the time of that")
  func yes() {
    var desk = asked()
    desk.pass(100)
    #expect(consent(true, &desk))
    #expect(desk.kernel.values.map { $0.verdict } == [.drop])
    #expect(desk.report()?.start == UnixTime(seconds: Fixture.wall.seconds + 100))
    #expect(desk.engine.mitigations(now: desk.now).first?.action == .block)
    #expect(!consent(true, &desk))
    desk.pass(700)
    #expect(desk.kernel.count == 1)
  }

  @Test("CH-MIT-11 with a no the client is told status 7 and cause 4, and it is gone")
  func no() {
    var desk = asked()
    #expect(consent(false, &desk))
    let ending = desk.engine.takeEndings().first
    #expect(ending?.cause == .denied && ending?.report.status == .attackMitigationWithdrawn)
    let cause = ConflictInformation(cause: .requestRejectedLegitimateTraffic)
    #expect(ending?.report.conflict == cause)
    #expect(desk.show(1).refusal?.reason == .unknownMitigation && desk.kernel.isEmpty)
  }

  @Test("silence until ask_timeout is what ask_default says", arguments: [true, false])
  func silence(isBlocked: Bool) {
    var desk = asked {
      $0.askTimeout = 60
      $0.askDefaultsToBlock = isBlocked
    }
    desk.pass(59)
    #expect(desk.kernel.isEmpty && desk.engine.count == 1)
    desk.pass(1)
    #expect(desk.kernel.count == (isBlocked ? 1 : 0))
    #expect(desk.engine.count == (isBlocked ? 1 : 0))
  }

  @Test("a request that waits for consent ends with its lifetime or its withdrawal, never enforced")
  func ends() {
    var desk = asked()
    desk.delete(1)
    #expect(desk.engine.count == 0)
    desk.put(2, lifetime: .seconds(30))
    desk.pass(30)
    #expect(desk.engine.count == 0 && desk.kernel.isEmpty)
  }

  @Test("an agreement outlives new settings, and so does the question")
  func settings() {
    var desk = asked()
    var settings = desk.engine.settings
    settings.action = .block
    #expect(desk.engine.reconfigured(settings, now: desk.now) == [])
    #expect(consent(true, &desk))
    settings.action = .ask
    #expect(desk.engine.reconfigured(settings, now: desk.now) == [])
    #expect(desk.engine.mitigations(now: desk.now).first?.action == .block)
  }

  @Test("the question outlives a restart, with what was left of its time")
  func restart() {
    var desk = asked()
    desk.pass(400)
    let records = desk.engine.records(now: desk.now)
    var next = Desk { $0.action = .ask }
    next.now = desk.now
    #expect(next.engine.restore(records, now: next.now) == [])
    #expect(next.engine.plan(at: next.now).isEmpty)
    next.pass(199)
    #expect(next.kernel.isEmpty)
    next.pass(1)
    #expect(next.kernel.count == 1)
  }

  @Test("a preconfigured request that the owner agreed to waits for the loss of the signal")
  func preconfigured() {
    var desk = Desk { $0.action = .ask }
    desk.role = .base
    var scope = Fixture.scope()
    scope.triggerMitigation = false
    desk.put(1, scope)
    #expect(consent(true, &desk))
    #expect(desk.status() == .attackMitigationSignalLoss && desk.kernel.isEmpty)
  }

  /// A desk with an enforced mitigation and a newer request in its place that waits for consent.
  private func overriding() -> Desk {
    var desk = Desk()
    desk.put(1)
    var settings = desk.engine.settings
    settings.action = .ask
    _ = desk.engine.reconfigured(settings, now: desk.now)
    desk.put(2)
    return desk
  }

  private func answer(_ isGiven: Bool, _ desk: inout Desk) {
    guard let asked = desk.engine.mitigations(now: desk.now).last else { return }
    desk.commit(desk.engine.consented(isGiven, to: asked.id, now: desk.now) ?? [])
  }

  @Test(
    "MIT-OVL-02 what a waiting request overrides is gone for the client, and stopped until then"
  )
  func overrides() {
    var desk = overriding()
    #expect(desk.show(1).refusal?.reason == .unknownMitigation)
    guard case .content(let reports) = desk.show() else {
      Issue.record("nothing shown")
      return
    }
    #expect(reports.map { $0.mid } == [2])
    #expect(desk.enforcedMids == [1])
    let endings = desk.engine.takeEndings()
    #expect(endings.map { $0.cause } == [.overridden])
    #expect(endings.first?.report.status == .attackMitigationTerminated)
    answer(true, &desk)
    #expect(desk.enforcedMids == [2] && desk.kernel.count == 1 && desk.engine.count == 1)
    #expect(desk.engine.takeEndings().isEmpty)
  }

  @Test(
    "with the answer no, a withdrawal, silence or its lifetime's end nothing is enforced any more"
  )
  func overridesInVain() {
    var desk = overriding()
    answer(false, &desk)
    #expect(desk.kernel.isEmpty && desk.engine.count == 0)
    desk = overriding()
    desk.delete(1)
    #expect(desk.enforcedMids == [1])
    desk.delete(2)
    #expect(desk.kernel.isEmpty && desk.engine.count == 0)
    desk = overriding()
    desk.pass(600)
    #expect(desk.enforcedMids == [2] && desk.engine.count == 1)
    desk = overriding()
    desk.put(3)
    #expect(desk.enforcedMids == [1] && desk.engine.count == 2)
    desk.delete(3)
    #expect(desk.kernel.isEmpty && desk.engine.count == 0)
  }

  @Test("a number that is gone for the client may name something else at once")
  func reused() {
    var desk = overriding()
    #expect(desk.put(1).refusal?.reason == .overlapsNewerRequest)
    #expect(desk.put(1, Fixture.scope(to: ["2001:db8:ffff::8"])).isCreated)
    #expect(desk.kernel.isEmpty && desk.engine.count == 2)
  }

  @Test("after a restart the older one is still enforced, and still gone for the client")
  func overridesAcrossRestart() {
    var desk = overriding()
    let records = desk.engine.records(now: desk.now)
    var next = Desk(desk.engine.settings)
    #expect(next.engine.restore(records, now: next.now) == [])
    next.commit(next.engine.plan(at: next.now))
    #expect(next.enforcedMids == [1])
    #expect(next.show(1).refusal?.reason == .unknownMitigation)
    answer(true, &next)
    #expect(next.enforcedMids == [2] && next.kernel.count == 1)
    desk.pass(1)
  }

  @Test("what is protected wholly is 4.09 with cause 4 at once, whoever would be asked")
  func protected() {
    var desk = Desk {
      $0.action = .ask
      var section = ProtectSettings(section: "victim")
      section.prefixes = [Fixture.victim6]
      $0.protections = [section]
    }
    #expect(desk.put(1).refusal?.reason == .protectedTraffic)
  }
}
