/// Why bytes aren't the one CBOR data item they should be; always the sender's fault.
public struct CBORError: Error, Equatable, Sendable {
  /// What is wrong.
  public enum Reason: UInt8, Sendable {
    /// The input ends inside an item.
    case truncated
    /// Something follows the item.
    case trailingBytes
    /// The additional information is 28 to 30, or 31 where there is no indefinite length.
    case reservedInformation
    /// A break stands where no indefinite-length item is open, or between a key and its value.
    case unexpectedBreak
    /// A simple value below 32 is spelled in two bytes.
    case invalidSimpleValue
    /// A text string, or a chunk of one, is no UTF-8.
    case invalidUTF8
    /// A chunk of an indefinite-length string isn't a definite-length string of the same type.
    case invalidChunk
    /// A map has a key twice.
    case duplicateKey
    /// Arrays, maps and tags are nested deeper than the limit.
    case tooDeep
    /// There are more data items than the limit.
    case tooManyItems
  }

  /// What is wrong.
  public let reason: Reason
  /// Where: the offset from the first byte of the input.
  public let offset: Int

  /// Makes the error for `reason` at `offset`.
  public init(_ reason: Reason, offset: Int) {
    self.reason = reason
    self.offset = offset
  }
}

/// How much a decoder takes before it gives up.
public struct CBORLimits: Sendable {
  /// How many arrays, maps and tags may be open around an item.
  ///
  /// The decoder calls itself once for each, so this also bounds the stack.
  public static let defaultDepth = 16

  /// How many items a message may have.
  ///
  /// No request that we assemble (16 KiB) has more, and the tree stays below a megabyte.
  public static let defaultItems = 16_384

  /// How many arrays, maps and tags may be open around an item.
  public let depth: Int
  /// How many items there may be, each key, value, element and tag counted.
  public let items: Int

  /// Limits other than the defaults.
  public init(depth: Int = defaultDepth, items: Int = defaultItems) {
    self.depth = depth
    self.items = items
  }
}
