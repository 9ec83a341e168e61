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
    case .unsigned(let value): Self.writeHead(0, value, to: &output)
    case .negative(let value): Self.writeHead(1, value, to: &output)
    case .bytes(let value):
      Self.writeHead(2, UInt64(value.count), to: &output)
      output += value
    case .text(let value):
      Self.writeHead(3, UInt64(value.count), to: &output)
      output += value.bytes
    case .array(let elements):
      Self.writeHead(4, UInt64(elements.count), to: &output)
      for element in elements { element.write(to: &output) }
    case .map(let entries):
      Self.writeHead(5, UInt64(entries.count), to: &output)
      Self.writeEntries(entries, to: &output)
    case .tagged(let tag, let value):
      Self.writeHead(6, tag, to: &output)
      value.write(to: &output)
    case .bool(let value): output.append(value ? 0xF5 : 0xF4)
    case .null: output.append(0xF6)
    case .undefined: output.append(0xF7)
    case .simple(let value):
      let isSimple = value < 20 || value >= 32
      Self.writeHead(7, isSimple ? UInt64(value) : 23, to: &output)
    case .float(let bits): Self.writeFloat(bits, to: &output)
    }
  }

  /// The deterministic encoding.
  public var encoded: [UInt8] {
    var output: [UInt8] = []
    write(to: &output)
    return output
  }

  private static func writeHead(_ major: UInt8, _ argument: UInt64, to output: inout [UInt8]) {
    let major = major << 5
    if argument < 24 {
      output.append(major | UInt8(argument))
    } else if let value = UInt8(exactly: argument) {
      output += [major | 24, value]
    } else if let value = UInt16(exactly: argument) {
      output.append(major | 25)
      output.append(bigEndian: value)
    } else if let value = UInt32(exactly: argument) {
      output.append(major | 26)
      output.append(bigEndian: value)
    } else {
      output.append(major | 27)
      output.append(bigEndian: argument)
    }
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
