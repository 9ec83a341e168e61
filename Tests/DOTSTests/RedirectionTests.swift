import Bytes
import CBOR
import CoAP
import Model
import Testing

@testable import DOTS

@Suite struct RedirectionTests {
  private func request(_ payload: [UInt8], _ more: [Text] = []) -> CoAPMessage {
    let path: [Text] = [".well-known", "dots", "redirect"] + more
    var message = CoAPMessage(
      .put,
      options: path.map { CoAPOption(.uriPath, $0.bytes) },
      payload: payload
    )
    message.add(CoAPOption(.contentFormat, uint: 271))
    return message
  }

  private func read(_ message: CoAPMessage, _ role: SessionRole = .callHome) throws -> Redirection?
  {
    if case .redirect(let redirection) = try DOTSRequest(message, role: role) {
      redirection
    } else {
      nil
    }
  }

  private func body(_ entries: [CBOREntry]) -> [UInt8] {
    CBORValue.map([CBOREntry(46, .map(entries))]).encoded
  }

  private let name = CBOREntry(32_773, .text("b.isp.example"))

  @Test("CH-RED-01 name, records and ttl are read, and written so that they are read the same")
  func whole() throws {
    let records = CBOREntry(32_774, .array([.text("2001:db8::1"), .text("192.0.2.1")]))
    let payload = body([name, records, CBOREntry(32_775, .unsigned(600))])
    let redirection = try #require(try read(request(payload)))
    #expect(redirection.name == "b.isp.example" && redirection.lifetime == 600)
    #expect(redirection.addresses.map { $0.text } == ["2001:db8::1", "192.0.2.1"])
    #expect(redirection.encoded == payload)
    let message = try #require(DOTSRequest.redirect(redirection).message)
    #expect(try read(message) == redirection)
  }

  @Test("CH-RED-03 RUL-10 cuid and mid in the path are taken, and not needed")
  func path() throws {
    #expect(try read(request(body([name]), ["cuid=a", "mid=1"])) != nil)
    #expect(try read(request(body([name]))) != nil)
    #expect(throws: PeerError.self) { try read(request(body([name]), ["x"])) }
  }

  @Test(
    "CH-RED-02 what can't be read is refused with 4.00, and base sessions have no such resource"
  )
  func refused() throws {
    let faults: [[CBOREntry]] = [
      [], [CBOREntry(32_773, .unsigned(1))], [CBOREntry(32_773, .text("a b"))],
      [name, CBOREntry(32_774, .array([.text("nowhere")]))],
      [name, CBOREntry(32_775, .text("1"))],
    ]
    for entries in faults {
      do {
        _ = try read(request(body(entries)))
        Issue.record("taken: \(entries)")
      } catch let error as PeerError { #expect(error.code == .badRequest) }
    }
    #expect(throws: PeerError(.resourceNotServed)) { try read(request(body([name])), .base) }
  }

  @Test("CH-RED-06 only names in the allowed domains are gone to")
  func domains() {
    let redirection = Redirection(name: "B.isp.Example")
    #expect(redirection.lies(in: ["x.example", "isp.example"]))
    #expect(redirection.lies(in: ["b.isp.example"]))
    #expect(!redirection.lies(in: ["sp.example"]) && !redirection.lies(in: []))
    #expect(!redirection.lies(in: ["a.b.isp.example"]))
  }
}
