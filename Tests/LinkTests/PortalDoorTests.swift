import Bytes
import Link
import Model
import Testing

/// A story with nothing but its cause.
private func story(_ causes: [QuarantineCause]) -> QuarantineStory {
  QuarantineStory(
    device: Device(mac: MACAddress(1)),
    since: UnixTime(seconds: 1),
    causes: causes,
    releasesLeft: 2,
    caseNumber: "A-1"
  )
}

/// What core tells the portal, as the portal reads it.
private func told(_ view: PortalView) throws -> PortalView? {
  let bytes = try PortalNotice.view(handle: 1, view, nil).encoded()
  guard case .view(_, let view, _) = try PortalNotice(parsing: bytes) else { return nil }
  return view
}

@Test("the helpdesk's code has at most 32 bytes on its way to core")
func longCode() {
  let code = Text([UInt8](repeating: 0x31, count: 33))
  expectRefused(message: PortalMessage.wish(handle: 1, IPAddress(v4: 1), .release(code: code)))
}

@Test("of a device's addresses, of causes and of other devices the first are told")
func cutLists() throws {
  let addresses = (1...40).map { IPAddress(v4: $0) }
  let cause = QuarantineCause.mitigation(
    client: "c",
    targets: (1...9).map { Prefix(host: IPAddress(v4: $0)) },
    protocols: [UInt8](1...9),
    ports: (1...9).map { PortRange($0) }
  )
  let view = PortalView(
    requester: Device(mac: MACAddress(1), addresses: addresses),
    story: story([cause, .owner, .owner, .owner, .owner]),
    others: (0..<9).map { _ in story([.owner]) }
  )
  let read = try #require(try told(view))
  #expect(read.requester?.addresses == [IPAddress](addresses.prefix(32)))
  #expect(read.story?.causes.count == 4 && read.others.count == 8)
  guard case .mitigation(_, let targets, let protocols, let ports) = read.story?.causes.first else {
    Issue.record("the cause is another one")
    return
  }
  #expect(targets.count == 8 && protocols.count == 8 && ports.count == 8)
}

@Test("of the router's addresses the first 64 are told")
func cutHome() throws {
  let addresses = (1...70).map { IPAddress(v4: $0) }
  let bytes = try PortalNotice.home(addresses).encoded()
  #expect(try PortalNotice(parsing: bytes) == .home([IPAddress](addresses.prefix(64))))
}

@Test("the largest view fits into a message")
func largestView() throws {
  let name = Text([UInt8](repeating: 0x61, count: 63))
  let far = IPAddress(v6High: .max, low: .max)
  let device = Device(
    mac: MACAddress(.max),
    name: name,
    vendor: name,
    kind: .other,
    addresses: [IPAddress](repeating: far, count: 32)
  )
  let cause = QuarantineCause.mitigation(
    client: name,
    targets: [Prefix](repeating: Prefix(host: far), count: 8),
    protocols: [UInt8](repeating: .max, count: 8),
    ports: [PortRange](repeating: PortRange(.max), count: 8)
  )
  var full = story([QuarantineCause](repeating: cause, count: 4))
  full.device = device
  let others = [QuarantineStory](repeating: full, count: 8)
  #expect(try told(PortalView(requester: device, others: others))?.others.count == 8)
}
