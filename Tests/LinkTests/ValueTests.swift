import Bytes
import Link
import Model
import TestSupport
import Testing

@Test("a scope takes few bytes: addresses by the bits that count, absent attributes one")
func compactScope() throws {
  var scope = MitigationScope()
  scope.targetPrefixes = [try #require(Prefix(parsing: "192.0.2.0/24"))]
  scope.sourcePrefixes = [try #require(Prefix(parsing: "2001:db8::/32"))]
  scope.targetPortRanges = [PortRange(443)]
  scope.targetProtocols = [17]
  #expect(
    try encoded(scope) == [
      0x8B,
      0x81, 0x44, 24, 192, 0, 2,
      0x81, 0x19, 0x01, 0xBB,
      0x41, 17,
      0x80, 0x80, 0x80,
      0x81, 0x45, 65, 0x20, 0x01, 0x0D, 0xB8,
      0x80, 0x80, 0xF5, 0xF6,
    ]
  )
}

@Test("a scope that was read shares nothing with the one that others read before")
func separateScopes() throws {
  var values = RandomValues(seed: 11)
  let first = try values.scope()
  let second = try values.scope()
  let (one, two) = (try parsed(encoded(first), as: MitigationScope.self), try encoded(second))
  #expect(try parsed(two, as: MitigationScope.self) == second)
  #expect(one == first)
  #expect(MitigationScope.blank == MitigationScope())
}

@Test("a prefix with host bits, a missing byte or an impossible length is refused")
func badPrefixes() {
  for bytes: [UInt8] in [
    [], [24, 192, 0, 2, 1], [24, 192, 0], [23, 192, 0, 3], [162], [255], [31, 1, 2, 3, 5],
    [UInt8](repeating: 161, count: 18),
  ] {
    let item = [0x40 | UInt8(bytes.count)] + bytes
    #expect(throws: LinkError.malformed) { try parsed(item, as: Prefix.self) }
  }
}

@Test("every length of both families is read as it was written")
func prefixLengths() throws {
  for length in 0...128 {
    let far = try #require(Prefix(IPAddress(v6High: .max, low: .max), length: length))
    #expect(try parsed(encoded(far), as: Prefix.self) == far)
    guard let near = Prefix(IPAddress(v4: .max), length: length) else { continue }
    #expect(try parsed(encoded(near), as: Prefix.self) == near)
  }
}

@Test("an address of another length is refused", arguments: [0, 1, 3, 5, 7, 15, 17])
func badAddresses(_ count: Int) {
  let item = [0x40 | UInt8(count)] + [UInt8](repeating: 1, count: count)
  #expect(throws: LinkError.malformed) { try parsed(item, as: IPAddress.self) }
  #expect(throws: LinkError.malformed) { try parsed(item, as: MACAddress.self) }
  #expect(throws: LinkError.malformed) { try parsed(item, as: DeviceSubject.self) }
  if count == 0 || count > 6 {
    #expect(throws: LinkError.malformed) { try parsed(item, as: MACPrefix.self) }
  }
}

@Test("ports in the wrong order are refused, and the same port twice")
func portOrder() throws {
  for both: UInt32 in [0x0001_0002, 0x0002_0002, 0xFFFE_FFFF] {
    #expect(throws: LinkError.malformed) { try parsed(encoded(both), as: PortRange.self) }
  }
}

@Test("a port set whose number has no room is refused")
func portSets() throws {
  for all: UInt32 in [0, 0x0608_0100, 0x1001_0000, 0x060B_0000] {
    #expect(throws: LinkError.malformed) { try parsed(encoded(all), as: PortSet.self) }
  }
}

@Test("ICMP types in the wrong order are refused")
func typeOrder() throws {
  #expect(throws: LinkError.malformed) {
    try parsed(encoded(UInt16(0x0201)), as: ICMPTypeRange.self)
  }
  #expect(throws: LinkError.malformed) {
    try parsed(encoded(UInt32(0x1_0000)), as: ICMPTypeRange.self)
  }
}

@Test("a lifetime is seconds that fit, or -1")
func lifetimes() throws {
  #expect(try encoded(Lifetime.indefinite) == [0x20])
  #expect(throws: LinkError.malformed) { try parsed([0x21], as: Lifetime.self) }
  #expect(throws: LinkError.malformed) { try parsed(encoded(UInt64(1 << 32)), as: Lifetime.self) }
}

@Test("a number that is no case is refused")
func unknownCases() throws {
  #expect(throws: LinkError.malformed) { try parsed([0], as: MitigationStatus.self) }
  #expect(throws: LinkError.malformed) { try parsed([9], as: MitigationStatus.self) }
  #expect(throws: LinkError.malformed) { try parsed([4], as: RequestedAction.self) }
  #expect(throws: LinkError.malformed) { try parsed([5], as: LogLevel.self) }
  #expect(throws: LinkError.malformed) { try parsed([0x18, 34], as: RefusalReason.self) }
  #expect(throws: LinkError.malformed) { try ControlCommand(parsing: [1, 10]) }
  #expect(throws: LinkError.malformed) { try RoomReport(parsing: [8, 9]) }
  #expect(throws: LinkError.malformed) { try SignalMessage(parsing: [3, 1, 1, 5]) }
  #expect(throws: LinkError.malformed) { try CoreMessage(parsing: [4, 1, 0xF4, 7]) }
}

@Test("no mitigation has the number 0")
func noMitigation() { expectRefused(MitigationID(0)) }

@Test("identifiers have 1 to 255 bytes")
func identifiers() {
  let long = Text([UInt8](repeating: 0x61, count: 256))
  for bad: Text in ["", long] {
    expectRefused(MitigationName(cuid: bad, mid: 1))
    expectRefused(MitigationName(cuid: "c", cdid: bad, mid: 1))
    expectRefused(DeviceMatch(mac: nil, name: bad, found: .request))
    let request = MitigationRequest.retrieve(cuid: bad, cdid: nil, mid: nil, content: .all)
    expectRefused(message: SignalMessage.request(session: 1, handle: 1, deadline: .blank, request))
    expectRefused(message: FrontSetup.listener(bad))
    expectRefused(message: TLSSettings(name: bad))
    expectRefused(message: ResolverSettings(name: bad))
    var policy = PolicySettings(section: "s", action: .block)
    policy.client = bad
    expectRefused(policy)
    var portal = PortalSetup(logLevel: .info, portal: PortalSettings())
    portal.portal.name = bad
    expectRefused(message: portal)
  }
}

@Test("texts are no longer than their places allow")
func longTexts() {
  let long = Text([UInt8](repeating: 0x61, count: 256))
  let path = Text([UInt8](repeating: 0x61, count: 4097))
  expectRefused(ClientSettings(section: long, name: "n"))
  expectRefused(ClientSettings(section: "s", name: long))
  expectRefused(ProtectSettings(section: long))
  expectRefused(Device(mac: MACAddress(1), name: long))
  var settings = CoreSettings()
  settings.user = long
  expectRefused(settings)
  settings = CoreSettings()
  settings.state = path
  expectRefused(settings)
  settings = CoreSettings()
  settings.vendors = path
  expectRefused(settings)
  expectRefused(message: ControlReply.end(.done, Text(path.bytes.dropLast(3000))))
}

@Test("an empty text in a list is refused")
func emptyTexts() {
  var scope = MitigationScope()
  scope.targetFQDNs = ["a", ""]
  expectRefused(scope)
  var settings = CoreSettings()
  settings.wan = [""]
  expectRefused(settings)
}

@Test("a session's addresses are of one family")
func mixedFamilies() throws {
  var values = RandomValues(seed: 4)
  var session = values.session()
  session.peer = IPAddress(v4: 1)
  session.local = IPAddress(v6High: 1, low: 1)
  expectRefused(session)
}

@Test("a digest and a pin have 32 bytes, or there is none", arguments: [1, 31, 33])
func digests(_ count: Int) {
  let digest = [UInt8](repeating: 1, count: count)
  expectRefused(PeerIdentity(names: [], publicKeyDigest: digest))
  var client = ClientSettings(section: "s", name: "n")
  client.pin = digest
  expectRefused(client)
  client.pin = []
  expectRefused(client)
}

@Test("a name of a peer of more than 255 bytes is refused, and not told")
func longPeerName() throws {
  let long = Text([UInt8](repeating: 0x61, count: 256))
  let identity = PeerIdentity(names: [long, "n", "", Text([0xFF])], publicKeyDigest: [])
  #expect(try parsed(encoded(identity), as: PeerIdentity.self).names == ["n"])
  let head: [UInt8] = [0x82, 0x81, 0x79, 0x01, 0x00]
  #expect(throws: LinkError.malformed) {
    try parsed(head + long.bytes + [0x40], as: PeerIdentity.self)
  }
}

@Test("no program runs for less than no time")
func negativeUptime() {
  let report = StatusReport(software: "s", uptime: .milliseconds(-1), isKernelInSync: true)
  expectRefused(report)
}

@Test("a client may do each action once")
func manyActions() {
  var client = ClientSettings(section: "s", name: "n")
  client.may = [.block, .limit, .quarantine, .block]
  expectRefused(client)
}

@Test("only what was found can have more to come")
func moreToCome() throws {
  #expect(throws: LinkError.malformed) { try CoreMessage(parsing: [4, 1, 0xF5, 4]) }
  let reply = CoreMessage.reply(handle: 1, .content([]), more: true)
  #expect(try CoreMessage(parsing: reply.encoded()) == reply)
}

@Test("lists that are bounded are neither written nor read beyond that")
func boundedLists() {
  let addresses = (1...600).map { IPAddress(v4: $0) }
  expectRefused(message: CoreSetup.garden([IPAddress](addresses.prefix(513))))
  expectRefused(message: RoomReport.addresses([IPAddress](addresses.prefix(65))))
  let interfaces = (1...65).map { Interface("i", number: $0) }
  expectRefused(message: RoomReport.interfaces(interfaces))
  var settings = SignalSettings()
  settings.listeners = [Listener](
    repeating: Listener(address: IPAddress(v4: 1), port: 1, transport: .tcp),
    count: 33
  )
  expectRefused(message: settings)
  expectRefused(message: FrontSetup.part(.key, [UInt8](repeating: 0, count: 16_001)))
}

@Test("what is cut when it is told is refused when more of it comes")
func cutListsRefused() throws {
  let home = [UInt8](repeating: 0x44, count: 1) + [1, 2, 3, 4]
  let many = [[UInt8]](repeating: home, count: 65).flatMap { $0 }
  #expect(throws: LinkError.malformed) { try PortalNotice(parsing: [3, 0x98, 65] + many) }
  #expect(try PortalNotice(parsing: [3, 0x98, 64] + many.dropLast(5)) != .home([]))
}

@Test("a peer's names beyond sixteen are left out")
func manyNames() throws {
  let names = (0..<20).map { Text("n\($0)") }
  let identity = PeerIdentity(names: names, publicKeyDigest: [])
  #expect(try parsed(encoded(identity), as: PeerIdentity.self).names == [Text](names.prefix(16)))
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
    #expect(try PortalSetup(parsing: setup.encoded()) == setup)
    var tls = TLSSettings(name: values.text())
    tls.timeFloor = UnixTime(seconds: values.number(0...(.max)))
    #expect(try TLSSettings(parsing: tls.encoded()) == tls)
  }
  #expect(throws: LinkError.malformed) { try TLSSettings(parsing: [3]) }
  let resolver = ResolverSettings(name: "www.example.net")
  #expect(try ResolverSettings(parsing: resolver.encoded()) == resolver)
}
