import Bytes
import Testing

@Suite struct PrefixTests {
  @Test(
    "host bits become zero",
    arguments: [
      ("255.255.255.255", 0, "0.0.0.0"), ("255.255.255.255", 32, "255.255.255.255"),
      ("255.255.255.255", 9, "255.128.0.0"), ("ffff:ffff:ffff:ffff:ffff::", 0, "::"),
      ("ffff:ffff:ffff:ffff:ffff::", 64, "ffff:ffff:ffff:ffff::"),
      ("ffff:ffff:ffff:ffff:ffff::1", 128, "ffff:ffff:ffff:ffff:ffff::1"),
      ("ffff::", 1, "8000::"), ("::ffff", 127, "::fffe"), ("::ffff", 65, "::"),
    ]
  )
  func masks(address: String, length: Int, expected: String) throws {
    let address = try #require(IPAddress(parsing: Text(address)))
    #expect(Prefix(address, length: length)?.address.description == expected)
  }

  @Test(
    "a prefix that is longer than its family, or none, is refused",
    arguments: [
      "192.0.2.0/33", "2001:db8::/129", "192.0.2.0/", "/8", "192.0.2.0/08", "1.2.3.4/8/8",
    ]
  )
  func refused(text: String) {
    #expect(Prefix(parsing: Text(text)) == nil)
  }

  @Test("a bare address is a host prefix")
  func bare() {
    #expect(Prefix(parsing: "192.0.2.1")?.description == "192.0.2.1/32")
    #expect(Prefix(parsing: "::1")?.isHost == true)
  }

  @Test("the last address has all host bits set")
  func lastAddress() {
    #expect(Prefix(parsing: "10.0.0.0/8")?.lastAddress.description == "10.255.255.255")
    #expect(Prefix(parsing: "10.0.0.1/32")?.lastAddress.description == "10.0.0.1")
    #expect(
      Prefix(parsing: "2001:db8::/32")?.lastAddress.description
        == "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"
    )
    #expect(Prefix(parsing: "2001:db8::/100")?.lastAddress.description == "2001:db8::fff:ffff")
    #expect(Prefix(parsing: "0.0.0.0/0")?.lastAddress.description == "255.255.255.255")
  }

  @Test("two prefixes overlap when one holds the other, never across families")
  func overlap() throws {
    let wide = try #require(Prefix(parsing: "192.0.2.0/24"))
    let narrow = try #require(Prefix(parsing: "192.0.2.128/25"))
    let other = try #require(Prefix(parsing: "192.0.3.0/24"))
    let six = try #require(Prefix(parsing: "::/0"))
    #expect(wide.overlaps(narrow) && narrow.overlaps(wide))
    #expect(wide.contains(narrow) && !narrow.contains(wide))
    #expect(!wide.overlaps(other))
    #expect(!six.overlaps(wide) && !six.contains(IPAddress(v4: 0)))
  }
}
