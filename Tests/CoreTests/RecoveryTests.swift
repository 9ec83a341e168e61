import Bytes
import Firewall
import Mitigation
import Model
import Testing

@testable import Core

@Suite struct RecoveryTests {
  private let now = Instant(milliseconds: 1_000_000)

  private func kernel(
    _ record: MitigationRecord,
    journalAge: Span = .zero,
    left: Span?,
    packets: UInt64 = 0
  ) throws -> KernelSnapshot {
    let journal = Journal(record, writtenAt: now + journalAge * -1)
    let name = record.id.counter
    return KernelSnapshot(
      counters: [
        KernelCounter(
          name: name,
          packets: packets,
          bytes: packets * 100,
          journal: try #require(journal.encoded)
        )
      ],
      remaining: left.map { [name: $0] } ?? [:]
    )
  }

  private func state(
    _ records: [MitigationRecord],
    boot: Text = "same",
    age: Span = .zero
  ) -> State {
    State(boot: boot, writtenAt: now + age * -1, nextID: 20, records: records)
  }

  @Test("with nothing left of an earlier run there is nothing to take up")
  func nothing() {
    let recovery = Recovery(state: nil, boot: "same", kernel: nil, now: now)
    #expect(recovery.records.isEmpty && recovery.orphans.isEmpty && recovery.nextID == 1)
  }

  @Test("the kernel's journal alone gives a mitigation back, its counter included")
  func journalAlone() throws {
    let record = try sample(remaining: .seconds(600))
    let kernel = try kernel(record, journalAge: .seconds(100), left: .seconds(500), packets: 42)
    let recovery = Recovery(state: nil, boot: "same", kernel: kernel, now: now)
    let found = try #require(recovery.records.first)
    #expect(found.remaining == .seconds(500))
    #expect(found.reading == DropCounters(packets: 42, bytes: 4200))
    #expect(recovery.nextID == 8)
  }

  @Test("elements that end sooner than the file says show a withdrawal that it missed")
  func withdrawn() throws {
    let record = try sample(remaining: .seconds(600))
    let kernel = try kernel(record, left: .seconds(30))
    let recovery = Recovery(state: state([record]), boot: "same", kernel: kernel, now: now)
    #expect(recovery.records.first?.remaining == .seconds(30))
  }

  @Test("elements that end later show a refresh, but never give more than was granted")
  func refreshed() throws {
    var record = try sample(remaining: .seconds(60))
    record.granted = 120
    let longer = try kernel(record, left: .seconds(110))
    let refreshed = Recovery(state: state([record]), boot: "same", kernel: longer, now: now)
    #expect(refreshed.records.first?.remaining == .seconds(110))
    // A key that another mitigation shares lives as long as that one.
    let shared = try kernel(record, left: .seconds(3000))
    let capped = Recovery(state: state([record]), boot: "same", kernel: shared, now: now)
    #expect(capped.records.first?.remaining == .seconds(120))
  }

  @Test("a long mitigation keeps what the file says: its elements only have an hour at a time")
  func long() throws {
    var record = try sample(remaining: .seconds(80_000))
    record.granted = 86_400
    let kernel = try kernel(record, left: .seconds(3000))
    let file = state([record], age: .seconds(10))
    let recovery = Recovery(state: file, boot: "same", kernel: kernel, now: now)
    #expect(recovery.records.first?.remaining == .seconds(79_990))
  }

  @Test("a mitigation whose elements have all ended is over; its counter is an orphan")
  func ended() throws {
    let record = try sample()
    let kernel = try kernel(record, left: nil)
    let recovery = Recovery(state: state([record]), boot: "same", kernel: kernel, now: now)
    #expect(recovery.records.isEmpty)
    #expect(recovery.orphans == [record.id])
  }

  @Test("a counter without a journal of ours is an orphan")
  func foreign() throws {
    let counter = KernelCounter(name: "m3", packets: 1, bytes: 1, journal: [1, 2, 3])
    let kernel = KernelSnapshot(counters: [counter], remaining: ["m3": .seconds(9)])
    let recovery = Recovery(state: nil, boot: "same", kernel: kernel, now: now)
    #expect(recovery.orphans == [MitigationID(3)] && recovery.records.isEmpty)
    #expect(recovery.nextID == 4)
  }

  @Test("after a boot lifetimes go on from what was left when the file was written")
  func rebooted() throws {
    let record = try sample(remaining: .seconds(600))
    let file = state([record], boot: "earlier", age: .seconds(-5000))
    let recovery = Recovery(state: file, boot: "same", kernel: nil, now: now)
    #expect(recovery.records.first?.remaining == .seconds(600))
    #expect(recovery.nextID == 20)
  }

  @Test("in the same boot the time since the file was written counts")
  func aged() throws {
    let file = state([try sample(remaining: .seconds(600))], age: .seconds(100))
    let recovery = Recovery(state: file, boot: "same", kernel: nil, now: now)
    #expect(recovery.records.first?.remaining == .seconds(500))
  }

  @Test("what had been counted is carried over when the kernel's table is gone")
  func carried() throws {
    var record = try sample()
    record.carried = DropCounters(packets: 1, bytes: 10)
    record.reading = DropCounters(packets: 2, bytes: 20)
    let recovery = Recovery(state: state([record]), boot: "same", kernel: nil, now: now)
    #expect(recovery.records.first?.carried == DropCounters(packets: 3, bytes: 30))
    #expect(recovery.records.first?.reading == nil)
  }

  @Test("with a table, an enforced mitigation that it lacks is over, and a waiting one goes on")
  func waiting() throws {
    var waiting = try sample(id: 9)
    waiting.status = .attackMitigationSignalLoss
    let other = try kernel(try sample(id: 7), left: .seconds(100))
    let file = state([try sample(id: 8), waiting])
    let recovery = Recovery(state: file, boot: "same", kernel: other, now: now)
    #expect(recovery.records.map { $0.id.value } == [7, 9])
  }

  /// A kernel in which mitigation 7 holds all elements, also those that 8 wants.
  private func sharedKernel(_ first: MitigationRecord, _ second: MitigationRecord) throws
    -> KernelSnapshot
  {
    var kernel = try kernel(first, left: .seconds(500))
    kernel.counters += try self.kernel(second, left: nil).counters
    return kernel
  }

  private let camera = MACAddress(0x4419_B600_0020)

  @Test("one whose keys are all of another that followed the same device is taken up")
  func followed() throws {
    var (first, second) = (try sample(id: 7), try sample(id: 8))
    for (index, address) in ["2001:db8:1::a1", "2001:db8:1::a2"].enumerated() {
      let device = DeviceAddress(try #require(IPAddress(parsing: Text(address))), camera)
      let source = [Prefix(host: device.address)]
      if index == 0 {
        first.scope.sourcePrefixes = source
        first.devices = [device]
      } else {
        second.scope.sourcePrefixes = source
        second.devices = [device]
      }
    }
    let kernel = try sharedKernel(first, second)
    let recovery = Recovery(state: nil, boot: "same", kernel: kernel, now: now)
    #expect(recovery.records.map { $0.id.value } == [7, 8] && recovery.orphans.isEmpty)
    second.scope.targetPrefixes = [try #require(Prefix(parsing: "203.0.113.6"))]
    let other = try sharedKernel(first, second)
    let left = Recovery(state: nil, boot: "same", kernel: other, now: now)
    #expect(left.records.map { $0.id.value } == [7] && left.orphans == [MitigationID(8)])
  }

  @Test("CH-NAT-03 and one whose device was found that another names")
  func foundShared() throws {
    var second = try sample(id: 8)
    second.scope.sourcePrefixes = [try #require(Prefix(parsing: "198.51.100.2"))]
    second.scope.sourcePortRanges = [PortRange(40_000)]
    let address = try #require(IPAddress(parsing: "192.168.1.20"))
    second.found = [FoundDevice(address, nil, .conntrack)]
    let kernel = try sharedKernel(try sample(id: 7), second)
    let recovery = Recovery(state: nil, boot: "same", kernel: kernel, now: now)
    #expect(recovery.records.map { $0.id.value } == [7, 8] && recovery.orphans.isEmpty)
  }

  @Test("CH-MIT-10 one whose only device waits for consent has no rule that a kernel could lack")
  func awaited() throws {
    var asked = try sample(id: 8)
    asked.scope.sourcePortRanges = [PortRange(40_000)]
    var device = FoundDevice(IPAddress(v4: 0xC0A8_0114), camera, .event)
    device.consent = .awaited
    asked.found = [device]
    let kernel = try kernel(try sample(id: 7), left: .seconds(100))
    let recovery = Recovery(state: state([asked]), boot: "same", kernel: kernel, now: now)
    #expect(recovery.records.map { $0.id.value } == [7, 8])
    asked.found[0].consent = .given
    let ended = Recovery(state: state([asked]), boot: "same", kernel: kernel, now: now)
    #expect(ended.records.map { $0.id.value } == [7])
  }
}
