import Bytes

/// Hands out the ids of our own messages, none twice within a lifetime (RFC 7252, Section 4.4).
struct MessageIDs: Sendable {
  private static let count = 1 << 16

  private var next: UInt16
  private var periodEnd: Instant?
  private var usedBefore = 0
  private var used = 0

  /// Starts at any id: a random one is hard to guess for an attacker off the path.
  init(startingAt first: UInt16) { next = first }

  /// The next id; nil when all of them may still be in use.
  ///
  /// Counts by whole periods of one lifetime: while this and the last period together have used
  /// each id at most once, the next id is older than a lifetime.
  mutating func take(lifetime: Span, now: Instant) -> UInt16? {
    if let end = periodEnd, now < end {
      guard usedBefore + used < Self.count else { return nil }
    } else {
      let isNextPeriod = periodEnd.map { now < $0 + lifetime } ?? false
      usedBefore = isNextPeriod ? used : 0
      used = 0
      periodEnd = now + lifetime
      guard usedBefore < Self.count else { return nil }
    }
    used += 1
    defer { next &+= 1 }
    return next
  }
}

/// A small random stream (SplitMix64) for waits and first numbers; no secret depends on it.
struct RandomStream: Sendable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
