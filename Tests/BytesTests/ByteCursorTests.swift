import Bytes
import Testing

@Suite struct ByteCursorTests {
  @Test("integers are read in network byte order")
  func integers() throws {
    var cursor = ByteCursor([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    #expect(try cursor.byte() == 1)
    #expect(try cursor.uint16() == 0x0203)
    #expect(try cursor.uint32() == 0x0405_0607)
    #expect(try cursor.uint64() == 0x0809_0A0B_0C0D_0E0F)
    #expect(cursor.isEmpty)
  }

  @Test("a read past the end fails, takes nothing and names its offset")
  func pastTheEnd() throws {
    var cursor = ByteCursor([1, 2, 3])
    _ = try cursor.byte()
    #expect(throws: EndOfInput(offset: 1)) { try cursor.uint32() }
    #expect(throws: EndOfInput(offset: 1)) { try cursor.bytes(3) }
    #expect(throws: EndOfInput(offset: 1)) { try cursor.bytes(-1) }
    #expect(throws: EndOfInput(offset: 1)) { try cursor.bytes(.max) }
    #expect(try cursor.uint16() == 0x0203)
    #expect(throws: EndOfInput(offset: 3)) { try cursor.byte() }
  }

  @Test("a sub-cursor ends where it was told, though the input goes on")
  func sub() throws {
    var cursor = ByteCursor([1, 2, 3, 4])
    var inner = try cursor.sub(2)
    #expect(inner.rest() == [1, 2])
    #expect(throws: EndOfInput(offset: 2)) { try inner.byte() }
    #expect(cursor.peek == 3)
    #expect(cursor.rest() == [3, 4])
    #expect(throws: EndOfInput(offset: 4)) { try cursor.sub(1) }
  }

  @Test("integers are appended in network byte order")
  func append() {
    var bytes: [UInt8] = []
    bytes.append(bigEndian: UInt16(0x0102))
    bytes.append(bigEndian: UInt32(0x0304_0506))
    #expect(bytes == [1, 2, 3, 4, 5, 6])
  }
}
