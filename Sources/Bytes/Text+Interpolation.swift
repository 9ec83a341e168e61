extension Text: ExpressibleByStringInterpolation {
  /// A text that is being put together from literals and values.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = Text([])

    /// Nothing yet.
    public init(literalCapacity: Int, interpolationCount: Int) {}

    /// Appends a literal; the compiler asks for empty ones as well.
    public mutating func appendLiteral(_ literal: StaticString) {
      if literal.utf8CodeUnitCount > 0 { text.append(literal) }
    }

    /// Appends a literal that a name stands for.
    public mutating func appendInterpolation(_ literal: StaticString) { text.append(literal) }

    /// Appends a text.
    public mutating func appendInterpolation(_ other: Text) { text.append(other) }

    /// Appends decimal digits.
    public mutating func appendInterpolation(_ value: some FixedWidthInteger) {
      text.append(
        decimal: UInt64(truncatingIfNeeded: value.magnitude),
        isNegative: value < 0
      )
    }

    /// Appends what stands for a value.
    public mutating func appendInterpolation(_ value: some CustomTextConvertible) {
      text.append(value.text)
    }
  }

  /// Text of what was put together.
  public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.text }
}

// Out of line, and with few words for a caller to pass: they stand at each text that is put together.
extension Text {
  mutating func append(_ literal: StaticString) {
    append(literal.utf8Start, literal.utf8CodeUnitCount)
  }

  @inline(never)
  private mutating func append(_ start: UnsafePointer<UInt8>, _ count: Int) {
    for index in 0..<count { bytes.append(start[index]) }
  }

  @inline(never)
  mutating func append(_ other: Text) { bytes += other.bytes }

  @inline(never)
  mutating func append(decimal number: UInt64, isNegative: Bool) {
    if isNegative { bytes.append(0x2D) }
    var divisor: UInt64 = 1
    while number / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      bytes.append(0x30 + UInt8(truncatingIfNeeded: number / divisor % 10))
      divisor /= 10
    }
  }
}

extension Text {
  /// Appends lower-case hexadecimal digits, all that the type has or those behind leading zeros.
  public mutating func append(hexadecimal value: some FixedWidthInteger, leadingZeros: Bool) {
    append(
      hexadecimal: UInt64(truncatingIfNeeded: value),
      digits: leadingZeros ? value.bitWidth / 4 : 1
    )
  }

  @inline(never)
  private mutating func append(hexadecimal value: UInt64, digits: Int) {
    var shift: UInt64 = 64
    while shift > 0 {
      shift -= 4
      let rest = value >> shift
      guard rest > 0 || shift < digits * 4 else { continue }
      let digit = UInt8(truncatingIfNeeded: rest & 15)
      bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
    }
  }
}

/// A value that a text stands for, in a log line or an answer.
///
/// Only tests read `description`: programs know no `String`, which costs 10 KB in each of them.
public protocol CustomTextConvertible: CustomStringConvertible {
  /// What stands for the value.
  var text: Text { get }
}

extension CustomTextConvertible {
  /// The same as a `String`, for tests.
  public var description: String { text.string }
}

extension Text: CustomTextConvertible {
  /// The text itself.
  public var text: Text { self }
}
