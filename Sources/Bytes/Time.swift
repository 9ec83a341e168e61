/// A length of time in milliseconds; arithmetic stops at the ends of the range instead of trapping.
public struct Span: Hashable, Comparable, Sendable {
  /// Milliseconds.
  public let milliseconds: Int64

  /// A span of `milliseconds`.
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// A span of `seconds`.
  public static func seconds(_ seconds: some BinaryInteger) -> Span {
    Span(milliseconds: Int64(clamping: seconds).multipliedClamped(by: 1000))
  }

  /// A span of `milliseconds`.
  public static func milliseconds(_ milliseconds: some BinaryInteger) -> Span {
    Span(milliseconds: Int64(clamping: milliseconds))
  }

  /// No time.
  public static let zero = Span(milliseconds: 0)

  /// Whole seconds, rounded up; never negative, at most `UInt32.max`.
  public var wholeSeconds: UInt32 {
    UInt32(clamping: milliseconds.addedClamped(to: 999) / 1000)
  }

  /// Shorter is smaller.
  public static func < (left: Span, right: Span) -> Bool {
    left.milliseconds < right.milliseconds
  }

  /// The sum.
  public static func + (left: Span, right: Span) -> Span {
    Span(milliseconds: left.milliseconds.addedClamped(to: right.milliseconds))
  }

  /// The span `factor` times.
  public static func * (span: Span, factor: Int64) -> Span {
    Span(milliseconds: span.milliseconds.multipliedClamped(by: factor))
  }
}

/// A moment on a clock that never goes back and counts suspended time (CLOCK_BOOTTIME).
///
/// Only differences mean something; a moment of another boot means nothing.
public struct Instant: Hashable, Comparable, Sendable {
  /// Milliseconds since the machine started.
  public let milliseconds: Int64

  /// The moment `milliseconds` after the machine started.
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// Earlier is smaller.
  public static func < (left: Instant, right: Instant) -> Bool {
    left.milliseconds < right.milliseconds
  }

  /// The moment `span` later.
  public static func + (instant: Instant, span: Span) -> Instant {
    Instant(milliseconds: instant.milliseconds.addedClamped(to: span.milliseconds))
  }

  /// How long `earlier` lies before `later`; negative when it lies after.
  public static func - (later: Instant, earlier: Instant) -> Span {
    Span(milliseconds: later.milliseconds.subtractedClamped(earlier.milliseconds))
  }
}

/// A moment on the wall clock: seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
public struct UnixTime: Hashable, Comparable, Sendable {
  /// Seconds since 1970.
  public let seconds: UInt64

  /// The moment `seconds` after 1970 began.
  public init(seconds: UInt64) { self.seconds = seconds }

  /// Earlier is smaller.
  public static func < (left: UnixTime, right: UnixTime) -> Bool { left.seconds < right.seconds }
}

// Out of line: times are added and compared everywhere.
extension Int64 {
  @inline(never)
  fileprivate func addedClamped(to other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : sum
  }

  @inline(never)
  fileprivate func subtractedClamped(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? (other < 0 ? .max : .min) : difference
  }

  @inline(never)
  fileprivate func multipliedClamped(by other: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
  }
}
