import Bytes
import Model

/// When a router tries to reach a client of its own accord (RFC 9066, Section 5.1, with the pace of
/// RFC 9132, Section 4.7).
///
/// Makes no I/O: what happens, the time and random numbers go in. Only attempts that failed are
/// paced: after a session has ended the next one is begun at once. One on which the peer never said a
/// word was none: it may have refused us after the handshake, as servers of TLS 1.3 do. Beside a
/// session another may be tried for, over UDP or because nothing is heard.
public struct Redial: Sendable {
  /// How long one attempt lasts, and the least time from one to the next.
  public static let attempt = Span.seconds(60)
  /// From one attempt to the next while none succeeds.
  public static let interval = Span.seconds(300)
  /// For how long the way that worked is tried first (RFC 9132, Section 4.3).
  public static let memory = Span.seconds(600)
  /// How often a session over TCP looks whether UDP works by now, and how soon after its begin
  /// (RFC 9132, Section 4.3).
  public static let probeInterval = Span.seconds(86_400)
  private static let probePause = Span.seconds(300)
  /// Not all routers of a provider at once, in milliseconds.
  private static let spread: UInt64 = 1000
  private static let intervalSpread: UInt64 = 30_000

  /// When the next attempt begins; nil while there is one, or a session.
  public private(set) var due: Instant?
  /// When the attempt that is under way has failed; nil while there is none.
  public private(set) var ends: Instant?
  private var began: Instant?
  private var hasFailed = false
  /// The way of a session on which nothing was heard yet, and since when there is one.
  private var trial: (way: Candidate, since: Instant)?
  /// The way of the last session, and until when it is tried first.
  private var way: Candidate?
  private var wayUntil = Instant(milliseconds: .min)
  /// When the session, which is over TCP, looks whether UDP works.
  private var probeAt: Instant?
  /// When that is due, whatever session there is then; nil: UDP worked.
  private var nextProbe: Instant?
  /// When another session was tried for last beside the one that there is.
  private var lookedAt: Instant?

  /// The first attempt begins within a second; `random` is any number.
  public init(now: Instant, random: UInt64) { due = now + .milliseconds(random % Self.spread) }

  /// An attempt begins.
  public mutating func begun(now: Instant) {
    due = nil
    ends = now + Self.attempt
    began = now
  }

  /// The attempt came to nothing, or its time is over: the second follows the first, all others wait
  /// longer.
  public mutating func failed(now: Instant, random: UInt64) {
    trial = nil
    ends = nil
    probeAt = nil
    let start = max(began ?? now, lookedAt ?? Instant(milliseconds: .min))
    due =
      hasFailed
      ? start + Self.interval + .milliseconds(random % Self.intervalSpread)
      : max(now, start + Self.attempt)
    hasFailed = true
  }

  /// There is a session, over a way of one of these transports; it counts once something is heard.
  public mutating func established(
    over way: Candidate,
    among transports: [Transport],
    now: Instant
  ) {
    due = nil
    ends = nil
    trial = (way, now)
    // The race may have tried UDP just now.
    nextProbe =
      way.transport == .udp
      ? nil : max(nextProbe ?? now + Self.probeInterval, now + Self.probePause)
    probeAt = transports.contains(.udp) ? nextProbe : nil
  }

  /// The peer said something on the session.
  public mutating func heard(now: Instant) {
    guard let trial else { return }
    way = trial.way
    wayUntil = now + Self.memory
    hasFailed = false
    self.trial = nil
  }

  /// Whether the session was one: something was heard, or it lasted for as long as an attempt may.
  public func hasHeld(now: Instant) -> Bool {
    trial.map { $0.since + Self.attempt <= now } ?? true
  }

  /// The session has ended: within a second the next is begun, two seconds after the last at most.
  ///
  /// For one that has held.
  public mutating func ended(now: Instant, random: UInt64) {
    heard(now: now)
    ends = nil
    probeAt = nil
    wayUntil = now + Self.memory
    let earliest = max(now, (began ?? now) + .seconds(1))
    due = earliest + .milliseconds(random % Self.spread)
  }

  /// The way out may be another now, or there is one again: the next attempt needn't wait longer than
  /// the least time, and one that is under way begins anew.
  public mutating func woken(now: Instant) {
    guard ends == nil else {
      began = now
      ends = now + Self.attempt
      return
    }
    guard let due, let began else { return }
    self.due = min(due, max(now, began + Self.attempt))
  }

  /// The way that worked lately (RFC 9132, Section 4.3).
  public func known(now: Instant) -> Candidate? { now < wayUntil ? way : nil }

  /// Another peer is called: what worked for the last one says nothing.
  public mutating func forgetWay() { way = nil }

  /// Nothing is heard on the session: whether another may be tried for beside it until `ends`.
  public mutating func looks(now: Instant) -> Bool {
    if let lookedAt, now < lookedAt + Self.attempt { return false }
    lookedAt = now
    ends = now + Self.attempt
    return true
  }

  /// Whether it is time to try for a session over UDP, beside the one over TCP, until `ends`.
  public mutating func probes(now: Instant) -> Bool {
    guard let due = probeAt, due <= now else { return false }
    nextProbe = now + Self.probeInterval
    probeAt = nextProbe
    return looks(now: now)
  }

  /// What was tried for beside the session has come to an end: the session stays.
  public mutating func stayed() { ends = nil }

  /// When there is something to do; nil: not of its own accord.
  public var nextTimeout: Instant? {
    var next = due
    for moment in [ends, probeAt] {
      if let moment { next = next.map { min($0, moment) } ?? moment }
    }
    return next
  }
}
