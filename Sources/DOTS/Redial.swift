import Bytes
import Model

/// When a router tries to reach a client of its own accord (RFC 9066, Section 5.1, with the pace of
/// RFC 9132, Section 4.7).
///
/// Makes no I/O: what happens, the time and random numbers go in. Only attempts that failed are
/// paced: after a session has ended the next one is begun at once. Beside a session another may be
/// tried for, over UDP or because nothing is heard.
public struct Redial: Sendable {
  /// How long one attempt lasts, and the least time from one to the next.
  public static let attempt = Span.seconds(60)
  /// From one attempt to the next while none succeeds.
  public static let interval = Span.seconds(300)
  /// For how long the way that worked is tried first (RFC 9132, Section 4.3).
  public static let memory = Span.seconds(600)
  /// How often a session over TCP looks whether UDP works by now (RFC 9132, Section 4.3).
  public static let probeInterval = Span.seconds(86_400)
  /// Not all routers of a provider at once, in milliseconds.
  private static let spread: UInt64 = 1000
  private static let intervalSpread: UInt64 = 30_000

  /// When the next attempt begins; nil while there is one, or a session.
  public private(set) var due: Instant?
  /// When the attempt that is under way has failed; nil while there is none.
  public private(set) var ends: Instant?
  private var began: Instant?
  private var hasFailed = false
  /// The way of the last session, and until when it is tried first.
  private var way: Candidate?
  private var wayUntil = Instant(milliseconds: .min)
  /// When the session, which is over TCP, looks whether UDP works.
  private var probeAt: Instant?
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
    ends = nil
    let start = began ?? now
    due =
      hasFailed
      ? start + Self.interval + .milliseconds(random % Self.intervalSpread)
      : max(now, start + Self.attempt)
    hasFailed = true
  }

  /// There is a session, over a way of one of these transports.
  public mutating func established(
    over way: Candidate,
    among transports: [Transport],
    now: Instant
  ) {
    due = nil
    ends = nil
    hasFailed = false
    self.way = way
    wayUntil = now + Self.memory
    let isProbing = way.transport == .tcp && transports.contains(.udp)
    probeAt = isProbing ? now + Self.probeInterval : nil
  }

  /// The session has ended: within a second the next is begun, two seconds after the last at most.
  public mutating func ended(now: Instant, random: UInt64) {
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
    probeAt = now + Self.probeInterval
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
