import Bytes
import CoAP
import Testing

@testable import DOTS

@Suite struct CallHomeHeartbeatTests {
  private let start = Instant(milliseconds: 1_000_000)

  private func after(_ milliseconds: Int) -> Instant { start + .milliseconds(milliseconds) }

  private func parameters(interval: UInt64, missing: UInt64 = 15) -> SessionParameters {
    var set = ConfigurationSet()
    set.heartbeatInterval = ConfigurationValue(current: interval)
    set.missingHeartbeatsAllowed = ConfigurationValue(current: missing)
    return SessionParameters(set)
  }

  /// Runs the clock until `end`, in milliseconds: what was done when.
  ///
  /// `hears` says whether something comes after a heartbeat.
  private func run(
    _ clock: inout HeartbeatClock,
    until end: Int,
    hears: (Int) -> Bool
  ) -> [(at: Int, action: HeartbeatClock.Action)] {
    var done: [(at: Int, action: HeartbeatClock.Action)] = []
    while let due = clock.nextTimeout, due <= after(end) {
      let moment = Int((due - start).milliseconds)
      for action in clock.timedOut(now: due) {
        done.append((moment, action))
        if case .send = action, hears(moment) { clock.answered(now: due + .milliseconds(20)) }
      }
      if done.last?.action == .lost { break }
    }
    return done
  }

  @Test("CH-HB-02 whatever is negotiated, a router sends every 30 s at least", arguments: [0, 240])
  func keepsOpen(interval: UInt64) {
    var clock = HeartbeatClock(duty: .keepsOpen, now: start)
    clock.set(parameters(interval: interval), now: start)
    let sent = run(&clock, until: 300_000) { _ in true }
    #expect(sent.map { $0.at } == (1...10).map { $0 * 30_000 })
  }

  @Test("CH-HB-02 a shorter interval that the client asks for holds")
  func shorter() {
    var clock = HeartbeatClock(duty: .keepsOpen, now: start)
    clock.set(parameters(interval: 15), now: start)
    #expect(
      run(&clock, until: 60_000) { _ in true }.map { $0.at } == [15_000, 30_000, 45_000, 60_000]
    )
  }

  @Test("CH-HB-03 a heartbeat that nothing answers is repeated twice within a second, then doubted")
  func silent() {
    var clock = HeartbeatClock(duty: .keepsOpen, now: start)
    let done = run(&clock, until: 60_000 - 1) { _ in false }
    #expect(done.map { $0.at } == [30_000, 30_250, 30_500, 30_750])
    #expect(done.last?.action == .silent)
    #expect(clock.nextTimeout == after(60_000))
  }

  @Test(
    "CH-HB-02 no heartbeat is held back because answers to earlier ones are awaited",
    arguments: [0, 30, 240]
  )
  func awaited(interval: UInt64) throws {
    let session = SessionLayer(MessageLayer(seed: 1))
    var clock = HeartbeatClock(duty: .keepsOpen, now: start)
    clock.set(parameters(interval: interval), now: start)
    var sent = 0
    for moment in stride(from: 0, to: 600_000, by: 50) {
      let now = after(moment)
      clock.received(now: after(moment - 5000))
      _ = session.timedOut(now: now)
      guard let due = clock.nextTimeout, due <= now else { continue }
      for case .send(let heartbeat) in clock.timedOut(now: now) {
        let message = heartbeat.message
        let patience = clock.interval
        _ = try session.send(message, confirmable: false, patience: patience, now: now)
        sent += 1
      }
    }
    // One each 30 s, and two more while nothing answers it.
    #expect(sent >= 19)
  }

  @Test("CH-HB-03 one that is lost on the way makes no doubt")
  func oneLost() {
    var clock = HeartbeatClock(duty: .keepsOpen, now: start)
    let done = run(&clock, until: 90_000) { $0 % 30_000 != 0 }
    #expect(!done.contains { $0.action == .silent } && done.count == 5)
  }

  @Test("CH-HB-03 silence for missing-hb-allowed intervals ends the session, with interval 0 too")
  func lost() {
    for (interval, end) in [(30, 450_000), (0, 450_000), (60, 900_000)] as [(UInt64, Int)] {
      var clock = HeartbeatClock(duty: .keepsOpen, now: start)
      clock.set(parameters(interval: interval), now: start)
      let done = run(&clock, until: 2_000_000) { _ in false }
      #expect(done.last?.action == .lost && done.last?.at == end)
    }
  }

  @Test(
    "CH-HB-03 CH-HB-04 an uplink full for ten minutes ends no session: what the client sends is life"
  )
  func saturatedUplink() {
    var router = HeartbeatClock(duty: .keepsOpen, now: start)
    var client = HeartbeatClock(duty: .persists, now: start)
    var told: [HeartbeatClock.Action] = []
    // Nothing of the router arrives; all of the client does.
    for moment in 1...600_000 where moment % 50 == 0 {
      let now = after(moment)
      if let due = client.nextTimeout, due <= now {
        for case .send(let heartbeat) in client.timedOut(now: now) {
          told += router.received(heartbeat, now: now)
        }
      }
      if let due = router.nextTimeout, due <= now { told += router.timedOut(now: now) }
    }
    #expect(!told.contains(.lost))
    // It goes on as before when the attack is over.
    router.answered(now: after(600_001))
    client.answered(now: after(600_001))
    #expect(router.nextTimeout != nil && client.nextTimeout != nil)
  }

  @Test("CH-HB-04 a client whom a router called goes on for hours although it hears nothing")
  func persists() {
    var clock = HeartbeatClock(duty: .persists, now: start)
    let done = run(&clock, until: 7_200_000) { _ in false }
    #expect(done.filter { if case .send = $0.action { true } else { false } }.count == 240)
    #expect(!done.contains { $0.action == .lost })
  }
}
