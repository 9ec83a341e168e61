import Bytes
import CBOR

/// The attributes of one map of a message, read by key.
///
/// Making one decides on every key of the map: an unknown or misplaced one of the
/// comprehension-required ranges stops the message, one of the optional ranges is passed over
/// (RFC 9132, Sections 4.4.1.3 and 10.6.1.1).
struct Attributes {
  private var values: [(key: UInt64, value: CBORValue)] = []

  /// The attributes of `map`; what stands under other keys than `allowed` isn't read.
  init(_ map: CBORValue, allowed: [UInt64], error: PeerError) throws(PeerError) {
    guard let entries = map.map else { throw error }
    for entry in entries {
      guard let key = entry.key.unsigned else { throw PeerError(.keyNotUnsigned) }
      if allowed.contains(key) {
        values.append((key, entry.value))
      } else if let error = Self.error(for: key) {
        throw error
      }
    }
  }

  /// The attributes of the map under `key`.
  init(_ map: CBORValue, under key: UInt64, allowed: [UInt64]) throws(PeerError) {
    try self.init(map, allowed: allowed, error: PeerError(.wrongType, key))
  }

  private static func error(for key: UInt64) -> PeerError? {
    guard let isRequired = Key.isRequired(key) else { return PeerError(.keyOutOfRange, key) }
    guard isRequired else { return nil }
    if key == Key.aclList { return PeerError(.unsupportedKey, key) }
    return PeerError(Key.registered.contains(key) ? .misplacedKey : .unknownKey, key)
  }

  subscript(key: UInt64) -> CBORValue? {
    for (other, value) in values where other == key { return value }
    return nil
  }

  /// The value under a key that must be there.
  func required(_ key: UInt64) throws(PeerError) -> CBORValue {
    guard let value = self[key] else { throw PeerError(.missingKey, key) }
    return value
  }

  /// The unsigned integer under `key`; nil when it is absent.
  func unsigned<Number: FixedWidthInteger & UnsignedInteger>(
    _ key: UInt64,
    as type: Number.Type = Number.self
  ) throws(PeerError) -> Number? {
    guard let value = self[key] else { return nil }
    return try Self.unsigned(value, key)
  }

  /// The truth value under `key`; nil when it is absent.
  func bool(_ key: UInt64) throws(PeerError) -> Bool? {
    guard let value = self[key] else { return nil }
    guard let bool = value.bool else { throw PeerError(.wrongType, key) }
    return bool
  }

  /// The text under `key`, which must be there; 1 to `Limits.nameLength` bytes.
  func text(_ key: UInt64) throws(PeerError) -> Text {
    try Self.text(try required(key), key)
  }

  /// The elements under `key`, at least one; none when it is absent.
  func list(_ key: UInt64, limit: Int) throws(PeerError) -> [CBORValue] {
    guard let value = self[key] else { return [] }
    guard let elements = value.array else { throw PeerError(.wrongType, key) }
    guard !elements.isEmpty else { throw PeerError(.emptyValue, key) }
    guard elements.count <= limit else { throw PeerError(.tooManyValues, key) }
    return elements
  }

  /// The texts under `key`; none when it is absent.
  func texts(_ key: UInt64, limit: Int = Limits.names) throws(PeerError) -> [Text] {
    var texts: [Text] = []
    for element in try list(key, limit: limit) { texts.append(try Self.text(element, key)) }
    return texts
  }

  /// The integer `value`, which stands under `key`.
  static func unsigned<Number: FixedWidthInteger & UnsignedInteger>(
    _ value: CBORValue,
    _ key: UInt64
  ) throws(PeerError) -> Number {
    guard let wide = value.unsigned else {
      if case .negative = value { throw PeerError(.valueOutOfRange, key) }
      throw PeerError(.wrongType, key)
    }
    guard let number = Number(exactly: wide) else { throw PeerError(.valueOutOfRange, key) }
    return number
  }

  private static func text(_ value: CBORValue, _ key: UInt64) throws(PeerError) -> Text {
    guard let text = value.text else { throw PeerError(.wrongType, key) }
    guard !text.isEmpty else { throw PeerError(.emptyValue, key) }
    guard text.count <= Limits.nameLength else { throw PeerError(.tooLongValue, key) }
    return text
  }
}

extension [CBOREntry] {
  /// Adds an attribute if there is a value.
  mutating func add(_ key: UInt64, _ value: CBORValue?) {
    if let value { append(CBOREntry(key, value)) }
  }

  /// Adds an attribute if there is a number.
  mutating func add(_ key: UInt64, _ number: (some UnsignedInteger & FixedWidthInteger)?) {
    if let number { append(CBOREntry(key, .unsigned(UInt64(number)))) }
  }

  /// Adds a list if it isn't empty.
  mutating func add(_ key: UInt64, list: [CBORValue]) {
    if !list.isEmpty { append(CBOREntry(key, .array(list))) }
  }
}
