import Bytes
import Mitigation
import Model
import Testing

@Suite struct ChangeTests {
  @Test("CH-NAT-08 what is no longer of this home is withdrawn with status 7, the rest stays")
  func home() {
    var desk = Desk()
    desk.put(1)
    desk.put(2, Fixture.scope(from: ["203.0.113.77"], to: ["198.51.100.7"]))
    var home = Fixture.home
    home.wanAddresses = [Fixture.address("203.0.113.99")]
    #expect(desk.engine.homeChanged(home, now: desk.now) == [.remove(MitigationID(2))])
    let ending = desk.engine.takeEndings().first
    #expect(ending?.cause == .homeChanged)
    #expect(ending?.report.status == .attackMitigationWithdrawn)
    #expect(desk.status(1) == .attackMitigationInProgress)
    #expect(desk.engine.homeChanged(home, now: desk.now) == [])
  }

  @Test("mitigations of a client that is gone end")
  func clientRemoved() {
    var desk = Desk()
    desk.put(1)
    var settings = Fixture.settings
    settings.clients.removeFirst()
    #expect(desk.engine.reconfigured(settings, now: desk.now) == [.remove(MitigationID(1))])
    #expect(desk.engine.takeEndings().first?.cause == .clientRemoved)
    #expect(desk.put(1).refusal?.reason == .notEntitled)
  }

  @Test("new settings rewrite the rules that they change, under the same number")
  func rewritten() {
    var desk = Desk()
    desk.put(1)
    var settings = Fixture.settings
    settings.action = .observe
    let changes = desk.engine.reconfigured(settings, now: desk.now) ?? []
    guard changes.count == 1, case .install(let rule, let remaining) = changes[0] else {
      Issue.record("no installation in the place of the other")
      return
    }
    #expect(rule.id == MitigationID(1))
    #expect(rule.verdict == .count)
    #expect(remaining == .seconds(3600))
    #expect(desk.engine.reconfigured(settings, now: desk.now) == [])
  }

  @Test("new settings withdraw what they protect or no longer allow")
  func protected() {
    var desk = Desk()
    desk.put(1)
    var settings = Fixture.settings
    settings.clients[0].targets = [Fixture.prefix("198.51.100.0/24")]
    #expect(desk.engine.reconfigured(settings, now: desk.now) == [.remove(MitigationID(1))])
    #expect(desk.engine.takeEndings().first?.cause == .settingsChanged)
  }

  @Test("a shorter maximum cuts the lifetimes that are left")
  func shortened() {
    var desk = Desk()
    desk.put(1)
    var settings = Fixture.settings
    settings.clients[0].maximumLifetime = 60
    let id = MitigationID(1)
    #expect(
      desk.engine.reconfigured(settings, now: desk.now) == [.renew(id, remaining: .seconds(60))]
    )
    #expect(desk.pass(60) == [.remove(id)])
  }

  @Test("the plan is all that the kernel should hold")
  func plan() {
    var desk = Desk()
    desk.put(1)
    desk.put(2, Fixture.scope(to: ["2001:db8:ffff::8"]))
    desk.delete(2)
    desk.pass(20)
    let plan = desk.engine.plan(at: desk.now)
    let expected = desk.kernel.values.sorted { $0.id < $1.id }
    #expect(
      plan == [
        .install(expected[0], remaining: .seconds(3580)),
        .install(expected[1], remaining: .seconds(100)),
      ]
    )
  }

  @Test("a restart takes up what was there, counters and status included")
  func restart() {
    var desk = Desk()
    desk.put(1)
    desk.put(2, Fixture.scope(to: ["2001:db8:ffff::8"]))
    desk.delete(2)
    desk.surroundings = Surroundings(counters: { _ in DropCounters(packets: 9, bytes: 900) })
    let report = desk.report(1)
    desk.pass(10)
    let records = desk.engine.records(now: desk.now)
    var engine = MitigationEngine(settings: Fixture.settings, home: Fixture.home)
    #expect(engine.restore(records, now: Instant(milliseconds: 5)) == [])
    let kernel = Set(engine.plan(at: Instant(milliseconds: 5)))
    #expect(kernel == Set(desk.engine.plan(at: desk.now)))
    desk.engine = engine
    desk.now = Instant(milliseconds: 5)
    desk.surroundings = Surroundings(counters: { _ in DropCounters(packets: 1, bytes: 100) })
    #expect(desk.status(2) == .dotsClientWithdrawnMitigation)
    #expect(desk.report(1)?.dropped?.packets == 10)
    #expect(desk.report(1)?.start == report?.start)
    #expect(desk.report(1)?.status == .attackSuccessfullyMitigated)
    #expect(desk.put(3, Fixture.scope(to: ["2001:db8:ffff::9"])).isCreated)
    #expect(desk.engine.nextID == 4)
  }

  @Test("a restart keeps the action, although the devices aren't known yet")
  func restartKeepsAction() {
    var settings = Fixture.settings
    var policy = PolicySettings(section: "cameras", action: .observe)
    policy.mac = MACPrefix(parsing: "00:11:22")
    settings.policies = [policy]
    var desk = Desk(settings)
    desk.surroundings.macOf = { _ in MACAddress(0x0011_2200_0001) }
    desk.put(1)
    var engine = MitigationEngine(settings: settings, home: Fixture.home)
    #expect(engine.restore(desk.engine.records(now: desk.now), now: desk.now).isEmpty)
    #expect(engine.plan(at: desk.now) == desk.engine.plan(at: desk.now))
  }

  @Test("a restart leaves out what is over, what has no client, and what came twice")
  func leftOut() throws {
    var desk = Desk()
    desk.put(1)
    let record = try #require(desk.engine.record(of: MitigationID(1), now: desk.now))
    var over = record
    over.id = MitigationID(2)
    over.remaining = .zero
    var orphan = record
    orphan.id = MitigationID(3)
    orphan.client = "gone"
    var again = record
    again.id = MitigationID(4)
    var foreign = record
    foreign.id = MitigationID(5)
    foreign.name.mid = 5
    foreign.scope.sourcePrefixes = [Fixture.victim6]
    var engine = MitigationEngine(settings: Fixture.settings, home: Fixture.home)
    let leftOut = engine.restore([over, orphan, record, again, foreign], now: desk.now)
    #expect(leftOut.map { $0.value } == [2, 3, 4, 5])
    #expect(engine.count == 1)
    #expect(engine.nextID == 6)
  }

  @Test("a restart never makes a lifetime grow")
  func noGrowth() throws {
    var desk = Desk()
    desk.put(1, lifetime: .seconds(100))
    var record = try #require(desk.engine.record(of: MitigationID(1), now: desk.now))
    record.remaining = .seconds(1_000_000)
    var engine = MitigationEngine(settings: Fixture.settings, home: Fixture.home)
    #expect(engine.restore([record], now: desk.now).isEmpty)
    #expect(engine.mitigations(now: desk.now).first?.remaining == 100)
  }

  @Test("what waits for the kernel has a record, for the same batch")
  func recordOfPending() {
    var engine = Desk().engine
    let request = MitigationRequest.mitigate(
      MitigationName(cuid: Fixture.cuid, mid: 4),
      Fixture.scope(),
      lifetime: .seconds(60),
      efficacy: nil
    )
    _ = engine.received(
      request,
      from: Fixture.session(),
      now: Fixture.start,
      wall: Fixture.wall
    )
    #expect(engine.record(of: MitigationID(1), now: Fixture.start)?.name.mid == 4)
    _ = engine.refusedByKernel(isFull: false)
    #expect(engine.record(of: MitigationID(1), now: Fixture.start) == nil)
  }
}
