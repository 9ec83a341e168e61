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
    /// Nothing came for the whole time that was agreed on: the session is lost.
    case lost
  }

  /// What was negotiated; a change counts from now on.
  private var parameters: SessionParameters
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

  /// Starts with a session that was just made.
  public init(_ parameters: SessionParameters = SessionParameters(), now: Instant) {
    self.parameters = parameters
    heard = now
    due = parameters.interval.map { now + $0 }
  }

  /// When `timedOut` wants to be called; nil for never.
  public var nextTimeout: Instant? {
    guard !isLost, let due, let patience = parameters.patience else { return nil }
    return min(due, heard + patience)
  }

  /// Other parameters hold: negotiated anew, or those of the other set.
  public mutating func set(_ parameters: SessionParameters, now: Instant) {
    guard parameters != self.parameters else { return }
    self.parameters = parameters
    let next = parameters.interval.map { now + $0 }
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
    guard !heartbeat.peerStatus, let interval = parameters.interval else { return [] }
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
    guard !isLost, let interval = parameters.interval, let patience = parameters.patience else {
      return []
    }
    guard heard + patience > now else {
      isLost = true
      return [.lost]
    }
    guard let due, due <= now else { return [] }
    var actions: [Action] = []
    if isWaiting {
      unanswered = min(unanswered + 1, .max - 1)
      if unanswered == parameters.missingHeartbeatsAllowed { actions.append(.peerSaturated) }
    }
    actions.append(send(now: now, interval))
    return actions
  }

  private mutating func send(now: Instant, _ interval: Span) -> Action {
    due = now + interval
    isWaiting = true
    let isHeard = heartbeat.map { now - $0 <= interval * 2 } ?? false
    return .send(Heartbeat(peerStatus: isHeard))
  }
}
