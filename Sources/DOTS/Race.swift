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
  /// From a connection that couldn't be made to the next to the same address.
  public static let repetition = Span.seconds(5)

  private var waiting: ArraySlice<Candidate>
  private var again: [(candidate: Candidate, due: Instant)] = []
  private var running = 0
  private var due: Instant
  private let delay: Span

  /// A race that begins now.
  public init(_ candidates: [Candidate], delay: Span = Race.attemptDelay, now: Instant) {
    waiting = candidates[...]
    due = now
    self.delay = delay
  }

  /// When the next one starts; nil: all have.
  public var nextStart: Instant? {
    guard !waiting.isEmpty else { return again.first?.due }
    return again.first.map { min($0.due, due) } ?? due
  }

  /// Whether all have failed.
  public var isLost: Bool { waiting.isEmpty && again.isEmpty && running == 0 }

  /// The one to start now.
  public mutating func start(now: Instant) -> Candidate? {
    if let first = again.first, first.due <= now {
      again.removeFirst()
      running += 1
      return first.candidate
    }
    guard due <= now, let next = waiting.popFirst() else { return nil }
    running += 1
    due = now + delay
    return next
  }

  /// One that was started came to nothing: the next needn't wait.
  public mutating func failed(now: Instant) {
    running -= 1
    due = now
  }

  /// One that was started found nobody, which may be another's word or pass: it is tried again.
  public mutating func broke(_ candidate: Candidate, now: Instant) {
    failed(now: now)
    again.append((candidate, now + Self.repetition))
  }
}
