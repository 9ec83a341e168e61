import Bytes

extension CBORValue {
  /// Parses bytes that are exactly one data item.
  ///
  /// Indefinite lengths and integers longer than needed are accepted (RFC 8949, Section 4); a key
  /// that occurs twice in a map, in whatever spelling, isn't (Section 5.6).
  public init(parsing bytes: [UInt8], limits: CBORLimits = CBORLimits()) throws(CBORError) {
    var reader = CBORReader(bytes, limits: limits)
    self = try reader.item(depth: 0)
    guard reader.isAtEnd else { throw CBORError(.trailingBytes, offset: reader.offset) }
  }

  /// Appends the deterministic encoding (RFC 8949, Section 4.2.1).
  ///
  /// Lengths are definite, integers and floats have their shortest form, and map entries stand in
  /// the order of their encoded keys, so unsigned keys ascend. A key that is there twice is written
  /// twice.
  public func write(to output: inout [UInt8]) {
    switch self {
    case .unsigned(let value): output.append(cborHead: .unsigned, value)
    case .negative(let value): output.append(cborHead: .negative, value)
    case .bytes(let value):
      output.append(cborHead: .bytes, UInt64(value.count))
      output += value
    case .text(let value):
      output.append(cborHead: .text, UInt64(value.count))
      output += value.bytes
    case .array(let elements):
      output.append(cborHead: .array, UInt64(elements.count))
      for element in elements { element.write(to: &output) }
    case .map(let entries):
      output.append(cborHead: .map, UInt64(entries.count))
      Self.writeEntries(entries, to: &output)
    case .tagged(let tag, let value):
      output.append(cborHead: .tag, tag)
      value.write(to: &output)
    case .bool(let value): output.append(value ? 0xF5 : 0xF4)
    case .null: output.append(0xF6)
    case .undefined: output.append(0xF7)
    case .simple(let value):
      let isSimple = value < 20 || value >= 32
      output.append(cborHead: .simple, isSimple ? UInt64(value) : 23)
    case .float(let bits): Self.writeFloat(bits, to: &output)
    }
  }

  /// The deterministic encoding.
  public var encoded: [UInt8] {
    var output: [UInt8] = []
    write(to: &output)
    return output
  }

  private static func writeEntries(_ entries: [CBOREntry], to output: inout [UInt8]) {
    let encoded = entries.map { (key: $0.key.encoded, value: $0.value) }
    for entry in encoded.ordered(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      output += entry.key
      entry.value.write(to: &output)
    }
  }

  private static func writeFloat(_ bits: UInt64, to output: inout [UInt8]) {
    if let half = FloatWidth.half.narrowed(bits) {
      output.append(0xF9)
      output.append(bigEndian: UInt16(truncatingIfNeeded: half))
    } else if let single = FloatWidth.single.narrowed(bits) {
      output.append(0xFA)
      output.append(bigEndian: UInt32(truncatingIfNeeded: single))
    } else {
      output.append(0xFB)
      output.append(bigEndian: bits)
    }
  }
}
