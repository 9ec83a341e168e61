extension Text {
  /// Whether the bytes are UTF-8 (RFC 3629, Section 4).
  public var isUTF8: Bool {
    var index = 0
    while index < bytes.count {
      let length = scalarLength(at: index)
      if length == 0 { return false }
      index += length
    }
    return true
  }

  /// The text with U+FFFD for each byte that belongs to no UTF-8 sequence.
  public var repaired: Text {
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let length = scalarLength(at: index)
      if length == 0 {
        result += [0xEF, 0xBF, 0xBD]
      } else {
        result += bytes[index..<index + length]
      }
      index += max(length, 1)
    }
    return Text(result)
  }

  /// How many bytes the sequence at `index` has; 0 when none begins there, or not a whole one.
  private func scalarLength(at index: Int) -> Int {
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch bytes[index] {
    case 0..<0x80: return 1
    case 0xC2...0xDF: length = 2
    case 0xE0...0xEF: length = 3
    case 0xF0...0xF4: length = 4
    default: return 0
    }
    // Overlong forms, surrogates and what lies behind U+10FFFF show in the second byte.
    switch bytes[index] {
    case 0xE0: second = 0xA0...0xBF
    case 0xED: second = 0x80...0x9F
    case 0xF0: second = 0x90...0xBF
    case 0xF4: second = 0x80...0x8F
    default: break
    }
    guard index + length <= bytes.count, second.contains(bytes[index + 1]) else { return 0 }
    for byte in bytes[index + 2..<max(index + length, index + 2)] where byte & 0xC0 != 0x80 {
      return 0
    }
    return length
  }
}
