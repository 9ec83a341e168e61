import Bytes

/// A JSON value (RFC 8259) to be written; there are no fractions in what we report.
public enum JSONValue: Hashable, Sendable {
  /// The members of an object, written in this order.
  case object([JSONMember])
  /// The elements of an array.
  case array([JSONValue])
  /// A string; bytes that are no UTF-8 are written as U+FFFD.
  case string(Text)
  /// A number of either sign.
  case integer(Int64)
  /// A number that isn't negative.
  case unsigned(UInt64)
  /// True or false.
  case bool(Bool)
  /// Null.
  case null

  /// An object with these members, in this order.
  public static func object(_ members: KeyValuePairs<Text, JSONValue>) -> JSONValue {
    .object(members.map { JSONMember($0.key, $0.value) })
  }
}

/// One name and its value in an object.
public struct JSONMember: Hashable, Sendable {
  /// The name; nothing keeps a caller from using one twice.
  public let name: Text
  /// The value.
  public let value: JSONValue

  /// A member of an object.
  public init(_ name: Text, _ value: JSONValue) {
    self.name = name
    self.value = value
  }
}
