/// The 48-bit hardware address of a device.
public struct MACAddress: Hashable, Sendable {
  /// The address in the lower 48 bits.
  public let value: UInt64

  /// An address from the lower 48 bits of `value`; the others are dropped.
  public init(_ value: UInt64) { self.value = value & 0xFFFF_FFFF_FFFF }

  /// An address from six bytes; nil for another count.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 6 else { return nil }
    var value: UInt64 = 0
    for byte in bytes { value = value << 8 | UInt64(byte) }
    self.value = value
  }

  /// The six bytes, first on the wire first.
  public var bytes: [UInt8] {
    (0..<6).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (5 - $0))) }
  }

  /// Whether it means many devices, as the addresses of multicast do, and is no device's own.
  public var isGroup: Bool { value >> 40 & 1 == 1 }

  /// Whether the address was made up by the device (locally administered), not by its maker.
  public var isRandom: Bool { value >> 41 & 1 == 1 }
}

extension MACAddress: CustomTextConvertible {
  /// Parses six pairs of hexadecimal digits with a colon between each; nil for anything else.
  public init?(parsing text: Text) {
    guard let prefix = MACPrefix(parsing: text), prefix.bytes.count == 6 else { return nil }
    self.init(bytes: prefix.bytes)
  }

  /// Lower-case pairs with colons.
  public var text: Text { hexadecimalPairs(bytes) }
}

/// The first one to six bytes of hardware addresses: one device, or those of one maker.
public struct MACPrefix: Hashable, Sendable {
  /// One to six bytes.
  public let bytes: [UInt8]

  /// A prefix of one to six bytes; nil for another count.
  public init?(bytes: [UInt8]) {
    guard (1...6).contains(bytes.count) else { return nil }
    self.bytes = bytes
  }

  /// All bytes of one device's address.
  public init(_ address: MACAddress) { bytes = address.bytes }

  /// Parses one to six pairs of hexadecimal digits with a colon between each; nil for anything else.
  public init?(parsing text: Text) {
    var bytes: [UInt8] = []
    for pair in text.split(0x3A) {
      guard pair.count == 2, bytes.count < 6, let upper = hexadecimalDigit(pair.bytes[0]),
        let lower = hexadecimalDigit(pair.bytes[1])
      else { return nil }
      bytes.append(upper << 4 | lower)
    }
    self.init(bytes: bytes)
  }

  /// Whether `address` begins with these bytes.
  public func matches(_ address: MACAddress) -> Bool { address.bytes.starts(with: bytes) }
}

extension MACPrefix: CustomTextConvertible {
  /// Lower-case pairs with colons.
  public var text: Text { hexadecimalPairs(bytes) }
}

private func hexadecimalPairs(_ bytes: [UInt8]) -> Text {
  var result: Text = ""
  for byte in bytes {
    if !result.isEmpty { result += ":" }
    result.append(hexadecimal: byte, leadingZeros: true)
  }
  return result
}
