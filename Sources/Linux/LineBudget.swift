import Bytes

/// How many log lines peers may cause: a burst, then one for each interval.
public struct LineBudget: Sendable {
  static let burst: Int64 = 20
  static let interval = Span.seconds(1)

  private var lines = burst
  private var countedAt = Instant(milliseconds: 0)
  /// Lines that were not written since the last one that was.
  public private(set) var suppressed = 0

  /// Starts with a whole burst.
  public init() {}

  /// Whether a line may be written now.
  public mutating func allows(now: Instant) -> Bool {
    let earned = (now - countedAt).milliseconds / Self.interval.milliseconds
    if earned > 0 {
      lines = min(Self.burst, lines + min(earned, Self.burst))
      countedAt = now
    }
    guard lines > 0 else {
      suppressed = min(suppressed + 1, Int(Int32.max))
      return false
    }
    lines -= 1
    return true
  }

  /// The lines left out so far, counted once.
  public mutating func takeSuppressed() -> Int {
    defer { suppressed = 0 }
    return suppressed
  }
}
