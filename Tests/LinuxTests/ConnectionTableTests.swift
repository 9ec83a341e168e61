import Bytes
import Linux
import Testing

struct ConnectionTableTests {
  private let camera = IPAddress(v4: 0xC0A8_0114)
  private let laptop = IPAddress(v4: 0xC0A8_011E)
  private let later = Instant(milliseconds: 10_000)

  private func table() -> ConnectionTable {
    ConnectionTable(ConnectionTable.Limits(connections: 8, perSource: 4, bytes: 1000))
  }

  @Test("a source with too many connections loses its own oldest")
  func perSource() {
    var table = table()
    let first = table.admit(camera, until: later).number
    for _ in 0..<3 { #expect(table.admit(camera, until: later).evicted == nil) }
    #expect(table.admit(camera, until: later).evicted == first)
    #expect(table.count == 4)
  }

  @Test("C1 a thousand connections of one source keep nobody else out, and end nobody else's")
  func thousand() {
    var table = table()
    let other = table.admit(laptop, until: later).number
    for _ in 0..<1000 { #expect(table.admit(camera, until: later).evicted != other) }
    #expect(table.admit(laptop, until: later).evicted == nil)
    #expect(table.count == 6)
  }

  @Test("a full table loses the oldest of the source that has most")
  func full() {
    var table = table()
    var oldest: UInt32?
    for index in 0..<5 { _ = table.admit(IPAddress(v4: UInt32(index)), until: later) }
    for _ in 0..<3 { oldest = oldest ?? table.admit(camera, until: later).number }
    for _ in 0..<2 { _ = table.admit(camera, until: later) }
    #expect(table.count == 8)
    #expect(table.admit(laptop, until: later).evicted == oldest)
  }

  @Test("one that is over goes before an older one that isn't, of its source and of a full table")
  func retired() {
    var table = table()
    let first = table.admit(camera, until: later).number
    let second = table.admit(camera, until: later).number
    for _ in 0..<2 { _ = table.admit(camera, until: later) }
    table.retire(second, until: Instant(milliseconds: 9000))
    #expect(table.expired(now: Instant(milliseconds: 9000)) == [second])
    #expect(table.admit(camera, until: later).evicted == second)
    #expect(table.admit(camera, until: later).evicted == first)
    for index in 0..<4 { _ = table.admit(IPAddress(v4: UInt32(index)), until: later) }
    let last = table.admit(camera, until: later).number
    table.retire(last, until: later)
    #expect(table.admit(laptop, until: later).evicted == last)
  }

  @Test("somebody new gets in when every source has one connection")
  func equals() {
    var table = table()
    let first = table.admit(IPAddress(v4: 0), until: later).number
    for index in 1..<8 { _ = table.admit(IPAddress(v4: UInt32(index)), until: later) }
    #expect(table.admit(laptop, until: later).evicted == first)
  }

  @Test("when all hold too many bytes, those of the source that holds most go")
  func bytes() {
    var table = table()
    let small = table.admit(laptop, until: later).number
    let idle = table.admit(camera, until: later).number
    let large = table.admit(camera, until: later).number
    #expect(table.hold(100, by: small).isEmpty)
    #expect(table.hold(900, by: large).isEmpty)
    #expect(table.hold(101, by: small) == [large])
    #expect(table.hold(10, by: idle).isEmpty)
    #expect(table.hold(2000, by: small) == [small])
    #expect(table.count == 1)
  }

  @Test("what is forgotten holds nothing any more")
  func removed() {
    var table = table()
    for _ in 0..<100 {
      let number = table.admit(laptop, until: later).number
      #expect(table.hold(1000, by: number).isEmpty)
      table.remove(number)
    }
    #expect(table.count == 0 && table.nextDeadline == nil)
  }

  @Test("a connection's time is over at its deadline, which can be moved")
  func deadlines() {
    var table = table()
    let first = table.admit(laptop, until: later).number
    let second = table.admit(camera, until: later + .seconds(1)).number
    #expect(table.nextDeadline == later)
    #expect(table.expired(now: later) == [first])
    table.extend(first, until: later + .seconds(2))
    #expect(table.expired(now: later).isEmpty)
    #expect(table.expired(now: later + .seconds(1)) == [second])
  }

  @Test("numbers aren't used again while they are in the table")
  func numbers() {
    var table = table()
    var seen: Set<UInt32> = []
    for index in 0..<500 {
      let number = table.admit(IPAddress(v4: UInt32(index % 7)), until: later).number
      #expect(seen.insert(number).inserted && number != 0)
    }
  }
}
