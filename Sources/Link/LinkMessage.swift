import Bytes

/// Why a message between two rooms can't be written or read.
public enum LinkError: Error, Equatable, Sendable {
  /// More than `LinkLimits.message` bytes.
  case tooLarge
  /// No CBOR in its one spelling, or a part that is missing, surplus, or out of range: the sender
  /// is broken, or not the program that it should be.
  case malformed
  /// A kind of message that this door doesn't know.
  case unknownKind
}

/// Limits of what passes a door.
public enum LinkLimits {
  /// The largest message in bytes; a request of the protocol is assembled up to this size too.
  public static let message = 16_384
  /// The largest encoded scope of a request: leaves room in a message for all that a report adds.
  public static let scope = 15_360
  /// The longest text in bytes, but for those of a scope: a path segment of CoAP, a name of DNS.
  public static let text = 255
  /// A path of the file system (PATH_MAX), in bytes.
  public static let path = 4096
  /// What a room says of a failure, in bytes.
  public static let explanation = 1024
  /// One credential, in bytes: a bundle of many authorities.
  public static let credential = 262_144
}

/// A message that passes a door: a sequence of CBOR items (RFC 8742), its kind's number and its parts.
///
/// The same message has the same bytes, and no other bytes are that message. A receiver that finds a
/// `LinkError` closes the door.
public protocol LinkMessage: Sendable {
  /// Reads a message; what it gives after a fault means nothing.
  init(from reader: inout ItemReader)
  /// Writes the message.
  func write(to writer: inout ItemWriter)
}

extension LinkMessage {
  /// Parses one message that is all of `bytes`.
  public init(parsing bytes: [UInt8]) throws(LinkError) {
    var reader = ItemReader(message: bytes)
    self.init(from: &reader)
    try reader.finish()
  }

  /// The bytes; throws `tooLarge` when they would be more than a door passes, `malformed` when the
  /// message holds what no receiver takes.
  public func encoded() throws(LinkError) -> [UInt8] {
    var writer = ItemWriter()
    write(to: &writer)
    return try writer.message()
  }
}

extension LinkMessage where Self: Coded {
  /// Reads the parts.
  public init(from reader: inout ItemReader) { self = reader.value() }

  /// Writes the parts.
  public func write(to writer: inout ItemWriter) { writer.value(self) }
}

extension Coded {
  /// How many bytes the value takes in a message; more than one has when no receiver takes it.
  var encodedLength: Int {
    var writer = ItemWriter()
    writer.value(self)
    return writer.failure == nil ? writer.bytes.count : LinkLimits.message + 1
  }
}
