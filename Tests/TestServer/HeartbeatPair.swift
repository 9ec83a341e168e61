import Bytes
import DOTS
import TestSupport

/// Both sides of a session that has nothing but heartbeats, over a network that loses a third of
/// them and takes its time, in virtual time.
package struct HeartbeatPair {
  private enum Message {
    case heartbeat(Heartbeat)
    case answer
  }

  private var random: SeededGenerator
  private var clocks: [HeartbeatClock]
  private var underWay: [(arrival: Instant, to: Int, message: Message)] = []
  /// How many heartbeats each side sent.
  package private(set) var sent = [0, 0]
  /// When each side held the session for lost; nil while it doesn't.
  package private(set) var lost: [Instant?] = [nil, nil]
  package private(set) var now = Instant(milliseconds: 1_000_000)
  /// Whether nothing comes through any more.
  package var isCut = false

  package init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    clocks = [HeartbeatClock(now: now), HeartbeatClock(now: now)]
  }

  /// Lets time pass.
  package mutating func run(_ span: Span) {
    let end = now + span
    while let next = nextEvent, next <= end {
      now = max(now, next)
      for side in 0...1 {
        if let due = clocks[side].nextTimeout, due <= now {
          take(clocks[side].timedOut(now: now), of: side)
        }
      }
      while let index = underWay.firstIndex(where: { $0.arrival <= now }) {
        let (_, side, message) = underWay.remove(at: index)
        switch message {
        case .heartbeat(let heartbeat):
          post(.answer, to: 1 - side)
          take(clocks[side].received(heartbeat, now: now), of: side)
        case .answer: clocks[side].answered(now: now)
        }
      }
    }
    now = end
  }

  private var nextEvent: Instant? {
    var next: Instant?
    for clock in clocks { if let due = clock.nextTimeout { next = min(next ?? due, due) } }
    for message in underWay { next = min(next ?? message.arrival, message.arrival) }
    return next
  }

  private mutating func take(_ actions: [HeartbeatClock.Action], of side: Int) {
    for action in actions {
      switch action {
      case .send(let heartbeat):
        sent[side] += 1
        post(.heartbeat(heartbeat), to: 1 - side)
      case .peerSaturated, .silent: break
      case .lost: lost[side] = now
      }
    }
  }

  private mutating func post(_ message: Message, to side: Int) {
    guard !isCut, random.next() % 3 > 0 else { return }
    underWay.append((now + .milliseconds(Int64(1 + random.next() % 2000)), side, message))
  }
}
