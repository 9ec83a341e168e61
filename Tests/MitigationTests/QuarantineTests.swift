import Bytes
import Mitigation
import Model
import Testing

/// The camera: one device with two addresses of IPv6 and one of IPv4.
let camera = MACAddress(0x0011_2233_4455)
let cameraAddresses = [
  Fixture.address("192.168.1.20"), Fixture.address("2001:db8:1::10"),
  Fixture.address("2001:db8:1::11"),
]
let phone = MACAddress(0x00AA_BBCC_DDEE)
let phoneAddress = Fixture.address("2001:db8:1::77")

extension Desk {
  /// A desk in a home with a camera and a phone; requests are for quarantine by default.
  static func home(_ change: (inout CoreSettings) -> Void = { _ in }) -> Desk {
    var desk = Desk {
      $0.action = .quarantine
      $0.clients[0].may = [.block, .quarantine]
      $0.clients[0].mayNameInternal = true
      $0.terminating = 0
      change(&$0)
    }
    desk.surroundings.macOf = {
      cameraAddresses.contains($0) ? camera : $0 == phoneAddress ? phone : nil
    }
    desk.surroundings.addressesOf = {
      $0 == camera ? cameraAddresses : $0 == phone ? [phoneAddress] : []
    }
    return desk
  }

  /// What is decided beside requests happens.
  mutating func apply(_ batch: [RuleChange]?) {
    changes = batch ?? []
    commit(changes)
  }

  /// The neighbours are these, none of them leased.
  mutating func neighbours(_ list: [DeviceAddress], leases: [DeviceAddress] = []) {
    apply(
      engine.neighboursChanged(
        list,
        leasedTo: { address in leases.first { $0.address == address }?.mac },
        now: now,
        surroundings: surroundings
      )
    )
  }

  mutating func wish(_ wish: PortalWish, at mac: MACAddress = camera) -> WishOutcome {
    let decision = engine.wished(wish, at: mac, now: now, wall: Fixture.wall)
    apply(decision.changes)
    return decision.outcome
  }

  func story(of mac: MACAddress = camera) -> QuarantineStory? {
    engine.story(of: Device(mac: mac), now: now, wall: Fixture.wall)
  }

  mutating func count(_ packets: UInt64, mid: UInt32 = 1) {
    for overview in engine.mitigations(now: now) where overview.name.mid == mid {
      let counters = DropCounters(packets: packets, bytes: packets * 100)
      engine.counted([(overview.id, counters)], now: now)
    }
  }

  mutating func count(device packets: UInt64, mac: MACAddress = camera) {
    let counters = DropCounters(packets: packets, bytes: packets * 100)
    engine.counted([], devices: [(mac, counters)], now: now)
  }
}

func everything(from source: Text = "2001:db8:1::10") -> MitigationScope {
  Fixture.scope(from: [source], to: ["::/0", "0.0.0.0/0"])
}

@Suite struct QuarantineTests {
  @Test("a source address means the device: all its addresses are its second key, for the lifetime")
  func device() {
    var desk = Desk.home()
    #expect(desk.put().isCreated)
    #expect(desk.confined[camera]?.addresses == cameraAddresses)
    #expect(desk.ends[camera] == desk.now + .seconds(3600))
    #expect(desk.engine.mitigations(now: desk.now).first?.action == .quarantine)
  }

  @Test("the attack keeps a rule of its own, which follows the device; both are one batch")
  func rule() {
    var desk = Desk.home()
    desk.put()
    #expect(desk.changes.count == 2)
    #expect(
      desk.kernel.values.first?.sources == [
        .inside(Fixture.device6), .inside(Fixture.prefix("2001:db8:1::11")),
      ]
    )
  }

  @Test("a mitigation about everything has no rule: quarantine does what it would")
  func everythingHasNoRule() {
    var desk = Desk.home()
    #expect(desk.put(1, everything()).isCreated)
    #expect(desk.kernel.isEmpty && desk.confined[camera] != nil)
  }

  @Test("a kernel that refuses leaves no device in quarantine")
  func kernelRefuses() {
    var desk = Desk.home()
    desk.isKernelFull = true
    #expect(desk.put().refusal?.reason == .kernelFull)
    #expect(desk.engine.quarantinedCount == 0)
  }

  @Test("ERR-03 a client asks for quarantine only when its settings say so")
  func mayNot() {
    var desk = Desk.home { $0.clients[0].may = [.block] }
    var scope = Fixture.scope()
    scope.requestedAction = .quarantine
    #expect(desk.reason(scope) == .actionNotAllowed)
    scope.requestedAction = .block
    desk.put(1, scope)
    #expect(desk.confined.isEmpty && desk.kernel.count == 1)
  }

  @Test("asked for where no source means one device, quarantine is refused")
  func noDevice() {
    var desk = Desk.home { $0.action = .block }
    var scope = Fixture.scope(from: ["2001:db8:1::/80"])
    scope.requestedAction = .quarantine
    #expect(desk.reason(scope) == .sourceIsNoDevice)
    scope = Fixture.scope(from: ["2001:db8:1::99"])
    scope.requestedAction = .quarantine
    let refusal = desk.put(1, scope).refusal
    #expect(refusal?.reason == .unknownDevice && refusal?.retryAfter == 60)
  }

  @Test("chosen by the settings where no source means one device, it is a block and shown as one")
  func fallsBack() {
    var desk = Desk.home()
    #expect(desk.put(1, Fixture.scope(from: ["2001:db8:1::99"])).isCreated)
    let wide = Fixture.scope(from: ["2001:db8:1::/80"], to: ["2001:db8:ffff::8"])
    #expect(desk.put(2, wide).isCreated)
    #expect(desk.confined.isEmpty && desk.kernel.count == 2)
    #expect(desk.engine.mitigations(now: desk.now).allSatisfy { $0.action == .block })
  }

  @Test("a policy with source and device names a device that the router can't look up")
  func named() {
    var desk = Desk.home {
      $0.action = .block
      var policy = PolicySettings(section: "camera", action: .quarantine)
      policy.source = Fixture.prefix("203.0.113.77")
      policy.mac = MACPrefix(bytes: camera.bytes)
      $0.policies = [policy]
    }
    #expect(desk.put(1, Fixture.scope(from: ["203.0.113.77"], to: ["198.51.100.7"])).isCreated)
    #expect(desk.confined[camera] != nil)
    #expect(desk.put(2, Fixture.scope()).isCreated)
    #expect(desk.confined.count == 1)
  }

  @Test("beside a device, a source that means none is blocked")
  func mixed() {
    var desk = Desk.home()
    desk.put(1, Fixture.scope(from: ["2001:db8:1::10", "2001:db8:1::99"], to: ["::/0"]))
    #expect(desk.kernel.values.first?.sources == [.inside(Fixture.prefix("2001:db8:1::99"))])
    #expect(desk.confined[camera] != nil)
  }

  @Test("B4 all traffic of a whole network of the home is more than a request may stop")
  func wholeHome() {
    var desk = Desk.home { $0.action = .block }
    #expect(desk.reason(everything(from: "2001:db8:1::/64")) == .targetEverything)
    #expect(desk.reason(everything(from: "2001:db8:1::/80")) == nil)
  }

  @Test("B4 at most max_quarantined devices: one more is 5.03, the same one isn't")
  func limit() {
    var desk = Desk.home { $0.maximumQuarantined = 1 }
    desk.put(1)
    desk.put(2, Fixture.scope(to: ["2001:db8:ffff::8"]))
    #expect(desk.confined.count == 1)
    let refusal = desk.put(3, Fixture.scope(from: ["2001:db8:1::77"])).refusal
    #expect(refusal?.reason == .tooManyQuarantined && refusal?.retryAfter != nil)
  }

  @Test("protected devices can't go into quarantine, by whatever address they are asked for")
  func exempt() {
    var alarm = ProtectSettings(section: "alarm")
    alarm.sources = [Fixture.prefix("192.168.1.20")]
    var desk = Desk.home { $0.protections = [alarm] }
    let refusal = desk.put().refusal
    #expect(refusal?.reason == .protectedTraffic)
    #expect(refusal?.conflict?.cause == .requestRejectedLegitimateTraffic)
    #expect(
      desk.engine.quarantinedByOwner(
        camera,
        now: desk.now,
        wall: Fixture.wall,
        surroundings: desk.surroundings
      ) == nil
    )
  }

  @Test("a section that protects some of a device's traffic leaves the rest to quarantine")
  func partlyProtected() {
    var adapter = ProtectSettings(section: "phone")
    adapter.macs = [MACPrefix(bytes: camera.bytes)].compactMap { $0 }
    adapter.udpPorts = [PortRange(5060)]
    var desk = Desk.home { $0.protections = [adapter] }
    desk.put()
    #expect(desk.confined[camera] != nil)
  }

  @Test("the router itself, groups and nobody are no devices to quarantine")
  func router() {
    let desk = Desk.home()
    let own = [Fixture.address("192.168.1.1")]
    #expect(desk.engine.isExempt(camera, addresses: own))
    #expect(desk.engine.isExempt(MACAddress(0x0100_5E00_0001), addresses: []))
    #expect(desk.engine.isExempt(MACAddress(0), addresses: []))
    #expect(!desk.engine.isExempt(camera, addresses: cameraAddresses))
  }

  @Test("the quarantine lives as long as its longest cause")
  func longest() {
    var desk = Desk.home()
    desk.put(1, lifetime: .seconds(600))
    desk.put(2, Fixture.scope(to: ["2001:db8:ffff::8"]), lifetime: .seconds(900))
    #expect(desk.ends[camera] == desk.now + .seconds(900))
    desk.delete(2)
    #expect(desk.ends[camera] == desk.now + .seconds(600))
    desk.put(1, lifetime: .seconds(700))
    #expect(desk.ends[camera] == desk.now + .seconds(700))
    desk.pass(701)
    #expect(desk.confined.isEmpty && desk.engine.quarantinedCount == 0)
  }

  @Test("a withdrawn mitigation keeps its device for the terminating period")
  func terminating() {
    var desk = Desk.home { $0.terminating = 120 }
    desk.put()
    desk.delete()
    #expect(desk.ends[camera] == desk.now + .seconds(120))
    desk.pass(120)
    #expect(desk.confined.isEmpty)
  }

  @Test("the owner's quarantine has no end, whatever mitigations come and go")
  func owners() {
    var desk = Desk.home()
    desk.apply(
      desk.engine.quarantinedByOwner(camera, now: desk.now, wall: Fixture.wall)
    )
    #expect(desk.confined[camera] != nil && desk.ends[camera] == nil)
    desk.put()
    desk.delete()
    desk.pass(100_000)
    #expect(desk.confined[camera] != nil)
    #expect(desk.story()?.causes == [.owner])
    #expect(desk.story()?.ends == nil)
  }
}
