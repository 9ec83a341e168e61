import Bytes
import CBOR
import DOTS
import Testing

@Suite("Names") struct NameTests {
  private func fault(uri: String) -> Fault? { DOTSTests.fault(valid([12: texts(uri)])) }
  private func fault(name: String) -> Fault? { DOTSTests.fault(valid([11: texts(name)])) }

  @Test(
    "MIT-PUT-10 names of hosts are accepted",
    arguments: [
      "a", "www.example.com", "www.example.com.", "_dots._udp.example", "xn--4ca.example", "1.2",
    ]
  )
  func names(_ name: String) { #expect(fault(name: name) == nil) }

  @Test(
    "MIT-PUT-10 what is no name of a host is 4.00",
    arguments: [".", "a..b", ".a", "-a.example", "a-.example", "a b", "ü.example", "a/b", "a\n"]
  )
  func notNames(_ name: String) { #expect(fault(name: name) == .domainNameSyntax) }

  @Test("MIT-PUT-10 labels have at most 63 bytes, names 253") func lengths() {
    let label = String(repeating: "a", count: 63)
    #expect(fault(name: label) == nil)
    #expect(fault(name: label + "a") == .domainNameSyntax)
    let long = [label, label, label].joined(separator: ".")
    #expect(fault(name: long + "." + String(repeating: "b", count: 61)) == nil)
    #expect(fault(name: long + "." + String(repeating: "b", count: 62)) == .domainNameSyntax)
  }

  @Test(
    "MIT-PUT-12 URIs with host and port, or a scheme that has one, are accepted",
    arguments: [
      "https://www.example.com/", "HTTP://a", "coaps+tcp://a:5684/x?y#z", "x-y.z://a:1",
      "https://user:pass@a.example:443", "https://[2001:db8::1]/", "https://[2001:db8::1]:8443",
      "http://192.0.2.1?q", "http://a:",
    ]
  )
  func uris(_ uri: String) { #expect(fault(uri: uri) == nil) }

  @Test(
    "MIT-PUT-12 URIs without authority are 4.00",
    arguments: [
      "a", "http:", "http:/a", "mailto:a@b.example", "//a", "http://", "http:///a", "http://:80",
      "1http://a", "://a", "http://a b", "http://a:65536", "http://a:0", "http://a:b",
      "http://[::1",
      "http://[192.0.2.1]", "http://a:1:2", "http://[2001:db8::1]x", "http://ü",
    ]
  )
  func badURIs(_ uri: String) {
    #expect(fault(uri: uri) == .uriSyntax)
  }

  @Test("MIT-PUT-12 an unknown scheme needs a port") func scheme() {
    #expect(fault(uri: "gopher://a") == .uriWithoutPort)
    #expect(fault(uri: "gopher://a:70") == nil)
  }

  @Test("MIT-PUT-10 MIT-PUT-12 an address as host is checked like a prefix") func host() {
    #expect(fault(uri: "http://127.0.0.1/") == .prefixNotUnicast)
    #expect(fault(uri: "http://[ff02::1]/") == .prefixNotUnicast)
  }
}
