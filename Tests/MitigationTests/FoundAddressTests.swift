import Bytes
import Mitigation
import Model
import Testing

private let newV4 = Fixture.address("192.168.1.40")
private let laptop = MACAddress(0x3C22_FB00_0030)
private let sending = MACAddress(0x4419_B600_0020)

/// A flow of UDP that a device began and the router translated to `port`.
private func flow(
  _ device: IPAddress,
  to target: IPAddress = attacked,
  port: UInt16 = 1,
  answeredBy other: IPAddress? = nil
) -> Flow {
  Flow(
    .init(17, device, 5000, to: target, 443),
    .init(17, other ?? target, 443, to: Fixture.wan, port)
  )
}

/// Who has which address.
private struct Neighbourhood {
  var neighbours = [DeviceAddress(cameraV4, sending), DeviceAddress(laptopV4, laptop)]

  var surroundings: Surroundings {
    let all = neighbours
    return Surroundings(
      macOf: { address in all.first { $0.address == address }?.mac },
      addressesOf: { mac in all.filter { $0.mac == mac }.map { $0.address } },
      flows: { $0.look(at: flow(cameraV4)) }
    )
  }
}

/// A desk at which the camera was found behind the public address.
private func desk(
  ports: [UInt16] = [],
  _ change: (inout CoreSettings) -> Void = { _ in }
) -> Desk {
  var desk = Desk(change)
  desk.surroundings = Neighbourhood().surroundings
  desk.put(1, scope(ports: ports))
  return desk
}

extension Desk {
  /// The home's neighbours are these from now on.
  fileprivate mutating func move(_ list: [DeviceAddress], leases: [DeviceAddress] = []) {
    surroundings = Neighbourhood(neighbours: list).surroundings
    neighbours(list, leases: leases)
  }
}

@Suite struct FoundAddressTests {
  private let swapped = [DeviceAddress(newV4, sending), DeviceAddress(cameraV4, laptop)]

  @Test("CH-NAT-04 a device that was found is followed to its next address, which another has then")
  func moves() {
    var desk = desk()
    #expect(desk.engine.watchesNeighbours && desk.sources == [inside(cameraV4), .stray])
    desk.move(swapped, leases: [DeviceAddress(cameraV4, laptop)])
    #expect(desk.sources == [inside(newV4), .stray])
    #expect(desk.found == [FoundDevice(newV4, sending, .conntrack)])
    desk.move(swapped, leases: [DeviceAddress(cameraV4, laptop)])
    #expect(desk.changes.isEmpty)
  }

  @Test("CH-NAT-04 a device whose address is another's and that is nowhere is looked for again")
  func goes() {
    var desk = desk()
    desk.move([DeviceAddress(cameraV4, laptop)])
    #expect(desk.sources == [.any] && desk.found.isEmpty)
    #expect(desk.engine.hasLostDevices)
    desk.move([DeviceAddress(cameraV4, laptop)])
    #expect(!desk.engine.hasLostDevices)
  }

  @Test("CH-NAT-04 flows of who had an address before its lease don't name who has it then")
  func leased() {
    for neighbours in [[DeviceAddress(cameraV4, laptop)], swapped] {
      var desk = desk()
      desk.move(neighbours, leases: [DeviceAddress(cameraV4, laptop)])
      #expect(!desk.sources.contains(inside(cameraV4)) && !desk.engine.hasLostDevices)
    }
  }

  @Test("C4 a device that was found can't take its rule to a neighbour's address")
  func framing() {
    var desk = desk()
    desk.move(Neighbourhood().neighbours)
    let other = MACAddress(0x0200_0000_0001)
    desk.move([DeviceAddress(cameraV4, other), DeviceAddress(laptopV4, sending)])
    #expect(desk.sources == [.any] && desk.found.isEmpty)
  }

  @Test("CH-NAT-04 a lease or the neighbour's own word keeps a device at its address")
  func stays() {
    var desk = desk()
    desk.move([DeviceAddress(cameraV4, laptop)], leases: [DeviceAddress(cameraV4, sending)])
    // A repeater shows its own hardware address for those behind it.
    desk.move([DeviceAddress(cameraV4, sending)], leases: [DeviceAddress(cameraV4, laptop)])
    desk.move([])
    #expect(desk.sources == [inside(cameraV4), .stray])
  }

  @Test("CH-MIT-10 what is asked about follows its device as well, and begins at its address")
  func asking() {
    var desk = desk { $0.action = .ask }
    #expect(desk.kernel.isEmpty)
    desk.move(swapped, leases: [DeviceAddress(cameraV4, laptop)])
    #expect(desk.kernel.isEmpty && desk.status() == .attackMitigationInProgress)
    desk.apply(desk.engine.consented(true, to: MitigationID(1), now: desk.now))
    #expect(desk.sources == [inside(newV4), .stray])
  }

  @Test("CH-MIT-12 a found device's hardware address that gets known later brings its quarantine")
  func named() {
    var desk = Desk {
      $0.policies = [PolicySettings(section: "cameras", action: .quarantine)]
      $0.policies[0].mac = MACPrefix(sending)
    }
    desk.surroundings.flows = { $0.look(at: flow(cameraV4)) }
    desk.put(1, scope())
    #expect(desk.confined.isEmpty && desk.found.map { $0.mac } == [nil])
    desk.move(Neighbourhood().neighbours)
    #expect([MACAddress](desk.confined.keys) == [sending])
  }

  @Test("CAP-14 a refresh doesn't make an address a second key again that became another's")
  func refreshed() {
    var desk = desk {
      $0.action = .quarantine
      $0.clients[0].may = [.block, .quarantine]
    }
    #expect(desk.confined[sending]?.addresses == [cameraV4])
    desk.move([DeviceAddress(cameraV4, laptop)], leases: [DeviceAddress(cameraV4, laptop)])
    #expect(desk.confined[sending]?.addresses == [])
    #expect(desk.put(1, scope()).isChanged)
    #expect(desk.confined[sending]?.addresses == [])
    desk.move(swapped, leases: [DeviceAddress(cameraV4, laptop)])
    #expect(desk.confined[sending]?.addresses == [newV4])
    #expect(desk.sources == [inside(newV4), .stray])
  }

  private func seen(from source: IPAddress, _ desk: inout Desk) {
    let watch = desk.engine.flowWatch()
    let sender = Sender(mac: sending, source: source, target: attacked, transport: 17)
    desk.engine.noted([sender], in: watch, surroundings: desk.surroundings)
    desk.apply(
      desk.engine.looked(watch, .seen, now: desk.now, surroundings: desk.surroundings)
    )
  }

  @Test("CH-NAT-03 who forges a neighbour's address is confined, and the neighbour isn't")
  func forged() {
    var desk = Desk {
      $0.action = .quarantine
      $0.clients[0].may = [.block, .quarantine]
    }
    desk.surroundings = Neighbourhood().surroundings
    desk.surroundings.flows = { _ in }
    desk.put(1, scope())
    seen(from: laptopV4, &desk)
    #expect([MACAddress](desk.confined.keys) == [sending])
    #expect(desk.confined[sending]?.addresses == [cameraV4])
    // What the attack has is stopped all the same.
    #expect(desk.sources == [inside(laptopV4), inside(cameraV4), .stray])
    #expect(desk.found.map { $0.mac } == [nil, sending])
    desk.neighbours(Neighbourhood().neighbours)
    #expect([MACAddress](desk.confined.keys) == [sending])
    desk.apply(desk.engine.releasedByHelpdesk(sending, now: desk.now, wall: Fixture.wall))
    #expect(desk.kernel.isEmpty && desk.status() == .attackMitigationWithdrawn)
  }

  @Test("CH-MIT-14 a forged address of an exempt device isn't stopped")
  func forgedExempt() {
    var desk = Desk {
      $0.protections = [ProtectSettings(section: "alarm")]
      $0.protections[0].macs = [MACPrefix(laptop)]
    }
    desk.surroundings = Neighbourhood().surroundings
    desk.surroundings.flows = { _ in }
    desk.put(1, scope())
    seen(from: laptopV4, &desk)
    #expect(desk.sources == [inside(cameraV4), .stray])
  }

  @Test("CH-MIT-10 a restart gives an owner no more time to answer about a device")
  func question() {
    var desk = Desk {
      $0.policies = [PolicySettings(section: "cameras", action: .ask)]
      $0.policies[0].mac = MACPrefix(sending)
    }
    desk.surroundings = Neighbourhood().surroundings
    desk.put(1, scope())
    #expect(desk.sources == [.stray])
    desk.pass(500)
    var next = Desk(desk.engine.settings)
    next.surroundings = desk.surroundings
    let records = desk.engine.records(now: desk.now)
    #expect(next.engine.restore(records, now: next.now, surroundings: next.surroundings) == [])
    next.commit(next.engine.plan(at: next.now))
    next.pass(99)
    #expect(next.sources == [.stray])
    next.pass(1)
    #expect(next.sources == [.stray, inside(cameraV4)])
  }

  @Test("what a counter said is kept when its rule goes and comes back with a new one")
  func counterOfRule() {
    var desk = Desk {
      $0.policies = [PolicySettings(section: "cameras", action: .ask)]
      $0.policies[0].mac = MACPrefix(sending)
    }
    desk.surroundings = Neighbourhood().surroundings
    desk.surroundings.flows = { _ in }
    desk.put(1, scope(ports: [1]))
    desk.count(10)
    let watch = desk.engine.flowWatch()
    watch.look(at: flow(cameraV4))
    desk.apply(
      desk.engine.looked(watch, .event, now: desk.now, surroundings: desk.surroundings)
    )
    #expect(desk.kernel.isEmpty)
    desk.apply(desk.engine.consented(true, to: MitigationID(1), now: desk.now))
    #expect(desk.sources == [inside(cameraV4)])
    // More already than the old one ever said.
    desk.count(15)
    #expect(desk.report()?.dropped?.packets == 25)
  }

  @Test("what counters said is kept when a table is made anew, but for those that it still had")
  func counterOfTable() {
    var desk = Desk.home()
    desk.put(1)
    desk.put(2, Fixture.scope(to: ["2001:db8:ffff::8"]))
    desk.count(10, mid: 1)
    desk.count(10, mid: 2)
    desk.count(device: 10)
    let kept = DropCounters(packets: 12, bytes: 1200)
    desk.engine.recounted(keeping: [(MitigationID(2), kept)], devices: [])
    desk.count(15, mid: 1)
    desk.count(15, mid: 2)
    #expect(desk.report(1)?.dropped?.packets == 35)
    #expect(desk.report(2)?.dropped?.packets == 25)
    desk.count(device: 15)
    #expect(desk.report(1)?.dropped?.packets == 50)
  }
}

@Suite struct StoppedFlowTests {
  private func concerned(_ flow: Flow, _ change: RuleChange?, _ confined: [IPAddress] = []) -> Bool
  {
    FlowWatch(stoppedBy: change.map { [$0] } ?? [], in: Fixture.home) { _ in confined }
      .concerns(flow)
  }

  @Test("CH-NAT-04 flows of all that a rule names are stopped, whatever its request named")
  func rule() {
    let desk = desk(ports: [1])
    let rule = RuleChange.install(
      desk.kernel.values.first ?? Rule(id: .init(1), sources: [], targets: []),
      remaining: nil
    )
    #expect(concerned(flow(cameraV4, port: 1), rule))
    #expect(concerned(flow(cameraV4, port: 2), rule))
    #expect(!concerned(flow(laptopV4, port: 1), rule))
    #expect(!concerned(flow(cameraV4, to: Fixture.address("198.51.100.8")), rule))
    let inward = Flow(
      .init(17, attacked, 443, to: Fixture.wan, 8080),
      .init(17, cameraV4, 80, to: attacked, 443)
    )
    #expect(concerned(inward, rule))
  }

  @Test("CH-NAT-03 and of any source, of one port after translation, and of strays")
  func others() {
    let target = Prefix(host: attacked)
    func rule(_ source: RuleSource, _ ports: [PortRange] = []) -> RuleChange {
      .install(
        Rule(id: MitigationID(1), sources: [source], targets: [target], sourcePorts: ports),
        remaining: nil
      )
    }
    let forged = flow(Fixture.address("10.9.8.7"))
    #expect(concerned(forged, rule(.any)) && concerned(forged, rule(.stray)))
    #expect(concerned(flow(cameraV4), rule(.any)) && !concerned(flow(cameraV4), rule(.stray)))
    let translated = rule(.translated(Fixture.wan), [PortRange(7)])
    #expect(concerned(flow(cameraV4, port: 7), translated))
    #expect(!concerned(flow(cameraV4, port: 8), translated))
    var both = Rule(
      id: MitigationID(1),
      sources: [.inside(Prefix(host: cameraV4)), .translated(Fixture.wan)],
      targets: [target],
      sourcePorts: [PortRange(7)]
    )
    both.hasTranslatedPorts = true
    for port in [7, 8] as [UInt16] {
      #expect(concerned(flow(cameraV4, port: port), .install(both, remaining: nil)))
      #expect(concerned(flow(laptopV4, port: port), .install(both, remaining: nil)) == (port == 7))
    }
  }

  @Test(
    "CAP-14 flows of a device that goes into quarantine are stopped, but not those to the router"
  )
  func quarantine() {
    let change = RuleChange.quarantine(
      Quarantine(mac: sending, addresses: [cameraV4, newV4]),
      remaining: nil
    )
    #expect(concerned(flow(cameraV4, to: Fixture.address("8.8.8.8")), change))
    #expect(!concerned(flow(laptopV4), change))
    let page = flow(cameraV4, answeredBy: Fixture.address("192.168.1.1"))
    #expect(!concerned(page, change))
    #expect(!concerned(flow(cameraV4), change, [cameraV4]))
    #expect(concerned(flow(newV4), change, [cameraV4]))
    #expect(!concerned(flow(cameraV4), nil))
  }
}
