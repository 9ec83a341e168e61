/// A stream's bytes, one TLS record after another, as long as strangers send them.
///
/// OpenSSL reserves the announced length of a message when it begins, of a ClientHello up to 131 kB: here
/// no ClientHello passes that is longer than those that there are.
struct StreamRecords {
  /// What comes next.
  enum Next: Equatable {
    /// Nothing whole yet.
    case nothing
    /// One record, with its header.
    case record([UInt8])
    /// What is no TLS, or too long for it.
    case fault
  }

  /// Type, version and length (RFC 5246, Section 6.2.1).
  static let headerLength = 5
  /// All that a client says after its hello, in one record.
  static let longestOfClient = HandshakeFilter.maximumCertificateLength + 2048
  /// The longest record (RFC 8446, Section 5.2).
  static let longest = 16_384 + 256
  /// The header of a message: type and length (RFC 5246, Section 7.4).
  private static let messageHeaderLength = 4
  private static let clientHelloType: UInt8 = 1

  private let maximumLength: Int
  private var pending: [UInt8] = []
  /// How much is to come of a message that goes on in the next record.
  private var rest = 0

  /// Nothing yet; no record may be longer than `maximumLength` without its header.
  init(maximumLength: Int = Self.longestOfClient) { self.maximumLength = maximumLength }

  /// Adds what came in.
  mutating func append(_ bytes: [UInt8]) { pending += bytes }

  /// All that no record was taken of.
  mutating func takeRest() -> [UInt8] {
    defer { pending = [] }
    return pending
  }

  /// Takes the next record; `isProtected` says whether one of the handshake would be encrypted.
  mutating func next(isProtected: Bool) -> Next {
    guard pending.count >= Self.headerLength else { return .nothing }
    let type = pending[0]
    let length = Int(pending[3]) << 8 | Int(pending[4])
    guard Record.ContentType.changeCipherSpec...Record.ContentType.applicationData ~= type,
      pending[1] == 3, length <= maximumLength
    else { return .fault }
    let count = Self.headerLength + length
    guard pending.count >= count else { return .nothing }
    let record = [UInt8](pending[..<count])
    pending.removeFirst(count)
    guard type != Record.ContentType.handshake || isProtected || admits(record) else {
      return .fault
    }
    return .record(record)
  }

  private mutating func admits(_ record: [UInt8]) -> Bool {
    let body = record[Self.headerLength...]
    guard rest == 0 else {
      rest = max(0, rest - body.count)
      return true
    }
    guard body.count >= Self.messageHeaderLength else { return false }
    let length = Int(record[6]) << 16 | Int(record[7]) << 8 | Int(record[8])
    rest = max(0, Self.messageHeaderLength + length - body.count)
    return record[5] != Self.clientHelloType || length <= HandshakeFilter.maximumClientHelloLength
  }
}
