import Bytes
import Firewall
import Model
import TestServer
import Testing

let start = Instant(milliseconds: 1_000_000)

func id(_ number: UInt32) -> MitigationID { MitigationID(number) }

func rule(
  _ number: UInt32,
  from source: Text = "192.168.1.10",
  to target: Text = "203.0.113.5",
  protocols: [UInt8] = [17],
  ports: [PortRange] = [],
  verdict: RuleVerdict = .drop
) throws -> Rule {
  Rule(
    id: id(number),
    sources: [.inside(try #require(Prefix(parsing: source)))],
    targets: [try #require(Prefix(parsing: target))],
    protocols: protocols,
    targetPorts: ports,
    verdict: verdict
  )
}

func firewall() -> Firewall { Firewall(protection: Protection()) }

/// A firewall and the kernel that carries out its plans.
struct Bench {
  var firewall = Firewall(
    protection: Protection(home: [
      Prefix(IPAddress(v4: 0xC0A8_0100), length: 24) ?? Prefix(host: IPAddress(v4: 0))
    ])
  )
  var kernel = ModelKernel()

  @discardableResult
  mutating func apply(_ changes: RuleChange..., at now: Instant = start) throws -> [Operation] {
    let plan = try firewall.apply(changes, now: now)
    try kernel.commit(plan)
    return plan
  }

  func timeout(_ set: Text, _ key: [UInt8]) -> Span? { kernel.sets[set]?[key]?.timeout }
}

@Suite struct PlanTests {
  @Test("one exact key is one counter, one map, one gate and the chains that lead there")
  func golden() throws {
    var firewall = firewall()
    let plan = try firewall.apply(
      [.install(try rule(17, ports: [PortRange(1700)]), remaining: .seconds(60))],
      now: start
    )
    let key: [UInt8] = [192, 168, 1, 10, 203, 0, 113, 5, 17, 0, 0, 0, 6, 164, 0, 0]
    let address = KeyType(.addressV4)
    let exact = keyType(.addressV4, .addressV4, .transportProtocol, .port)
    #expect(
      plan.prefix(9) == [
        .addTable, .addCounter("m17", journal: []), .addSet("g4_32", key: address, .keys),
        .addSet("d4_32_32_pd", key: exact, .counters),
        .addElement(
          set: "d4_32_32_pd",
          key: key,
          .counter("m17"),
          timeout: .milliseconds(60_500)
        ),
        .addElement(
          set: "g4_32",
          key: [192, 168, 1, 10],
          .none,
          timeout: .milliseconds(60_500)
        ),
        .addChain("protect", nil), .addChain("v4_32", nil),
        .addChain("pre", Attachment(hook: .prerouting, priority: -300)),
      ]
    )
    #expect(plan.last == .addRule(chain: "pre", "ip saddr @g4_32 jump v4_32"))
    #expect(
      Expression.list(reading: "ip saddr @g4_32 jump v4_32") == [
        .meta(.family, register: 0), .equals(register: 0, [2]),
        .payload(.network, offset: 12, length: 4, register: 0),
        .isIn(set: "g4_32", register: 0), .jump("v4_32"),
      ]
    )
  }

  @Test("a second exact key of the same shape is a counter and an element")
  func second() throws {
    var bench = Bench()
    try bench.apply(.install(try rule(1), remaining: .seconds(60)))
    let plan = try bench.apply(.install(try rule(2, to: "203.0.113.6"), remaining: .seconds(60)))
    #expect(
      plan == [
        .addCounter("m2", journal: []),
        .addElement(
          set: "d4_32_32_p",
          key: [192, 168, 1, 10, 203, 0, 113, 6, 17, 0, 0, 0],
          .counter("m2"),
          timeout: .milliseconds(60_500)
        ),
      ]
    )
  }

  @Test("the last mitigation takes the table with it")
  func lastOut() throws {
    var bench = Bench()
    try bench.apply(.install(try rule(1), remaining: nil))
    #expect(try bench.apply(.remove(id(1))) == [.deleteTable])
    #expect(bench.firewall.isEmpty)
    #expect(bench.firewall.nextRenewal == nil)
  }

  @Test("base chains stand only where they are needed")
  func baseChains() throws {
    var bench = Bench()
    try bench.apply(.install(try rule(1), remaining: nil))
    #expect(Set(bench.kernel.bases.keys) == ["pre"])
    var wide = try rule(2)
    wide.sources = [.any]
    var translated = try rule(3)
    translated.sources = [.translated(try #require(IPAddress(parsing: "198.51.100.1")))]
    try bench.apply(.install(wide, remaining: nil), .install(translated, remaining: nil))
    #expect(Set(bench.kernel.bases.keys) == ["pre", "out", "post"])
    try bench.apply(.remove(id(1)), .remove(id(2)))
    #expect(Set(bench.kernel.bases.keys) == ["post"])
  }

  @Test(
    "CH-NAT-03 ports of what is translated are no condition on devices, in keys and in one chain"
  )
  func translatedPorts() throws {
    let wan = try #require(IPAddress(parsing: "198.51.100.1"))
    for (lower, elements) in [(443, 4), (100, 5)] as [(UInt16, Int)] {
      var mixed = try rule(1, ports: [try #require(PortRange(lower, 443))])
      mixed.sources.append(.translated(wan))
      mixed.sourcePorts = [try #require(PortRange(1024, 65_535))]
      mixed.hasTranslatedPorts = true
      #expect(Firewall.elementCount(of: mixed) == elements)
      var bench = Bench()
      try bench.apply(.install(mixed, remaining: nil))
      var packet = Packet(
        source: try #require(IPAddress(parsing: "192.168.1.10")),
        target: try #require(IPAddress(parsing: "203.0.113.5")),
        transport: 17,
        sourcePort: 9,
        targetPort: 443
      )
      #expect(bench.kernel.dropped(packet, in: "pre") == "m1")
      packet.source = wan
      #expect(bench.kernel.dropped(packet, in: "post") == nil)
      packet.sourcePort = 2000
      #expect(bench.kernel.dropped(packet, in: "post") == "m1")
    }
  }

  @Test("what a device was let pass up to a limit isn't counted once more where it is translated")
  func translatedLimit() throws {
    let wan = try #require(IPAddress(parsing: "198.51.100.1"))
    var mixed = try rule(1, verdict: .count)
    mixed.sources.append(.translated(wan))
    mixed.sourcePorts = [try #require(PortRange(1024, 65_535))]
    mixed.hasTranslatedPorts = true
    var bench = Bench()
    try bench.apply(.install(mixed, remaining: nil))
    let lines = bench.kernel.chains["m1"]
    #expect(
      lines
        == [
          "ct original ip saddr 192.168.1.10 return",
          "ip saddr 198.51.100.1 meta l4proto 17 th sport 1024-65535 counter name m1",
          "ip saddr 198.51.100.1 return", "meta l4proto 17 counter name m1",
        ].compactMap { Expression.list(reading: $0) }
    )
    #expect(Firewall.elementCount(of: mixed) == 6)
  }

  @Test("equal intents give equal plans")
  func deterministic() throws {
    func plans() throws -> [[Operation]] {
      var firewall = firewall()
      let installs = try (1...40).map {
        RuleChange.install(
          try rule($0, to: Text("203.0.113.0/\(20 + $0 % 12)"), ports: [PortRange(UInt16($0))]),
          remaining: .seconds(5000)
        )
      }
      return [
        try firewall.apply(installs, now: start), firewall.renew(now: start),
        firewall.operationsToRebuild(now: start),
      ]
    }
    #expect(try plans() == plans())
  }

  @Test("a change that fails changes nothing")
  func allOrNothing() throws {
    var firewall = firewall()
    #expect(throws: FirewallError.unknown(id(9))) {
      try firewall.apply([.install(try rule(1), remaining: nil), .remove(id(9))], now: start)
    }
    #expect(firewall.isEmpty)
  }

  @Test("a renewal and another protection can be taken back")
  func takenBack() throws {
    var firewall = firewall()
    _ = try firewall.apply([.install(try rule(1), remaining: nil)], now: start)
    let before = firewall
    let later = start + .seconds(1200)
    #expect(!firewall.renew(now: later).isEmpty)
    #expect(firewall != before)
    firewall.rollBack()
    #expect(firewall == before)
    var section = ProtectSettings(section: "resolver")
    section.udpPorts = [PortRange(53)]
    #expect(!firewall.setProtection(Protection(sections: [section]), now: later).isEmpty)
    #expect(firewall != before)
    firewall.rollBack()
    #expect(firewall == before)
  }

  @Test("only the last event can be taken back, and once")
  func takenBackOnce() throws {
    var firewall = firewall()
    _ = try firewall.apply([.install(try rule(1), remaining: nil)], now: start)
    let before = firewall
    _ = try firewall.apply([.install(try rule(2), remaining: nil)], now: start)
    firewall.rollBack()
    firewall.rollBack()
    #expect(firewall == before)
    #expect(firewall.ids == [id(1)])
  }

  @Test("the first mitigation that is taken back takes its table with it")
  func takenBackFirst() throws {
    var firewall = firewall()
    let install = RuleChange.install(try rule(1), remaining: nil)
    let plan = try firewall.apply([install], now: start)
    firewall.rollBack()
    #expect(firewall.isEmpty && firewall.nextRenewal == nil)
    #expect(try firewall.apply([install], now: start) == plan)
  }

  @Test("after a refused change the value is led to what was decided, and no further")
  func catchingUp() throws {
    var firewall = firewall()
    let rules = [try rule(1), try rule(2, to: "203.0.113.6"), try rule(3, to: "203.0.113.7")]
    _ = try firewall.apply(rules.map { .install($0, remaining: .seconds(60)) }, now: start)
    let new = try rule(4, to: "203.0.113.8")
    var journalled = rules[2]
    journalled.journal = [1]
    let wanted: [RuleChange] = [
      .install(rules[1], remaining: .seconds(30)), .install(journalled, remaining: .seconds(60)),
      .install(new, remaining: .seconds(60)),
    ]
    let changes = firewall.changes(toward: wanted, now: start)
    #expect(
      changes == [
        .renew(id(2), remaining: .seconds(30)), .install(new, remaining: .seconds(60)),
        .remove(id(1)),
      ]
    )
    _ = try firewall.apply(changes, now: start)
    #expect(firewall.changes(toward: wanted, now: start).isEmpty)
  }

  @Test("a key is counted by its first owner and handed on when that one ends")
  func handOver() throws {
    var bench = Bench()
    try bench.apply(.install(try rule(1), remaining: .seconds(10)))
    try bench.apply(.install(try rule(2), remaining: .seconds(1000)))
    let key: [UInt8] = [192, 168, 1, 10, 203, 0, 113, 5, 17, 0, 0, 0]
    #expect(bench.kernel.sets["d4_32_32_p"]?[key]?.value == .counter("m1"))
    #expect(bench.timeout("d4_32_32_p", key) == .milliseconds(1_000_500))
    let plan = try bench.apply(.remove(id(1)), at: start + .seconds(10))
    #expect(
      plan == [
        .deleteElement(set: "d4_32_32_p", key: key),
        .addElement(
          set: "d4_32_32_p",
          key: key,
          .counter("m2"),
          timeout: .milliseconds(990_500)
        ),
        .deleteCounter("m1"),
      ]
    )
  }

  @Test("keys that lead to chains go to a second layer, which goes with them")
  func layers() throws {
    var bench = Bench()
    let ranges = try #require(PortRange(1, 1000))
    try bench.apply(.install(try rule(1, ports: [ranges]), remaining: nil))
    try bench.apply(.install(try rule(2, ports: [ranges]), remaining: nil))
    #expect(bench.kernel.sets["j4_32_32"]?.count == 1)
    #expect(bench.kernel.sets["j4_32_32_2"]?.count == 1)
    try bench.apply(.remove(id(2)))
    #expect(bench.kernel.sets["j4_32_32_2"] == nil)
    try bench.apply(.install(try rule(3, ports: [ranges]), remaining: nil), .remove(id(1)))
    #expect(bench.kernel.sets["j4_32_32"] == nil)
    #expect(bench.kernel.sets["j4_32_32_2"]?.count == 1)
  }

  @Test("installing an id again replaces its rule and keeps its counter")
  func replace() throws {
    var bench = Bench()
    let range = try #require(PortRange(1, 1000))
    let limit = RuleVerdict.limit(bytesPerSecond: 10)
    try bench.apply(.install(try rule(1, ports: [range], verdict: limit), remaining: nil))
    let plan = try bench.apply(
      .install(try rule(1, ports: [range], verdict: .limit(bytesPerSecond: 20)), remaining: nil)
    )
    #expect(!plan.contains(.deleteCounter("m1")))
    #expect(plan.contains(.addLimit("r1", bytesPerSecond: 20)))
    try bench.apply(.install(try rule(1, to: "203.0.113.6"), remaining: nil))
    #expect(bench.kernel.limits.isEmpty)
    #expect(bench.kernel.chains["m1"] == nil)
    #expect(bench.kernel.counters["m1"] == 0)
  }
}

@Suite struct TimeTests {
  let key: [UInt8] = [192, 168, 1, 10, 203, 0, 113, 5, 17, 0, 0, 0]

  @Test("no element lives longer than an hour, and renewal comes every twenty minutes")
  func renewal() throws {
    var bench = Bench()
    try bench.apply(.install(try rule(1), remaining: nil))
    #expect(bench.timeout("d4_32_32_p", key) == .milliseconds(3_600_500))
    let due = try #require(bench.firewall.nextRenewal)
    #expect(due == start + .seconds(1200))
    let plan = bench.firewall.renew(now: due)
    try bench.kernel.commit(plan)
    #expect(plan.count == 4)
    #expect(bench.firewall.nextRenewal == due + .seconds(1200))
  }

  @Test("a mitigation that ends within its timeout needs no renewal")
  func short() throws {
    var bench = Bench()
    try bench.apply(.install(try rule(1), remaining: .seconds(3600)))
    #expect(bench.firewall.nextRenewal == nil)
    #expect(bench.firewall.renew(now: start).isEmpty)
  }

  @Test("the last renewal sets what really remains")
  func lastRenewal() throws {
    var bench = Bench()
    try bench.apply(.install(try rule(1), remaining: .seconds(4000)))
    try bench.kernel.commit(bench.firewall.renew(now: start + .seconds(1200)))
    #expect(bench.timeout("d4_32_32_p", key) == .milliseconds(2_800_500))
    #expect(bench.firewall.nextRenewal == nil)
  }

  @Test("a shorter lifetime shortens the element at once")
  func shortened() throws {
    var bench = Bench()
    try bench.apply(.install(try rule(1), remaining: .seconds(3000)))
    try bench.apply(.renew(id(1), remaining: .seconds(5)))
    #expect(bench.timeout("d4_32_32_p", key) == .milliseconds(5500))
  }

  @Test("a gate lives as long as the longest of its elements, and goes with the last")
  func gates() throws {
    var bench = Bench()
    let gate: [UInt8] = [192, 168, 1, 10]
    try bench.apply(.install(try rule(1), remaining: .seconds(10)))
    try bench.apply(.install(try rule(2, to: "203.0.113.6"), remaining: .seconds(90)))
    #expect(bench.timeout("g4_32", gate) == .milliseconds(90_500))
    try bench.apply(
      .install(try rule(3, from: "192.168.1.11"), remaining: .seconds(10)),
      .remove(id(2))
    )
    #expect(bench.timeout("g4_32", gate) != nil)
    try bench.apply(.remove(id(1)))
    #expect(bench.timeout("g4_32", gate) == nil)
  }

  @Test("a mitigation whose time is over still gets a timeout, never none")
  func over() throws {
    var bench = Bench()
    try bench.apply(.install(try rule(1), remaining: .seconds(-5)))
    #expect(bench.timeout("d4_32_32_p", key) == .milliseconds(500))
  }
}

@Suite struct CapTests {
  @Test("a mitigation with too many elements is refused, and counted without being built")
  func tooMany() throws {
    var rule = try rule(1)
    rule.targets = (0..<5000).compactMap { Prefix(host: IPAddress(v4: 0xCB00_0000 + $0)) }
    let count = Firewall.elementCount(of: rule)
    #expect(count > Firewall.maximumElements)
    var firewall = firewall()
    #expect(throws: FirewallError.tooManyElements(count)) {
      try firewall.apply([.install(rule, remaining: nil)], now: start)
    }
  }

  @Test("ports of UDP-Lite narrow a rule that names it")
  func udpLite() throws {
    var bench = Bench()
    let rule = try rule(1, protocols: [136], ports: [PortRange(443)])
    try bench.apply(.install(rule, remaining: .seconds(60)))
    #expect(bench.kernel.sets["d4_32_32_pd"]?.count == 1)
    #expect(bench.kernel.sets["d4_32_32_p"] == nil)
  }

  @Test("ports become lines of a chain when exact keys would be too many")
  func chainInstead() throws {
    var rule = try rule(1, ports: [try #require(PortRange(1, 60))])
    #expect(Firewall.elementCount(of: rule) == 60)
    rule.targets = (0..<100).compactMap { Prefix(host: IPAddress(v4: 0xCB00_7100 + $0)) }
    #expect(Firewall.elementCount(of: rule) == 101)
    rule.targetPorts = [try #require(PortRange(1, 65))]
    #expect(Firewall.elementCount(of: rule) == 101)
  }

  @Test("too many shapes are refused")
  func shapes() throws {
    var firewall = firewall()
    let installs = try (8...32).flatMap { source in
      try (8...32).map { target in
        RuleChange.install(
          try rule(
            UInt32(source * 100 + target),
            from: Text("10.0.0.0/\(source)"),
            to: Text("203.0.0.0/\(target)")
          ),
          remaining: nil
        )
      }
    }
    #expect(throws: FirewallError.tooManyShapes(625)) {
      try firewall.apply(installs, now: start)
    }
    #expect(firewall.isEmpty)
  }

  @Test("sources and targets of different families alone make no rule")
  func families() throws {
    var firewall = firewall()
    let mixed = try rule(1, to: "2001:db8::1")
    #expect(throws: FirewallError.nothingToMatch) {
      try firewall.apply([.install(mixed, remaining: nil)], now: start)
    }
  }
}

@Suite struct ReconcileTests {
  @Test("counters of known mitigations stay, all else goes before it is built anew")
  func reconcile() throws {
    var bench = Bench()
    try bench.apply(
      .install(try rule(1), remaining: nil),
      .install(try rule(2, ports: [try #require(PortRange(1, 999))]), remaining: nil)
    )
    let kernel = KernelSnapshot(
      counters: ["m1", "m2"].map { KernelCounter(name: $0, packets: 1, bytes: 1, journal: []) },
      chains: bench.kernel.chains.keys.sorted(),
      sets: bench.kernel.sets.keys.sorted()
    )
    var fresh = firewall()
    _ = try fresh.apply([.install(try rule(1), remaining: nil)], now: start)
    let plan = fresh.operationsToReconcile(with: kernel, now: start)
    #expect(plan.prefix(2) == [.addTable, .flushTable])
    #expect(plan.contains(.deleteCounter("m2")))
    #expect(!plan.contains(.deleteCounter("m1")))
    #expect(plan.contains(.deleteChain("m2")))
  }

  @Test("nothing to enforce and a table there: it is deleted; no table: nothing to do")
  func empty() {
    #expect(
      firewall().operationsToReconcile(with: KernelSnapshot(), now: start) == [.deleteTable]
    )
    #expect(firewall().operationsToReconcile(with: nil, now: start).isEmpty)
  }

  @Test("a rebuild makes the same table as the steps did")
  func rebuild() throws {
    var bench = Bench()
    for number in UInt32(1)...30 {
      let port = PortRange(UInt16(number % 3 + 1))
      let target: Text = number % 2 == 0 ? "203.0.113.0/24" : "203.0.113.5"
      try bench.apply(
        .install(try rule(number, to: target, ports: [port]), remaining: .seconds(100))
      )
    }
    var rebuilt = ModelKernel()
    try rebuilt.commit(bench.firewall.operationsToRebuild(now: start))
    #expect(rebuilt.chains == bench.kernel.chains)
    #expect(rebuilt.counters.keys == bench.kernel.counters.keys)
    for (name, elements) in bench.kernel.sets {
      #expect(rebuilt.sets[name]?.mapValues { $0.value } == elements.mapValues { $0.value })
    }
  }

  @Test("new protection changes the protecting chains and nothing else")
  func protection() throws {
    var bench = Bench()
    try bench.apply(.install(try rule(1), remaining: nil))
    var section = ProtectSettings(section: "phone")
    section.sources = [try #require(Prefix(parsing: "192.168.1.10"))]
    section.udpPorts = [PortRange(5060)]
    let plan = bench.firewall.setProtection(Protection(sections: [section]), now: start)
    try bench.kernel.commit(plan)
    #expect(plan.first == .addChain("p0_1", nil))
    let phone = try #require(IPAddress(parsing: "192.168.1.10"))
    let victim = try #require(IPAddress(parsing: "203.0.113.5"))
    var packet = Packet(source: phone, target: victim, transport: 17, targetPort: 5060)
    #expect(bench.kernel.dropped(packet, in: "pre") == nil)
    packet.targetPort = 5061
    #expect(bench.kernel.dropped(packet, in: "pre") == "m1")
    try bench.kernel.commit(bench.firewall.setProtection(Protection(), now: start))
    packet.targetPort = 5060
    #expect(bench.kernel.dropped(packet, in: "pre") == "m1")
  }
}
