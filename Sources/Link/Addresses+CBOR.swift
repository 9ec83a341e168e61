import Bytes
import CBOR

extension IPAddress: CBORCoded {
  /// A byte string of 4 or 16 bytes.
  public var cbor: CBORValue { .bytes(bytes) }

  /// An address of 4 or 16 bytes.
  public init(cbor: CBORValue) throws(LinkError) {
    guard let bytes = cbor.bytes, let address = IPAddress(bytes: bytes) else {
      throw .malformed
    }
    self = address
  }
}

extension Prefix: CBORCoded {
  /// Lengths of IPv6 stand behind those of IPv4, 0 to 32.
  private static let firstV6Length = 33

  /// A byte string: the length, plus 33 for IPv6, and the bytes of the address that count.
  public var cbor: CBORValue {
    let code = UInt8(truncatingIfNeeded: family == .v4 ? length : length + Self.firstV6Length)
    return .bytes([code] + address.bytes.prefix((length + 7) / 8))
  }

  /// A block whose host bits are zero and whose bytes are as many as count.
  public init(cbor: CBORValue) throws(LinkError) {
    guard let bytes = cbor.bytes, let first = bytes.first else { throw .malformed }
    let isV4 = first < Self.firstV6Length
    let length = isV4 ? Int(first) : Int(first) - Self.firstV6Length
    guard length <= 128, bytes.count == 1 + (length + 7) / 8 else { throw .malformed }
    let padding = [UInt8](repeating: 0, count: (isV4 ? 4 : 16) - (length + 7) / 8)
    guard let address = IPAddress(bytes: bytes.dropFirst() + padding),
      let prefix = Prefix(address, length: length), prefix.address == address
    else { throw .malformed }
    self = prefix
  }
}

extension PortRange: CBORCoded {
  /// The one port, or the first above the last in 32 bits.
  public var cbor: CBORValue {
    lower == upper ? lower.cbor : (UInt32(upper) << 16 | UInt32(lower)).cbor
  }

  /// One port, or two whose first is below the last.
  public init(cbor: CBORValue) throws(LinkError) {
    let both = try UInt32(cbor: cbor)
    let lower = UInt16(truncatingIfNeeded: both)
    let upper = UInt16(both >> 16)
    if upper == 0 {
      self.init(lower)
    } else {
      guard lower < upper, let range = PortRange(lower, upper) else { throw .malformed }
      self = range
    }
  }
}

extension ICMPTypeRange: CBORCoded {
  /// The first type above the last in 16 bits.
  public var cbor: CBORValue { (UInt16(lower) << 8 | UInt16(upper)).cbor }

  /// Two types in the right order.
  public init(cbor: CBORValue) throws(LinkError) {
    let both = try UInt16(cbor: cbor)
    guard let range = ICMPTypeRange(UInt8(both >> 8), UInt8(truncatingIfNeeded: both)) else {
      throw .malformed
    }
    self = range
  }
}

extension MACAddress: CBORCoded {
  /// A byte string of six bytes.
  public var cbor: CBORValue { .bytes(bytes) }

  /// An address of six bytes.
  public init(cbor: CBORValue) throws(LinkError) {
    guard let bytes = cbor.bytes, let address = MACAddress(bytes: bytes) else {
      throw .malformed
    }
    self = address
  }
}

extension MACPrefix: CBORCoded {
  /// A byte string of one to six bytes.
  public var cbor: CBORValue { .bytes(bytes) }

  /// A prefix of one to six bytes.
  public init(cbor: CBORValue) throws(LinkError) {
    guard let bytes = cbor.bytes, let prefix = MACPrefix(bytes: bytes) else {
      throw .malformed
    }
    self = prefix
  }
}

extension UnixTime: CBORCoded {
  /// Seconds.
  public var cbor: CBORValue { seconds.cbor }

  /// Seconds.
  public init(cbor: CBORValue) throws(LinkError) { self.init(seconds: try UInt64(cbor: cbor)) }
}
