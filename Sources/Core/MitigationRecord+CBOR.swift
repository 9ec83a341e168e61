import Bytes
import CBOR
import Link
import Mitigation
import Model

extension Span: CBORCoded {
  /// Its milliseconds.
  public var cbor: CBORValue { .integer(milliseconds) }

  /// An integer of 64 bits.
  public init(cbor: CBORValue) throws(LinkError) {
    guard let milliseconds = cbor.integer else { throw .malformed }
    self.init(milliseconds: milliseconds)
  }
}

extension MitigationRecord: CBORCoded {
  /// An array of the properties in their order; times that are spans in milliseconds.
  public var cbor: CBORValue {
    .array([
      id.cbor, client.cbor, name.cbor, role.cbor, scope.cbor, action.cbor, granted.cbor,
      remaining.cbor, status.cbor, start.cbor, active.cbor, carried.cbor, reading.cbor,
      devices.cbor, spared.cbor,
    ])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      id: try fields.next(),
      client: try fields.text(),
      name: try fields.next(),
      role: try fields.next(),
      scope: try fields.next(),
      action: try fields.next(),
      granted: try fields.next(),
      remaining: try fields.next(),
      status: try fields.next(),
      start: try fields.optional(),
      active: try fields.next(),
      carried: try fields.next(),
      reading: try fields.optional(),
      devices: try fields.list(),
      spared: try fields.list()
    )
    try fields.end()
  }
}

/// What the kernel keeps of a mitigation beside its counter: what a restarted core needs of it.
struct Journal: Equatable {
  /// The most bytes that the kernel keeps (NFT_USERDATA_MAXLEN).
  static let maximumLength = 256

  /// The mitigation as it was when its rule was installed.
  var record: MitigationRecord
  /// When that was, on the clock of this boot.
  var writtenAt: Instant

  /// The kind of our bytes among attributes of user data, of which nft knows none: it would show those
  /// of its own kinds as comments.
  private static let kind: UInt8 = 0xC0

  /// The bytes; nil when they are too many for the kernel, and the state file has to hold it.
  var encoded: [UInt8]? { Self.encoded(record.cbor, writtenAt: writtenAt) }

  /// What the kernel keeps of a record: an attribute of one byte for its kind and one for its length,
  /// as libnftnl has them.
  static func encoded(_ record: CBORValue, writtenAt: Instant) -> [UInt8]? {
    let bytes = CBORValue.array([.integer(writtenAt.milliseconds), record]).encoded
    guard bytes.count <= maximumLength - 2 else { return nil }
    return [kind, UInt8(bytes.count)] + bytes
  }

  /// The record in what the kernel kept, and when it was written; nil when it is none of ours.
  static func parsed(_ bytes: [UInt8]) -> (record: CBORValue, writtenAt: Instant)? {
    guard bytes.count > 2, bytes[0] == kind, Int(bytes[1]) == bytes.count - 2,
      let value = try? CBORValue(parsing: [UInt8](bytes[2...])), let parts = value.array,
      parts.count == 2, let writtenAt = parts[0].integer
    else { return nil }
    return (parts[1], Instant(milliseconds: writtenAt))
  }

  /// A journal of these parts.
  init(_ record: MitigationRecord, writtenAt: Instant) {
    self.record = record
    self.writtenAt = writtenAt
  }

  /// Reads what a counter carries; nil when it is no journal of ours.
  init?(parsing bytes: [UInt8]) {
    guard let (record, writtenAt) = Self.parsed(bytes),
      let record = try? MitigationRecord(cbor: record)
    else { return nil }
    self.init(record, writtenAt: writtenAt)
  }

  /// The record as it is at `now` of the same boot.
  func record(at now: Instant) -> MitigationRecord {
    record.aged(by: max(now - writtenAt, .zero))
  }
}

extension MitigationRecord {
  /// The same after some time.
  func aged(by span: Span) -> MitigationRecord {
    var older = self
    older.remaining = max(remaining + span * -1, .zero)
    if start != nil { older.active = active + span }
    return older
  }
}
