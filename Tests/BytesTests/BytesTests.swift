import Bytes
import Testing

@Test(
  "addresses print as RFC 5952 says",
  arguments: [
    "2001:db8::1", "::", "::1", "1::", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1", "1.2.3.4",
    "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8", "fe80::1:0:0:1",
  ]
)
func canonical(text: String) {
  #expect(IPAddress(parsing: Text(text))?.description == text)
}
@Test(
  "bad addresses are refused",
  arguments: [
    "", ":", ":::", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "01.2.3.4",
    "1.2.3", "1.2.3.256", "12345::", "g::", "::1.2.3", "1:2:3:4:5:6:7::8", "fe80::1%eth0",
  ]
)
func refused(text: String) { #expect(IPAddress(parsing: Text(text)) == nil) }
@Test("masks") func masks() {
  for (t, l, e) in [
    ("255.255.255.255", 0, "0.0.0.0"), ("255.255.255.255", 32, "255.255.255.255"),
    ("255.255.255.255", 9, "255.128.0.0"), ("ffff:ffff:ffff:ffff:ffff::", 0, "::"),
    ("ffff:ffff:ffff:ffff:ffff::", 64, "ffff:ffff:ffff:ffff::"),
    ("ffff:ffff:ffff:ffff:ffff::1", 128, "ffff:ffff:ffff:ffff:ffff::1"), ("ffff::", 1, "8000::"),
    ("::ffff", 127, "::fffe"),
  ] {
    #expect(IPAddress(parsing: Text(t))!.masked(to: l).description == e)
  }
  #expect(Prefix(parsing: "10.0.0.0/8")!.lastAddress.description == "10.255.255.255")
  #expect(
    Prefix(parsing: "2001:db8::/32")!.lastAddress.description
      == "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"
  )
  #expect(
    Prefix(parsing: "::/0")!.lastAddress.description == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
  )
  #expect(Prefix(parsing: "1.2.3.4/33") == nil)
}
