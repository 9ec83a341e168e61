import Bytes
import Firewall
import Model
import TestSupport
import Testing

/// What a rule must be, instruction by instruction.
struct Reading: CustomTestStringConvertible {
  var rule: Text
  var expressions: [Expression]

  init(_ rule: Text, _ expressions: [Expression]) {
    self.rule = rule
    self.expressions = expressions
  }

  var testDescription: String { rule.string }
}

private let isV4: [Expression] = [.meta(.family, register: 0), .equals(register: 0, [2])]
private let isV6: [Expression] = [.meta(.family, register: 0), .equals(register: 0, [10])]
private let hardware: [Expression] = [
  .meta(.inputType, register: 0), .equals(register: 0, host(1, 2)),
  .payload(.link, offset: 6, length: 6, register: 0),
]

private func transport(_ number: UInt8) -> [Expression] {
  [.meta(.transportProtocol, register: 0), .equals(register: 0, [number])]
}

/// A number in the machine's byte order.
private func host(_ value: UInt8, _ width: Int) -> [UInt8] {
  let zeros = [UInt8](repeating: 0, count: width - 1)
  return UInt16(1).littleEndian == 1 ? [value] + zeros : zeros + [value]
}

private func load(_ offset: UInt32, _ length: UInt32) -> Expression {
  .payload(.transport, offset: offset, length: length, register: 0)
}

private let readings: [Reading] = [
  Reading("accept", [.accept]), Reading("drop", [.drop]), Reading("return", [.comeBack]),
  Reading("jump q_need", [.jump("q_need")]), Reading("goto q_lost", [.goTo("q_lost")]),
  Reading("counter name m17 drop", [.count("m17"), .drop]),
  Reading("limit name r19 counter name m19", [.isOver(limit: "r19"), .count("m19")]),
  Reading("reject with tcp reset", [.reject(resets: true)]),
  Reading("reject with icmpx admin-prohibited", [.reject(resets: false)]),
  Reading("redirect to :8646", [.redirect(port: 8646)]),
  Reading("meta nfproto 10 drop", isV6 + [.drop]),
  Reading("meta l4proto 6 drop", transport(6) + [.drop]),
  Reading(
    "meta iif 0 jump own",
    [.meta(.inputInterface, register: 0), .equals(register: 0, [0, 0, 0, 0]), .jump("own")]
  ),
  Reading(
    "meta iifname br-lan accept",
    [
      .meta(.inputName, register: 0),
      .equals(register: 0, Text("br-lan").bytes + [UInt8](repeating: 0, count: 10)), .accept,
    ]
  ),
  Reading(
    "ip saddr 192.168.1.10/32",
    isV4 + [
      .payload(.network, offset: 12, length: 4, register: 0),
      .equals(register: 0, [192, 168, 1, 10]),
    ]
  ),
  Reading(
    "ip daddr 203.0.113.0/24",
    isV4 + [
      .payload(.network, offset: 16, length: 4, register: 0),
      .mask(register: 0, [255, 255, 255, 0]), .equals(register: 0, [203, 0, 113, 0]),
    ]
  ),
  Reading(
    "ip6 saddr & ffff:ffff:: @g6_32",
    isV6 + [
      .payload(.network, offset: 8, length: 16, register: 0),
      .mask(register: 0, [255, 255, 255, 255] + [UInt8](repeating: 0, count: 12)),
      .isIn(set: "g6_32", register: 0),
    ]
  ),
  Reading(
    "ip6 daddr ::1 accept",
    isV6 + [
      .payload(.network, offset: 24, length: 16, register: 0),
      .equals(register: 0, [UInt8](repeating: 0, count: 15) + [1]), .accept,
    ]
  ),
  Reading(
    "ct original ip saddr 10.0.0.0/8",
    isV4 + [
      .originalSource(.v4), .mask(register: 0, [255, 0, 0, 0]),
      .equals(register: 0, [10, 0, 0, 0]),
    ]
  ),
  Reading(
    "ct original ip6 saddr ::1/128",
    isV6 + [
      .originalSource(.v6), .equals(register: 0, [UInt8](repeating: 0, count: 15) + [1]),
    ]
  ),
  Reading(
    "ether saddr 02:00:00:00:00:0a",
    hardware + [.equals(register: 0, [2, 0, 0, 0, 0, 10])]
  ),
  Reading(
    "ether saddr 02:00:5e",
    hardware.dropLast() + [
      .payload(.link, offset: 6, length: 3, register: 0), .equals(register: 0, [2, 0, 0x5E]),
    ]
  ),
  Reading("udp dport 53", transport(17) + [load(2, 2), .equals(register: 0, [0, 53])]),
  Reading(
    "tcp sport 1000-1999",
    transport(6) + [load(0, 2), .isWithin(register: 0, [3, 232], [7, 207])]
  ),
  Reading(
    "udp sport 68 udp dport 67",
    transport(17) + [
      load(0, 2), .equals(register: 0, [0, 68]), load(2, 2), .equals(register: 0, [0, 67]),
    ]
  ),
  Reading(
    "meta l4proto 33 th sport 9 th dport 7",
    transport(33) + [
      load(0, 2), .equals(register: 0, [0, 9]), load(2, 2), .equals(register: 0, [0, 7]),
    ]
  ),
  Reading("icmp type 11-12", transport(1) + [load(0, 1), .isWithin(register: 0, [11], [12])]),
  Reading(
    "meta l4proto 58 icmpv6 type 128",
    transport(58) + [load(0, 1), .equals(register: 0, [128])]
  ),
  Reading(
    "@th,104,8 & 23 == 2 accept",
    [load(13, 1), .mask(register: 0, [0x17]), .equals(register: 0, [2]), .accept]
  ),
  Reading(
    "fib daddr type local goto q_name",
    [.destinationType(onInput: false), .equals(register: 0, host(2, 4)), .goTo("q_name")]
  ),
  Reading(
    "fib daddr . iif type local",
    [.destinationType(onInput: true), .equals(register: 0, host(2, 4))]
  ),
  Reading(
    "fib daddr type local-multicast",
    [
      .destinationType(onInput: false), Expression(.networkOrder),
      .isWithin(register: 0, [0, 0, 0, 2], [0, 0, 0, 5]),
    ]
  ),
  Reading(
    "ct state new",
    [Expression(.connectionState), .equals(register: 0, host(8, 4))]
  ),
  Reading(
    "ether saddr @qm update @q_rst limit rate 100/second burst 50 packets drop",
    hardware + [
      .isIn(set: "qm", register: 0), .isWithinPace(set: "q_rst", perSecond: 100, burst: 50), .drop,
    ]
  ),
  Reading(
    "meta nfproto 2 ether saddr . ip saddr . ip daddr . meta l4proto update @who",
    isV4 + hardware + [
      .payload(.network, offset: 12, length: 4, register: 2),
      .payload(.network, offset: 16, length: 4, register: 3),
      .meta(.transportProtocol, register: 4), .isWithinPace(set: "who", perSecond: 0, burst: 0),
    ]
  ),
  Reading(
    "ether saddr != @qm & 00:00:00:00:00:00 update @q_new limit rate 1/second burst 2 packets",
    hardware + [
      .isNotIn(set: "qm", register: 0), .mask(register: 0, [0, 0, 0, 0, 0, 0]),
      .isWithinPace(set: "q_new", perSecond: 1, burst: 2),
    ]
  ),
  Reading(
    "ether saddr @qm goto q_any",
    hardware + [.isIn(set: "qm", register: 0), .goTo("q_any")]
  ),
  Reading(
    "counter name ip saddr & 255.255.255.0 . ip daddr . meta l4proto . th sport . th dport map @d drop",
    isV4 + [
      .payload(.network, offset: 12, length: 4, register: 0),
      .mask(register: 0, [255, 255, 255, 0]),
      .payload(.network, offset: 16, length: 4, register: 1),
      .meta(.transportProtocol, register: 2),
      .payload(.transport, offset: 0, length: 2, register: 3),
      .payload(.transport, offset: 2, length: 2, register: 4), .countByMap("d"), .drop,
    ]
  ),
  Reading(
    "ip6 saddr . ip6 daddr & ffff:: . meta l4proto vmap @j",
    isV6 + [
      .payload(.network, offset: 8, length: 16, register: 0),
      .payload(.network, offset: 24, length: 16, register: 4),
      .mask(register: 4, [255, 255] + [UInt8](repeating: 0, count: 14)),
      .meta(.transportProtocol, register: 8), .jumpByMap("j"),
    ]
  ),
  Reading(
    "meta nfproto 2 counter name meta nfproto . meta l4proto map @d4_0_0_p drop",
    isV4 + [
      .meta(.family, register: 0), .meta(.transportProtocol, register: 1),
      .countByMap("d4_0_0_p"), .drop,
    ]
  ),
]

@Suite struct RuleReaderTests {
  @Test("a rule is read as the instructions that it stands for", arguments: readings)
  func reads(reading: Reading) {
    #expect(Expression.list(reading: reading.rule) == reading.expressions)
  }

  @Test(
    "what isn't a rule is refused",
    arguments: [
      "", " ", "ip", "ip saddr", "ip saddr . ", "accept ", "ip saddr 10.0.0.0/33", "ip saddr ::1",
      "ip6 saddr 10.0.0.1", "ip sport 1", "udp dport 65536", "udp dport 1-2-3", "udp dport -",
      "udp daddr 1", "icmp type 256", "ether daddr 02:00:00:00:00:0a", "ether saddr 0g", "jump",
      "meta mark 1", "meta iifname", "ct state old", "ct original ip daddr 10.0.0.1",
      "fib daddr type unicast", "fib saddr type local", "fib daddr . oif type local", "vmap",
      "ip saddr vmap j", "ip saddr map", "!= q", "update q", "update @q limit", "ip saddr & 24 @g",
      "ether saddr update @q limit rate 5 burst 5", "counter", "counter m1", "counter name",
      "limit name", "reject", "reject with", "reject with icmpx", "redirect to", "redirect :80",
      "redirect to :65536", "Accept", "acceptance", "accep",
    ] as [Text]
  )
  func refuses(rule: Text) {
    #expect(Expression.list(reading: rule) == nil)
  }

  @Test("a word less or more, a byte changed: nothing is read past its end, and nothing grows")
  func mutations() {
    var generator = SeededGenerator(seed: 7)
    for reading in readings {
      for length in 0..<reading.rule.count {
        let part = Text([UInt8](reading.rule.bytes.prefix(length)))
        #expect((Expression.list(reading: part)?.count ?? 0) <= 2 * length)
      }
      for _ in 0..<200 {
        var bytes = reading.rule.bytes
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        bytes[place] = UInt8.random(in: 32...126, using: &generator)
        #expect((Expression.list(reading: Text(bytes))?.count ?? 0) <= 2 * bytes.count)
      }
    }
  }

  @Test("every rule of every plan is read, whatever is protected, quarantined and mitigated")
  func all() throws {
    var world = try World(seed: 11)
    for number in UInt32(1)...60 {
      var firewall = Firewall(
        protection: world.protection(),
        access: world.access(),
        lan: ["br-lan", "eth0.2"]
      )
      var changes = [RuleChange.install(world.rule(number), remaining: nil)]
      changes.append(.install(world.limited(number + 1000), remaining: nil))
      let device = Quarantine(mac: MACAddress(UInt64(number)), addresses: world.addresses())
      changes.append(.quarantine(device, remaining: nil))
      let plan =
        firewall.operationsToRebuild(now: start) + (try firewall.apply(changes, now: start))
      for operation in plan where operation.kind == .addRule {
        let rule = Text(operation.bytes)
        #expect(Expression.list(reading: rule) != nil, "\(rule)")
      }
    }
  }
}

extension World {
  mutating func limited(_ id: UInt32) -> Rule {
    var rule = rule(id)
    rule.verdict = .limit(bytesPerSecond: 1000)
    return rule
  }

  mutating func addresses() -> [IPAddress] {
    some(sources[0] + sources[1]).map { $0.address }
  }

  mutating func access() -> QuarantineAccess {
    QuarantineAccess(
      portalPort: 8646,
      apiPort: Bool.random(using: &generator) ? 8647 : nil,
      garden: some(targets[0] + targets[1]).sorted()
    )
  }

  mutating func protection() -> Protection {
    var section = ProtectSettings(section: "some")
    section.macs = some([MACPrefix(bytes: [2, 0, 94]), MACPrefix(bytes: [2, 0, 0, 0, 0, 1])])
      .compactMap { $0 }
    section.sources = some(sources[0] + sources[1])
    section.prefixes = some(targets[0] + targets[1])
    section.udpPorts = some([range(), range()])
    section.tcpPorts = some([range(), range()])
    return Protection(
      listenPorts: some([4646, 4647]),
      resolvers: some(wan),
      sessions: some(wan).map { .init(address: $0, port: 4647) },
      sections: [section, section]
    )
  }
}
