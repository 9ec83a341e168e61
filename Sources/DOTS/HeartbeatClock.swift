import Bytes

/// When to send heartbeats on a session, and when it is lost (RFC 9132, Section 4.7).
///
/// Each side has one; both send. Any message of the peer is a sign of life, so a side whose incoming
/// link is saturated keeps its session for as long as the other is heard.
public struct HeartbeatClock: Sendable {
  /// What the owner does.
  public enum Action: Equatable, Sendable {
    /// Send a heartbeat, non-confirmable, and tell `answered` when its answer comes.
    case send(Heartbeat)
    /// The peer is heard but doesn't answer: what goes to it is lost. Told once, for the log.
    case peerSaturated
    /// Nothing answers ours, nor is anything else heard: on a way that is kept open, which may be open
    /// no more. Told each time.
    case silent
    /// Nothing came for the whole time that was agreed on: the session is lost.
    case lost
  }

  /// What was negotiated.
  private var parameters: SessionParameters
  /// Since when: silence of before doesn't count, which they may have allowed that held then.
  private var since: Instant
  /// When the peer was heard last, by any message.
  private var heard: Instant
  /// When its last heartbeat came.
  private var heartbeat: Instant?
  /// When ours is due.
  private var due: Instant?
  /// How many of ours have had no answer, one after the other.
  private var unanswered: UInt64 = 0
  /// Whether an answer to the last is outstanding.
  private var isWaiting = false
  private var isLost = false
  private let duty: Duty

  /// What a side owes the session.
  public enum Duty: UInt8, Sendable {
    /// What RFC 9132 says.
    case usual
    /// A router that called home keeps the way open (RFC 9066, Section 5.2.1).
    case keepsOpen
    /// Whom a router called goes on although it hears nothing: it couldn't make another session
    /// (RFC 9066, Section 5.2.1).
    case persists
  }

  private var keepsOpen: Bool { duty == .keepsOpen }

  /// The longest time for which a translator on the way may hear nothing.
  private static let longestSilence = Span.seconds(30)
  /// A heartbeat of who keeps the way open is repeated so soon, and so often, while nothing is heard.
  private static let pause = Span.milliseconds(250)
  private static let repetitions: UInt8 = 2
  /// When the last was due, and how often it was repeated.
  private var asked: Instant?
  private var repeated: UInt8 = 0

  /// Starts with a session that was just made; those of who keeps it open go out at least every 30 s,
  /// whatever is negotiated.
  public init(
    _ parameters: SessionParameters = SessionParameters(),
    duty: Duty = .usual,
    now: Instant
  ) {
    self.parameters = parameters
    self.duty = duty
    since = now
    heard = now
    due = interval.map { now + $0 }
  }

  /// From one of ours to the next, and how long an answer is worth waiting for; nil when there are none.
  public var interval: Span? {
    guard keepsOpen else { return parameters.interval }
    return min(parameters.interval ?? Self.longestSilence, Self.longestSilence)
  }

  /// How long the peer may be silent; nil: for ever.
  ///
  /// Who sends none of its own answers ours.
  private var patience: Span? {
    if duty == .persists { return nil }
    if !keepsOpen || parameters.interval != nil { return parameters.patience }
    return Self.longestSilence * Int64(clamping: parameters.missingHeartbeatsAllowed)
  }

  /// When the session is lost unless the peer is heard; nil: never.
  private var limit: Instant? { patience.map { max(heard, since) + $0 } }

  /// For how much longer the peer may be silent until it counts as lost; nil: for ever.
  public func patienceLeft(now: Instant) -> Span? { limit.map { max($0 - now, .zero) } }

  /// When `timedOut` wants to be called; nil for never.
  public var nextTimeout: Instant? {
    guard !isLost, let due else { return nil }
    return limit.map { min(due, $0) } ?? due
  }

  /// Other parameters hold: negotiated anew, or those of the other set.
  public mutating func set(_ parameters: SessionParameters, now: Instant) {
    guard parameters != self.parameters else { return }
    self.parameters = parameters
    since = now
    let next = interval.map { now + $0 }
    due = next.map { min($0, due ?? $0) }
  }

  /// The peer sent a message of any kind.
  public mutating func received(now: Instant) { heard = now }

  /// The peer sent a heartbeat; answers what to do beside acknowledging it.
  ///
  /// A peer that doesn't hear ours gets one at once, right behind its own, whose way back is open.
  public mutating func received(_ heartbeat: Heartbeat, now: Instant) -> [Action] {
    heard = now
    self.heartbeat = now
    guard !heartbeat.peerStatus, let interval else { return [] }
    return [send(now: now, interval)]
  }

  /// The peer answered a heartbeat.
  public mutating func answered(now: Instant) {
    heard = now
    isWaiting = false
    unanswered = 0
  }

  /// `nextTimeout` came.
  public mutating func timedOut(now: Instant) -> [Action] {
    guard !isLost, let interval else { return [] }
    if let limit, limit <= now {
      isLost = true
      return [.lost]
    }
    guard let due, due <= now else { return [] }
    if keepsOpen, let asked, due < asked + interval { return ask(again: asked, now: now, interval) }
    var actions: [Action] = []
    if isWaiting {
      unanswered = min(unanswered + 1, .max - 1)
      if unanswered == parameters.missingHeartbeatsAllowed { actions.append(.peerSaturated) }
    }
    repeated = 0
    actions.append(send(now: now, interval))
    return actions
  }

  /// Looks whether the last heartbeat had an effect.
  private mutating func ask(again asked: Instant, now: Instant, _ interval: Span) -> [Action] {
    let isHeard = heard >= asked
    guard !isHeard, repeated < Self.repetitions else {
      due = asked + interval
      return isHeard ? [] : [.silent]
    }
    repeated += 1
    let action = send(now: now, interval)
    self.asked = asked
    return [action]
  }

  private mutating func send(now: Instant, _ interval: Span) -> Action {
    due = now + (keepsOpen ? Self.pause : interval)
    isWaiting = true
    asked = now
    let isHeard = heartbeat.map { now - $0 <= (parameters.interval ?? interval) * 2 } ?? false
    return .send(Heartbeat(peerStatus: isHeard))
  }
}
