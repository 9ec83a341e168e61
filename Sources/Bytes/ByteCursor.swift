/// Why a bounded read failed: the input is shorter than it claims to be.
public struct EndOfInput: Error, Equatable, Sendable {
  /// The offset at which the read was tried, counted from the first byte of the whole input.
  public let offset: Int

  /// Makes the error for a read at `offset`.
  public init(offset: Int) { self.offset = offset }
}

/// Reads bytes from front to back and never past its end.
///
/// Every parser of foreign bytes reads through one. A sub-cursor bounds a nested structure, so that
/// an inner length can't reach into what follows it. Integers are in network byte order.
public struct ByteCursor: Sendable {
  private let bytes: [UInt8]
  private let end: Int

  /// The offset of the next byte, counted from the first byte of the whole input.
  public private(set) var offset: Int

  /// Starts at the first of `bytes`.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    self.offset = 0
    self.end = bytes.count
  }

  private init(bytes: [UInt8], offset: Int, end: Int) {
    self.bytes = bytes
    self.offset = offset
    self.end = end
  }

  /// How many bytes are left.
  public var count: Int { end - offset }

  /// Whether nothing is left.
  public var isEmpty: Bool { offset == end }

  /// The next byte without taking it; nil at the end.
  public var peek: UInt8? { isEmpty ? nil : bytes[offset] }

  /// Takes one byte.
  public mutating func byte() throws(EndOfInput) -> UInt8 {
    guard offset < end else { throw EndOfInput(offset: offset) }
    defer { offset += 1 }
    return bytes[offset]
  }

  /// Takes a 16-bit integer.
  public mutating func uint16() throws(EndOfInput) -> UInt16 {
    UInt16(truncatingIfNeeded: try bigEndian(2))
  }

  /// Takes a 32-bit integer.
  public mutating func uint32() throws(EndOfInput) -> UInt32 {
    UInt32(truncatingIfNeeded: try bigEndian(4))
  }

  /// Takes a 64-bit integer.
  public mutating func uint64() throws(EndOfInput) -> UInt64 { try bigEndian(8) }

  /// Takes `count` bytes; a negative or too large count fails and takes nothing.
  public mutating func bytes(_ count: Int) throws(EndOfInput) -> [UInt8] {
    guard count >= 0, count <= self.count else { throw EndOfInput(offset: offset) }
    defer { offset += count }
    return [UInt8](bytes[offset..<offset + count])
  }

  /// Takes everything that is left.
  public mutating func rest() -> [UInt8] {
    defer { offset = end }
    return [UInt8](bytes[offset..<end])
  }

  /// Takes `count` bytes as a cursor of their own, which ends where they end.
  public mutating func sub(_ count: Int) throws(EndOfInput) -> ByteCursor {
    guard count >= 0, count <= self.count else { throw EndOfInput(offset: offset) }
    defer { offset += count }
    return ByteCursor(bytes: bytes, offset: offset, end: offset + count)
  }

  private mutating func bigEndian(_ width: Int) throws(EndOfInput) -> UInt64 {
    guard width <= count else { throw EndOfInput(offset: offset) }
    var value: UInt64 = 0
    for index in offset..<offset + width { value = value << 8 | UInt64(bytes[index]) }
    offset += width
    return value
  }
}

extension [UInt8] {
  /// Appends an integer in network byte order.
  public mutating func append(bigEndian value: some FixedWidthInteger) {
    append(bigEndian: UInt64(truncatingIfNeeded: value), width: value.bitWidth)
  }

  @inline(never)
  private mutating func append(bigEndian value: UInt64, width: Int) {
    var shift = width
    while shift > 0 {
      shift -= 8
      append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
    }
  }
}
