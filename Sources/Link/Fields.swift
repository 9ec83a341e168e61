import Bytes
import CBOR

/// A value with one spelling in CBOR, the same between rooms, in the state file and in the kernel's
/// journal.
public protocol CBORCoded {
  /// The value as a data item.
  var cbor: CBORValue { get }
  /// The value that `cbor` spells; throws `malformed` when it is none.
  init(cbor: CBORValue) throws(LinkError)
}

/// Takes the elements of an array one after the other, each with its type checked.
public struct Fields {
  private let values: [CBORValue]
  private var index = 0

  /// Starts at the first element of `value`; throws when it is no array.
  public init(_ value: CBORValue) throws(LinkError) {
    guard let values = value.array else { throw .malformed }
    self.values = values
  }

  /// Takes the next element as it is.
  public mutating func item() throws(LinkError) -> CBORValue {
    guard index < values.count else { throw .malformed }
    defer { index += 1 }
    return values[index]
  }

  /// Takes the next element as a value.
  public mutating func next<Value: CBORCoded>() throws(LinkError) -> Value {
    try Value(cbor: item())
  }

  /// Takes the next element as a value; nil when it is null.
  public mutating func optional<Value: CBORCoded>() throws(LinkError) -> Value? {
    let item = try item()
    return item.isNull ? nil : try Value(cbor: item)
  }

  /// Takes the next element as a list of at most `limit` values.
  public mutating func list<Value: CBORCoded>(
    limit: Int = LinkLimits.message
  ) throws(LinkError) -> [Value] {
    try [Value](cbor: item(), limit: limit)
  }

  /// Takes the next element as text of at most `limit` bytes, which may be empty.
  public mutating func text(limit: Int = LinkLimits.text) throws(LinkError) -> Text {
    guard let text = try item().text, text.count <= limit else { throw .malformed }
    return text
  }

  /// Takes the next element as text of 1 to 255 bytes; nil when it is null.
  public mutating func optionalName() throws(LinkError) -> Text? {
    let item = try item()
    if item.isNull { return nil }
    guard let text = item.text, !text.isEmpty, text.count <= LinkLimits.text else {
      throw .malformed
    }
    return text
  }

  /// Takes the next element as text of 1 to 255 bytes.
  public mutating func name() throws(LinkError) -> Text {
    guard let text = try optionalName() else { throw .malformed }
    return text
  }

  /// Takes the next element as a string of at most `limit` bytes.
  public mutating func bytes(limit: Int) throws(LinkError) -> [UInt8] {
    guard let bytes = try item().bytes, bytes.count <= limit else { throw .malformed }
    return bytes
  }

  /// Throws unless every element has been taken.
  public func end() throws(LinkError) {
    guard index == values.count else { throw .malformed }
  }
}

extension Optional where Wrapped: CBORCoded {
  /// The value, or null.
  public var cbor: CBORValue { map { $0.cbor } ?? .null }
}

extension Array where Element: CBORCoded {
  /// The values as an array.
  public var cbor: CBORValue { .array(map { $0.cbor }) }

  /// The values of an array with at most `limit` elements.
  public init(cbor: CBORValue, limit: Int = LinkLimits.message) throws(LinkError) {
    guard let values = cbor.array, values.count <= limit else { throw .malformed }
    self = []
    for value in values { append(try Element(cbor: value)) }
  }
}

extension FixedWidthInteger where Self: UnsignedInteger {
  /// The number as a data item.
  public var cbor: CBORValue { .unsigned(UInt64(self)) }

  /// The number; throws when it doesn't fit.
  public init(cbor: CBORValue) throws(LinkError) {
    guard let value = cbor.unsigned, let number = Self(exactly: value) else { throw .malformed }
    self = number
  }
}

extension UInt8: CBORCoded {}
extension UInt16: CBORCoded {}
extension UInt32: CBORCoded {}
extension UInt64: CBORCoded {}

extension Bool: CBORCoded {
  /// True or false.
  public var cbor: CBORValue { .bool(self) }

  /// True or false.
  public init(cbor: CBORValue) throws(LinkError) {
    guard let value = cbor.bool else { throw .malformed }
    self = value
  }
}

extension Text: CBORCoded {
  /// A text string.
  public var cbor: CBORValue { .text(self) }

  /// Text of at least one byte; only the message bounds it.
  public init(cbor: CBORValue) throws(LinkError) {
    guard let text = cbor.text, !text.isEmpty else { throw .malformed }
    self = text
  }
}

extension CBORCoded where Self: RawRepresentable, RawValue == UInt8 {
  /// The number of the case.
  public var cbor: CBORValue { rawValue.cbor }

  /// The case with this number.
  public init(cbor: CBORValue) throws(LinkError) {
    guard let value = Self(rawValue: try UInt8(cbor: cbor)) else { throw .malformed }
    self = value
  }
}
