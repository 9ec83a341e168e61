import Bytes
import Model

/// When a router tries to reach a client of its own accord (RFC 9066, Section 5.1, with the pace of
/// RFC 9132, Section 4.7).
///
/// Makes no I/O: what happens, the time and random numbers go in. Only attempts that failed are
/// paced: after a session has ended the next one is begun at once.
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
  /// When a session over TCP looks whether UDP works by now; nil while it needn't.
  public private(set) var probeAt: Instant?
  private var began: Instant?
  private var hasFailed = false

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

  /// There is a session over one of the transports that may be used.
  public mutating func established(
    over transport: Transport,
    of transports: [Transport],
    now: Instant
  ) {
    due = nil
    ends = nil
    hasFailed = false
    let probes = transport == .tcp && transports.contains(.udp)
    probeAt = probes ? now + Self.probeInterval : nil
  }

  /// Whether to look now if UDP works; one look lasts as long as an attempt.
  public mutating func probes(now: Instant) -> Bool {
    guard let due = probeAt, due <= now else { return false }
    probeAt = now + Self.probeInterval
    ends = now + Self.attempt
    return true
  }

  /// Looking for a better way came to nothing: the session stays.
  public mutating func stayed() { ends = nil }

  /// The session has ended: within a second the next is begun, two seconds after the last at most.
  public mutating func ended(now: Instant, random: UInt64) {
    ends = nil
    probeAt = nil
    let earliest = max(now, (began ?? now) + .seconds(1))
    due = earliest + .milliseconds(random % Self.spread)
  }

  /// The way out may be another now: the next attempt needn't wait longer than the least time.
  public mutating func woken(now: Instant) {
    guard let due, let began else { return }
    self.due = min(due, max(now, began + Self.attempt))
  }
}
