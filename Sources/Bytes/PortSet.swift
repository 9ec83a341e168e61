/// The ports that one of the customers behind a shared IPv4 address has (RFC 7597, Section 5.1).
///
/// A port's bits are an offset, the set's number and the place in a block. With an offset, the blocks
/// whose offset is 0 belong to nobody, so that well-known ports stay free; without, the set is one
/// block, as in lightweight 4over6 (RFC 7596).
public struct PortSet: Hashable, Sendable {
  /// Bits before the set's number: 0 to 15.
  public let offset: UInt8
  /// Bits of the set's number: 1 to 16 less the offset.
  public let length: UInt8
  /// The set's number (PSID), of `length` bits.
  public let number: UInt16

  /// The set `number`; nil when the bits are more than a port has, or than the number may have.
  public init?(offset: UInt8, length: UInt8, number: UInt16) {
    guard offset < 16, length > 0, length <= 16 - offset, UInt32(number) >> length == 0 else {
      return nil
    }
    self.offset = offset
    self.length = length
    self.number = number
  }

  /// Whether all of `range` are in one of the set's blocks; no two blocks lie side by side.
  public func contains(_ range: PortRange) -> Bool {
    let place = 16 - UInt32(offset) - UInt32(length)
    let block = UInt32(range.lower) >> place
    return block == UInt32(range.upper) >> place
      && block & (1 << UInt32(length) - 1) == UInt32(number)
      && (offset == 0 || block >> UInt32(length) != 0)
  }
}
