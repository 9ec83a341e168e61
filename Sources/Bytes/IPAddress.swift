/// An IPv4 or IPv6 address.
public struct IPAddress: Hashable, Sendable {
  /// The two address families.
  public enum Family: UInt8, Hashable, Sendable {
    case v4 = 4
    case v6 = 6

    /// The length of an address: 32 or 128 bits.
    public var bits: Int { self == .v4 ? 32 : 128 }
  }

  /// The address family.
  public let family: Family
  /// The upper 64 bits; 0 for IPv4.
  public let high: UInt64
  /// The lower 64 bits; for IPv4 the address is in the lower 32 of them.
  public let low: UInt64

  /// An IPv4 address from its 32 bits.
  public init(v4 value: UInt32) {
    family = .v4
    high = 0
    low = UInt64(value)
  }

  /// An IPv6 address from its 128 bits.
  public init(v6High high: UInt64, low: UInt64) {
    family = .v6
    self.high = high
    self.low = low
  }

  /// An address from 4 or 16 bytes in network byte order; nil for any other count.
  @inline(never)
  public init?(bytes: [UInt8]) {
    var high: UInt64 = 0
    var low: UInt64 = 0
    for byte in bytes {
      high = high << 8 | low >> 56
      low = low << 8 | UInt64(byte)
    }
    switch bytes.count {
    case 4: self.init(v4: UInt32(truncatingIfNeeded: low))
    case 16: self.init(v6High: high, low: low)
    default: return nil
    }
  }

  /// The 4 or 16 bytes in network byte order.
  public var bytes: [UInt8] {
    var result: [UInt8] = []
    if family == .v4 {
      result.append(bigEndian: UInt32(truncatingIfNeeded: low))
    } else {
      result.append(bigEndian: high)
      result.append(bigEndian: low)
    }
    return result
  }

  /// The address whose bits after the first `length` are zero.
  ///
  /// `length` outside 0 to `family.bits` counts as the nearest of the two.
  public func masked(to length: Int) -> IPAddress {
    let length = min(max(length, 0), family.bits)
    switch family {
    case .v4:
      return IPAddress(
        v4: UInt32(truncatingIfNeeded: low) & (length == 0 ? 0 : ~0 << (32 - length))
      )
    case .v6:
      return IPAddress(
        v6High: high & (length == 0 ? 0 : ~0 << UInt64(max(0, 64 - length))),
        low: length <= 64 ? 0 : low & (~0 << UInt64(128 - length))
      )
    }
  }

  /// The IPv4 address inside an IPv4-mapped IPv6 address (`::ffff:0:0/96`); else the address itself.
  public var unmapped: IPAddress {
    guard family == .v6, high == 0, low >> 32 == 0xFFFF else { return self }
    return IPAddress(v4: UInt32(truncatingIfNeeded: low))
  }
}

extension IPAddress: Comparable {
  /// IPv4 before IPv6, then by value.
  public static func < (left: IPAddress, right: IPAddress) -> Bool {
    (left.family.rawValue, left.high, left.low) < (right.family.rawValue, right.high, right.low)
  }
}

extension IPAddress {
  /// Parses the usual text form: dotted decimal without leading zeros, or RFC 4291, Section 2.2
  /// (all three forms, no zone); nil for anything else.
  public init?(parsing text: Text) {
    if text.bytes.contains(0x3A) {
      self.init(parsingV6: text.bytes)
    } else {
      guard let value = Self.dotted(text) else { return nil }
      self.init(v4: value)
    }
  }

  private static func dotted(_ text: Text) -> UInt32? {
    let parts = text.split(0x2E)
    guard parts.count == 4 else { return nil }
    var value: UInt32 = 0
    for part in parts {
      guard part.count <= 3, let octet = part.decimal(as: UInt8.self) else { return nil }
      value = value << 8 | UInt32(octet)
    }
    return value
  }

  private init?(parsingV6 bytes: [UInt8]) {
    guard bytes.count <= 45 else { return nil }
    var fields = Text(bytes).split(0x3A)
    guard fields.count > 2 else { return nil }
    // `::` at an end leaves two empty fields there, and one colon is none.
    if fields[0].isEmpty {
      guard fields[1].isEmpty else { return nil }
      fields.remove(at: 0)
    }
    let last = fields.count - 1
    if fields[last].isEmpty {
      guard fields[last - 1].isEmpty else { return nil }
      fields.remove(at: last)
    }
    // What stands before the gap, and all.
    var before: (high: UInt64, low: UInt64, count: Int)?
    var high: UInt64 = 0
    var low: UInt64 = 0
    var count = 0
    func add(_ group: UInt64) {
      high = high << 16 | low >> 48
      low = low << 16 | group
      count += 1
    }
    for (index, field) in fields.enumerated() {
      if field.isEmpty {
        guard before == nil else { return nil }
        before = (high, low, count)
        (high, low) = (0, 0)
      } else if index == fields.count - 1, field.bytes.contains(0x2E) {
        guard let value = Self.dotted(field) else { return nil }
        add(UInt64(value >> 16))
        add(UInt64(value & 0xFFFF))
      } else {
        guard let group = Self.hexadecimal(field) else { return nil }
        add(group)
      }
      guard count <= 8 else { return nil }
    }
    guard let before else {
      guard count == 8 else { return nil }
      self.init(v6High: high, low: low)
      return
    }
    // A gap stands for at least one group.
    guard count < 8 else { return nil }
    var start = before
    for _ in before.count..<8 {
      start.high = start.high << 16 | start.low >> 48
      start.low <<= 16
    }
    self.init(v6High: start.high | high, low: start.low | low)
  }

  private static func hexadecimal(_ field: Text) -> UInt64? {
    guard field.count <= 4 else { return nil }
    var value: UInt64 = 0
    for byte in field.bytes {
      guard let digit = hexadecimalDigit(byte) else { return nil }
      value = value << 4 | UInt64(digit)
    }
    return value
  }
}

/// The value of one hexadecimal digit in ASCII, either case; nil for another byte.
public func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 0x30...0x39: byte - 0x30
  case 0x41...0x46: byte - 0x41 + 10
  case 0x61...0x66: byte - 0x61 + 10
  default: nil
  }
}

extension IPAddress: CustomTextConvertible {
  /// The canonical text form (RFC 5952 for IPv6).
  public var text: Text {
    if family == .v4 {
      return "\(low >> 24 & 255).\(low >> 16 & 255).\(low >> 8 & 255).\(low & 255)"
    }
    if high == 0, low >> 32 == 0xFFFF { return "::ffff:\(unmapped)" }
    var groups: [UInt16] = []
    for index in 0..<8 {
      groups.append(
        UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(16 * (3 - index % 4)))
      )
    }
    let zeros = Self.longestRunOfZeros(groups)
    var result: Text = ""
    var index = 0
    while index < 8 {
      if index == zeros.lowerBound, zeros.count > 1 {
        result += "::"
        index = zeros.upperBound
        continue
      }
      if index > 0, index != zeros.upperBound || zeros.count < 2 { result += ":" }
      result.append(hexadecimal: groups[index], leadingZeros: false)
      index += 1
    }
    return result
  }

  private static func longestRunOfZeros(_ groups: [UInt16]) -> Range<Int> {
    var best = 0..<0
    var start = 0
    for index in 0...8 where index == 8 || groups[index] != 0 {
      if index - start > best.count { best = start..<index }
      start = index + 1
    }
    return best
  }
}
