import Bytes
import Model

/// One way to a server.
public struct Candidate: Hashable, Sendable {
  /// What carries the session.
  public var transport: Transport
  /// The server's address.
  public var address: IPAddress

  /// A way of these parts.
  public init(_ transport: Transport, _ address: IPAddress) {
    self.transport = transport
    self.address = address
  }

  /// All ways in the order in which they are tried (RFC 9132, Section 4.3): each transport with
  /// the two families in turn, IPv6 first (RFC 8305, Section 4), but before them `known`, if it is
  /// among them.
  static func all(
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

/// Which of a server's addresses is tried when (RFC 8305, Section 5): one after the other, without
/// waiting for the end of those before; the first session wins.
struct Race {
  /// Connection Attempt Delay: how long each has before the next begins (RFC 8305, Section 5).
  static let attemptDelay = Span.milliseconds(250)

  private var waiting: ArraySlice<Candidate>
  private var running = 0
  private var due: Instant

  /// A race that begins now.
  init(_ candidates: [Candidate], now: Instant) {
    waiting = candidates[...]
    due = now
  }

  /// When the next one starts; nil: all have.
  var nextStart: Instant? { waiting.isEmpty ? nil : due }

  /// Whether all have failed.
  var isLost: Bool { waiting.isEmpty && running == 0 }

  /// The one to start now.
  mutating func start(now: Instant) -> Candidate? {
    guard due <= now, let next = waiting.popFirst() else { return nil }
    running += 1
    due = now + Self.attemptDelay
    return next
  }

  /// One that was started came to nothing: the next needn't wait.
  mutating func failed(now: Instant) {
    running -= 1
    due = now
  }
}
