import Bytes

/// What the gate needs of a ClientHello: read before anything is known of the sender.
///
/// A fragmented ClientHello is understood when its first fragment reaches beyond the cookie, which is so
/// for every path of at least 128 bytes: the later fragments then belong to a handshake that is under
/// way. A later fragment that overtakes the first finds no handshake and is lost; the client sends it
/// again.
struct ClientHello: Equatable {
  /// The sequence number of the record; an answer repeats it (RFC 6347, Section 4.2.1).
  let recordSequence: UInt64
  /// 0 without a cookie, 1 with it (RFC 6347, Section 4.2.2).
  let messageSequence: UInt16
  /// The 32 bytes that the client chose.
  let random: [UInt8]
  /// Empty in the first ClientHello; at most 255 bytes.
  let cookie: [UInt8]

  private static let randomLength = 32
  private static let maximumSessionIDLength = 32
  private static let clientHelloType: UInt8 = 1

  /// Reads a record that holds a ClientHello or its first fragment; nil for anything else.
  init?(_ record: Record) {
    guard record.epoch == Record.plaintext, record.type == Record.ContentType.handshake else {
      return nil
    }
    var cursor = ByteCursor([UInt8](record.fragment))
    do throws(EndOfInput) {
      let header = try HandshakeHeader(parsing: &cursor)
      guard header.type == Self.clientHelloType, header.isAdmissible, header.fragmentOffset == 0,
        cursor.isEmpty
      else { return nil }
      var body = header.body
      guard try body.byte() == 0xFE else { return nil }
      _ = try body.byte()
      recordSequence = record.sequenceNumber
      messageSequence = header.messageSequence
      random = try body.bytes(Self.randomLength)
      let sessionID = Int(try body.byte())
      guard sessionID <= Self.maximumSessionIDLength else { return nil }
      _ = try body.bytes(sessionID)
      cookie = try body.bytes(Int(try body.byte()))
      if header.body.count == header.messageLength {
        guard try Self.isWholeTail(&body) else { return nil }
      }
    } catch {
      return nil
    }
  }

  /// Cipher suites, compression methods and, if any, extensions (RFC 5246, Section 7.4.1.2).
  private static func isWholeTail(_ body: inout ByteCursor) throws(EndOfInput) -> Bool {
    let suites = Int(try body.uint16())
    guard suites >= 2, suites.isMultiple(of: 2) else { return false }
    _ = try body.bytes(suites)
    let methods = Int(try body.byte())
    guard methods >= 1 else { return false }
    _ = try body.bytes(methods)
    if !body.isEmpty { _ = try body.bytes(Int(try body.uint16())) }
    return body.isEmpty
  }

  /// The length of a HelloVerifyRequest with a cookie of the gate: headers, version, length, cookie.
  static let verifyRequestLength =
    Record.headerLength + HandshakeHeader.length + 3 + CookieGate.cookieLength

  /// The record of a HelloVerifyRequest with `cookie` (RFC 6347, Section 4.2.1).
  ///
  /// Its versions are DTLS 1.0, as the section asks of a server of any version.
  func verifyRequest(cookie: [UInt8]) -> [UInt8] {
    let body: [UInt8] = [0xFE, 0xFF, UInt8(truncatingIfNeeded: cookie.count)] + cookie
    let helloVerifyRequest: UInt8 = 3
    var record: [UInt8] = [Record.ContentType.handshake, 0xFE, 0xFF]
    record.append(bigEndian: recordSequence)
    record.append(bigEndian: UInt16(truncatingIfNeeded: HandshakeHeader.length + body.count))
    record.append(helloVerifyRequest)
    record += [0, 0, UInt8(truncatingIfNeeded: body.count)]
    record.append(bigEndian: messageSequence)
    record += [0, 0, 0, 0, 0, UInt8(truncatingIfNeeded: body.count)]
    return record + body
  }
}
