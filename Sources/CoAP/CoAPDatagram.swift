import Bytes

/// The type of a message on UDP (RFC 7252, Section 3).
public enum CoAPType: UInt8, Sendable {
  /// CON: wants an acknowledgement.
  case confirmable = 0
  /// NON: wants none.
  case nonConfirmable = 1
  /// ACK.
  case acknowledgement = 2
  /// RST: the message couldn't be processed.
  case reset = 3
}

/// Why a datagram isn't a message; always the peer's fault.
public enum CoAPFormatError: Error, Equatable, Sendable {
  /// The header is too short or of another version: to be ignored silently (RFC 7252, Section 3).
  case unreadable
  /// The header could be read, and says whether a reset is owed, but the message is malformed.
  case malformed(CoAPType, messageID: UInt16, CoAPFault)
}

/// A message as a datagram carries it (RFC 7252, Section 3, Figure 7).
public struct CoAPDatagram: Hashable, Sendable {
  /// The version of the protocol (RFC 7252, Section 3).
  public static let version: UInt8 = 1

  /// The largest datagram that is parsed, in bytes: more than an Ethernet path carries in one
  /// packet, and DOTS messages have to fit the path (RFC 9132, Section 7.3).
  public static let maximumSize = 2048

  /// The type.
  public let type: CoAPType
  /// What pairs acknowledgements with messages and finds duplicates.
  public let messageID: UInt16
  /// The message.
  public let message: CoAPMessage

  /// A datagram with a message.
  public init(_ type: CoAPType, messageID: UInt16, _ message: CoAPMessage) {
    self.type = type
    self.messageID = messageID
    self.message = message
  }

  /// An empty message: an acknowledgement, a reset, or, confirmable, a ping.
  public init(empty type: CoAPType, messageID: UInt16) {
    self.init(type, messageID: messageID, CoAPMessage(.empty))
  }

  /// Parses a whole datagram.
  public init(parsing bytes: [UInt8]) throws(CoAPFormatError) {
    guard bytes.count >= 4, bytes[0] >> 6 == Self.version,
      let type = CoAPType(rawValue: bytes[0] >> 4 & 3)
    else { throw .unreadable }
    let messageID = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    do throws(CoAPFault) {
      let message = try Self.message(type, bytes)
      self.init(type, messageID: messageID, message)
    } catch {
      throw .malformed(type, messageID: messageID, error)
    }
  }

  /// Appends the datagram; the same value always gives the same bytes, and no other value them.
  public func write(to output: inout [UInt8]) {
    output.append(
      Self.version << 6 | type.rawValue << 4 | UInt8(message.tokenLength)
    )
    output.append(message.code.rawValue)
    output.append(bigEndian: messageID)
    message.writeContent(to: &output)
  }

  /// The bytes of the datagram.
  public var encoded: [UInt8] {
    var output: [UInt8] = []
    write(to: &output)
    return output
  }

  private static func message(
    _ type: CoAPType,
    _ bytes: [UInt8]
  ) throws(CoAPFault) -> CoAPMessage {
    guard bytes.count <= maximumSize else { throw .tooLarge }
    let code = CoAPCode(rawValue: bytes[1])
    if code.isEmpty {
      // A non-confirmable message is never empty (RFC 7252, Section 4.3).
      guard type != .nonConfirmable else { throw .code }
      guard bytes.count == 4, bytes[0] & 15 == 0 else { throw .emptyMessage }
      return CoAPMessage(.empty)
    }
    switch type {
    case .confirmable, .nonConfirmable:
      guard code.isRequest || code.isResponse else { throw .code }
    case .acknowledgement: guard code.isResponse else { throw .code }
    case .reset: throw .code
    }
    var cursor = ByteCursor([UInt8](bytes[4...]))
    return try CoAPMessage(code, tokenLength: Int(bytes[0] & 15), parsing: &cursor)
  }
}
