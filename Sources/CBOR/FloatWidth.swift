/// A floating-point format narrower than a double, by the widths of its fields (IEEE 754).
///
/// Works on bits alone, so that no NaN payload is lost and no floating-point support is linked.
struct FloatWidth {
  private let exponentBits: UInt64
  private let fractionBits: UInt64

  static let half = FloatWidth(exponentBits: 5, fractionBits: 10)
  static let single = FloatWidth(exponentBits: 8, fractionBits: 23)

  private static let doubleBias = 1023
  private static let doubleFractionBits: UInt64 = 52
  private static let doubleMaximum: UInt64 = 0x7FF

  private var bias: Int { (1 << Int(exponentBits - 1)) - 1 }
  private var maximum: UInt64 { (1 << exponentBits) - 1 }

  /// The double with the value of `bits` in this format.
  func widened(_ bits: UInt64) -> UInt64 {
    let sign = bits >> (exponentBits + fractionBits) & 1
    var exponent = Int(bits >> fractionBits & maximum)
    var fraction = bits & ((1 << fractionBits) - 1)
    if exponent == Int(maximum) {
      exponent = Int(Self.doubleMaximum)
    } else if exponent > 0 {
      exponent += Self.doubleBias - bias
    } else if fraction != 0 {
      // A subnormal number of this format is a normal double.
      exponent = 1 + Self.doubleBias - bias
      while fraction >> fractionBits == 0 {
        fraction <<= 1
        exponent -= 1
      }
      fraction &= (1 << fractionBits) - 1
    }
    return sign << 63 | UInt64(exponent) << Self.doubleFractionBits
      | fraction << (Self.doubleFractionBits - fractionBits)
  }

  /// The bits in this format of a double; nil when its value or NaN payload would change.
  func narrowed(_ double: UInt64) -> UInt64? {
    let sign = double >> 63
    let exponent = double >> Self.doubleFractionBits & Self.doubleMaximum
    let fraction = double & ((1 << Self.doubleFractionBits) - 1)
    let dropped = Self.doubleFractionBits - fractionBits
    let result: UInt64
    if exponent == Self.doubleMaximum {
      result = maximum << fractionBits | fraction >> dropped
    } else {
      let rebased = Int(exponent) - Self.doubleBias + bias
      guard rebased < Int(maximum) else { return nil }
      if rebased > 0 {
        result = UInt64(rebased) << fractionBits | fraction >> dropped
      } else {
        // Smart shift: a value too small for a subnormal number becomes 0, which isn't it.
        let significand = exponent == 0 ? fraction : fraction | 1 << Self.doubleFractionBits
        result = significand >> (Int(dropped) + 1 - rebased)
      }
    }
    let narrow = sign << (exponentBits + fractionBits) | result
    return widened(narrow) == double ? narrow : nil
  }
}
