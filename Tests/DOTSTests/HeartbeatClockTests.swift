import Bytes
import Testing

@testable import DOTS

@Suite struct HeartbeatClockTests {
  private let start = Instant(milliseconds: 1_000_000)

  private func after(_ seconds: Int) -> Instant { start + .seconds(seconds) }

  private func parameters(interval: UInt64 = 30, missing: UInt64 = 15) -> SessionParameters {
    var set = ConfigurationSet()
    set.heartbeatInterval = ConfigurationValue(current: interval)
    set.missingHeartbeatsAllowed = ConfigurationValue(current: missing)
    return SessionParameters(set)
  }

  @Test("HB-01 a heartbeat goes out every interval")
  func interval() {
    var clock = HeartbeatClock(now: start)
    for round in 1...10 {
      #expect(clock.nextTimeout == after(30 * round))
      #expect(clock.timedOut(now: after(30 * round - 1)) == [])
      #expect(clock.timedOut(now: after(30 * round)) == [.send(Heartbeat(peerStatus: false))])
      clock.answered(now: after(30 * round))
    }
  }

  @Test("HB-04 peer-hb-status is true for two intervals after the peer's heartbeat")
  func status() {
    var clock = HeartbeatClock(now: start)
    #expect(clock.received(Heartbeat(peerStatus: true), now: after(29)) == [])
    #expect(clock.timedOut(now: after(30)) == [.send(Heartbeat(peerStatus: true))])
    #expect(clock.timedOut(now: after(60)) == [.send(Heartbeat(peerStatus: true))])
    #expect(clock.timedOut(now: after(90)) == [.send(Heartbeat(peerStatus: false))])
  }

  @Test("HB-05 a peer that doesn't hear ours gets one right behind its own")
  func behind() {
    var clock = HeartbeatClock(now: start)
    let actions = clock.received(Heartbeat(peerStatus: false), now: after(10))
    #expect(actions == [.send(Heartbeat(peerStatus: true))])
    #expect(clock.nextTimeout == after(40))
  }

  @Test("HB-06 a peer that is heard but doesn't answer keeps its session, and is told of once")
  func saturated() {
    var clock = HeartbeatClock(parameters(missing: 3), now: start)
    var told = 0
    for round in 1...40 {
      clock.received(now: after(30 * round - 1))
      let actions = clock.timedOut(now: after(30 * round))
      #expect(actions.last == .send(Heartbeat(peerStatus: false)))
      told += actions.filter { $0 == .peerSaturated }.count
    }
    #expect(told == 1)
  }

  @Test("HB-08 an answer has the whole interval to come; only then is it missed")
  func patience() {
    var clock = HeartbeatClock(parameters(missing: 3), now: start)
    var told: [HeartbeatClock.Action] = []
    for round in 1...10 {
      told += clock.timedOut(now: after(30 * round))
      clock.answered(now: after(30 * round + 29))
    }
    #expect(!told.contains(.peerSaturated) && !told.contains(.lost))
    // From here on no answer comes, though the peer is heard: each of the allowed is missed.
    var rounds = 0
    while rounds < 10, !told.contains(.peerSaturated) {
      rounds += 1
      clock.received(now: after(30 * (10 + rounds) - 1))
      told = clock.timedOut(now: after(30 * (10 + rounds)))
    }
    #expect(rounds == 4)
  }

  @Test("CFG-19 a session that is heard lives on although its configuration is never read again")
  func unread() {
    var clock = HeartbeatClock(now: start)
    var lost = 0
    for second in stride(from: 30, through: 4 * 3600, by: 30) {
      clock.received(now: after(second))
      lost += clock.timedOut(now: after(second)).filter { $0 == .lost }.count
    }
    #expect(lost == 0)
  }

  @Test("HB-07 silence for missing-hb-allowed intervals loses the session, once")
  func lost() {
    var clock = HeartbeatClock(now: start)
    for round in 1..<15 {
      #expect(clock.timedOut(now: after(30 * round)).contains(.lost) == false)
    }
    #expect(clock.nextTimeout == after(450))
    #expect(clock.timedOut(now: after(450)) == [.lost])
    #expect(clock.nextTimeout == nil)
    #expect(clock.timedOut(now: after(900)) == [])
  }

  @Test("HB-07 any message of the peer counts as life")
  func life() {
    var clock = HeartbeatClock(now: start)
    clock.received(now: after(449))
    #expect(clock.timedOut(now: after(450)).contains(.lost) == false)
    #expect(clock.timedOut(now: after(449 + 450)) == [.lost])
  }

  @Test("HB-09 an interval of 0 sends nothing and loses nothing, until another is set")
  func off() {
    var clock = HeartbeatClock(parameters(interval: 0), now: start)
    #expect(clock.nextTimeout == nil)
    #expect(clock.timedOut(now: after(100_000)) == [])
    #expect(clock.received(Heartbeat(peerStatus: false), now: after(100_000)) == [])
    clock.set(parameters(interval: 15), now: after(100_001))
    #expect(clock.nextTimeout == after(100_016))
  }

  @Test("CFG-17 new parameters hold at once")
  func changed() {
    var clock = HeartbeatClock(now: start)
    clock.set(parameters(interval: 15), now: after(1))
    #expect(clock.nextTimeout == after(16))
    clock.set(parameters(interval: 240), now: after(2))
    #expect(clock.timedOut(now: after(16)) == [.send(Heartbeat(peerStatus: false))])
    #expect(clock.nextTimeout == after(256))
  }

  @Test("CFG-15 CFG-17 silence that was allowed doesn't count when the other set begins to hold")
  func changedAfterSilence() {
    var clock = HeartbeatClock(parameters(interval: 0), now: start)
    clock.set(parameters(interval: 30), now: after(3600))
    #expect(clock.timedOut(now: after(3600)) == [])
    #expect(clock.timedOut(now: after(3630)) == [.send(Heartbeat(peerStatus: false))])
    #expect(clock.timedOut(now: after(3600 + 450)) == [.lost])
    clock = HeartbeatClock(parameters(interval: 240), now: start)
    clock.set(parameters(interval: 15), now: after(1000))
    #expect(clock.timedOut(now: after(1000)) == [.send(Heartbeat(peerStatus: false))])
  }

  @Test("a year of heartbeats between two clocks loses nothing")
  func year() {
    var clocks = [HeartbeatClock(now: start), HeartbeatClock(now: start)]
    var now = start
    let end = start + .seconds(365 * 86_400)
    var sent = [0, 0]
    while now < end {
      now = clocks.compactMap(\.nextTimeout).min() ?? end
      for side in 0...1 {
        var actions = clocks[side].timedOut(now: now).map { (side, $0) }
        while let (sender, action) = actions.popLast() {
          guard case .send(let heartbeat) = action else {
            Issue.record("\(action)")
            return
          }
          sent[sender] += 1
          actions += clocks[1 - sender].received(heartbeat, now: now).map { (1 - sender, $0) }
          clocks[sender].answered(now: now)
        }
      }
    }
    let least = 365 * 86_400 / 30 - 2
    #expect(sent[0] >= least && sent[1] >= least)
  }
}
