import Bytes
import Model

/// One way to a peer.
public struct Candidate: Hashable, Sendable {
  /// What carries the session.
  public var transport: Transport
  /// The peer's address.
  public var address: IPAddress

  /// A way of these parts.
  public init(_ transport: Transport, _ address: IPAddress) {
    self.transport = transport
    self.address = address
  }

  /// All ways in the order in which they are tried (RFC 9132, Section 4.3): each transport with
  /// the two families in turn, IPv6 first (RFC 8305, Section 4), but before them `known`, if it is
  /// among them.
  public static func all(
    _ addresses: [IPAddress],
    over transports: [Transport],
    known: Candidate?
  ) -> [Candidate] {
    let v6 = addresses.filter { $0.family == .v6 }
    let v4 = addresses.filter { $0.family == .v4 }
    var candidates: [Candidate] = []
    for transport in transports {
      for index in 0..<max(v6.count, v4.count) {
        for list in [v6, v4] where index < list.count {
          let candidate = Candidate(transport, list[index])
          if !candidates.contains(candidate) { candidates.append(candidate) }
        }
      }
    }
    guard let known, let index = candidates.firstIndex(of: known) else { return candidates }
    candidates.insert(candidates.remove(at: index), at: 0)
    return candidates
  }
}

/// Which of a peer's addresses is tried when (RFC 8305, Section 5): one after the other, without
/// waiting for the end of those before; the first session wins.
public struct Race: Sendable {
  /// Connection Attempt Delay: how long each has before the next begins (RFC 8305, Section 5).
  public static let attemptDelay = Span.milliseconds(250)
  /// The same under attack (RFC 9132, Section 4.3).
  public static let attackedDelay = Span.milliseconds(100)
  /// From one way to the next once all were tried.
  public static let repetition = Span.seconds(5)

  /// All ways that there are.
  private var all: [Candidate]
  private var waiting: [Candidate]
  /// How many of these weren't tried yet.
  private var untried: Int
  private var running = 0
  private var due: Instant
  private let delay: Span

  /// A race that begins now.
  public init(_ candidates: [Candidate], delay: Span = Race.attemptDelay, now: Instant) {
    all = candidates
    waiting = candidates
    untried = candidates.count
    due = now
    self.delay = delay
  }

  /// When the next one starts; nil: all have.
  public var nextStart: Instant? { waiting.isEmpty ? nil : due }

  /// Whether all have failed.
  public var isLost: Bool { waiting.isEmpty && running == 0 }

  /// The one to start now.
  public mutating func start(now: Instant) -> Candidate? {
    guard due <= now, !waiting.isEmpty else { return nil }
    let next = waiting.removeFirst()
    running += 1
    // One that is tried again isn't of those.
    if untried > 0 { untried -= 1 }
    due = now + (untried > 0 ? delay : Self.repetition)
    return next
  }

  /// Further ways are known: those that are new are tried as well, after the others.
  public mutating func add(_ candidates: [Candidate], now: Instant) {
    for candidate in candidates where !all.contains(candidate) {
      if untried == 0 { due = now }
      all.append(candidate)
      waiting.insert(candidate, at: untried)
      untried += 1
    }
  }

  /// One that was started came to nothing: the next needn't wait, if it wasn't tried before.
  public mutating func failed(now: Instant) {
    running -= 1
    if untried > 0 { due = now }
  }

  /// One that was started found nobody, which may be another's word or pass: it is tried again.
  public mutating func broke(_ candidate: Candidate, now: Instant) {
    failed(now: now)
    stalled(candidate)
  }

  /// Nothing comes any more on one that was started: it is tried again beside itself.
  public mutating func stalled(_ candidate: Candidate) {
    if !waiting.contains(candidate) { waiting.append(candidate) }
  }
}
