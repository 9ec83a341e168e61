import Bytes
import Link
import Mitigation
import Model

extension MitigationRecord: Coded {
  /// A record of no mitigation.
  public static var blank: MitigationRecord {
    MitigationRecord(
      id: .blank,
      client: .blank,
      name: .blank,
      role: .blank,
      scope: .blank,
      action: .blank,
      granted: 0,
      remaining: .zero,
      status: .blank,
      start: nil,
      active: .zero,
      carried: .blank,
      reading: nil
    )
  }

  /// An array of the properties in their order; times that are spans in milliseconds.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension MitigationRecord.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 17)
    id.code(&coder)
    coder.text(&client)
    name.code(&coder)
    role.code(&coder)
    scope.code(&coder)
    action.code(&coder)
    granted.code(&coder)
    remaining.code(&coder)
    status.code(&coder)
    coder.optional(&start)
    active.code(&coder)
    carried.code(&coder)
    coder.optional(&reading)
    coder.list(&devices)
    coder.list(&spared)
    codeDevices(&found, &coder)
    coder.optional(&question)
  }
}

/// Devices as one byte string, for the kernel has little room: for each how it was found and what its
/// owner says in one byte, its hardware address or zeros, its IPv4 address.
@inline(never)
private func codeDevices(_ found: inout [FoundDevice], _ coder: inout some Coder) {
  var bytes: [UInt8] = []
  for device in found {
    bytes.append(device.evidence.rawValue | device.consent.rawValue)
    bytes += device.mac?.bytes ?? [0, 0, 0, 0, 0, 0]
    bytes += device.address.bytes
  }
  coder.bytes(&bytes, limit: 512)
  guard coder.isReading else { return }
  if bytes.count % 11 != 0 { coder.fail() }
  found = []
  var value: UInt64 = 0
  var mac: MACAddress?
  var evidence = DeviceEvidence.request
  var consent = FoundDevice.Consent.unneeded
  for index in 0..<bytes.count {
    value = value << 8 | UInt64(bytes[index])
    switch index % 11 {
    case 0:
      if let known = DeviceEvidence(rawValue: bytes[index] & 15),
        let said = FoundDevice.Consent(rawValue: bytes[index] & 0xF0)
      {
        evidence = known
        consent = said
      } else {
        coder.fail()
      }
    case 6:
      // Its bits alone are taken.
      let read = MACAddress(value)
      mac = read.value == 0 ? nil : read
    case 10:
      let address = IPAddress(v4: UInt32(truncatingIfNeeded: value))
      var device = FoundDevice(address, mac, evidence)
      device.consent = consent
      found.append(device)
    default: continue
    }
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
  var encoded: [UInt8]? {
    var writer = Self.writer(at: writtenAt)
    var record = record
    record.code(&writer)
    return Self.finished(writer)
  }

  /// Begins what the kernel keeps: an array of the time and a record, which comes next.
  static func writer(at time: Instant) -> ItemWriter {
    var writer = ItemWriter()
    var time = time
    writer.array(of: 2)
    time.code(&writer)
    return writer
  }

  /// The bytes as an attribute, with one byte for its kind and one for its length, as libnftnl has
  /// them; nil when they are too many for the kernel, or no record.
  static func finished(_ writer: ItemWriter) -> [UInt8]? {
    guard writer.failure == nil, writer.bytes.count <= maximumLength - 2 else { return nil }
    return [kind, UInt8(writer.bytes.count)] + writer.bytes
  }

  /// What reads the record next in what the kernel kept, and when that was written; nil when it is
  /// none of ours.
  static func reader(of bytes: [UInt8]) -> (ItemReader, writtenAt: Instant)? {
    guard bytes.count > 2, bytes[0] == kind, Int(bytes[1]) == bytes.count - 2 else { return nil }
    var reader = ItemReader([UInt8](bytes[2...]))
    var time = Instant.blank
    reader.array(of: 2)
    time.code(&reader)
    return (reader, time)
  }

  /// A journal of these parts.
  init(_ record: MitigationRecord, writtenAt: Instant) {
    self.record = record
    self.writtenAt = writtenAt
  }

  /// Reads what a counter carries; nil when it is no journal of ours.
  init?(parsing bytes: [UInt8]) {
    guard case (var reader, let writtenAt)? = Self.reader(of: bytes) else { return nil }
    var record = MitigationRecord.blank
    record.code(&reader)
    if (try? reader.finish()) == nil { return nil }
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
    older.question = question.map { max($0 + span * -1, .zero) }
    if start != nil { older.active = active + span }
    return older
  }
}
