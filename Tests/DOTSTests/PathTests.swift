import Bytes
import CoAP
import DOTS
import Model
import Testing

@Suite("Paths") struct PathTests {
  @Test("URI-01 unknown resources and prefixes are 4.04") func unknown() {
    #expect(fault(request(.get, "nothing")) == .unknownResource)
    #expect(fault(request(.get)) == .unknownResource)
    let core = [".well-known", "core"].map { CoAPOption(.uriPath, [UInt8]($0.utf8)) }
    #expect(refusal(CoAPMessage(.get, options: core))?.code == .notFound)
    #expect(fault(CoAPMessage(.get)) == .unknownResource)
  }

  @Test("URI-01 Uri-Host and Uri-Port are ignored") func authority() {
    let options = [
      CoAPOption(.uriHost, [UInt8]("a.example".utf8)), CoAPOption(.uriPort, uint: 1),
    ]
    #expect(fault(request(.get, "mitigate", cuid, options: options)) == nil)
  }

  @Test("URI-02 URI-03 redirect and telemetry are 4.04", arguments: ["redirect", "tm-setup", "tm"])
  func notServed(_ name: String) {
    let error = refusal(request(.put, name, cuid))
    #expect(error?.fault == .resourceNotServed && error?.code == .notFound)
  }

  @Test("URI-04 other methods are 4.05", arguments: [2, 5, 6, 7, 31] as [UInt8])
  func methods(_ detail: UInt8) {
    let method = CoAPCode(0, detail)
    #expect(refusal(request(method, "mitigate", cuid, "mid=1"))?.code == .methodNotAllowed)
    #expect(fault(request(method, "mitigate")) == .methodNotAllowed)
    #expect(fault(request(method, "config")) == .methodNotAllowed)
  }

  @Test("URI-04 GET and DELETE on hb are 4.05", arguments: [CoAPCode.get, .delete])
  func heartbeat(_ method: CoAPCode) {
    #expect(refusal(request(method, "hb"))?.code == .methodNotAllowed)
  }

  @Test("URI-04 PUT on mitigate without mid is 4.00") func putWithoutMid() {
    #expect(fault(request(.put, "mitigate", cuid)) == .midMissing)
  }

  @Test("URI-05 wrong order, repeated and unknown segments are 4.00") func order() {
    #expect(fault(request(.get, "mitigate", "mid=1", cuid)) == .pathSegment)
    #expect(fault(request(.get, "mitigate", cuid, "cdid=a")) == .pathSegment)
    #expect(fault(request(.get, "mitigate", cuid, cuid)) == .pathSegment)
    #expect(fault(request(.get, "mitigate", cuid, "mid=1", "mid=1")) == .pathSegment)
    #expect(fault(request(.get, "mitigate", cuid, "sid=1")) == .pathSegment)
    #expect(refusal(request(.get, "mitigate", cuid, ""))?.number == 5)
  }

  @Test("URI-06 empty values are 4.00", arguments: ["cdid=", "cuid=", "mid="])
  func empty(_ segment: String) {
    let segments = segment == "mid=" ? [cuid, segment] : [segment]
    let message = CoAPMessage(.get, options: path(["mitigate"] + segments))
    #expect(fault(message) == .pathValue)
  }

  @Test(
    "URI-07 mid is a canonical unsigned 32-bit number",
    arguments: ["-1", "+1", " 1", "0x1", "01", "00", "4294967296", "1 ", "1a"]
  )
  func mid(_ text: String) {
    #expect(fault(request(.get, "mitigate", cuid, "mid=" + text)) == .pathNumber)
    #expect(fault(request(.get, "config", "sid=" + text)) == .pathNumber)
  }

  @Test("URI-07 IDS-09 mid may be 0 and 4294967295", arguments: [0, UInt32.max])
  func midBounds(_ mid: UInt32) throws {
    let message = request(.delete, "mitigate", cuid, "mid=\(mid)")
    let name = MitigationName(cuid: "dz6pHjaADkaFTbjr0JGBpw", mid: mid)
    #expect(try DOTSRequest(message, role: .base) == .mitigation(.withdraw(name)))
  }

  @Test("URI-08 segments compare byte by byte") func bytewise() {
    #expect(fault(request(.get, "Mitigate", cuid)) == .unknownResource)
    #expect(fault(request(.get, "mit%69gate", cuid)) == .unknownResource)
    #expect(fault(request(.get, "mitigate", "CUID=a")) == .pathSegment)
  }

  @Test("IDS-01 MIT-GET-01 cuid is mandatory", arguments: [CoAPCode.get, .put, .delete])
  func cuidMissing(_ code: CoAPCode) {
    #expect(fault(request(code, "mitigate", "mid=1")) == .cuidMissing)
    #expect(fault(request(code, "mitigate")) == .cuidMissing)
  }

  @Test("IDS-02 cuid is any text of 1 to 64 bytes") func cuidForm() throws {
    #expect(fault(request(.get, "mitigate", "cuid=a")) == nil)
    #expect(fault(request(.get, "mitigate", "cuid=ü / %20=")) == nil)
    let longest = String(repeating: "a", count: 64)
    #expect(fault(request(.get, "mitigate", "cuid=" + longest)) == nil)
    #expect(fault(request(.get, "mitigate", "cuid=a" + longest)) == .pathValue)
    var message = request(.get, "mitigate")
    message.add(CoAPOption(.uriPath, [UInt8]("cuid=".utf8) + [0xC3, 0x28]))
    #expect(fault(message) == .pathValue)
  }

  @Test("IDS-05 cdid is handed on, for the engine to ignore or not") func cdid() throws {
    let parsed = try DOTSRequest(request(.get, "mitigate", "cdid=d", "cuid=c"), role: .base)
    let expected = MitigationRequest.retrieve(cuid: "c", cdid: "d", mid: nil, content: .all)
    #expect(parsed == .mitigation(expected))
  }

  @Test("MIT-DEL-01 a withdrawal needs cuid and mid") func withdrawal() {
    #expect(fault(request(.delete, "mitigate", cuid)) == .midMissing)
    #expect(fault(request(.delete, "mitigate", "mid=1")) == .cuidMissing)
    #expect(fault(request(.delete, "mitigate", cuid, "mid=1")) == nil)
  }

  @Test("HB-02 CFG-02 cuid doesn't belong to hb and config") func session() {
    #expect(fault(request(.put, "hb", cuid)) == .pathSegment)
    #expect(fault(request(.get, "config", cuid)) == .pathSegment)
  }

  @Test("ERR-04 path comes before method, method before options, options before the body")
  func order4() {
    let format = [CoAPOption(.contentFormat, uint: 60)]
    #expect(fault(request(.post, "nothing")) == .unknownResource)
    #expect(fault(request(.post, "mitigate", cuid, "x", options: format)) == .pathSegment)
    #expect(fault(request(.post, "mitigate", cuid, options: format)) == .methodNotAllowed)
    #expect(fault(put([0xFF], options: format)) == .contentFormat)
    #expect(fault(put([0xFF])) == .malformed)
  }
}
