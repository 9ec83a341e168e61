import Bytes
import Testing

@Suite("Text from parts")
struct InterpolationTests {
  @Test("literals, names of literals, texts and values stand where they were put")
  func order() throws {
    let address = try #require(IPAddress(parsing: "192.0.2.1"))
    let name: StaticString = "open"
    let word: Text = "é"
    #expect("a \(name) \(word) \(address)." as Text == Text("a open é 192.0.2.1."))
  }

  @Test(
    "integers are written in decimal digits",
    arguments: [0, 7, 10, 99, 100, -1, .min, .max] as [Int]
  )
  func integers(number: Int) {
    #expect(Text(decimal: number) == Text(String(number)))
    #expect("\(number)" as Text == Text(String(number)))
  }

  @Test("the largest and the smallest numbers of a width are written whole")
  func widths() {
    #expect(Text(decimal: UInt64.max) == "18446744073709551615")
    #expect(Text(decimal: Int8.min) == "-128")
    #expect(Text(decimal: UInt8.max) == "255")
  }

  @Test("hexadecimal digits come with leading zeros or without")
  func hexadecimal() {
    var text: Text = ""
    text.append(hexadecimal: UInt8(0x0A), leadingZeros: true)
    text.append(hexadecimal: UInt16(0xA0), leadingZeros: false)
    text.append(hexadecimal: UInt16(0), leadingZeros: false)
    text.append(hexadecimal: UInt64.max, leadingZeros: true)
    #expect(text == "0aa00ffffffffffffffff")
  }

  @Test("a C string ends before its zero")
  func cString() {
    #expect(
      [0x61, 0x62, 0, 0x63].withUnsafeBufferPointer { $0.baseAddress.map(Text.init) } == "ab"
    )
  }
}
