import Bytes
import CBOR

/// Writes values.
public struct ItemWriter: Coder, Sendable {
  /// What was written.
  public private(set) var bytes: [UInt8] = []
  /// The first fault; nil while there is none.
  public private(set) var failure: LinkError?

  /// Nothing is written yet.
  public init() {}

  /// Values are written.
  @inline(__always)
  public var isReading: Bool { false }

  /// What was written; throws the first fault, or `tooLarge` for more than a message has.
  @inline(never)
  public func message() throws(LinkError) -> [UInt8] {
    if bytes.count > LinkLimits.message { throw .tooLarge }
    if let failure { throw failure }
    return bytes
  }

  /// What was written since the last call: the writer goes on without.
  public mutating func drain() -> [UInt8] {
    let piece = bytes
    bytes = []
    return piece
  }

  /// Notes that a value is out of range; the first fault counts.
  @inline(never)
  public mutating func fail(_ error: LinkError) {
    if failure == nil { failure = error }
  }

  /// Writes the head of an item.
  @inline(never)
  public mutating func head(
    _ majorType: CBORMajorType,
    _ argument: UInt64,
    maximum: UInt64
  ) -> UInt64 {
    if argument > maximum { fail() }
    bytes.append(cborHead: majorType, argument)
    return argument
  }

  /// Writes a string.
  @inline(never)
  public mutating func string(_ majorType: CBORMajorType, _ value: inout [UInt8], limit: Int) {
    _ = head(majorType, UInt64(value.count), maximum: UInt64(limit))
    bytes += value
  }

  /// Writes null unless a value is present; then the value must be written next.
  @inline(never)
  public mutating func isPresent(_ isPresent: Bool) -> Bool {
    if !isPresent { _ = head(.simple, CBORSimple.null, maximum: CBORSimple.null) }
    return isPresent
  }

  /// Writes a number of either sign.
  @inline(never)
  public mutating func integer(_ value: inout Int64) {
    _ = head(
      value < 0 ? .negative : .unsigned,
      UInt64(value < 0 ? ~value : value),
      maximum: UInt64(Int64.max)
    )
  }
}

extension ItemWriter {
  /// Writes a value.
  public mutating func value<Value: Coded>(_ value: Value) {
    var value = value
    value.code(&self)
  }

  /// Writes a value; nil is null.
  public mutating func optional<Value: Coded>(_ value: Value?) {
    var value = value
    optional(&value)
  }

  /// Writes the number of a case.
  public mutating func kind(_ kind: some RawRepresentable<UInt8>) { value(kind.rawValue) }
}
