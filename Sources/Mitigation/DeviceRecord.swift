import Bytes
import Model

/// What has to outlive a restart of one device that is in quarantine, or was lately.
///
/// Times are relative to the moment at which the record was made, as in `MitigationRecord`.
public struct DeviceRecord: Hashable, Sendable {
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

  /// A mitigation that wants the device in quarantine, and what the device's counter had said before.
  public struct Cause: Hashable, Sendable {
    /// The mitigation.
    public var id: MitigationID
    /// What was counted before (rates unused).
    public var before: DropCounters

    /// A cause of these parts.
    public init(id: MitigationID, before: DropCounters) {
      self.id = id
      self.before = before
    }
  }

  /// A code of the helpdesk.
  public struct Code: Hashable, Sendable {
    /// The code.
    public var text: Text
    /// For how long it is valid.
    public var remaining: Span
    /// Wrong ones that were tried.
    public var misses: UInt8

    /// A code of these parts.
    public init(text: Text, remaining: Span, misses: UInt8) {
      self.text = text
      self.remaining = remaining
      self.misses = misses
    }
  }

  /// A record of a device in quarantine since just now.
  public init(mac: MACAddress, start: UnixTime) {
    parts = Behind(Parts(mac: mac, start: start))
  }
}

extension DeviceRecord {
  /// Its hardware address.
  public var mac: MACAddress {
    get { parts.value.mac }
    set { parts.value.mac = newValue }
  }

  /// Whether it is in quarantine.
  public var isQuarantined: Bool {
    get { parts.value.isQuarantined }
    set { parts.value.isQuarantined = newValue }
  }

  /// When that began.
  public var start: UnixTime {
    get { parts.value.start }
    set { parts.value.start = newValue }
  }

  /// How long it has been in quarantine, or free.
  public var age: Span {
    get { parts.value.age }
    set { parts.value.age = newValue }
  }

  /// The number of the quarantine, the last when it is free.
  public var number: UInt32 {
    get { parts.value.number }
    set { parts.value.number = newValue }
  }

  /// Whether its owner wants it there.
  public var isOwners: Bool {
    get { parts.value.isOwners }
    set { parts.value.isOwners = newValue }
  }

  /// The mitigations that want it there, oldest first.
  public var causes: [Cause] {
    get { parts.value.causes }
    set { parts.value.causes = newValue }
  }

  /// Its addresses.
  public var addresses: [IPAddress] {
    get { parts.value.addresses }
    set { parts.value.addresses = newValue }
  }

  /// Releases used.
  public var releases: UInt32 {
    get { parts.value.releases }
    set { parts.value.releases = newValue }
  }

  /// When it was released last.
  public var released: UnixTime? {
    get { parts.value.released }
    set { parts.value.released = newValue }
  }

  /// What its counters had said when it went into quarantine (rates unused).
  public var before: DropCounters {
    get { parts.value.before }
    set { parts.value.before = newValue }
  }

  /// What rules about it alone had counted that have ended (rates unused).
  public var ended: DropCounters {
    get { parts.value.ended }
    set { parts.value.ended = newValue }
  }

  /// Counts of kernel counters that were gone (rates unused).
  public var carried: DropCounters {
    get { parts.value.carried }
    set { parts.value.carried = newValue }
  }

  /// The last reading of the kernel's counter; nil before the first (rates unused).
  public var reading: DropCounters? {
    get { parts.value.reading }
    set { parts.value.reading = newValue }
  }

  /// The code that is valid.
  public var code: Code? {
    get { parts.value.code }
    set { parts.value.code = newValue }
  }
}

extension DeviceRecord {
  package struct Parts: Hashable, Sendable {
    package var mac: MACAddress
    package var isQuarantined = true
    package var start: UnixTime
    package var age = Span.zero
    package var number: UInt32 = 0
    package var isOwners = false
    package var causes: [Cause] = []
    package var addresses: [IPAddress] = []
    package var releases: UInt32 = 0
    package var released: UnixTime?
    package var before = DropCounters(packets: 0, bytes: 0)
    package var ended = DropCounters(packets: 0, bytes: 0)
    package var carried = DropCounters(packets: 0, bytes: 0)
    package var reading: DropCounters?
    package var code: Code?
  }
}

extension MitigationEngine {
  /// The records of all devices to remember, by hardware address.
  public func deviceRecords(now: Instant) -> [DeviceRecord] {
    quarantines.all.map { $0.record(at: now) }
  }

  /// The record of a device; nil when there is none.
  ///
  /// One that a decision puts into quarantine, which still waits for the kernel, has a record too.
  public func deviceRecord(of mac: MACAddress, now: Instant) -> DeviceRecord? {
    guard let pending else { return quarantines[mac]?.record(at: now) }
    var next = self
    next.pending = nil
    next.apply(pending)
    return next.quarantines[mac]?.record(at: now)
  }

  /// Takes up what an earlier run knew of devices: before its mitigations.
  public mutating func restore(_ devices: [DeviceRecord], now: Instant) {
    for record in devices { quarantines.adopt(QuarantinedDevice(record, now: now)) }
  }

  /// Devices that none of the mitigations taken up wants in quarantine any more are free.
  mutating func freeUnwanted(now: Instant) {
    let table = table
    for device in quarantines.all {
      quarantines.update(device.mac) { entry in
        entry.causes.removeAll { table[$0.id]?.quarantined.contains(device.mac) != true }
        entry.freeUnlessWanted(at: now)
      }
    }
    quarantines.forget(at: now)
    scheduleForgetting()
  }
}

extension QuarantinedDevice {
  fileprivate func record(at now: Instant) -> DeviceRecord {
    var record = DeviceRecord(mac: mac, start: start)
    record.isQuarantined = since != nil
    record.age = max(now - (since ?? freeSince), .zero)
    record.number = number
    record.isOwners = isOwners
    record.causes = causes.map { .init(id: $0.id, before: $0.before) }
    record.addresses = addresses
    record.releases = releases
    record.released = released
    record.before = before
    record.ended = ended
    record.carried = carried
    record.reading = reading
    record.code = code.map {
      .init(text: $0.text, remaining: max($0.end - now, .zero), misses: $0.misses)
    }
    return record
  }

  fileprivate init(_ record: DeviceRecord, now: Instant) {
    let began = now + max(record.age, .zero) * -1
    self.init(mac: record.mac, freeSince: record.isQuarantined ? now : began)
    start = record.start
    number = record.number
    addresses = [IPAddress](record.addresses.unique().prefix(Limits.deviceAddresses))
    releases = record.releases
    released = record.released
    before = record.before
    ended = record.ended
    carried = record.carried
    reading = record.reading
    guard record.isQuarantined else { return }
    isOwners = record.isOwners
    // Their ends come with the mitigations.
    causes = record.causes.map { Cause(id: $0.id, end: now, before: $0.before) }
    resume(since: began)
    code = record.code.flatMap {
      guard $0.remaining > .zero, $0.misses < Limits.misses else { return nil }
      var code = ReleaseCode($0.text, until: now + min($0.remaining, Constants.codeLifetime))
      code.misses = $0.misses
      return code
    }
  }
}
