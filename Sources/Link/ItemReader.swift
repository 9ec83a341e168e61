import Bytes
import CBOR

/// Reads values.
public struct ItemReader: Coder, Sendable {
  /// The first fault; nil while there is none.
  public private(set) var failure: LinkError?
  private let bytes: [UInt8]
  private var position = 0

  /// Reads `bytes` from the first on.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Reads a message; one that is too large is none.
  @inline(never)
  init(message bytes: [UInt8]) {
    self.init(bytes)
    if bytes.count > LinkLimits.message { fail(.tooLarge) }
  }

  /// Values are read.
  @inline(__always)
  public var isReading: Bool { true }

  /// Throws the first fault; `malformed` too when something follows what was read.
  @inline(never)
  public func finish() throws(LinkError) {
    if let failure { throw failure }
    if position < bytes.count { throw .malformed }
  }

  /// Notes that a value is none; the first fault counts.
  @inline(never)
  public mutating func fail(_ error: LinkError) {
    if failure == nil { failure = error }
    // No further part can be there.
    position = bytes.count
  }

  /// Reads the head of an item.
  @inline(never)
  public mutating func head(
    _ majorType: CBORMajorType,
    _ argument: UInt64,
    maximum: UInt64
  ) -> UInt64 {
    if let argument = bytes.cborHead(majorType, at: &position), argument <= maximum {
      return argument
    }
    fail()
    return 0
  }

  /// Reads a string.
  @inline(never)
  public mutating func string(_ majorType: CBORMajorType, _ value: inout [UInt8], limit: Int) {
    let count = Int(head(majorType, 0, maximum: UInt64(limit)))
    guard count <= bytes.count - position else {
      value = []
      fail()
      return
    }
    value = [UInt8](bytes[position..<position + count])
    position += count
  }

  /// Whether a value comes next; else takes a null.
  @inline(never)
  public mutating func isPresent(_ isPresent: Bool) -> Bool {
    guard isNext(.simple) else { return true }
    if head(.simple, 0, maximum: CBORSimple.null) != CBORSimple.null { fail() }
    return false
  }

  /// Reads a number of either sign.
  @inline(never)
  public mutating func integer(_ value: inout Int64) {
    let isNegative = isNext(.negative)
    let magnitude = head(isNegative ? .negative : .unsigned, 0, maximum: UInt64(Int64.max))
    value = isNegative ? ~Int64(magnitude) : Int64(magnitude)
  }

  private func isNext(_ majorType: CBORMajorType) -> Bool {
    position < bytes.count && bytes[position] >> 5 == majorType.rawValue
  }
}

extension ItemReader {
  /// Reads a value.
  public mutating func value<Value: Coded>() -> Value {
    var value = Value.blank
    value.code(&self)
    return value
  }

  /// Reads a value; nil is null.
  public mutating func optional<Value: Coded>() -> Value? {
    isPresent(true) ? value() : nil
  }

  /// Reads a byte string of at most `limit` bytes.
  mutating func bytes(limit: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    self.bytes(&bytes, limit: limit)
    return bytes
  }

  /// Reads text of at most `limit` bytes, which may be empty.
  mutating func text(limit: Int) -> Text {
    var text = Text.blank
    self.text(&text, limit: limit)
    return text
  }

  /// Reads text of 1 to 255 bytes.
  public mutating func name() -> Text {
    var name = Text.blank
    self.name(&name)
    return name
  }
}
