import Bytes
import Testing

@Suite struct TextTests {
  @Test("a decimal number in canonical form is read")
  func decimal() {
    #expect(Text("0").decimal(as: UInt32.self) == 0)
    #expect(Text("4294967295").decimal(as: UInt32.self) == .max)
  }

  @Test(
    "another spelling of a number is refused",
    arguments: [
      "", "-1", "+1", " 1", "1 ", "01", "00", "0x1", "4294967296", "99999999999999999999",
    ]
  )
  func notDecimal(text: String) {
    #expect(Text(text).decimal(as: UInt32.self) == nil)
  }

  @Test("splitting keeps empty parts")
  func split() {
    #expect(Text("a//b").split(0x2F) == ["a", "", "b"])
    #expect(Text("").split(0x2F) == [""])
  }

  @Test("prefix, suffix and lower case go by bytes")
  func parts() {
    #expect(Text("cuid=x").hasPrefix("cuid="))
    #expect(!Text("cui").hasPrefix("cuid="))
    #expect(Text("a.example").hasSuffix(".example"))
    #expect(Text("A.Example").asciiLowercased == "a.example")
    #expect(Text("cuid=x").dropFirst(5) == "x")
  }
}

@Suite struct MACAddressTests {
  @Test("six pairs with colons are an address, and print so")
  func parse() {
    #expect(MACAddress(parsing: "00:1A:2b:3c:4d:5e")?.description == "00:1a:2b:3c:4d:5e")
    for text: Text in ["", "00:11:22:33:44", "00:11:22:33:44:55:66", "0:1:2:3:4:5", "00-11-22"] {
      #expect(MACAddress(parsing: text) == nil)
    }
  }

  @Test("a prefix matches what begins with it")
  func prefix() throws {
    let address = try #require(MACAddress(parsing: "00:11:22:33:44:55"))
    #expect(MACPrefix(parsing: "00:11:22")?.matches(address) == true)
    #expect(MACPrefix(parsing: "00:11:23")?.matches(address) == false)
    #expect(MACPrefix(parsing: "") == nil)
  }

  @Test("a locally administered address counts as random")
  func random() {
    #expect(MACAddress(parsing: "02:00:00:00:00:01")?.isRandom == true)
    #expect(MACAddress(parsing: "00:11:22:33:44:55")?.isRandom == false)
    #expect(MACAddress(parsing: "01:00:5e:00:00:16")?.isGroup == true)
    #expect(MACAddress(parsing: "00:11:22:33:44:55")?.isGroup == false)
  }
}

@Suite struct TimeTests {
  @Test("arithmetic stops at the ends of the range")
  func clamped() {
    let far = Instant(milliseconds: .max)
    #expect(far + .seconds(1) == far)
    #expect(Instant(milliseconds: .min) - far == Span(milliseconds: .min))
    #expect(Span.seconds(Int64.max) == Span(milliseconds: .max))
    #expect(Span(milliseconds: .min) * 2 == Span(milliseconds: .min))
    #expect(Span(milliseconds: .max) * -2 == Span(milliseconds: .min))
  }

  @Test("whole seconds are rounded up and never negative")
  func wholeSeconds() {
    #expect(Span(milliseconds: 1).wholeSeconds == 1)
    #expect(Span(milliseconds: 1000).wholeSeconds == 1)
    #expect(Span(milliseconds: -5000).wholeSeconds == 0)
    #expect(Span(milliseconds: .max).wholeSeconds == .max)
  }
}

@Suite struct RangeTests {
  @Test("bounds the wrong way round make no range")
  func inverted() {
    #expect(PortRange(2, 1) == nil)
    #expect(ICMPTypeRange(2, 1) == nil)
  }

  @Test("a range counts and holds both its ends")
  func ends() throws {
    let range = try #require(PortRange(10, 12))
    #expect(range.count == 3 && range.contains(10) && range.contains(12) && !range.contains(13))
    #expect(PortRange(0, .max)?.count == 65_536)
    #expect(PortRange(53).description == "53" && range.description == "10-12")
  }
}
