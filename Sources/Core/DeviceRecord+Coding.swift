import Bytes
import Link
import Mitigation
import Model

extension DeviceAddress: Coded {
  /// No device.
  public static var blank: DeviceAddress { DeviceAddress(.blank, .blank) }

  /// An array of both.
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 2)
    address.code(&coder)
    mac.code(&coder)
  }
}

extension DeviceRecord.Cause: Coded {
  /// No mitigation.
  public static var blank: DeviceRecord.Cause { .init(id: .blank, before: .blank) }

  /// An array of both.
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 2)
    id.code(&coder)
    before.code(&coder)
  }
}

extension DeviceRecord.Code: Coded {
  /// No code.
  public static var blank: DeviceRecord.Code {
    .init(text: .blank, remaining: .zero, misses: 0)
  }

  /// An array of the properties in their order.
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 3)
    coder.name(&text)
    remaining.code(&coder)
    misses.code(&coder)
  }
}

extension DeviceRecord: Coded {
  /// A record of no device.
  public static var blank: DeviceRecord { DeviceRecord(mac: .blank, start: .blank) }

  /// An array of the properties in their order; times that are spans in milliseconds.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension DeviceRecord.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 15)
    mac.code(&coder)
    coder.flag(&isQuarantined)
    start.code(&coder)
    age.code(&coder)
    number.code(&coder)
    coder.flag(&isOwners)
    coder.list(&causes)
    coder.list(&addresses)
    releases.code(&coder)
    coder.optional(&released)
    before.code(&coder)
    ended.code(&coder)
    carried.code(&coder)
    coder.optional(&reading)
    coder.optional(&code)
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
    var writer = Journal.writer(at: now)
    short.code(&writer)
    return Journal.finished(writer) ?? []
  }

  /// Reads what a counter carries, as it is at `now` of the same boot; nil when it is none of ours.
  init?(journal bytes: [UInt8], now: Instant) {
    guard case (var reader, let writtenAt)? = Journal.reader(of: bytes) else { return nil }
    self = .blank
    code(&reader)
    if (try? reader.finish()) == nil { return nil }
    self = aged(by: max(now - writtenAt, .zero))
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
