import Bytes
import CBOR
import Link
import Mitigation
import Model

extension DeviceAddress: CBORCoded {
  /// An array of both.
  public var cbor: CBORValue { .array([address.cbor, mac.cbor]) }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(try fields.next(), try fields.next())
    try fields.end()
  }
}

extension DeviceRecord.Cause: CBORCoded {
  /// An array of both.
  public var cbor: CBORValue { .array([id.cbor, before.cbor]) }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(id: try fields.next(), before: try fields.next())
    try fields.end()
  }
}

extension DeviceRecord.Code: CBORCoded {
  /// An array of the properties in their order.
  public var cbor: CBORValue { .array([text.cbor, remaining.cbor, misses.cbor]) }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      text: try fields.name(),
      remaining: try fields.next(),
      misses: try fields.next()
    )
    try fields.end()
  }
}

extension DeviceRecord: CBORCoded {
  /// An array of the properties in their order; times that are spans in milliseconds.
  public var cbor: CBORValue {
    .array([
      mac.cbor, isQuarantined.cbor, start.cbor, age.cbor, number.cbor, isOwners.cbor, causes.cbor,
      addresses.cbor, releases.cbor, released.cbor, before.cbor, ended.cbor, carried.cbor,
      reading.cbor, code.cbor,
    ])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    let mac: MACAddress = try fields.next()
    let isQuarantined: Bool = try fields.next()
    self.init(mac: mac, start: try fields.next())
    self.isQuarantined = isQuarantined
    age = try fields.next()
    number = try fields.next()
    isOwners = try fields.next()
    causes = try fields.list()
    addresses = try fields.list()
    releases = try fields.next()
    released = try fields.optional()
    before = try fields.next()
    ended = try fields.next()
    carried = try fields.next()
    reading = try fields.optional()
    code = try fields.optional()
    try fields.end()
  }
}

extension DeviceRecord {
  /// How many of its addresses and causes go into the kernel: the elements there have the addresses,
  /// and mitigations have journals of their own.
  private static let journalled = 4

  /// The same after some time.
  func aged(by span: Span) -> DeviceRecord {
    var older = self
    older.age = age + span
    if let code { older.code?.remaining = max(code.remaining + span * -1, .zero) }
    return older
  }

  /// What the kernel keeps beside the device's counter; empty when it is too much.
  func journal(at now: Instant) -> [UInt8] {
    var short = self
    short.addresses = [IPAddress](addresses.prefix(Self.journalled))
    short.causes = [Cause](causes.prefix(Self.journalled))
    return Journal.encoded(short.cbor, writtenAt: now) ?? []
  }

  /// Reads what a counter carries, as it is at `now` of the same boot; nil when it is none of ours.
  init?(journal bytes: [UInt8], now: Instant) {
    guard let (record, writtenAt) = Journal.parsed(bytes),
      let record = try? DeviceRecord(cbor: record)
    else { return nil }
    self = record.aged(by: max(now - writtenAt, .zero))
  }

  /// The same for a kernel whose counter begins at zero again.
  var withFreshCounter: DeviceRecord {
    var fresh = self
    carry(into: &fresh)
    return fresh
  }

  /// The same of a device that is in quarantine no more.
  var freed: DeviceRecord {
    var free = withFreshCounter
    guard isQuarantined else { return free }
    free.isQuarantined = false
    free.isOwners = false
    free.causes = []
    free.addresses = []
    free.code = nil
    free.age = .zero
    return free
  }

  private func carry(into fresh: inout DeviceRecord) {
    guard let reading else { return }
    fresh.carried.packets &+= reading.packets
    fresh.carried.bytes &+= reading.bytes
    fresh.reading = nil
  }
}
