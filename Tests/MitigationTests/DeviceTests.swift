import Bytes
import Mitigation
import Model
import Testing

@Suite struct DeviceTests {
  private let new = Fixture.address("2001:db8:1::12")

  @Test("a new address of a device in quarantine becomes its second key, and its rule follows")
  func newAddress() {
    var desk = Desk.home()
    desk.put()
    desk.neighbours([DeviceAddress(new, camera)])
    #expect(desk.confined[camera]?.addresses == cameraAddresses + [new])
    #expect(desk.kernel.values.first?.sources.contains(.inside(Prefix(host: new))) == true)
    desk.neighbours([DeviceAddress(new, camera)])
    #expect(desk.changes.isEmpty)
  }

  @Test(
    "CAP-14 a changed hardware address doesn't free an address, unless a lease says that it is another's"
  )
  func changedMAC() {
    var desk = Desk.home()
    desk.put()
    desk.neighbours([DeviceAddress(cameraAddresses[0], phone)])
    #expect(desk.confined[camera]?.addresses == cameraAddresses)
    #expect(desk.engine.quarantinedDevice(at: cameraAddresses[0]) == camera)
    let lease = DeviceAddress(cameraAddresses[0], phone)
    desk.neighbours([lease], leases: [lease])
    #expect(desk.confined[camera]?.addresses == [cameraAddresses[1], cameraAddresses[2]])
    #expect(desk.engine.quarantinedDevice(at: cameraAddresses[0]) == nil)
  }

  @Test("C4 CAP-14 a device in quarantine can't take a neighbour's address with it")
  func framing() {
    var desk = Desk.home()
    desk.put()
    desk.neighbours([DeviceAddress(phoneAddress, phone)])
    desk.neighbours([DeviceAddress(phoneAddress, camera)])
    #expect(desk.confined[camera]?.addresses == cameraAddresses)
    let leased = Fixture.address("192.168.1.30")
    desk.neighbours([DeviceAddress(leased, camera)], leases: [DeviceAddress(leased, phone)])
    #expect(desk.confined[camera]?.addresses == cameraAddresses)
  }

  @Test("the router's addresses, link-local ones and those of other homes are no key of a device")
  func foreign() {
    var desk = Desk.home()
    desk.put()
    let addresses: [Text] = [
      "192.168.1.1", "2001:db8:1::1", "fe80::9", "10.9.9.9", "2001:db8:9::9",
    ]
    desk.neighbours(addresses.map { DeviceAddress(Fixture.address($0), camera) })
    #expect(desk.confined[camera]?.addresses == cameraAddresses)
  }

  @Test("a device has at most 32 second keys")
  func bounded() {
    var desk = Desk.home()
    desk.put()
    desk.neighbours(
      (0..<100).map {
        DeviceAddress(IPAddress(v6High: 0x2001_0DB8_0001_0000, low: 0x1000 + $0), camera)
      }
    )
    #expect(desk.confined[camera]?.addresses.count == 32)
  }

  @Test("a block of one IPv6 address follows the device through its addresses, one of IPv4 doesn't")
  func follows() {
    var desk = Desk.home { $0.action = .block }
    desk.put()
    #expect(desk.engine.watchesNeighbours && desk.confined.isEmpty)
    desk.neighbours([DeviceAddress(new, camera)])
    let sources = (cameraAddresses.dropFirst() + [new]).map { RuleSource.inside(Prefix(host: $0)) }
    #expect(desk.kernel.values.first?.sources == sources)
    desk = Desk.home { $0.action = .block }
    desk.put(1, Fixture.scope(from: ["192.168.1.20"], to: ["198.51.100.7"]))
    desk.neighbours([DeviceAddress(Fixture.address("192.168.1.21"), camera)])
    #expect(desk.kernel.values.first?.sources.count == 1)
  }

  @Test("a block follows a device to each new address, however many it had; the named one stays")
  func followsOn() {
    for staysKnown in [false, true] {
      var desk = Desk.home { $0.action = .block }
      desk.put()
      var known = cameraAddresses.map { DeviceAddress($0, camera) }
      for number in UInt64(1)...100 {
        let address = IPAddress(v6High: 0x2001_0DB8_0001_0000, low: 0x1000 + number)
        if !staysKnown { known.removeAll() }
        known.append(DeviceAddress(address, camera))
        desk.neighbours(known)
        let sources = desk.kernel.values.first?.sources ?? []
        #expect(sources.contains(.inside(Prefix(host: address))))
        #expect(sources.contains(.inside(Fixture.device6)) && sources.count <= 64)
      }
      // What it had before takes no place from what is new.
      desk.neighbours(known)
      #expect(desk.changes.isEmpty)
    }
  }

  @Test("a block follows a device that becomes known only later")
  func followsLater() {
    var desk = Desk { _ in }
    desk.put()
    #expect(desk.engine.watchesNeighbours)
    desk.neighbours([DeviceAddress(cameraAddresses[1], camera), DeviceAddress(new, camera)])
    #expect(
      desk.kernel.values.first?.sources == [
        .inside(Fixture.device6), .inside(Prefix(host: new)),
      ]
    )
  }

  @Test("C4 a rule doesn't follow a device to an address that another one has")
  func followsNobodyElse() {
    var desk = Desk.home { $0.action = .block }
    desk.put()
    desk.neighbours([DeviceAddress(phoneAddress, phone)])
    desk.neighbours([DeviceAddress(phoneAddress, camera)])
    #expect(desk.kernel.values.first?.sources.count == 2)
  }

  @Test("MIT-STS-02 what a quarantine mitigation dropped is its rule's count and its device's")
  func sum() {
    var desk = Desk.home()
    desk.put()
    desk.count(10)
    desk.count(device: 5)
    #expect(desk.report()?.dropped?.packets == 15)
    // Each of a device's mitigations tells what was stopped since it began; one took the other's place.
    desk.put(2, everything())
    #expect(desk.report(2)?.dropped?.packets == 0)
    #expect(desk.story()?.caseNumber == "1-334455" && desk.story()?.stopped.packets == 15)
    desk.count(device: 8)
    #expect(desk.report(2)?.dropped?.packets == 3)
    #expect(desk.status(2) == .attackSuccessfullyMitigated)
  }

  @Test("what was dropped never shrinks: not by a new counter, a release, or another quarantine")
  func monotonic() {
    var desk = Desk.home()
    desk.put()
    desk.count(device: 50)
    desk.count(device: 3)
    #expect(desk.report()?.dropped?.packets == 53)
    _ = desk.wish(.release(code: ""))
    #expect(desk.report()?.dropped?.packets == 53)
    desk.put(2, Fixture.scope(to: ["2001:db8:ffff::8"]))
    desk.count(device: 1)
    #expect(desk.report(1)?.dropped?.packets == 53)
    #expect(desk.report(2)?.dropped?.packets == 1)
    #expect(desk.story()?.stopped.packets == 1)
  }

  @Test("the story tells who, why, since when and until when")
  func story() throws {
    var desk = Desk.home()
    desk.put()
    desk.pass(60)
    desk.count(9)
    let wall = UnixTime(seconds: Fixture.wall.seconds + 60)
    let device = Device(mac: camera, name: "cam")
    let story = try #require(desk.engine.story(of: device, now: desk.now, wall: wall))
    #expect(story.device == device && story.since == Fixture.wall && story.lastSeen == wall)
    #expect(story.ends == UnixTime(seconds: Fixture.wall.seconds + 3600))
    #expect(story.stopped.packets == 9 && story.releasesLeft == 2)
    #expect(story.caseNumber == "1-334455")
    let scope = Fixture.scope()
    #expect(
      story.causes == [
        .mitigation(client: "telemetry", targets: scope.targetPrefixes, protocols: [], ports: [])
      ]
    )
  }

  @Test("a wall clock that is set later moves the beginning with it")
  func clock() {
    var desk = Desk.home()
    desk.put()
    desk.pass(100)
    desk.engine.clockSet(wall: UnixTime(seconds: 2_000_000_000), now: desk.now)
    #expect(desk.story()?.since == UnixTime(seconds: 1_999_999_900))
  }
}

@Suite struct QuarantineChangeTests {
  private func reloaded(_ desk: inout Desk, _ change: (inout CoreSettings) -> Void) {
    var settings = desk.engine.settings
    change(&settings)
    desk.apply(
      desk.engine.reconfigured(settings, now: desk.now, surroundings: desk.surroundings)
    )
  }

  @Test("a device that settings protect now is free, and its mitigation ends")
  func protected() {
    var desk = Desk.home()
    desk.put()
    desk.apply(desk.engine.quarantinedByOwner(phone, now: desk.now, wall: Fixture.wall))
    reloaded(&desk) {
      var section = ProtectSettings(section: "all")
      section.macs = [MACPrefix(bytes: camera.bytes), MACPrefix(bytes: phone.bytes)]
        .compactMap { $0 }
      $0.protections = [section]
    }
    #expect(desk.confined.isEmpty && desk.kernel.isEmpty && desk.engine.count == 0)
  }

  @Test("another action in the settings makes a quarantine a block, and a block a quarantine")
  func action() {
    var desk = Desk.home()
    desk.put()
    reloaded(&desk) { $0.action = .block }
    #expect(desk.confined.isEmpty && desk.kernel.count == 1)
    reloaded(&desk) { $0.action = .quarantine }
    #expect(desk.confined[camera] != nil && desk.kernel.count == 1)
  }

  @Test("a lower max_quarantined frees nobody and lets nobody else in")
  func lower() {
    var desk = Desk.home()
    desk.put(1)
    desk.put(2, Fixture.scope(from: ["2001:db8:1::77"]))
    reloaded(&desk) { $0.maximumQuarantined = 1 }
    #expect(desk.confined.count == 2)
    #expect(desk.put(1).isChanged)
    desk.delete(2)
    #expect(desk.reason(Fixture.scope(from: ["2001:db8:1::77"]), mid: 3) == .tooManyQuarantined)
  }

  @Test("a reload that would quarantine more than max_quarantined blocks the others")
  func tooMany() {
    var desk = Desk.home { $0.action = .block }
    desk.put(1)
    desk.put(2, Fixture.scope(from: ["2001:db8:1::77"]))
    reloaded(&desk) {
      $0.action = .quarantine
      $0.maximumQuarantined = 1
    }
    #expect(desk.confined.count == 1 && desk.kernel.count == 2)
    #expect(desk.engine.mitigations(now: desk.now).map { $0.action } == [.quarantine, .block])
  }

  @Test("a device that falls silent stays in quarantine through a reload")
  func silent() {
    var desk = Desk.home()
    desk.put()
    desk.surroundings = Surroundings()
    reloaded(&desk) { $0.releases = 1 }
    #expect(desk.confined[camera]?.addresses == cameraAddresses)
    #expect(desk.engine.releasesLeft(camera) == 1)
  }

  @Test("a home with another prefix keeps the device as far as the request is still of it")
  func home() {
    var desk = Desk.home { $0.clients[0].mayNameInternal = true }
    desk.put(1, Fixture.scope(from: ["192.168.1.20"], to: ["198.51.100.7"]))
    var home = Fixture.home
    home.lanPrefixes = [Fixture.prefix("192.168.1.0/24"), Fixture.prefix("2001:db8:2::/64")]
    desk.apply(desk.engine.homeChanged(home, now: desk.now, surroundings: desk.surroundings))
    #expect(desk.confined[camera] != nil)
    home.lanPrefixes = []
    desk.apply(desk.engine.homeChanged(home, now: desk.now, surroundings: desk.surroundings))
    #expect(desk.confined.isEmpty)
  }
}

@Suite struct QuarantineRestoreTests {
  /// The same engine after a restart that lost nothing.
  private func restarted(_ desk: Desk, after seconds: Int64 = 0) -> Desk {
    var next = Desk(desk.engine.settings)
    next.now = Instant(milliseconds: 5_000_000)
    next.engine.restore(desk.engine.deviceRecords(now: desk.now), now: next.now)
    let leftOut = next.engine.restore(desk.engine.records(now: desk.now), now: next.now)
    #expect(leftOut.isEmpty)
    next.commit(next.engine.plan(at: next.now))
    return next
  }

  @Test("a device stays in quarantine over a restart, though no neighbour is known")
  func stays() {
    var desk = Desk.home()
    desk.put()
    desk.pass(600)
    let next = restarted(desk)
    #expect(next.confined[camera]?.addresses == cameraAddresses)
    #expect(next.ends[camera] == next.now + .seconds(3000))
    #expect(next.story()?.since == Fixture.wall)
    #expect(next.story()?.caseNumber == desk.story()?.caseNumber)
    #expect(next.kernel.count == 1)
  }

  @Test("releases, code, wrong tries and counts survive a restart")
  func remembered() throws {
    var desk = Desk.home()
    desk.put()
    desk.count(device: 20)
    _ = desk.wish(.release(code: ""))
    desk.put(2, Fixture.scope(to: ["2001:db8:ffff::8"]))
    desk.count(device: 4)
    let given = desk.engine.code(for: camera, random: [UInt8](0..<8), now: desk.now)
    let code = try #require(given)
    for _ in 0..<4 { _ = desk.wish(.release(code: "WRONG")) }
    var next = restarted(desk)
    #expect(next.engine.releasesLeft(camera) == 1)
    #expect(next.report(2)?.dropped?.packets == 4)
    #expect(next.report(1)?.dropped?.packets == 20)
    var other = next
    #expect(other.wish(.release(code: code)) == .released)
    #expect(next.wish(.release(code: "WRONG")) == .wrongCode)
    #expect(next.wish(.release(code: code)) == .wrongCode)
  }

  @Test("a released mitigation stays released over a restart, and its device free")
  func released() {
    var desk = Desk.home()
    desk.put()
    _ = desk.wish(.release(code: ""))
    var next = restarted(desk)
    #expect(next.confined.isEmpty && next.kernel.isEmpty)
    #expect(next.status() == .attackMitigationWithdrawn)
    #expect(next.put().refusal?.reason == .releasedByOwner)
  }

  @Test("the owner's quarantine survives a restart")
  func owners() {
    var desk = Desk.home()
    desk.apply(desk.engine.quarantinedByOwner(camera, now: desk.now, wall: Fixture.wall))
    let next = restarted(desk)
    #expect(next.confined[camera] != nil && next.ends[camera] == nil)
  }

  @Test("without a record of the device, its mitigation alone puts it back")
  func withoutDevices() {
    var desk = Desk.home()
    desk.put()
    var next = Desk(desk.engine.settings)
    #expect(next.engine.restore(desk.engine.records(now: desk.now), now: next.now).isEmpty)
    next.commit(next.engine.plan(at: next.now))
    #expect(next.confined[camera] != nil)
  }

  @Test("a device whose mitigations are all gone is free after a restart")
  func unwanted() {
    var desk = Desk.home()
    desk.put()
    var next = Desk(desk.engine.settings)
    next.engine.restore(desk.engine.deviceRecords(now: desk.now), now: next.now)
    #expect(next.engine.restore([], now: next.now).isEmpty)
    #expect(next.engine.quarantinedCount == 0 && next.engine.plan(at: next.now).isEmpty)
  }
}
