import Bytes

/// A CBOR data item (RFC 8949) as a tree.
///
/// Two items are equal when they hold the same data in the same order of map entries, however they
/// were spelled: `0x01` and `0x1801` parse to the same value.
public enum CBORValue: Hashable, Sendable {
  /// Major type 0: an unsigned integer.
  case unsigned(UInt64)
  /// Major type 1: the integer -1 - n.
  case negative(UInt64)
  /// Major type 2: a byte string.
  case bytes([UInt8])
  /// Major type 3: a text string; a parsed one is valid UTF-8.
  case text(Text)
  /// Major type 4: an array.
  case array([CBORValue])
  /// Major type 5: a map, in the order of the input; a parsed one has no key twice.
  case map([CBOREntry])
  /// Major type 6: a tag number and the item it marks.
  indirect case tagged(UInt64, CBORValue)
  /// The simple values 20 and 21.
  case bool(Bool)
  /// The simple value 22.
  case null
  /// The simple value 23.
  case undefined
  /// Another simple value: 0 to 19 or 32 to 255; writing any other is a fault of the caller and
  /// gives `undefined`.
  case simple(UInt8)
  /// A floating-point number of any width as the bits of the IEEE 754 double of the same value.
  case float(UInt64)
}

/// One key and its value in a map.
public struct CBOREntry: Hashable, Sendable {
  /// The key.
  public let key: CBORValue
  /// The value.
  public let value: CBORValue

  /// An entry with any item as its key.
  public init(key: CBORValue, value: CBORValue) {
    self.key = key
    self.value = value
  }

  /// An entry with an unsigned integer as its key.
  public init(_ key: UInt64, _ value: CBORValue) {
    self.key = .unsigned(key)
    self.value = value
  }
}

extension CBORValue {
  /// The item for a signed integer.
  public static func integer(_ value: Int64) -> CBORValue {
    value >= 0 ? .unsigned(UInt64(value)) : .negative(UInt64(~value))
  }

  /// The value of an unsigned integer; nil for any other item.
  public var unsigned: UInt64? {
    guard case .unsigned(let value) = self else { return nil }
    return value
  }

  /// The value of an integer of either sign that fits; nil for any other item.
  public var integer: Int64? {
    switch self {
    case .unsigned(let value): Int64(exactly: value)
    case .negative(let value): Int64(exactly: value).map { ~$0 }
    default: nil
    }
  }

  /// The content of a byte string; nil for any other item.
  public var bytes: [UInt8]? {
    guard case .bytes(let value) = self else { return nil }
    return value
  }

  /// The content of a text string; nil for any other item.
  public var text: Text? {
    guard case .text(let value) = self else { return nil }
    return value
  }

  /// The elements of an array; nil for any other item.
  public var array: [CBORValue]? {
    guard case .array(let value) = self else { return nil }
    return value
  }

  /// The entries of a map; nil for any other item.
  public var map: [CBOREntry]? {
    guard case .map(let value) = self else { return nil }
    return value
  }

  /// The value of true or false; nil for any other item.
  public var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  /// Whether the item is null; comparing costs much more code.
  public var isNull: Bool {
    guard case .null = self else { return false }
    return true
  }

  /// The value under an unsigned key; nil when the item is no map or has no such key.
  public subscript(key: UInt64) -> CBORValue? {
    guard case .map(let entries) = self else { return nil }
    for entry in entries {
      if case .unsigned(key) = entry.key { return entry.value }
    }
    return nil
  }
}
