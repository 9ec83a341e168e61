import Bytes
import Link
import TestSupport
import Testing

/// The items that values are made of.
struct CoderTests {
  private func read<Result>(
    _ bytes: [UInt8],
    _ visit: (inout ItemReader) -> Result
  ) throws(LinkError) -> Result {
    var reader = ItemReader(bytes)
    let result = visit(&reader)
    try reader.finish()
    return result
  }

  private func text(_ bytes: [UInt8], limit: Int) throws(LinkError) -> Text {
    try read(bytes) { reader in
      var text: Text = "before"
      reader.text(&text, limit: limit)
      return text
    }
  }

  private func string(_ bytes: [UInt8], limit: Int) throws(LinkError) -> [UInt8] {
    try read(bytes) { reader in
      var string: [UInt8] = [1]
      reader.bytes(&string, limit: limit)
      return string
    }
  }

  private func flag(_ bytes: [UInt8]) throws(LinkError) -> Bool {
    try read(bytes) { reader in
      var flag = true
      reader.flag(&flag)
      return flag
    }
  }

  private func list(_ bytes: [UInt8], limit: Int) throws(LinkError) -> [UInt8] {
    try read(bytes) { reader in
      var list: [UInt8] = [1]
      reader.list(&list, limit: limit)
      return list
    }
  }

  private func optional(_ bytes: [UInt8]) throws(LinkError) -> UInt8? {
    try read(bytes) { reader in
      var value: UInt8? = 1
      reader.optional(&value)
      return value
    }
  }

  @Test(
    "a number has its shortest head",
    arguments: [
      (0, "00"), (23, "17"), (24, "18 18"), (255, "18 ff"), (256, "19 0100"),
      (65_535, "19 ffff"), (65_536, "1a 00010000"), (UInt64(UInt32.max), "1a ffffffff"),
      (1 << 32, "1b 0000000100000000"), (.max, "1b ffffffffffffffff"),
    ]
  )
  func numbers(_ number: UInt64, _ spelled: String) throws {
    let bytes = try #require(hexadecimalBytes(spelled))
    #expect(try encoded(number) == bytes)
    #expect(try parsed(bytes, as: UInt64.self) == number)
  }

  @Test(
    "a longer head than needed is refused",
    arguments: [
      "18 00", "18 17", "19 0000", "19 00ff", "1a 00000000", "1a 0000ffff",
      "1b 0000000000000000", "1b 00000000ffffffff",
    ]
  )
  func longHeads(_ spelled: String) throws {
    let bytes = try #require(hexadecimalBytes(spelled))
    #expect(throws: LinkError.malformed) { try parsed(bytes, as: UInt64.self) }
  }

  @Test(
    "reserved and indefinite lengths are refused, and an item of another kind",
    arguments: [0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x40, 0x60, 0x80, 0xA0, 0xC0, 0xF4, 0xF6, 0xFF]
  )
  func otherItems(_ first: UInt8) {
    #expect(throws: LinkError.malformed) { try parsed([first], as: UInt64.self) }
    #expect(throws: LinkError.malformed) { try parsed([first, 0, 0], as: UInt64.self) }
  }

  @Test("a number too large for its type is refused")
  func ranges() throws {
    #expect(throws: LinkError.malformed) { try parsed(encoded(UInt16(256)), as: UInt8.self) }
    #expect(throws: LinkError.malformed) { try parsed(encoded(UInt32(1 << 16)), as: UInt16.self) }
    #expect(throws: LinkError.malformed) { try parsed(encoded(UInt64(1 << 32)), as: UInt32.self) }
    #expect(try parsed(encoded(UInt64(255)), as: UInt8.self) == 255)
  }

  @Test(
    "a number of either sign has one spelling",
    arguments: [
      (0, "00"), (-1, "20"), (-24, "37"), (-25, "38 18"), (Int64.max, "1b 7fffffffffffffff"),
      (Int64.min, "3b 7fffffffffffffff"),
    ]
  )
  func integers(_ number: Int64, _ spelled: String) throws {
    let bytes = try #require(hexadecimalBytes(spelled))
    #expect(try encoded(Span(milliseconds: number)) == bytes)
    #expect(try parsed(bytes, as: Span.self).milliseconds == number)
  }

  @Test(
    "a number beyond 64 bits with a sign is refused",
    arguments: ["1b 8000000000000000", "3b 8000000000000000", "3b ffffffffffffffff", "38 17", "40"]
  )
  func wideIntegers(_ spelled: String) throws {
    let bytes = try #require(hexadecimalBytes(spelled))
    #expect(throws: LinkError.malformed) { try parsed(bytes, as: Span.self) }
  }

  @Test("a flag is one of two simple values")
  func flags() throws {
    #expect(try flag([0xF4]) == false)
    #expect(try flag([0xF5]) == true)
    for other: [UInt8] in [
      [], [0], [1], [0xE0], [0xF3], [0xF6], [0xF7], [0xF8, 21], [0xF9, 0, 21],
    ] {
      #expect(throws: LinkError.malformed) { try flag(other) }
    }
  }

  @Test("a value or null: nothing else is taken for either")
  func optionals() throws {
    #expect(try optional([0xF6]) == nil)
    #expect(try optional([7]) == 7)
    for other: [UInt8] in [[], [0xF4], [0xF5], [0xF7], [0xF8, 22], [0xF6, 0xF6], [0x40]] {
      #expect(throws: LinkError.malformed) { try optional(other) }
    }
  }

  @Test("text and byte strings are read up to their limits, and not cut off")
  func strings() throws {
    #expect(try text([0x62, 0x61, 0x62], limit: 2) == "ab")
    #expect(throws: LinkError.malformed) { try text([0x62, 0x61, 0x62], limit: 1) }
    #expect(throws: LinkError.malformed) { try text([0x62, 0x61], limit: 2) }
    #expect(try text([0x60], limit: 0).isEmpty)
    #expect(try string([0x42, 0, 255], limit: 2) == [0, 255])
    #expect(throws: LinkError.malformed) { try string([0x42, 0, 255], limit: 1) }
    #expect(throws: LinkError.malformed) { try string([0x62, 0x61, 0x62], limit: 9) }
    #expect(throws: LinkError.malformed) { try text([0x42, 0x61, 0x62], limit: 9) }
    #expect(throws: LinkError.malformed) { try text([0x7F, 0x61, 0x61, 0xFF], limit: 9) }
  }

  @Test("a string that claims to be longer than memory is refused")
  func hugeStrings() {
    let huge: [UInt8] = [0x5B] + [UInt8](repeating: 0xFF, count: 8)
    #expect(throws: LinkError.malformed) { try string(huge, limit: .max) }
    #expect(throws: LinkError.malformed) { try string([0x5B, 0x7F] + huge, limit: .max) }
  }

  @Test("text that is no UTF-8 is neither written nor read")
  func notUTF8() {
    for bytes: [UInt8] in [
      [0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
    ] {
      expectRefused(Text(bytes))
    }
  }

  @Test("a list has at most as many elements as its limit, and as many as it says")
  func lists() throws {
    #expect(try list([0x80], limit: 0).isEmpty)
    #expect(try list([0x82, 5, 6], limit: 2) == [5, 6])
    #expect(throws: LinkError.malformed) { try list([0x82, 5, 6], limit: 1) }
    #expect(throws: LinkError.malformed) { try list([0x83, 5, 6], limit: 9) }
    #expect(throws: LinkError.malformed) { try list([0x81, 5, 6], limit: 9) }
    #expect(throws: LinkError.malformed) { try list([0x9F, 5, 6, 0xFF], limit: 9) }
    #expect(throws: LinkError.malformed) { try list([0x82, 5, 0x40], limit: 9) }
  }

  @Test("a list that claims a great many elements reserves nothing for them")
  func hugeLists() {
    let huge: [UInt8] = [0x9B, 0x7F] + [UInt8](repeating: 0xFF, count: 7)
    #expect(throws: LinkError.malformed) { try list(huge + [1, 2], limit: .max) }
  }

  @Test("a list that is too long is no message, or is cut, as its place says")
  func longLists() throws {
    var five: [UInt8] = [1, 2, 3, 4, 5]
    var writer = ItemWriter()
    writer.list(&five, limit: 4)
    #expect(writer.failure == .malformed)
    writer = ItemWriter()
    writer.list(&five, limit: 4, isCut: true)
    #expect(try writer.message() == [0x84, 1, 2, 3, 4])
    #expect(five.count == 5)
  }

  @Test("an array has exactly as many items as its value has parts")
  func arrays() throws {
    let bytes: [UInt8] = [0x82, 0x01, 0x02]
    #expect(try parsed(bytes, as: RoomUser.self) == RoomUser(user: 1, group: 2))
    for other: [UInt8] in [
      [0x81, 1], [0x83, 1, 2, 3], [0x82, 1], [0x98, 2, 1, 2], [0xA1, 1, 2],
    ] {
      #expect(throws: LinkError.malformed) { try parsed(other, as: RoomUser.self) }
    }
  }

  @Test("a name has 1 to 255 bytes, in both directions", arguments: [0, 1, 255, 256])
  func names(_ count: Int) throws {
    let name = Text([UInt8](repeating: 0x61, count: count))
    guard count == 0 || count == 256 else {
      #expect(try parsed(encoded(Interface(name, number: 1)), as: Interface.self).name == name)
      return
    }
    expectRefused(Interface(name, number: 1))
  }

  @Test("the first fault is told, and what is read after it is harmless")
  func firstFault() {
    var reader = ItemReader([0x01, 0x40, 0x02])
    let first: UInt8 = reader.value()
    let second: UInt8 = reader.value()
    reader.fail(.unknownKind)
    let third: UInt8 = reader.value()
    let list: [UInt8]? = reader.optional().map { (one: UInt8) in [one] }
    #expect(first == 1 && second == 0 && third == 0 && list == [0])
    #expect(throws: LinkError.malformed) { try reader.finish() }
  }

  @Test("random bytes never trap, and are what they are read as")
  func randomBytes() throws {
    let seed = UInt64.random(in: 0...(.max))
    var random = SeededGenerator(seed: seed)
    for _ in 0..<20_000 {
      var bytes: [UInt8] = [UInt8.random(in: 0...8, using: &random)]
      for _ in 0..<Int.random(in: 0...40, using: &random) {
        // Heads that mean something are as frequent as others.
        bytes.append(
          Bool.random(using: &random)
            ? UInt8.random(in: 0...255, using: &random)
            : [0x80, 0x81, 0xF6, 0xF4, 0x41, 0x44, 0x61, 0x01].randomElement(using: &random) ?? 0
        )
      }
      try check(bytes, SignalMessage.self, seed)
      try check(bytes, CoreMessage.self, seed)
      try check(bytes, CoreSetup.self, seed)
      try check(bytes, FrontSetup.self, seed)
      try check(bytes, RoomReport.self, seed)
      try check(bytes, PortalMessage.self, seed)
      try check(bytes, PortalNotice.self, seed)
      try check(bytes, ControlCommand.self, seed)
      try check(bytes, ControlReply.self, seed)
    }
  }

  private func check<Message: LinkMessage>(
    _ bytes: [UInt8],
    _ type: Message.Type,
    _ seed: UInt64
  ) throws {
    guard let message = try? Message(parsing: bytes) else { return }
    #expect(try message.encoded() == bytes, "seed \(seed)")
  }
}
