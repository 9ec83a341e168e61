import Bytes
import Link
import Mitigation
import Model
import TestSupport
import Testing

@testable import Core

@Suite struct JournalTests {
  @Test("a journal gives back the mitigation that it was made of")
  func roundTrip() throws {
    let journal = Journal(try sample(), writtenAt: Instant(milliseconds: 5000))
    let bytes = try #require(journal.encoded)
    #expect(bytes.count <= Journal.maximumLength)
    #expect(Journal(parsing: bytes) == journal)
  }

  @Test("nft finds no comment of its own in a journal: all of it is one attribute of our kind")
  func attribute() throws {
    let bytes = try #require(Journal(try sample(), writtenAt: Instant(milliseconds: 5000)).encoded)
    #expect(bytes[0] == 0xC0 && Int(bytes[1]) == bytes.count - 2)
  }

  @Test("a journal that the kernel has no room for is none")
  func tooLong() throws {
    var record = try sample()
    record.scope.targetFQDNs = [Text([UInt8](repeating: 0x61, count: 250))]
    #expect(Journal(record, writtenAt: Instant(milliseconds: 0)).encoded == nil)
  }

  @Test("what a journal says ages with the clock of the boot")
  func ages() throws {
    var record = try sample()
    record.remaining = .seconds(100)
    record.question = .seconds(50)
    let journal = Journal(record, writtenAt: Instant(milliseconds: 10_000))
    #expect(journal.record(at: Instant(milliseconds: 40_000)).remaining == .seconds(70))
    #expect(journal.record(at: Instant(milliseconds: 40_000)).active == .seconds(32))
    #expect(journal.record(at: Instant(milliseconds: 40_000)).question == .seconds(20))
    #expect(journal.record(at: Instant(milliseconds: 500_000)).remaining == .zero)
    // A clock that went back is none of ours: nothing grows.
    #expect(journal.record(at: Instant(milliseconds: 0)).remaining == .seconds(100))
  }

  @Test("no truncation or mutation of a journal traps, and only whole ones are read")
  func mutations() throws {
    let bytes = try #require(Journal(try sample(), writtenAt: Instant(milliseconds: 1)).encoded)
    for length in bytes.indices { #expect(Journal(parsing: [UInt8](bytes[..<length])) == nil) }
    let seed = UInt64.random(in: 0...(.max))
    var random = SeededGenerator(seed: seed)
    for _ in 0..<10_000 {
      var mutated = bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let index = Int.random(in: mutated.indices, using: &random)
        mutated[index] = UInt8.random(in: 0...255, using: &random)
      }
      if let journal = Journal(parsing: mutated) {
        #expect(journal.record(at: Instant(milliseconds: .max)).remaining >= .zero, "seed \(seed)")
      }
    }
  }
}

/// A mitigation as a record.
func sample(id: UInt32 = 7, remaining: Span = .seconds(600)) throws -> MitigationRecord {
  var scope = MitigationScope()
  scope.targetPrefixes = [try #require(Prefix(parsing: "203.0.113.5"))]
  scope.targetPortRanges = [PortRange(53)]
  scope.targetProtocols = [17]
  scope.sourcePrefixes = [try #require(Prefix(parsing: "192.168.1.20"))]
  return MitigationRecord(
    id: MitigationID(id),
    client: "telemetry",
    name: MitigationName(cuid: "dz6pHjaADkaFTbjr0JGBpw", mid: 123),
    role: .base,
    scope: scope,
    action: .block,
    granted: 3600,
    remaining: remaining,
    status: .attackMitigationInProgress,
    start: UnixTime(seconds: 1_764_000_000),
    active: .seconds(2),
    carried: DropCounters(packets: 0, bytes: 0),
    reading: nil
  )
}
