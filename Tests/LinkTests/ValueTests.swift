import Bytes
import CBOR
import Link
import Model
import TestSupport
import Testing

@Test("a scope takes few bytes: addresses by the bits that count, absent attributes none")
func compactScope() throws {
  var scope = MitigationScope()
  scope.targetPrefixes = [try #require(Prefix(parsing: "192.0.2.0/24"))]
  scope.sourcePrefixes = [try #require(Prefix(parsing: "2001:db8::/32"))]
  scope.targetPortRanges = [PortRange(443)]
  scope.targetProtocols = [17]
  #expect(
    scope.cbor.encoded == [
      0xA4,
      0x00, 0x81, 0x44, 24, 192, 0, 2,
      0x01, 0x81, 0x19, 0x01, 0xBB,
      0x02, 0x81, 17,
      0x06, 0x81, 0x45, 65, 0x20, 0x01, 0x0D, 0xB8,
    ]
  )
}

@Test("a prefix with host bits, a missing byte or an impossible length is refused")
func badPrefixes() {
  for bytes: [UInt8] in [[], [24, 192, 0, 2, 1], [24, 192, 0], [23, 192, 0, 3], [162], [255]] {
    #expect(throws: LinkError.malformed) { try Prefix(cbor: .bytes(bytes)) }
  }
}

@Test("a list that is there but empty is refused")
func emptyList() {
  let scope = CBORValue.map([CBOREntry(0, .array([]))])
  #expect(throws: LinkError.malformed) { try MitigationScope(cbor: scope) }
}

@Test("an attribute of a scope that nobody knows is refused")
func unknownAttribute() {
  let scope = CBORValue.map([CBOREntry(11, .unsigned(1))])
  #expect(throws: LinkError.malformed) { try MitigationScope(cbor: scope) }
}

@Test("ports in the wrong order are refused")
func portOrder() {
  #expect(throws: LinkError.malformed) { try PortRange(cbor: .unsigned(0x0001_0002)) }
  #expect(throws: LinkError.malformed) { try PortRange(cbor: .unsigned(0x0002_0002)) }
}

@Test("a number too large for its field is refused")
func range() {
  #expect(throws: LinkError.malformed) { try UInt8(cbor: .unsigned(256)) }
  #expect(throws: LinkError.malformed) { try UInt32(cbor: .unsigned(1 << 32)) }
  #expect(throws: LinkError.malformed) { try UInt32(cbor: .negative(0)) }
  #expect(throws: LinkError.malformed) { try MitigationID(cbor: .unsigned(0)) }
}

@Test("a client identifier of 256 bytes is refused")
func longIdentifier() {
  let name = MitigationName(cuid: Text([UInt8](repeating: 0x61, count: 256)), mid: 1)
  #expect(throws: LinkError.malformed) { try MitigationName(cbor: name.cbor) }
}

@Test("a peer's names beyond sixteen are left out")
func manyNames() throws {
  let names = (0..<20).map { Text("n\($0)") }
  let identity = PeerIdentity(names: names, publicKeyDigest: [])
  #expect(try PeerIdentity(cbor: identity.cbor).names == [Text](names.prefix(16)))
}

@Test("an explanation is cut to 1,024 bytes and stays text")
func longExplanation() throws {
  let long = Text(String(repeating: "\u{E9}", count: 1000))
  let report = try RoomReport(parsing: RoomReport.failed(long).encoded())
  guard case .failed(let why) = report else {
    Issue.record("it is another report")
    return
  }
  #expect(why.count == 1024)
}

@Test("the settings of the portal and of the front of its API are read as they were written")
func frontSettings() throws {
  var values = RandomValues(seed: 8910)
  for _ in 0..<200 {
    var portal = PortalSettings()
    portal.port = values.number(1...(.max))
    portal.name = values.flag() ? values.text() : nil
    portal.apiName = values.flag() ? values.text() : nil
    portal.helpdesk = values.text(0...255)
    portal.garden = values.list(0...64) { $0.text() }
    let setup = PortalSetup(logLevel: values.flag() ? .debug : .error, portal: portal)
    #expect(try PortalSetup(cbor: setup.cbor) == setup)
    var tls = TLSSettings(name: values.text())
    tls.timeFloor = UnixTime(seconds: values.number(0...(.max)))
    #expect(try TLSSettings(cbor: tls.cbor) == tls)
  }
  #expect(throws: LinkError.self) { try TLSSettings(cbor: .array([UInt8(3).cbor])) }
}
