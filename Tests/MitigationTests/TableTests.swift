import Bytes
import Model
import TestSupport
import Testing

@testable import Mitigation

@Suite struct TableTests {
  private func mitigation(
    _ number: UInt32,
    mid: UInt32,
    cuid: Text,
    elements: Int,
    phase: Mitigation.Phase
  ) -> Mitigation {
    let holder = Holder(section: "isp", cdid: nil, cuid: cuid)
    var mitigation = Mitigation(
      id: MitigationID(number),
      claim: Claim(
        key: MitigationKey(holder: holder, mid: mid),
        role: .base,
        scope: Fixture.scope()
      ),
      permit: Permit(action: .block, verdict: .drop, sources: [], targets: []),
      phase: phase,
      measurement: Measurement(since: Instant(milliseconds: 0))
    )
    mitigation.elements = elements
    return mitigation
  }

  @Test("running sums and lookups agree with what the table holds")
  func sums() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var table = MitigationTable()
    for number in UInt32(1)...400 {
      let holders: [Text] = ["a", "b", "c"]
      let stored = mitigation(
        number,
        mid: number &* 7919 % 1009,
        cuid: holders[Int(number % 3)],
        elements: Int.random(in: 0...9, using: &random),
        phase: Bool.random(using: &random) ? .active : .waiting
      )
      table.store(stored)
      if var other = table.all.randomElement(using: &random) {
        other.phase = Bool.random(using: &random) ? .terminating : .waiting
        other.elements += 1
        table.store(other)
      }
      if let other = table.all.randomElement(using: &random), table.all.count > 20 {
        #expect(table.remove(other.id)?.id == other.id)
      }
      #expect(table.enforcedCount == table.all.count { $0.isEnforced }, "seed \(seed)")
      let usage = table.usage(of: "isp")
      #expect(usage.mitigations == table.all.count, "seed \(seed)")
      #expect(usage.elements == table.all.reduce(0) { $0 + $1.elements }, "seed \(seed)")
      for one in table.all { #expect(table[one.key]?.id == one.id, "seed \(seed)") }
    }
  }

  @Test("a client's numbers rise, whatever the order in which they came")
  func rising() {
    var table = MitigationTable()
    for (number, mid) in [UInt32(30), 10, 20].enumerated() {
      table.store(
        mitigation(UInt32(number + 1), mid: mid, cuid: "a", elements: 1, phase: .active)
      )
    }
    let holder = Holder(section: "isp", cdid: nil, cuid: "a")
    #expect(table.numbers(of: holder).map { $0.mid } == [10, 20, 30])
    #expect(table.positions(overlapping: Fixture.scope().targetPrefixes) == [0, 1, 2])
  }
}
