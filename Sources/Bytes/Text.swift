/// Text as its UTF-8 bytes.
///
/// Two texts are equal when their bytes are: names, identifiers and URIs of the protocol compare so
/// (RFC 7252, Section 6.5), and no Unicode table is needed on the router. Nothing guarantees valid
/// UTF-8 unless the text came from a decoder that checked it.
public struct Text: Hashable, Comparable, Sendable {
  /// The UTF-8 bytes.
  public var bytes: [UInt8]

  /// Text with these UTF-8 bytes.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Text with the UTF-8 bytes of `string`, for tests: `String` costs 10 KB in each program.
  public init(_ string: String) { bytes = [UInt8](string.utf8) }

  /// The bytes of a C string up to its zero.
  public init(cString: UnsafePointer<CChar>) {
    bytes = []
    var next = cString
    while next.pointee != 0 {
      bytes.append(UInt8(bitPattern: next.pointee))
      next += 1
    }
  }

  /// Text of a literal.
  public init(stringLiteral value: StaticString) {
    self.init(value.utf8Start, value.utf8CodeUnitCount)
  }

  @inline(never)
  private init(_ start: UnsafePointer<UInt8>, _ count: Int) {
    bytes = []
    for index in 0..<count { bytes.append(start[index]) }
  }

  /// Decimal digits of `value`, behind a minus sign when it is negative.
  public init(decimal value: some FixedWidthInteger) {
    bytes = []
    append(decimal: UInt64(truncatingIfNeeded: value.magnitude), isNegative: value < 0)
  }

  /// Whether there is no byte.
  public var isEmpty: Bool { bytes.isEmpty }

  /// How many bytes there are.
  public var count: Int { bytes.count }

  /// The same as a `String`, for tests; bytes that are no UTF-8 become U+FFFD.
  public var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Byte order.
  public static func < (left: Text, right: Text) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// Both, one after the other.
  public static func + (left: Text, right: Text) -> Text { Text(left.bytes + right.bytes) }

  /// Appends `other`.
  @inline(never)
  public static func += (left: inout Text, other: Text) { left.bytes += other.bytes }

  /// Whether the first bytes are those of `prefix`.
  public func hasPrefix(_ prefix: Text) -> Bool { bytes.starts(with: prefix.bytes) }

  /// Whether the last bytes are those of `suffix`.
  public func hasSuffix(_ suffix: Text) -> Bool {
    bytes.count >= suffix.count && bytes.suffix(suffix.count).elementsEqual(suffix.bytes)
  }

  /// What follows the first `count` bytes.
  public func dropFirst(_ count: Int) -> Text { Text([UInt8](bytes.dropFirst(count))) }

  /// The parts between each `separator`; empty parts are kept, so there is always at least one.
  public func split(_ separator: UInt8) -> [Text] {
    var parts: [Text] = [""]
    for byte in bytes {
      if byte == separator { parts.append("") } else { parts[parts.count - 1].bytes.append(byte) }
    }
    return parts
  }

  /// The same with A to Z made a to z: how names of hosts are compared (RFC 4343).
  public var asciiLowercased: Text {
    Text(bytes.map { $0 >= 0x41 && $0 <= 0x5A ? $0 + 0x20 : $0 })
  }

  /// The unsigned decimal number that this text spells in canonical form; nil for a sign, a space, a
  /// leading zero, another character, or a number that doesn't fit.
  public func decimal<Number: FixedWidthInteger & UnsignedInteger>(
    as type: Number.Type = Number.self
  ) -> Number? {
    decimal.flatMap { Number(exactly: $0) }
  }

  private var decimal: UInt64? {
    guard let first = bytes.first, bytes.count == 1 || first != 0x30 else { return nil }
    var value: UInt64 = 0
    for byte in bytes {
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      let (product, high) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(byte - 0x30))
      if high || carry { return nil }
      value = sum
    }
    return value
  }
}
