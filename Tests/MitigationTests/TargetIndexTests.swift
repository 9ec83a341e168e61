import Bytes
import Model
import TestSupport
import Testing

@testable import Mitigation

/// An index and a plain list that says what it should find.
private struct Pair {
  var index = TargetIndex()
  var listed: [(id: MitigationID, targets: [Prefix])] = []
  var random: SeededGenerator

  /// Blocks of a small world, so that many overlap, begin alike or are the same.
  mutating func targets() -> [Prefix] {
    (0..<Int.random(in: 1...3, using: &random)).compactMap { _ in
      let value = UInt64.random(in: 0...63, using: &random)
      let isV4 = Bool.random(using: &random)
      let address =
        isV4
        ? IPAddress(v4: 0xCB00_7100 | UInt32(value))
        : IPAddress(v6High: 0x2001_0DB8_0000_0000 | value, low: value << 60)
      let lengths = isV4 ? 24...32 : 56...70
      return Prefix(
        address,
        length: Int.random(in: 0...15, using: &random) == 0
          ? 0 : Int.random(in: lengths, using: &random)
      )
    }
  }

  func expected(_ targets: [Prefix]) -> [MitigationID] {
    listed.filter { one in
      one.targets.contains { target in targets.contains { $0.overlaps(target) } }
    }.map { $0.id }
  }
}

@Suite struct TargetIndexTests {
  @Test("the index finds what looking at all finds, while mitigations come and go")
  func equivalence() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var pair = Pair(random: SeededGenerator(seed: seed))
    for number in UInt32(1)...600 {
      let targets = pair.targets()
      pair.index.insert(MitigationID(number), at: targets)
      pair.listed.append((MitigationID(number), targets))
      if pair.listed.count > 40 {
        let gone = pair.listed.remove(at: Int.random(in: 0...40, using: &pair.random))
        pair.index.remove(gone.id, at: gone.targets)
      }
      let asked = pair.targets()
      #expect(pair.index.overlapping(asked) == pair.expected(asked), "seed \(seed)")
    }
  }

  @Test("an index whose mitigations have all gone is as new")
  func emptied() throws {
    let block = try #require(Prefix(parsing: "203.0.113.0/24"))
    let host = try #require(Prefix(parsing: "203.0.113.0/32"))
    var index = TargetIndex()
    index.insert(MitigationID(1), at: [block, host, block])
    index.insert(MitigationID(2), at: [host])
    #expect(index.overlapping([host]) == [MitigationID(1), MitigationID(2)])
    index.remove(MitigationID(2), at: [host])
    index.remove(MitigationID(1), at: [block, host, block])
    #expect(index == TargetIndex())
  }
}
