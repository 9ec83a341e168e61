import Bytes

/// How many bytes of HelloVerifyRequest may leave: a token bucket, so that a flood of forged
/// ClientHellos can't make us fill a home's uplink.
///
/// The last quarter of the bucket is for prefixes that have authenticated before.
struct ReplyBudget {
  /// 256 kbit/s: less than 2 % of a 14 Mbit/s uplink, and 344 answers a second.
  static let bytesPerMillisecond: Int64 = 32
  /// What may leave at once after a pause.
  static let capacity: Int64 = 8000
  /// What is left for known prefixes only.
  static let reserve: Int64 = 2000
  /// IPv6 and UDP headers count too.
  static let headerLength = 48

  private var level = Self.capacity
  private var filledAt: Instant

  /// Starts full.
  init(now: Instant) { filledAt = now }

  /// Takes the cost of a datagram of `count` bytes; false when it may not leave.
  mutating func take(_ count: Int, isKnown: Bool, now: Instant) -> Bool {
    let elapsed = max(.zero, min(now - filledAt, .seconds(1)))
    level = min(Self.capacity, level + elapsed.milliseconds * Self.bytesPerMillisecond)
    filledAt = max(filledAt, now)
    let cost = Int64(count + Self.headerLength)
    guard level - cost >= (isKnown ? 0 : Self.reserve) else { return false }
    level -= cost
    return true
  }
}
