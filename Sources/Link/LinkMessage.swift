import Bytes
import CBOR

/// Why a message between two rooms can't be written or read.
public enum LinkError: Error, Equatable, Sendable {
  /// More than `LinkLimits.message` bytes.
  case tooLarge
  /// No CBOR in its one spelling, or a field that is missing, surplus, or out of range: the sender
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

/// A message that passes a door: a CBOR array of its kind's number and its fields.
///
/// The same message has the same bytes, and no other bytes are that message. A receiver that finds a
/// `LinkError` closes the door.
public protocol LinkMessage: Sendable {
  /// The kind's number and the fields.
  var elements: [CBORValue] { get }
  /// The message of this kind; takes its fields.
  init(kind: UInt8, fields: inout Fields) throws(LinkError)
}

extension LinkMessage {
  /// Parses one message that is all of `bytes`.
  public init(parsing bytes: [UInt8]) throws(LinkError) {
    guard bytes.count <= LinkLimits.message else { throw .tooLarge }
    guard let value = try? CBORValue(parsing: bytes), value.encoded == bytes else {
      throw .malformed
    }
    var fields = try Fields(value)
    self = try Self(kind: fields.next(), fields: &fields)
    try fields.end()
  }

  /// The bytes; throws `tooLarge` when they would be more than a door passes.
  public func encoded() throws(LinkError) -> [UInt8] {
    let bytes = CBORValue.array(elements).encoded
    guard bytes.count <= LinkLimits.message else { throw .tooLarge }
    return bytes
  }
}
