import Bytes

/// Blocks of addresses that are no ordinary destinations.
enum SpecialBlocks {
  /// What no router forwards: loopback, link-local, multicast and broadcast.
  static let unroutable: [Prefix] = [
    v4(0x7F00_0000, 8), v4(0xA9FE_0000, 16), v4(0xE000_0000, 4), v4(0xFFFF_FFFF, 32),
    v6(0, 1, 128), v6(0xFE80_0000_0000_0000, 0, 10), v6(0xFF00_0000_0000_0000, 0, 8),
  ]

  /// What is visible only inside a home: RFC 1918 and RFC 4193.
  static let inside: [Prefix] = [
    v4(0x0A00_0000, 8), v4(0xAC10_0000, 12), v4(0xC0A8_0000, 16),
    v6(0xFC00_0000_0000_0000, 0, 7),
  ]

  /// Link-local addresses: inside, but allowed as sources by syntax.
  static let linkLocal: [Prefix] = [v4(0xA9FE_0000, 16), v6(0xFE80_0000_0000_0000, 0, 10)]

  private static func v4(_ value: UInt32, _ length: Int) -> Prefix {
    let address = IPAddress(v4: value)
    return Prefix(address, length: length) ?? Prefix(host: address)
  }

  private static func v6(_ high: UInt64, _ low: UInt64, _ length: Int) -> Prefix {
    let address = IPAddress(v6High: high, low: low)
    return Prefix(address, length: length) ?? Prefix(host: address)
  }
}

extension Prefix {
  /// Whether the block shares an address with one of `blocks`.
  func overlaps(any blocks: [Prefix]) -> Bool {
    for block in blocks where overlaps(block) { return true }
    return false
  }

  /// Whether the block lies within one of `blocks`.
  func lies(in blocks: [Prefix]) -> Bool {
    for block in blocks where block.contains(self) { return true }
    return false
  }
}
