import Bytes
import CBOR
import Model

/// How the attributes that both a mitigation scope and a conflict scope have are spelled (RFC 9132,
/// Section 4.4.1.1).
enum Targets {
  static let keys = [
    Key.targetPrefix, Key.targetPortRange, Key.targetProtocol, Key.targetFQDN, Key.targetURI,
    Key.aliasName,
  ]
}

extension Attributes {
  /// The prefixes under `key`; a bare address is a host prefix, host bits become zero.
  func prefixes(_ key: UInt64) throws(PeerError) -> [Prefix] {
    var prefixes: [Prefix] = []
    for text in try texts(key, limit: Limits.prefixes) {
      guard let prefix = Prefix(parsing: text) else { throw PeerError(.prefixSyntax, key) }
      prefixes.append(prefix)
    }
    return prefixes
  }

  /// The protocol numbers under `key`.
  func protocols(_ key: UInt64) throws(PeerError) -> [UInt8] {
    var protocols: [UInt8] = []
    for element in try list(key, limit: Limits.protocols) {
      protocols.append(try Self.unsigned(element, key))
    }
    return protocols
  }

  /// The port ranges under `key`; without an upper bound a range is one port.
  func portRanges(_ key: UInt64) throws(PeerError) -> [PortRange] {
    var ranges: [PortRange] = []
    for element in try list(key, limit: Limits.ranges) {
      let bounds: (UInt16, UInt16) = try Self.bounds(element, key, Key.lowerPort, Key.upperPort)
      guard let range = PortRange(bounds.0, bounds.1) else {
        throw PeerError(.boundsInverted, key)
      }
      ranges.append(range)
    }
    return ranges
  }

  /// The ICMP type ranges under `key`; without an upper bound a range is one type.
  func icmpTypeRanges(_ key: UInt64) throws(PeerError) -> [ICMPTypeRange] {
    var ranges: [ICMPTypeRange] = []
    for element in try list(key, limit: Limits.ranges) {
      let bounds: (UInt8, UInt8) = try Self.bounds(element, key, Key.lowerType, Key.upperType)
      guard let range = ICMPTypeRange(bounds.0, bounds.1) else {
        throw PeerError(.boundsInverted, key)
      }
      ranges.append(range)
    }
    return ranges
  }

  private static func bounds<Bound: FixedWidthInteger & UnsignedInteger>(
    _ range: CBORValue,
    _ key: UInt64,
    _ lowerKey: UInt64,
    _ upperKey: UInt64
  ) throws(PeerError) -> (Bound, Bound) {
    let range = try Attributes(range, under: key, allowed: [lowerKey, upperKey])
    let lower: Bound = try unsigned(try range.required(lowerKey), lowerKey)
    return (lower, try range.unsigned(upperKey) ?? lower)
  }
}

extension [CBOREntry] {
  mutating func add(_ key: UInt64, _ prefixes: [Prefix]) {
    add(key, list: prefixes.map { .text($0.text) })
  }

  mutating func add(_ key: UInt64, _ protocols: [UInt8]) {
    add(key, list: protocols.map { .unsigned(UInt64($0)) })
  }

  mutating func add(_ key: UInt64, _ texts: [Text]) {
    add(key, list: texts.map { .text($0) })
  }

  mutating func add(_ key: UInt64, _ ranges: [PortRange]) {
    add(key, list: ranges.map { Self.range($0.lower, $0.upper, Key.lowerPort, Key.upperPort) })
  }

  mutating func add(_ key: UInt64, _ ranges: [ICMPTypeRange]) {
    add(key, list: ranges.map { Self.range($0.lower, $0.upper, Key.lowerType, Key.upperType) })
  }

  private static func range(
    _ lower: some UnsignedInteger & FixedWidthInteger,
    _ upper: some UnsignedInteger & FixedWidthInteger,
    _ lowerKey: UInt64,
    _ upperKey: UInt64
  ) -> CBORValue {
    var entries = [CBOREntry(lowerKey, .unsigned(UInt64(lower)))]
    if UInt64(upper) != UInt64(lower) {
      entries.append(CBOREntry(upperKey, .unsigned(UInt64(upper))))
    }
    return .map(entries)
  }
}
