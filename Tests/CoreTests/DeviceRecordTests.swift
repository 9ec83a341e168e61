import Bytes
import Firewall
import Link
import Mitigation
import Model
import TestSupport
import Testing

@testable import Core

/// A device in quarantine as a record.
func deviceSample(number: UInt32 = 7) throws -> DeviceRecord {
  var record = DeviceRecord(
    mac: MACAddress(0x0011_2233_4455),
    start: UnixTime(seconds: 1_764_000_000)
  )
  record.number = number
  record.age = .seconds(60)
  record.causes = [.init(id: MitigationID(7), before: DropCounters(packets: 1, bytes: 100))]
  record.addresses = [
    try #require(IPAddress(parsing: "192.168.1.20")),
    try #require(IPAddress(parsing: "2001:db8:1::10")),
  ]
  record.releases = 1
  record.released = UnixTime(seconds: 1_763_000_000)
  record.carried = DropCounters(packets: 1, bytes: 100)
  record.reading = DropCounters(packets: 4, bytes: 400)
  record.code = .init(text: "01AZ0ZJP", remaining: .seconds(600), misses: 2)
  return record
}

@Suite struct DeviceRecordTests {
  private let now = Instant(milliseconds: 1_000_000)

  private func kernel(
    _ record: DeviceRecord?,
    left: Span?,
    packets: UInt64 = 0
  ) throws -> KernelSnapshot {
    let name = MACAddress(0x0011_2233_4455).counter
    let journal = record?.journal(at: now + .seconds(-10)) ?? []
    return KernelSnapshot(
      counters: [
        KernelCounter(name: name, packets: packets, bytes: packets * 100, journal: journal)
      ],
      remaining: left.map { [name: $0] } ?? [:]
    )
  }

  private func state(
    _ devices: [DeviceRecord],
    _ records: [MitigationRecord] = []
  ) -> State {
    var state = State(boot: "same", writtenAt: now + .seconds(-10), nextID: 20, records: records)
    state.devices = devices
    return state
  }

  @Test("a record gives back the device that it was made of")
  func roundTrip() throws {
    let record = try deviceSample()
    var writer = ItemWriter()
    writer.value(record)
    var reader = ItemReader(try writer.message())
    let read: DeviceRecord = reader.value()
    try reader.finish()
    #expect(read == record)
  }

  @Test("the kernel's journal of a device fits, with many addresses too, and ages")
  func journal() throws {
    var record = try deviceSample()
    record.addresses = (0..<32).map { IPAddress(v6High: 0x2001_0DB8 << 32, low: $0) }
    let bytes = record.journal(at: now)
    #expect(!bytes.isEmpty && bytes.count <= 256)
    let later = try #require(DeviceRecord(journal: bytes, now: now + .seconds(30)))
    #expect(later.age == .seconds(90) && later.code?.remaining == .seconds(570))
    #expect(later.addresses.count == 4)
  }

  @Test("no truncation or mutation of a device's journal traps, and only whole ones are read")
  func mutations() throws {
    let bytes = try deviceSample().journal(at: now)
    for length in bytes.indices {
      #expect(DeviceRecord(journal: [UInt8](bytes[..<length]), now: now) == nil)
    }
    let seed = UInt64.random(in: 0...(.max))
    var random = SeededGenerator(seed: seed)
    for _ in 0..<10_000 {
      var mutated = bytes
      mutated[Int.random(in: mutated.indices, using: &random)] = UInt8.random(
        in: 0...255,
        using: &random
      )
      guard let record = DeviceRecord(journal: mutated, now: now) else { continue }
      var engine = MitigationEngine(settings: CoreSettings(), home: Home())
      engine.restore([record], now: now)
      #expect(engine.deviceRecords(now: now).count == 1, "seed \(seed)")
    }
  }

  @Test("the kernel's journal alone gives a device in quarantine back, its counter included")
  func journalAlone() throws {
    let kernel = try kernel(try deviceSample(), left: .seconds(50), packets: 42)
    let found = Recovery(state: nil, boot: "same", kernel: kernel, now: now).devices
    #expect(found.count == 1 && found.first?.isQuarantined == true)
    #expect(found.first?.reading == DropCounters(packets: 42, bytes: 4200))
    #expect(found.first?.age == .seconds(70))
  }

  @Test("where file and kernel know a device, the file's causes and releases hold")
  func both() throws {
    var record = try deviceSample()
    let kernel = try kernel(record, left: .seconds(50), packets: 42)
    record.releases = 2
    let found = Recovery(state: state([record]), boot: "same", kernel: kernel, now: now).devices
    #expect(found.first?.releases == 2 && found.first?.reading?.packets == 42)
  }

  @Test("a later quarantine than the file's is the kernel's")
  func later() throws {
    let kernel = try kernel(try deviceSample(number: 9), left: .seconds(50))
    let file = state([try deviceSample().freed])
    let found = Recovery(state: file, boot: "same", kernel: kernel, now: now).devices
    #expect(found.map { $0.number } == [9] && found.first?.isQuarantined == true)
  }

  @Test("a device that the kernel's table doesn't hold is free, with what was counted and used up")
  func ended() throws {
    for left in [Span?.none] {
      let kernel = try kernel(nil, left: left)
      let file = state([try deviceSample()])
      let found = Recovery(state: file, boot: "same", kernel: kernel, now: now).devices
      #expect(found.first?.isQuarantined == false && found.first?.releases == 1)
      #expect(found.first?.carried == DropCounters(packets: 5, bytes: 500))
      #expect(found.first?.code == nil)
    }
  }

  @Test("without a table, after a boot, the file's devices stay in quarantine")
  func rebooted() throws {
    var file = state([try deviceSample()])
    file.boot = "earlier"
    let found = Recovery(state: file, boot: "same", kernel: nil, now: now).devices
    #expect(found.first?.isQuarantined == true && found.first?.age == .seconds(60))
    #expect(found.first?.carried.packets == 5 && found.first?.reading == nil)
  }

  @Test("a mitigation about everything lives as long as the kernel keeps its device")
  func withoutRule() throws {
    var record = try sample(remaining: .seconds(600))
    record.action = .quarantine
    record.scope.targetPrefixes = [try #require(Prefix(parsing: "0.0.0.0/0"))]
    let device = try deviceSample()
    record.devices = [DeviceAddress(try #require(device.addresses.first), device.mac)]
    let file = state([device], [record])
    var recovery = Recovery(
      state: file,
      boot: "same",
      kernel: try kernel(device, left: .seconds(30)),
      now: now
    )
    #expect(recovery.records.map { $0.remaining } == [.seconds(30)])
    recovery = Recovery(
      state: file,
      boot: "same",
      kernel: try kernel(device, left: nil),
      now: now
    )
    #expect(recovery.records.isEmpty)
  }

  @Test("a released mitigation is taken up though the kernel holds nothing for it")
  func released() throws {
    var record = try sample()
    record.status = .attackMitigationWithdrawn
    let file = state([], [record])
    let recovery = Recovery(state: file, boot: "same", kernel: KernelSnapshot(), now: now)
    #expect(recovery.records.map { $0.status } == [.attackMitigationWithdrawn])
  }
}
