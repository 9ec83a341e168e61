import Bytes

/// What a half-open handshake may put in front of OpenSSL.
///
/// OpenSSL reserves the declared length of a message when the first fragment of it arrives: each peer
/// that proved its address could make it hold hundreds of kilobytes. Here only what a client sends in a
/// DTLS 1.2 handshake passes, at the lengths that it needs.
enum HandshakeFilter {
  /// The messages of a client (RFC 5246, Section 7.4).
  private enum MessageType {
    static let clientHello: UInt8 = 1
    static let certificate: UInt8 = 11
    static let certificateVerify: UInt8 = 15
    static let clientKeyExchange: UInt8 = 16
  }

  /// ClientHello with the cookie is 1, Certificate 2, ClientKeyExchange 3, CertificateVerify 4,
  /// Finished 5 (RFC 6347, Section 4.2.2): one to spare.
  static let maximumMessageSequence: UInt16 = 6
  /// A Certificate with another number would be kept for later, at its full length.
  static let certificateSequence: UInt16 = 2
  /// The longest certificate chain: three certificates of 2 kB.
  static let maximumCertificateLength = 6144
  /// A hello with a session ticket of some kilobytes.
  static let maximumClientHelloLength = 4096
  /// A key share, or a signature with a 4096-bit RSA key.
  static let maximumOtherLength = 1024

  /// Whether a plaintext record is one that a client in its handshake sends.
  static func admits(_ record: Record) -> Bool {
    guard record.epoch == Record.plaintext else { return false }
    switch record.type {
    case Record.ContentType.changeCipherSpec: return record.fragment.count == 1
    case Record.ContentType.alert: return record.fragment.count == 2
    case Record.ContentType.handshake: return admits(handshake: [UInt8](record.fragment))
    default: return false
    }
  }

  private static func admits(handshake bytes: [UInt8]) -> Bool {
    var cursor = ByteCursor(bytes)
    guard !cursor.isEmpty else { return false }
    while !cursor.isEmpty {
      do throws(EndOfInput) {
        guard try HandshakeHeader(parsing: &cursor).isAdmissible else { return false }
      } catch {
        return false
      }
    }
    return true
  }

  /// The longest message of `type` with this message_seq; nil when no client sends it in plaintext.
  static func maximumLength(of type: UInt8, sequence: UInt16) -> Int? {
    switch type {
    case MessageType.clientHello: maximumClientHelloLength
    case MessageType.certificate: sequence == certificateSequence ? maximumCertificateLength : nil
    case MessageType.certificateVerify, MessageType.clientKeyExchange: maximumOtherLength
    default: nil
    }
  }
}

/// The header of one fragment of a handshake message (RFC 6347, Section 4.2.2).
struct HandshakeHeader {
  /// Type, length, message_seq, fragment_offset and fragment_length.
  static let length = 12

  let type: UInt8
  let messageLength: Int
  let messageSequence: UInt16
  let fragmentOffset: Int
  let body: ByteCursor

  /// Reads a header and the fragment that it announces.
  init(parsing cursor: inout ByteCursor) throws(EndOfInput) {
    type = try cursor.byte()
    messageLength = try cursor.uint24()
    messageSequence = try cursor.uint16()
    fragmentOffset = try cursor.uint24()
    body = try cursor.sub(try cursor.uint24())
  }

  /// Whether the fragment lies in a message that a client sends.
  var isAdmissible: Bool {
    guard let maximum = HandshakeFilter.maximumLength(of: type, sequence: messageSequence)
    else { return false }
    return messageLength <= maximum
      && messageSequence <= HandshakeFilter.maximumMessageSequence
      && fragmentOffset + body.count <= messageLength
  }
}

extension ByteCursor {
  /// Takes a 24-bit integer.
  mutating func uint24() throws(EndOfInput) -> Int {
    let high = try byte()
    return Int(high) << 16 | Int(try uint16())
  }
}
