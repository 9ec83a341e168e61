import Bytes
import Firewall
import Model
import TestServer
import TestSupport
import Testing

/// Whether a rule names a packet, said without any table.
func names(_ rule: Rule, _ packet: Packet, translatedTo wan: IPAddress) -> Bool {
  if rule.hasTranslatedPorts {
    var translated = rule
    translated.hasTranslatedPorts = false
    var others = translated
    translated.sources.removeAll { !$0.isTranslated }
    others.sources.removeAll { $0.isTranslated }
    others.sourcePorts = []
    return names(translated, packet, translatedTo: wan) || names(others, packet, translatedTo: wan)
  }
  let hasPorts = [6, 17, 33, 132].contains(packet.transport)
  let isICMP = [1, 58].contains(packet.transport)
  let source = rule.sources.contains { source in
    switch source {
    case .any: true
    case .inside(let prefix): prefix.contains(packet.source)
    case .translated(let address): address == wan
    case .stray: packet.source.family == .v4 && !isOfHome(packet.source)
    }
  }
  guard source, rule.targets.contains(where: { $0.contains(packet.target) }) else { return false }
  let portsNamed = !rule.sourcePorts.isEmpty || !rule.targetPorts.isEmpty
  if rule.protocols.isEmpty {
    if portsNamed || !rule.icmpTypes.isEmpty {
      guard portsNamed && hasPorts || !rule.icmpTypes.isEmpty && isICMP else { return false }
    }
  } else if !rule.protocols.contains(packet.transport) {
    return false
  }
  if hasPorts {
    func holds(_ ranges: [PortRange], _ port: UInt16) -> Bool {
      ranges.isEmpty || ranges.contains { $0.contains(port) }
    }
    return holds(rule.sourcePorts, packet.sourcePort) && holds(rule.targetPorts, packet.targetPort)
  }
  if isICMP, !rule.icmpTypes.isEmpty {
    return rule.icmpTypes.contains { $0.lower <= packet.icmpType && packet.icmpType <= $0.upper }
  }
  return true
}

/// The one network of the home that firewalls of tests know.
func isOfHome(_ address: IPAddress) -> Bool {
  address.family == .v4 && address.bytes[0] == 192 && address.bytes[1] == 168
    && address.bytes[2] == 1
}

/// Random rules and packets of a small world, so that they often meet.
struct World {
  var generator: SeededGenerator
  let wan: [IPAddress]
  let sources: [[Prefix]]
  let targets: [[Prefix]]

  init(seed: UInt64) throws {
    func prefixes(_ texts: [Text]) throws -> [Prefix] {
      try texts.map { try #require(Prefix(parsing: $0)) }
    }
    generator = SeededGenerator(seed: seed)
    wan = [
      try #require(IPAddress(parsing: "198.51.100.1")),
      try #require(IPAddress(parsing: "2001:db8::1")),
    ]
    sources = [
      try prefixes(["192.168.1.10", "192.168.1.11", "192.168.1.8/29", "192.168.0.0/16", "10.9.8.7"]
      ),
      try prefixes(["fd00::10", "fd00::11", "fd00::/64"]),
    ]
    targets = [
      try prefixes(["203.0.113.5", "203.0.113.4/30", "203.0.113.0/24", "0.0.0.0/0"]),
      try prefixes(["2001:db8:99::5", "2001:db8:99::/64", "::/0"]),
    ]
  }

  mutating func some<Value>(_ values: [Value], atLeast least: Int = 0) -> [Value] {
    let count = Int.random(in: least...2, using: &generator)
    return (0..<count).compactMap { _ in values.randomElement(using: &generator) }
  }

  mutating func range() -> PortRange {
    let lower = UInt16.random(in: 1...8, using: &generator)
    let length = Bool.random(using: &generator) ? 0 : UInt16.random(in: 0...300, using: &generator)
    return PortRange(lower, lower + length) ?? PortRange(lower)
  }

  mutating func rule(_ id: UInt32) -> Rule {
    let family = Int.random(in: 0...1, using: &generator)
    var choices = sources[family].map { RuleSource.inside($0) } + [.any, .translated(wan[family])]
    if family == 0 { choices.append(.stray) }
    return Rule(
      id: MitigationID(id),
      sources: some(choices, atLeast: 1),
      targets: some(targets[family], atLeast: 1),
      protocols: some([17, 6, 47, 1, 58]),
      sourcePorts: some([range(), range()]),
      hasTranslatedPorts: Bool.random(using: &generator),
      targetPorts: some([range(), range()]),
      icmpTypes: Bool.random(using: &generator)
        ? [] : some([ICMPTypeRange(8, 8), ICMPTypeRange(0, 3)]).compactMap { $0 }
    )
  }

  mutating func packet() -> (packet: Packet, wan: IPAddress) {
    let family = Int.random(in: 0...1, using: &generator)
    let source = (some(sources[family], atLeast: 1).first?.address ?? wan[family])
    let target = (some(targets[family], atLeast: 1).first?.address ?? wan[family])
    let packet = Packet(
      source: source,
      target: target,
      transport: [17, 17, 6, 47, 1, 58].randomElement(using: &generator) ?? 17,
      sourcePort: UInt16.random(in: 1...12, using: &generator),
      targetPort: UInt16.random(in: 1...12, using: &generator),
      icmpType: [8, 0, 3, 13].randomElement(using: &generator) ?? 8
    )
    return (packet, wan[family])
  }
}

@Suite struct EquivalenceTests {
  @Test("the table drops what some rule names, counts it for one that does, and leaves no orphan")
  func equivalence() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var world = try World(seed: seed)
    for _ in 0..<60 {
      var bench = Bench()
      var rules: [UInt32: Rule] = [:]
      var now = start
      for number in UInt32(1)...25 {
        try step(number, &world, &bench, &rules, now)
        now = now + .seconds(Int.random(in: 0...500, using: &world.generator))
        for _ in 0..<20 { try compare(&world, &bench, rules, seed) }
      }
      let rest = rules.keys.sorted().map { RuleChange.remove(id($0)) }
      try bench.kernel.commit(try bench.firewall.apply(rest, now: now))
      #expect(!bench.kernel.exists, "seed \(seed)")
    }
  }

  private func step(
    _ number: UInt32,
    _ world: inout World,
    _ bench: inout Bench,
    _ rules: inout [UInt32: Rule],
    _ now: Instant
  ) throws {
    var changes: [RuleChange] = []
    let known = rules.keys.sorted()
    if let old = known.randomElement(using: &world.generator) {
      switch Int.random(in: 0...3, using: &world.generator) {
      case 0:
        changes.append(.remove(id(old)))
        rules[old] = nil
      case 1: changes.append(.renew(id(old), remaining: nil))
      case 2:
        rules[old] = world.rule(old)
        changes.append(.install(world.rule(old), remaining: .seconds(9)))
        rules[old].map { changes.append(.install($0, remaining: .seconds(9000))) }
      default: try bench.kernel.commit(bench.firewall.renew(now: now))
      }
    }
    let rule = world.rule(number)
    rules[number] = rule
    changes.append(.install(rule, remaining: .seconds(number * 300)))
    let before = bench.firewall
    let plan = try bench.firewall.apply(changes, now: now)
    try rollBack(before, changes, to: plan, at: now)
    try bench.kernel.commit(plan)
  }

  /// Whether an event, refused or failed, leaves no trace: the next gives the same plan.
  private func rollBack(
    _ before: Firewall,
    _ changes: [RuleChange],
    to plan: [Operation],
    at now: Instant
  ) throws {
    var firewall = before
    #expect(try firewall.apply(changes, now: now) == plan)
    firewall.rollBack()
    #expect(firewall == before)
    #expect(throws: FirewallError.unknown(id(9999))) {
      try firewall.apply(changes + [.remove(id(9999))], now: now)
    }
    #expect(firewall == before)
    _ = firewall.renew(now: now)
    firewall.rollBack()
    #expect(firewall == before)
    #expect(try firewall.apply(changes, now: now) == plan)
  }

  private func compare(
    _ world: inout World,
    _ bench: inout Bench,
    _ rules: [UInt32: Rule],
    _ seed: UInt64
  ) throws {
    let (packet, wan) = world.packet()
    var after = packet
    after.source = wan
    let counter =
      bench.kernel.dropped(packet, in: "pre") ?? bench.kernel.dropped(after, in: "post")
    let naming = rules.values.filter { names($0, packet, translatedTo: wan) }.map { $0.id.counter }
    #expect((counter != nil) == !naming.isEmpty, "seed \(seed): \(packet)")
    if let counter { #expect(naming.contains(counter), "seed \(seed): \(packet)") }
  }
}
