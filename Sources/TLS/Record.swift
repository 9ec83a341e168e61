import Bytes

/// One DTLS record as it lies in a datagram (RFC 6347, Section 4.1).
struct Record: Equatable {
  /// The content types of RFC 5246, Section 6.2.1.
  enum ContentType {
    static let changeCipherSpec: UInt8 = 20
    static let alert: UInt8 = 21
    static let handshake: UInt8 = 22
    static let applicationData: UInt8 = 23
  }

  /// Type, version, epoch, sequence number and length (RFC 6347, Section 4.1).
  static let headerLength = 13
  /// The epoch of plaintext: everything before the first ChangeCipherSpec.
  static let plaintext: UInt16 = 0
  /// The epoch of a session's records.
  ///
  /// There is no renegotiation, so there is no later one.
  static let protected: UInt16 = 1
  /// More than the longest flight of a client fills in one datagram; a datagram of tiny records must
  /// not buy more work than that.
  static let maximumPerDatagram = 16

  let type: UInt8
  let epoch: UInt16
  /// The 48 bits after the epoch.
  let sequenceNumber: UInt64
  /// The record with its header.
  let bytes: [UInt8]

  /// What follows the header.
  var fragment: ArraySlice<UInt8> { bytes.dropFirst(Self.headerLength) }

  /// Reads the next record of a datagram.
  init(parsing cursor: inout ByteCursor) throws(EndOfInput) {
    var header = cursor
    type = try header.byte()
    let major = try header.byte()
    _ = try header.byte()
    epoch = try header.uint16()
    let high = try header.uint16()
    sequenceNumber = UInt64(high) << 32 | UInt64(try header.uint32())
    let length = Int(try header.uint16())
    guard major == 0xFE else { throw EndOfInput(offset: cursor.offset) }
    bytes = try cursor.bytes(Self.headerLength + length)
  }

  /// The records of a datagram up to the first that is none.
  ///
  /// What isn't a record is dropped silently (RFC 6347, Section 4.1.2.7).
  static func all(in datagram: [UInt8]) -> [Record] {
    var cursor = ByteCursor(datagram)
    var records: [Record] = []
    while !cursor.isEmpty, records.count < maximumPerDatagram {
      do throws(EndOfInput) {
        records.append(try Record(parsing: &cursor))
      } catch {
        break
      }
    }
    return records
  }
}
