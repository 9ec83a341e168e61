import Bytes
import Testing

@Suite struct PortSetTests {
  @Test("the set of RFC 7597, Appendix A: 63 blocks of four ports, none of them well known")
  func example() throws {
    let set = try #require(PortSet(offset: 6, length: 8, number: 0x34))
    var expected: [UInt16] = []
    for block in UInt16(1)...63 {
      let first = block * 1024 + 208
      expected += first...first + 3
    }
    #expect((0...UInt16.max).filter { set.contains(PortRange($0)) } == expected)
  }

  @Test("without an offset the set is one block, from its first port to its last")
  func oneBlock() throws {
    let set = try #require(PortSet(offset: 0, length: 4, number: 3))
    let ports = (0...UInt16.max).filter { set.contains(PortRange($0)) }
    #expect(ports == Array(12_288...16_383))
    #expect(set.contains(try #require(PortRange(12_288, 16_383))))
    #expect(!set.contains(try #require(PortRange(12_287, 12_290))))
    #expect(!set.contains(try #require(PortRange(16_383, 16_384))))
  }

  @Test("with all bits in the number each block is one port")
  func single() throws {
    let set = try #require(PortSet(offset: 0, length: 16, number: 53))
    #expect(set.contains(PortRange(53)) && !set.contains(PortRange(54)))
    #expect(!set.contains(try #require(PortRange(53, 54))))
  }

  @Test("no range is in the set that holds a port of another: all offsets and lengths")
  func ranges() throws {
    for offset in UInt8(0)..<16 {
      for length in 1...(16 - offset) {
        let set = try #require(PortSet(offset: offset, length: length, number: 1))
        for lower in stride(from: UInt16(0), through: 65_000, by: 997) {
          let range = try #require(PortRange(lower, lower + 5))
          let all = (range.lower...range.upper).allSatisfy { set.contains(PortRange($0)) }
          #expect(set.contains(range) == all)
        }
      }
    }
  }

  @Test("a number that its bits can't hold, and more bits than a port has, are no set")
  func impossible() {
    #expect(PortSet(offset: 16, length: 1, number: 0) == nil)
    #expect(PortSet(offset: 6, length: 0, number: 0) == nil)
    #expect(PortSet(offset: 6, length: 11, number: 0) == nil)
    #expect(PortSet(offset: 6, length: 8, number: 256) == nil)
    #expect(PortSet(offset: 0, length: 16, number: .max) != nil)
  }
}
