import Bytes
import Testing

@Suite struct IPAddressTests {
  @Test(
    "an address in canonical form prints as it was written (RFC 5952)",
    arguments: [
      "2001:db8::1", "::", "::1", "1::", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1", "1.2.3.4",
      "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8", "fe80::1:0:0:1", "0.0.0.0", "255.255.255.255",
    ]
  )
  func canonical(text: String) {
    #expect(IPAddress(parsing: Text(text))?.description == text)
  }

  @Test("other spellings print in canonical form")
  func normalised() {
    #expect(IPAddress(parsing: "2001:DB8:0:0:0:0:0:1")?.description == "2001:db8::1")
    #expect(IPAddress(parsing: "1:2:3:4:5:6:1.2.3.4")?.description == "1:2:3:4:5:6:102:304")
    #expect(IPAddress(parsing: "1:0:3:4:5:6:7:8")?.description == "1:0:3:4:5:6:7:8")
  }

  @Test(
    "text that is no address is refused",
    arguments: [
      "", ":", ":::", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "01.2.3.4",
      "1.2.3", "1.2.3.256", "12345::", "g::", "::1.2.3", "1:2:3:4:5:6:7::8", "fe80::1%eth0",
      "1.2.3.4.5", "1.2.3.4 ", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
    ]
  )
  func refused(text: String) {
    #expect(IPAddress(parsing: Text(text)) == nil)
  }

  @Test("four or sixteen bytes make an address, and give the same bytes back")
  func bytes() throws {
    let four = try #require(IPAddress(bytes: [192, 0, 2, 1]))
    #expect(four.description == "192.0.2.1")
    #expect(four.bytes == [192, 0, 2, 1])
    let sixteen = [UInt8](0..<16)
    #expect(IPAddress(bytes: sixteen)?.bytes == sixteen)
    #expect(IPAddress(bytes: [1, 2, 3]) == nil)
  }

  @Test("an IPv4-mapped address unmaps, another stays as it is")
  func unmapped() {
    #expect(IPAddress(parsing: "::ffff:192.0.2.1")?.unmapped == IPAddress(parsing: "192.0.2.1"))
    #expect(IPAddress(parsing: "::1")?.unmapped == IPAddress(parsing: "::1"))
  }

  @Test("no truncation or mutation of an address text traps")
  func mutations() {
    var random = SystemRandomNumberGenerator()
    let alphabet = [UInt8](":.0123456789abcdefg%/".utf8)
    for _ in 0..<10_000 {
      let bytes = (0..<Int.random(in: 0...46, using: &random)).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
      }
      if let address = IPAddress(parsing: Text(bytes)) {
        #expect(IPAddress(parsing: address.text) == address)
      }
    }
  }
}
