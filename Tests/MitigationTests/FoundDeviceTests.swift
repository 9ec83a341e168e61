import Bytes
import Mitigation
import Model
import TestSupport
import Testing

@Suite struct FoundDeviceTests {
  @Test(
    "CH-NAT-01 the translated port tells the device, and the rule has its address, not the port"
  )
  func byPort() {
    var desk = tracking([translated(cameraV4, port: 40_000), translated(laptopV4, port: 40_001)])
    #expect(desk.put(1, scope(ports: [40_000])).isCreated)
    #expect(desk.sources == [inside(cameraV4)])
    #expect(desk.kernel.values.first?.sourcePorts == [])
    #expect(desk.found == [FoundDevice(cameraV4, sendingMAC, .conntrack)])
  }

  @Test("CH-NAT-03 of several ports a found device has one, and forged sources may have the others")
  func severalPorts() {
    var desk = tracking([translated(laptopV4, port: 40_001)])
    desk.put(1, scope(ports: [40_000, 40_001]))
    #expect(desk.sources == [inside(laptopV4), .translated(Fixture.wan)])
    let rule = desk.kernel.values.first
    #expect(rule?.hasTranslatedPorts == true)
    #expect(rule?.sourcePorts == [PortRange(40_000), PortRange(40_001)])
    desk.see([translated(cameraV4, port: 40_000)])
    #expect(desk.sources == [inside(laptopV4), inside(cameraV4), .translated(Fixture.wan)])
  }

  @Test(
    "CH-NAT-03 who is to be left alone isn't stopped by its port among several"
  )
  func severalPortsSparing() {
    let rest = [inside(laptopV4)]
    var desk = tracking(bothFlows) {
      var policy = PolicySettings(section: "cameras", action: .quarantine)
      policy.mac = MACPrefix(sendingMAC)
      $0.policies = [policy]
    }
    desk.put(1, scope(ports: [1, 2]))
    #expect(desk.sources == [inside(cameraV4), inside(laptopV4), .translated(Fixture.wan)])
    let released = desk.engine.releasedByHelpdesk(sendingMAC, now: desk.now, wall: Fixture.wall)
    desk.apply(released)
    #expect(desk.sources == rest)
    desk = asking(bothFlows)
    desk.put(1, scope(ports: [1, 2]))
    #expect(desk.sources == rest)
    #expect(consent(false, &desk))
    #expect(desk.sources == rest)
  }

  @Test("CH-NAT-03 once all are agreed to, others' ports among several are stopped")
  func severalPortsAgreed() {
    let all = [inside(cameraV4), inside(laptopV4), .translated(Fixture.wan)]
    var desk = asking(bothFlows)
    desk.put(1, scope(ports: [1, 2]))
    #expect(consent(true, &desk))
    #expect(desk.sources == [all[1], all[0], all[2]])
    desk = tracking(bothFlows) { $0.action = .ask }
    desk.put(1, scope(ports: [1, 2]))
    #expect(desk.kernel.isEmpty)
    #expect(consent(true, &desk))
    #expect(desk.sources == all)
    #expect(desk.kernel.values.first?.sourcePorts == [PortRange(1), PortRange(2)])
    desk = asking(bothFlows)
    desk.put(1, scope(ports: [2]))
    #expect(desk.sources == [inside(laptopV4)])
  }

  @Test("CH-NAT-01 a look ends with who has the one port; of several others may have some")
  func satisfied() {
    var isSatisfied: Bool?
    var desk = tracking([])
    desk.surroundings.flows = {
      $0.look(at: translated(cameraV4, port: 40_000))
      isSatisfied = $0.isSatisfied
    }
    desk.put(1, scope(ports: [40_000]))
    #expect(isSatisfied == true)
    desk.put(2, scope(ports: [40_000, 40_001]))
    #expect(isSatisfied == false)
  }

  @Test(
    "CH-NAT-04 a request that takes another's place keeps who was found, where it means as much"
  )
  func handsOn() {
    var desk = tracking([translated(cameraV4, port: 40_000)])
    desk.put(1, scope(ports: [40_000]))
    // One port has one sender: who has it now.
    var next = desk
    next.surroundings.flows = { $0.look(at: translated(laptopV4, port: 40_000)) }
    next.put(2, scope(ports: [40_000]))
    #expect(next.sources == [inside(laptopV4)] && next.found.count == 1)
    desk.surroundings.flows = { _ in }
    desk.put(2, scope(ports: [40_000, 40_001]))
    #expect(desk.sources == [inside(cameraV4), .translated(Fixture.wan)])
    #expect(desk.found == [FoundDevice(cameraV4, sendingMAC, .conntrack)])
    // Whose port the other one is wasn't said.
    desk.put(3, scope(ports: [40_001]))
    #expect(desk.sources == [.translated(Fixture.wan)])
    for change in [
      { $0.targetPrefixes = [Fixture.prefix("198.51.100.7/32")] },
      { $0.targetProtocols = [17] }, { $0.targetPortRanges = [PortRange(443)] },
      { $0.sourceICMPTypeRanges = [ICMPTypeRange(8, 8)].compactMap { $0 } },
    ] as [(inout MitigationScope) -> Void] {
      desk = tracking([translated(cameraV4, port: 40_000)])
      var asked = scope()
      asked.targetPrefixes = [Fixture.prefix("198.51.100.0/24")]
      desk.put(1, asked)
      desk.surroundings.flows = { _ in }
      change(&asked)
      desk.put(2, asked)
      #expect(desk.found.isEmpty)
    }
  }

  @Test("CH-NAT-01 a connection from outside tells who answers it")
  func inbound() {
    let flow = Flow(
      .init(6, attacked, 1234, to: Fixture.wan, 8080),
      .init(6, cameraV4, 80, to: attacked, 1234)
    )
    var desk = tracking([flow])
    desk.put(1, scope(ports: [8080]))
    #expect(desk.sources == [inside(cameraV4)])
  }

  @Test("CH-NAT-02 without ports all devices with such flows have a filter, and strays too")
  func withoutPorts() {
    var desk = tracking([translated(cameraV4, port: 40_000), translated(laptopV4, port: 40_001)])
    desk.put(1, scope())
    #expect(desk.sources == [inside(cameraV4), inside(laptopV4), .stray])
  }

  @Test("CH-NAT-03 nobody is found: any source, or the port after translation")
  func nobody() {
    var desk = tracking([])
    desk.put(1, scope())
    #expect(desk.sources == [.any])
    #expect(desk.engine.watchesFlows && desk.engine.watchesSenders)
    desk.delete(1)
    desk.pass(400)
    #expect(!desk.engine.watchesFlows)
    desk.put(2, scope(ports: [40_000]))
    #expect(desk.sources == [.translated(Fixture.wan)])
    #expect(desk.engine.watchesFlows && !desk.engine.watchesSenders)
  }

  @Test("CH-NAT-03 flows that begin later are found, once, and only those that are meant")
  func later() {
    var desk = tracking([])
    desk.put(1, scope(ports: [40_000]))
    desk.see([translated(laptopV4, port: 40_001), translated(cameraV4, port: 40_000)])
    #expect(desk.sources == [inside(cameraV4)])
    let rules = desk.kernel
    desk.see([translated(cameraV4, port: 40_000)])
    #expect(desk.kernel == rules)
    #expect(desk.found.map { $0.evidence } == [.event])
  }

  @Test("CH-NAT-03 who was stopped takes the place of any source; a forged source means its device")
  func seen() {
    var desk = tracking([])
    desk.put(1, scope())
    let forged = Fixture.address("8.8.8.8")
    desk.see([Sender(mac: sendingMAC, source: forged, target: attacked, transport: 17)])
    #expect(desk.sources == [inside(cameraV4), .stray])
    #expect(desk.found == [FoundDevice(cameraV4, sendingMAC, .seen)])
    let other = Fixture.address("198.51.100.8")
    desk.see([Sender(mac: otherMAC, source: laptopV4, target: other, transport: 17)])
    #expect(desk.found.count == 1)
  }

  @Test("CH-NAT-03 the router's own flows and forged sources are no devices")
  func noDevices() {
    let own = Flow(
      .init(17, Fixture.wan, 7, to: attacked, 443),
      .init(17, attacked, 443, to: Fixture.wan, 7)
    )
    var desk = tracking([own, translated(Fixture.address("10.9.8.7"), port: 8)])
    desk.put(1, scope())
    #expect(desk.sources == [.any])
  }

  @Test("CH-NAT-03 with more devices than one rule names, it is for any source again")
  func many() {
    let flows = (UInt32(2)...60).map {
      translated(IPAddress(v4: 0xC0A8_0100 + $0), port: UInt16($0))
    }
    var desk = tracking([])
    desk.put(1, scope())
    desk.see([UInt32](2...33).map { translated(IPAddress(v4: 0xC0A8_0100 + $0), port: 9) })
    #expect(desk.sources.count == 33)
    desk.see(flows)
    #expect(desk.sources == [.any])
  }

  @Test("CH-MIT-14 an exempt device is not named, however it sends")
  func exempt() {
    var desk = tracking([translated(cameraV4, port: 1), translated(laptopV4, port: 2)]) {
      var section = ProtectSettings(section: "alarm")
      section.macs = [MACPrefix(sendingMAC)]
      $0.protections = [section]
    }
    desk.put(1, scope())
    #expect(desk.sources == [inside(laptopV4), .stray])
  }

  @Test(
    "CH-MIT-14 one port that an exempt device has: 4.09 with cause 4; of several others may have some"
  )
  func exemptPort() {
    var desk = tracking([translated(cameraV4, port: 1)]) {
      var section = ProtectSettings(section: "alarm")
      section.macs = [MACPrefix(sendingMAC)]
      section.prefixes = [Fixture.prefix("198.51.100.0/24")]
      $0.protections = [section]
    }
    let refusal = desk.put(1, scope(ports: [1])).refusal
    #expect(refusal?.reason == .protectedTraffic)
    #expect(
      refusal?.conflict == ConflictInformation(cause: .requestRejectedLegitimateTraffic)
    )
    #expect(desk.put(2, scope(ports: [1, 2])).isCreated)
    #expect(desk.sources == [.translated(Fixture.wan)])
    #expect(desk.put(3, scope()).isCreated)
  }

  @Test("CH-MIT-12 policy about a device's hardware address quarantines it, and blocks others")
  func policy() {
    var desk = tracking([translated(cameraV4, port: 1), translated(laptopV4, port: 2)]) {
      var policy = PolicySettings(section: "cameras", action: .quarantine)
      policy.mac = MACPrefix(sendingMAC)
      $0.policies = [policy]
    }
    desk.put(1, scope())
    #expect([MACAddress](desk.confined.keys) == [sendingMAC])
    #expect(desk.sources.contains(inside(laptopV4)))
    let records = desk.engine.records(now: desk.now)
    var engine = MitigationEngine(settings: desk.engine.settings, home: desk.engine.home)
    #expect(engine.restore(records, now: desk.now, surroundings: desk.surroundings) == [])
    #expect(engine.plan(at: desk.now).count == desk.engine.plan(at: desk.now).count)
    #expect(engine.quarantinedDevices == [sendingMAC])
  }

  @Test(
    "CH-NAT-03 when found devices need more elements than the client has, any source is stopped"
  )
  func elements() {
    var desk = tracking([translated(cameraV4, port: 1), translated(laptopV4, port: 2)]) {
      $0.clients[0].maximumElements = 1
    }
    #expect(desk.put(1, scope()).isCreated)
    #expect(desk.sources == [.any])
    #expect(
      desk.put(2, Fixture.scope(to: ["2001:db8:ffff::8"])).refusal?.reason == .tooManyElements
    )
  }

  @Test(
    "CH-NAT-03 who begins later and needs more elements than there are: any source is stopped again"
  )
  func elementsLater() {
    for isTable in [false, true] {
      var desk = tracking([translated(cameraV4, port: 1)]) {
        if !isTable { $0.clients[0].maximumElements = 2 }
      }
      if isTable { desk.surroundings.elementCount = { $0.sources.count > 2 ? nil : 1 } }
      desk.put(1, scope())
      #expect(desk.sources == [inside(cameraV4), .stray])
      desk.see([translated(laptopV4, port: 2)])
      #expect(desk.sources == [.any] && desk.found.count == 2)
    }
  }

  @Test("CH-NAT-03 where any source may not be stopped, the status tells that it is too much")
  func exceeded() {
    var desk = asking(bothFlows) { $0.clients[0].maximumElements = 2 }
    desk.put(1, scope())
    desk.see([translated(Fixture.address("192.168.1.40"), port: 3)])
    #expect(desk.sources == [inside(laptopV4), .stray])
    #expect(desk.status() == .attackExceededCapability)
  }

  @Test("CH-MIT-12 limit holds for what is found by a policy that says so")
  func limit() {
    var desk = tracking([translated(cameraV4, port: 1)]) {
      var policy = PolicySettings(section: "cameras", action: .limit)
      policy.mac = MACPrefix(sendingMAC)
      $0.policies = [policy]
    }
    desk.put(1, scope())
    #expect(desk.kernel.values.first?.verdict == .limit(bytesPerSecond: 125_000))
  }

  @Test(
    "CH-NAT-03 asked for quarantine, nobody is confined until somebody is found; then the device"
  )
  func quarantine() {
    var desk = tracking([]) { $0.clients[0].may = [.block, .quarantine] }
    var asked = scope()
    asked.requestedAction = .quarantine
    #expect(desk.put(1, asked).isCreated)
    #expect(desk.confined.isEmpty && desk.sources == [.any])
    desk.see([translated(cameraV4, port: 1)])
    #expect([MACAddress](desk.confined.keys) == [sendingMAC])
  }

  @Test("CH-NAT-08 another WAN address: what named the old one ends")
  func moved() {
    var desk = tracking([translated(cameraV4, port: 1)])
    desk.put(1, scope())
    var home = Fixture.home
    home.wanAddresses = [Fixture.address("203.0.113.78")]
    desk.commit(desk.engine.homeChanged(home, now: desk.now) ?? [])
    #expect(desk.kernel.isEmpty && desk.engine.count == 0)
    #expect(desk.engine.takeEndings().map { $0.report.status } == [.attackMitigationWithdrawn])
  }

  @Test("CH-NAT-01 with both ports named, what answers is named wholly; else nothing is")
  func answers() {
    var desk = tracking([])
    var seen: [[Flow.Tuple]] = []
    desk.surroundings.flows = { seen.append($0.answers) }
    func answers(_ change: (inout MitigationScope) -> Void) -> [Flow.Tuple] {
      seen = []
      var asked = scope(ports: [40_000])
      asked.targetPortRanges = [PortRange(443)]
      asked.targetProtocols = [17]
      change(&asked)
      desk.put(1, asked)
      desk.delete(1)
      desk.pass(400)
      return seen.first ?? []
    }
    #expect(answers { _ in } == [translated(cameraV4, port: 40_000).reply])
    #expect(answers { $0.targetProtocols = [] }.map { $0.transport } == [6, 17, 33, 132, 136])
    #expect(
      answers { $0.sourcePortRanges.append(PortRange(7)) }.map { $0.targetPort } == [40_000, 7]
    )
    #expect(answers { $0.targetPortRanges = [] }.isEmpty)
    #expect(answers { $0.sourcePortRanges = [] }.isEmpty)
    #expect(answers { $0.targetProtocols = [1] }.isEmpty)
    #expect(answers { $0.targetPrefixes = [Fixture.prefix("198.51.100.0/24")] }.isEmpty)
    #expect(answers { $0.sourcePortRanges = [PortRange(0, 65_535) ?? PortRange(1)] }.isEmpty)
  }

  /// What a rule of the scope would stop, said without filters.
  private func isMeant(_ flow: Flow, _ scope: MitigationScope) -> Bool {
    let hasPorts = flow.original.transport == 6 || flow.original.transport == 17
    if !scope.targetPrefixes.contains(where: { $0.contains(flow.original.target) }) { return false }
    if !scope.targetProtocols.isEmpty {
      if !scope.targetProtocols.contains(flow.original.transport) { return false }
    } else if !scope.sourcePortRanges.isEmpty || !scope.targetPortRanges.isEmpty {
      if !hasPorts { return false }
    }
    guard hasPorts else { return true }
    func holds(_ ranges: [PortRange], _ port: UInt16) -> Bool {
      ranges.isEmpty || ranges.contains { $0.contains(port) }
    }
    return holds(scope.sourcePortRanges, flow.reply.targetPort)
      && holds(scope.targetPortRanges, flow.original.targetPort)
  }

  @Test(
    "CH-NAT-01 random flows and scopes: found are those that a plain look finds",
    arguments: 0..<20
  )
  func random(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    func number(_ upper: Int) -> Int { Int.random(in: 0..<upper, using: &random) }
    for _ in 0..<20 {
      var asked = scope()
      if number(2) == 0 { asked.targetPrefixes = [Fixture.prefix("198.51.100.0/29")] }
      if number(2) == 0 { asked.targetProtocols = [[6, 17, 1, 47][number(4)]] }
      if number(2) == 0 {
        asked.sourcePortRanges = [PortRange(UInt16(number(4)), 6) ?? PortRange(1)]
      }
      if number(2) == 0 { asked.targetPortRanges = [PortRange(UInt16(number(3)))] }
      let flows = (0..<number(12)).map { _ in
        let transport: UInt8 = [6, 17, 17, 1, 47][number(5)]
        let hasPorts = transport == 6 || transport == 17
        return translated(
          IPAddress(v4: 0xC0A8_0102 + UInt32(number(6))),
          port: hasPorts ? UInt16(number(9)) : 0,
          to: IPAddress(v4: 0xC633_6406 + UInt32(number(3))),
          hasPorts ? UInt16(number(3)) : 0,
          transport: transport
        )
      }
      var desk = tracking(flows)
      desk.put(1, asked)
      let expected = flows.filter { isMeant($0, asked) }.map { $0.original.source }
      #expect(Set(desk.found.map { $0.address }) == Set(expected), "seed \(seed)")
    }
  }
}
