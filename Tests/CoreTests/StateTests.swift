import Bytes
import Mitigation
import Model
import TestSupport
import Testing

@testable import Core

@Suite struct StateTests {
  private func state() throws -> State {
    var state = State(
      boot: "0f1e2d3c",
      writtenAt: Instant(milliseconds: 9000),
      nextID: 9,
      records: [try sample(id: 7), try sample(id: 8)]
    )
    state.devices = [
      try deviceSample(), DeviceRecord(mac: MACAddress(1), start: UnixTime(seconds: 0)),
    ]
    return state
  }

  @Test("a state file gives back what was written")
  func roundTrip() throws {
    let state = try state()
    #expect(State(parsing: state.encoded) == state)
  }

  @Test("what is written of an engine, record by record, is its whole state")
  func ofEngine() throws {
    var settings = CoreSettings()
    settings.clients = [ClientSettings(section: "telemetry", name: "peer")]
    settings.clients[0].mayNameInternal = true
    let lan = try #require(Prefix(parsing: "192.168.1.0/24"))
    let home = Home(wanAddresses: [], lanPrefixes: [lan], lanAddresses: [])
    var engine = MitigationEngine(settings: settings, home: home, nextID: 9)
    let now = Instant(milliseconds: 9000)
    engine.restore([try deviceSample()], now: now)
    var other = try sample(id: 8)
    other.name.mid = 124
    #expect(engine.restore([try sample(id: 7), other], now: now) == [] && engine.count == 2)
    let read = try #require(State(parsing: written(engine, now: now).flatMap { $0 }))
    var whole = State(boot: "0f1e", writtenAt: now, nextID: 9, records: engine.records(now: now))
    whole.devices = engine.deviceRecords(now: now)
    #expect(read == whole && read.nextID == 9)
  }

  @Test("however many mitigations there are, what is written is in pieces of some kilobytes")
  func pieces() throws {
    var settings = CoreSettings()
    settings.clients = [ClientSettings(section: "telemetry", name: "peer")]
    settings.clients[0].mayNameInternal = true
    let lan = try #require(Prefix(parsing: "192.168.1.0/24"))
    let home = Home(wanAddresses: [], lanPrefixes: [lan], lanAddresses: [])
    var engine = MitigationEngine(settings: settings, home: home, nextID: 1)
    let now = Instant(milliseconds: 9000)
    let records = try (1...500).map { id in
      var record = try sample(id: UInt32(id))
      record.name.mid = UInt32(id)
      return record
    }
    #expect(engine.restore(records, now: now) == [] && engine.count == 500)
    let pieces = written(engine, now: now)
    #expect(pieces.count > 2 && pieces.allSatisfy { $0.count < 10_000 })
    let read = try #require(State(parsing: pieces.flatMap { $0 }))
    #expect(read.records == engine.records(now: now))
  }

  private func written(_ engine: MitigationEngine, now: Instant) -> [[UInt8]] {
    var pieces = StatePieces(engine, boot: "0f1e", now: now)
    var all: [[UInt8]] = []
    while let piece = pieces.piece() { all.append(piece) }
    return all
  }

  @Test("a state file cut off anywhere is none")
  func truncations() throws {
    let bytes = try state().encoded
    for length in bytes.indices { #expect(State(parsing: [UInt8](bytes[..<length])) == nil) }
    #expect(State(parsing: bytes + [0]) == nil)
  }

  @Test("another version's file is none")
  func version() throws {
    var bytes = try state().encoded
    #expect(bytes[1] == 5)
    for version in UInt8(0)..<24 where version != 5 {
      bytes[1] = version
      #expect(State(parsing: bytes) == nil)
    }
  }

  @Test("no mutation of a state file traps")
  func mutations() throws {
    let bytes = try state().encoded
    let seed = UInt64.random(in: 0...(.max))
    var random = SeededGenerator(seed: seed)
    var readable = 0
    for _ in 0..<10_000 {
      var mutated = bytes
      let index = Int.random(in: mutated.indices, using: &random)
      mutated[index] ^= UInt8.random(in: 1...255, using: &random)
      if let state = State(parsing: mutated) {
        readable += 1
        #expect(State(parsing: state.encoded) == state, "seed \(seed)")
      }
    }
    #expect(readable > 0, "some mutations leave another valid file; seed \(seed)")
  }
}

@Suite struct StateScheduleTests {
  @Test("the first change is written at once, the next no sooner than ten seconds later")
  func spacing() {
    var schedule = StateSchedule()
    let start = Instant(milliseconds: 100_000)
    #expect(schedule.due(now: start, isActive: false) == nil)
    schedule.changed()
    #expect(schedule.due(now: start, isActive: true) == start)
    schedule.wrote(at: start)
    schedule.changed()
    #expect(schedule.due(now: start, isActive: true) == start + .seconds(10))
  }

  @Test("without a change, there is a write in fifteen minutes while active, and none when idle")
  func refresh() {
    var schedule = StateSchedule()
    let start = Instant(milliseconds: 100_000)
    schedule.wrote(at: start)
    #expect(schedule.due(now: start, isActive: true) == start + .seconds(900))
    #expect(schedule.due(now: start, isActive: false) == nil)
  }
}
