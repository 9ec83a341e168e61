import Bytes
import Mitigation
import Model
import TestSupport
import Testing

@Suite struct FoundConsentTests {
  /// A desk at which the loss of the signal began a request, before anybody was found.
  private func begun() -> Desk {
    var desk = asking([])
    desk.role = .base
    var asked = scope()
    asked.triggerMitigation = false
    desk.put(1, asked)
    let lost = desk.engine.signalLost(
      by: desk.engine.settings.clients[0].section,
      now: desk.now,
      wall: Fixture.wall
    )
    if case .enforce(let changes) = lost { desk.commit(changes) }
    _ = desk.engine.enforced()
    return desk
  }

  @Test("CH-MIT-10 who is found while a preconfigured request ends is asked about for ask_timeout")
  func asksAtTheEnd() {
    var desk = begun()
    desk.pass(300)
    desk.count(0)
    #expect(desk.status() == .attackStopped)
    desk.pass(10)
    desk.see(bothFlows)
    desk.count(1)
    desk.pass(599)
    #expect(desk.sources == [inside(laptopV4), .stray])
    desk.pass(1)
    #expect(desk.sources == [inside(laptopV4), .stray, inside(cameraV4)])
  }

  @Test("CH-MIT-10 a found device whose owner is asked is left alone until the yes, others aren't")
  func asksAboutOne() {
    var desk = asking(bothFlows)
    desk.put(1, scope())
    #expect(desk.sources == [inside(laptopV4), .stray])
    #expect(desk.engine.mitigations(now: desk.now).first?.action == .ask)
    #expect(consent(true, &desk))
    #expect(desk.sources == [inside(laptopV4), .stray, inside(cameraV4)])
    #expect(desk.engine.mitigations(now: desk.now).first?.action == .block)
    #expect(!consent(true, &desk))
    let third = Fixture.address("192.168.1.40")
    desk.see([translated(third, port: 3)])
    #expect(desk.sources.contains(inside(cameraV4)) && desk.sources.contains(inside(third)))
  }

  @Test("CH-MIT-11 after a no the device is never named again, and others still are")
  func deniesOne() {
    var desk = asking(bothFlows)
    desk.put(1, scope())
    #expect(consent(false, &desk))
    desk.see(bothFlows)
    desk.pass(700)
    #expect(desk.sources == [inside(laptopV4), .stray] && !consent(true, &desk))
  }

  @Test("CH-MIT-10 who is found later is asked about too; silence is ask_default")
  func asksLater() {
    for isBlocked in [true, false] {
      var desk = asking([]) { $0.askDefaultsToBlock = isBlocked }
      desk.put(1, scope(ports: [1]))
      #expect(desk.sources == [.translated(Fixture.wan)])
      desk.see(bothFlows)
      #expect(desk.kernel.isEmpty)
      desk.pass(600)
      #expect(desk.sources == (isBlocked ? [inside(cameraV4)] : []))
      let ending = desk.engine.takeEndings().first
      #expect(ending?.report.status == (isBlocked ? nil : .attackMitigationWithdrawn))
    }
  }

  @Test(
    "CH-MIT-10 when the port names nobody else, the request waits; a restart asks nothing twice"
  )
  func asksAtOnce() {
    var desk = asking(bothFlows)
    desk.put(1, scope(ports: [1]))
    #expect(desk.kernel.isEmpty && desk.status() == .attackMitigationInProgress)
    for isAgreed in [false, true] {
      if isAgreed { #expect(consent(true, &desk)) }
      let records = desk.engine.records(now: desk.now)
      var engine = MitigationEngine(settings: desk.engine.settings, home: desk.engine.home)
      #expect(engine.restore(records, now: desk.now, surroundings: desk.surroundings) == [])
      #expect(engine.plan(at: desk.now) == desk.engine.plan(at: desk.now))
      #expect(engine.plan(at: desk.now).isEmpty == !isAgreed)
    }
    #expect(desk.sources == [inside(cameraV4)])
  }

  @Test("CH-MIT-10 a yes quarantines nobody whose own action is block, nor one more than may be")
  func asksWithoutQuarantine() {
    for (action, limit) in [(Action.block, 8), (.quarantine, 1)] as [(Action, UInt32)] {
      var desk = asking(bothFlows) {
        var policy = PolicySettings(section: "laptops", action: .quarantine)
        policy.mac = MACPrefix(otherMAC)
        $0.policies.append(policy)
        $0.action = action
        $0.maximumQuarantined = limit
      }
      desk.put(1, scope())
      #expect(consent(true, &desk))
      #expect([MACAddress](desk.confined.keys) == [otherMAC])
      #expect(desk.sources.contains(inside(cameraV4)))
      #expect(desk.engine.mitigations(now: desk.now).first?.action == .quarantine)
    }
  }

  @Test("CH-MIT-10 who is asked about when the signal was lost is asked about for ask_timeout")
  func asksPreconfigured() {
    var desk = begun()
    desk.see(bothFlows)
    #expect(desk.sources == [inside(laptopV4), .stray])
    desk.count(1)
    desk.pass(600)
    #expect(desk.sources == [inside(laptopV4), .stray, inside(cameraV4)])
    #expect(desk.status() == .attackSuccessfullyMitigated)
  }

  @Test("CH-MIT-10 asking by default, another device's quarantine doesn't stop anyone unasked")
  func asksAboutAll() {
    var desk = asking(bothFlows) {
      $0.policies[0].action = .quarantine
      $0.action = .ask
    }
    desk.put(1, scope())
    #expect(desk.kernel.isEmpty && desk.confined.isEmpty)
    #expect(consent(true, &desk))
    #expect(desk.sources == [inside(cameraV4), inside(laptopV4), .stray])
  }

  @Test("CH-MIT-10 who is stopped already isn't asked about when settings begin to ask")
  func asksNothingAgreed() {
    var desk = tracking(bothFlows)
    desk.put(1, scope())
    var settings = desk.engine.settings
    settings.action = .ask
    desk.commit(
      desk.engine.reconfigured(settings, now: desk.now, surroundings: desk.surroundings) ?? []
    )
    #expect(desk.sources == [inside(cameraV4), inside(laptopV4), .stray])
  }
}
