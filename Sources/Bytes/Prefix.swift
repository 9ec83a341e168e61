/// A block of addresses: an address and how many of its first bits count.
public struct Prefix: Hashable, Sendable {
  /// The first address of the block; its host bits are zero.
  public let address: IPAddress
  /// How many bits count: 0 to 32 or 128.
  public let length: Int

  /// The block of `length` bits that holds `address`, whose host bits become zero; nil when the
  /// family has no such length.
  public init?(_ address: IPAddress, length: Int) {
    guard length >= 0, length <= address.family.bits else { return nil }
    self.address = address.masked(to: length)
    self.length = length
  }

  /// The block of one address.
  public init(host address: IPAddress) {
    self.address = address
    length = address.family.bits
  }

  /// The family of the block's addresses.
  public var family: IPAddress.Family { address.family }

  /// Whether the block is one address.
  public var isHost: Bool { length == family.bits }

  /// Whether the block is all addresses of its family.
  public var isEverything: Bool { length == 0 }

  /// Whether `address` lies in the block.
  public func contains(_ address: IPAddress) -> Bool {
    address.family == family && address.masked(to: length) == self.address
  }

  /// Whether all of `other` lies in the block.
  public func contains(_ other: Prefix) -> Bool {
    other.length >= length && contains(other.address)
  }

  /// Whether the two blocks share an address: then one holds the other.
  public func overlaps(_ other: Prefix) -> Bool { contains(other) || other.contains(self) }

  /// The last address of the block.
  public var lastAddress: IPAddress {
    switch family {
    case .v4:
      let host: UInt32 = length == 32 ? 0 : ~0 >> UInt32(length)
      return IPAddress(v4: UInt32(truncatingIfNeeded: address.low) | host)
    case .v6:
      let high: UInt64 = length >= 64 ? 0 : ~0 >> UInt64(length)
      let low: UInt64 = length <= 64 ? ~0 : length == 128 ? 0 : ~0 >> UInt64(length - 64)
      return IPAddress(v6High: address.high | high, low: address.low | low)
    }
  }
}

extension Prefix: CustomTextConvertible {
  /// Parses `ADDRESS/LENGTH`, or a bare address as the block of that one address; host bits become
  /// zero; nil for anything else (RFC 9132, Section 4.4.1.1).
  public init?(parsing text: Text) {
    let parts = text.split(0x2F)
    guard parts.count <= 2, let address = IPAddress(parsing: parts[0]) else { return nil }
    guard parts.count == 2 else {
      self.init(host: address)
      return
    }
    guard let length = parts[1].decimal(as: UInt8.self) else { return nil }
    self.init(address, length: Int(length))
  }

  /// `ADDRESS/LENGTH`, always with the length.
  public var text: Text { "\(address)/\(length)" }
}

extension Prefix: Comparable {
  /// By address, then the shorter length first.
  public static func < (left: Prefix, right: Prefix) -> Bool {
    (left.address, left.length) < (right.address, right.length)
  }
}
