import Bytes
import CBOR
import Testing

@Test("CBR-08 integers longer than needed are accepted")
func longIntegers() throws {
  for spelled in ["05", "1805", "190005", "1a00000005", "1b0000000000000005"] {
    #expect(try parse(spelled) == .unsigned(5))
  }
  #expect(try parse("3b0000000000000000") == .integer(-1))
}

@Test("CBR-08 indefinite lengths are accepted in arrays, maps and both kinds of string")
func indefiniteLengths() throws {
  #expect(try parse("5fff") == .bytes([]))
  #expect(try parse("7f60616160ff") == .text("a"))
  #expect(try parse("9f9fffbfffff") == .array([.array([]), .map([])]))
  #expect(try parse("bf0102ff") == .map([CBOREntry(1, .unsigned(2))]))
}

@Test(
  "CBR-09 a key that occurs twice is refused at its second place",
  arguments: [
    ("a201000100", 3), ("a20100180100", 3), ("a3010002001a0000000100", 5), ("bf616100616100ff", 4),
    ("a2f93c0000fa3f80000000", 5), ("a281010081180100", 4), ("a37f6161ff000100616100", 8),
  ]
)
func duplicateKeys(spelled: String, offset: Int) throws {
  #expect(try refusal(spelled) == CBORError(.duplicateKey, offset: offset))
}

@Test("keys in any order and of different types are no duplicates")
func differentKeys() throws {
  #expect(try parse("a60300020001002000613100413100").map?.count == 6)
}

@Test("CBR-09 trailing bytes are refused")
func trailingBytes() throws {
  #expect(try refusal("0000") == CBORError(.trailingBytes, offset: 1))
  #expect(try refusal("80ff") == CBORError(.trailingBytes, offset: 1))
}

@Test(
  "CBR-09 truncated input is refused",
  arguments: ["", "18", "1900", "42aa", "8119", "a100"]
)
func truncated(spelled: String) throws {
  #expect(try refusal(spelled)?.reason == .truncated)
}

@Test(
  "CBR-09 text that is no UTF-8 is refused",
  arguments: ["61ff", "62c080", "63eda080", "64f4908080", "7f61c361bcff"]
)
func invalidUTF8(spelled: String) throws {
  #expect(try refusal(spelled)?.reason == .invalidUTF8)
}

@Test("bytes that are no UTF-8 are fine in a byte string")
func anyBytes() throws {
  #expect(try parse("42ff80") == .bytes([0xFF, 0x80]))
}

@Test(
  "reserved additional information is refused",
  arguments: ["1c", "3d", "5e", "fc", "fd", "fe", "1f", "3f", "df00"]
)
func reserved(spelled: String) throws {
  #expect(try refusal(spelled) == CBORError(.reservedInformation, offset: 0))
}

@Test(
  "a break outside an indefinite-length item or after a key is refused",
  arguments: ["ff", "81ff", "c1ff", "a1ff", "bf01ff"]
)
func misplacedBreak(spelled: String) throws {
  #expect(try refusal(spelled)?.reason == .unexpectedBreak)
}

@Test(
  "a chunk must be a definite-length string of the same type",
  arguments: ["5f6161ff", "7f4161ff", "5f01ff", "5f5f4101ffff", "7f80ff"]
)
func wrongChunk(spelled: String) throws {
  #expect(try refusal(spelled) == CBORError(.invalidChunk, offset: 1))
}

@Test("a simple value below 32 in two bytes is refused")
func shortSimpleValue() throws {
  #expect(try refusal("f818")?.reason == .invalidSimpleValue)
  #expect(try refusal("f81f")?.reason == .invalidSimpleValue)
  #expect(try parse("f820") == .simple(32))
}

@Test(
  "CBR-10 sixteen levels are accepted and seventeen are refused",
  arguments: ["81", "9f", "c1"]
)
func depth(opening: String) throws {
  let isIndefinite = opening == "9f"
  func nested(_ levels: Int) -> String {
    String(repeating: opening, count: levels) + "00"
      + String(repeating: isIndefinite ? "ff" : "", count: levels)
  }
  #expect(try refusal(nested(16)) == nil)
  #expect(try refusal(nested(17)) == CBORError(.tooDeep, offset: 16))
}

@Test("CBR-10 deep nesting in map keys and values is refused too")
func depthInMaps() throws {
  #expect(try refusal(String(repeating: "a100", count: 17) + "00")?.reason == .tooDeep)
  #expect(try refusal(String(repeating: "a1", count: 17) + "00")?.reason == .tooDeep)
}

@Test("CBR-10 more items than the limit are refused")
func itemLimit() throws {
  #expect(try refusal("83000000", limits: CBORLimits(items: 4)) == nil)
  #expect(
    try refusal("8400000000", limits: CBORLimits(items: 4))
      == CBORError(.tooManyItems, offset: 4)
  )
}

@Test(
  "CBR-10 a declared length beyond the input is refused without reserving it",
  arguments: ["5b", "7b", "9b", "bb"]
)
func hugeLength(major: String) throws {
  #expect(try refusal(major + "0000010000000000")?.reason == .truncated)
  #expect(try refusal(major + "ffffffffffffffff")?.reason == .truncated)
}
