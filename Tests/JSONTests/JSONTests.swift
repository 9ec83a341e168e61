import Bytes
import JSON
import Testing

@Test("scalars are written as RFC 8259 spells them")
func scalars() {
  let value = JSONValue.array([
    .null, .bool(true), .bool(false), .integer(.min), .unsigned(.max), .string("a"),
  ])
  #expect(
    value.text() == #"[null,true,false,-9223372036854775808,18446744073709551615,"a"]"#
  )
}

@Test("members keep their order")
func order() {
  let value = JSONValue.object(["b": .integer(1), "a": .object([]), "c": .array([])])
  #expect(value.text() == #"{"b":1,"a":{},"c":[]}"#)
}

@Test("quotes and backslashes are escaped, in names too")
func quotes() {
  #expect(
    JSONValue.object([#"a"b\"#: .string(#"\""#)]).text() == #"{"a\"b\\":"\\\""}"#
  )
}

@Test("every control character is escaped")
func controlCharacters() {
  for byte in (0..<0x20) + [0x7F] {
    let written = JSONValue.string(Text([UInt8(byte)])).text()
    #expect(written.count >= 4)
    #expect(written.bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
  }
  #expect(JSONValue.string("\n\r\t").text() == #""\n\r\t""#)
  #expect(JSONValue.string(Text([0, 0x1B, 0x7F])).text() == #""\u0000\u001b\u007f""#)
  #expect(
    JSONValue.string("\u{80}\u{9B}\u{9F}\u{A0}").text() == "\"\\u0080\\u009b\\u009f\u{A0}\""
  )
}

@Test("text beyond ASCII is written as it is")
func unicode() {
  #expect(JSONValue.string("küche 📷").text() == "\"küche 📷\"")
}

@Test(
  "bytes that are no UTF-8 become U+FFFD",
  arguments: [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0x80]] as [[UInt8]]
)
func invalidText(bytes: [UInt8]) {
  let written = JSONValue.string(Text([0x61] + bytes + [0x62])).text()
  #expect(written.hasPrefix("\"a\u{FFFD}"))
  #expect(written.hasSuffix("b\""))
  #expect(written.string.utf8.elementsEqual(written.bytes))
}

@Test("the pretty form indents by two spaces and leaves empty containers on their line")
func pretty() {
  let value = JSONValue.object([
    "a": .array([.integer(1), .object(["x": .null])]), "b": .array([]), "c": .object([]),
  ])
  let expected: Text = """
    {
      "a": [
        1,
        {
          "x": null
        }
      ],
      "b": [],
      "c": {}
    }
    """
  #expect(value.text(.pretty) == expected)
}

@Test("writing appends to what is there")
func appends() {
  var output: Text = "x="
  JSONValue.unsigned(7).write(to: &output)
  #expect(output == "x=7")
}
