/// A decimal fraction: mantissa * 10^exponent (RFC 8949, Section 3.4.4; tag 4).
public struct DecimalFraction: Hashable, Sendable {
  /// The tag of a decimal fraction.
  public static let tag: UInt64 = 4

  /// The power of ten.
  public let exponent: Int64
  /// The integer that it scales.
  public let mantissa: Int64

  /// The number `mantissa` * 10^`exponent`.
  public init(exponent: Int64, mantissa: Int64) {
    self.exponent = exponent
    self.mantissa = mantissa
  }

  /// The number that `value` spells; nil unless it is tag 4 around an array of two integers that
  /// fit in 64 bits with their sign.
  public init?(_ value: CBORValue) {
    guard case .tagged(Self.tag, .array(let parts)) = value, parts.count == 2,
      let exponent = parts[0].integer, let mantissa = parts[1].integer
    else { return nil }
    self.init(exponent: exponent, mantissa: mantissa)
  }

  /// The number as a data item.
  public var value: CBORValue {
    .tagged(Self.tag, .array([.integer(exponent), .integer(mantissa)]))
  }
}
