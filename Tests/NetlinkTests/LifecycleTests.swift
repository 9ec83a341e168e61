import Bytes
import Firewall
import Glibc
import Model
import Testing

@testable import Netlink

@Suite(.serialized, .enabled(if: canUseNamespaces, "needs root for network namespaces"))
struct LifecycleTests {
  @Test("the second of two mitigations on one key takes over the counter when the first ends")
  func overlap() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(try rule(1, ports: [PortRange(53)]), try rule(2, ports: [PortRange(53)]))
      try network.send(3, to: "203.0.113.5", port: 53)
      #expect(try enforcer.packets(1) == 3)
      #expect(try enforcer.packets(2) == 0)
      try enforcer.apply(.remove(MitigationID(1)))
      try network.send(4, to: "203.0.113.5", port: 53)
      #expect(network.received() == 0)
      #expect(try enforcer.packets(1) == nil)
      #expect(try enforcer.packets(2) == 4)
    }
  }

  @Test("two mitigations with ranges between the same hosts both work, and each ends alone")
  func layers() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(
        try rule(1, ports: [try ports(1000, 1999)]),
        try rule(2, ports: [try ports(3000, 3999)])
      )
      try network.send(1, to: "203.0.113.5", port: 1500)
      try network.send(2, to: "203.0.113.5", port: 3500)
      #expect(network.received() == 0)
      try enforcer.apply(.remove(MitigationID(1)))
      try network.send(3, to: "203.0.113.5", port: 1500)
      try network.send(4, to: "203.0.113.5", port: 3500)
      #expect(network.received() == 3)
      #expect(try enforcer.packets(2) == 6)
    }
  }

  @Test("a thousand mitigations go into one batch, and out of one")
  func thousand() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      let installs = try (1...1000).map { number -> RuleChange in
        let port = PortRange(UInt16(number))
        let one = number % 2 == 0 ? port : try ports(UInt16(number), UInt16(number) + 100)
        return .install(
          try rule(UInt32(number), to: Text("203.0.113.\(number % 100)"), ports: [one]),
          remaining: nil
        )
      }
      try connection.commit(try enforcer.firewall.apply(installs, now: now()))
      #expect(try connection.counters().count == 1000)
      #expect(enforcer.firewall.matches(try connection.snapshot()))
      try network.send(1, to: "203.0.113.5", port: 205)
      #expect(network.received() == 0)
      try connection.commit(enforcer.firewall.renew(now: now()))
      let removals = (2...1000).map { RuleChange.remove(MitigationID(UInt32($0))) }
      try connection.commit(try enforcer.firewall.apply(removals, now: now()))
      #expect(try connection.counters().map { $0.name } == ["m1"])
      #expect(enforcer.firewall.matches(try connection.snapshot()))
      try enforcer.apply(.remove(MitigationID(1)))
      #expect(try connection.hasTable() == false)
    }
  }

  @Test("the kernel ends a rule at its end by itself, and not before")
  func expiry() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(
        try rule(1, ports: [PortRange(7)]),
        try rule(2, ports: [try ports(1000, 2000)]),
        for: .seconds(2)
      )
      usleep(1_900_000)
      try network.send(1, to: "203.0.113.5", port: 7)
      try network.send(1, to: "203.0.113.5", port: 1000)
      #expect(network.received() == 0)
      usleep(1_000_000)
      try network.send(1, to: "203.0.113.5", port: 7)
      try network.send(1, to: "203.0.113.5", port: 1000)
      #expect(network.received() == 2)
      try enforcer.apply(.remove(MitigationID(1)))
      try enforcer.apply(.remove(MitigationID(2)))
      #expect(try connection.hasTable() == false)
    }
  }

  @Test("a mitigation whose elements have just run out is removed without an error")
  func lateRemoval() throws {
    try withNetwork { _, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(try rule(1, ports: [try ports(1000, 2000)]), for: .milliseconds(100))
      try enforcer.install(try rule(2, to: "203.0.113.6"))
      usleep(610_000)
      try enforcer.apply(.remove(MitigationID(1)))
      usleep(3_000_000)
      try enforcer.install(try rule(3, to: "203.0.113.6"))
      let found = try #require(try connection.snapshot())
      #expect(found.counters.map { $0.name } == ["m2", "m3"])
      #expect(enforcer.firewall.matches(found))
    }
  }

  @Test("a refresh lengthens what the kernel holds and keeps the counter")
  func refresh() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(try rule(1, ports: [PortRange(7)]), for: .seconds(1))
      try network.send(3, to: "203.0.113.5", port: 7)
      try enforcer.apply(.renew(MitigationID(1), remaining: .seconds(600)))
      usleep(2_000_000)
      try network.send(3, to: "203.0.113.5", port: 7)
      #expect(network.received() == 0)
      #expect(try enforcer.packets(1) == 6)
    }
  }

  @Test(
    "deletes of what is gone already leave the rest of the batch alone",
    arguments: [true, false]
  )
  func absent(isNewKernel: Bool) throws {
    try withNetwork { _, newest in
      let connection = isNewKernel ? newest : try NetfilterConnection(ownerFlags: 0)
      var enforcer = Enforcer(connection)
      try enforcer.install(try rule(1), try rule(2, to: "203.0.113.6"))
      try connection.commit([
        .deleteElement(set: "d4_32_32_p", key: [9, 9, 9, 9, 9, 9, 9, 9, 17, 0, 0, 0]),
        .deleteCounter("m77"), .addCounter("m78", journal: [1]), .deleteChain("nowhere"),
        .deleteSet("nothing"), .deleteLimit("r9"),
      ])
      #expect(try connection.counters().map { $0.name }.sorted() == ["m1", "m2", "m78"])
    }
  }

  @Test("one operation that fails undoes the batch, and the error says which and why")
  func atomic() throws {
    try withNetwork { _, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(try rule(1))
      let error = try #require(throws: KernelError.self) {
        try connection.commit([
          .addCounter("m50", journal: []), .addRule(chain: "nowhere", "drop"),
          .addCounter("m51", journal: []),
        ])
      }
      #expect(error.errno == ENOENT)
      #expect(error.operation == 1)
      #expect(error.isDrift)
      #expect(try connection.counters().map { $0.name } == ["m1"])
    }
  }

  @Test("protected traffic passes whatever is asked for")
  func protected() throws {
    try withNetwork { network, connection in
      var section = ProtectSettings(section: "phone")
      section.sources = [try prefix("192.168.1.11")]
      section.udpPorts = [try ports(5060, 5061)]
      var device = ProtectSettings(section: "device")
      let link = try run("ip", "neigh", "show", "192.168.1.10")
      let words = link.split(separator: " ").map { String($0) }
      let place = try #require(words.firstIndex(of: "lladdr"))
      device.macs = [try #require(MACPrefix(parsing: Text(words[place + 1])))]
      device.udpPorts = [PortRange(7000)]
      let resolver = try #require(IPAddress(parsing: "203.0.113.6"))
      let victim = try #require(IPAddress(parsing: "203.0.113.5"))
      var enforcer = Enforcer(
        connection,
        protection: Protection(
          listenPorts: [4646],
          resolvers: [resolver],
          sessions: [.init(address: victim, port: 4647)],
          sections: [section, device]
        )
      )
      try enforcer.install(try rule(1, from: "", to: "0.0.0.0/0"))
      try network.send(1, from: "192.168.1.10", to: "203.0.113.5", port: 5060)
      try network.send(1, from: "192.168.1.11", to: "203.0.113.5", port: 5059)
      try network.send(1, sourcePort: 4646, to: "203.0.113.5", port: 9)
      try network.send(1, to: "203.0.113.6", port: 53)
      try network.send(1, to: "203.0.113.5", port: 53, by: .router)
      #expect(network.received() == 0)
      try network.send(1, from: "192.168.1.11", to: "203.0.113.5", port: 5060)
      try network.send(1, from: "192.168.1.10", to: "203.0.113.5", port: 7000)
      try network.send(1, sourcePort: 4646, to: "203.0.113.5", port: 9, by: .router)
      try network.send(1, to: "203.0.113.5", port: 4647, by: .router)
      try network.send(1, to: "203.0.113.6", port: 53, by: .router)
      try network.send(1, to: "203.0.113.6", port: 123, by: .router)
      #expect(network.received() == 6)
      // To the router itself: nothing is counted.
      try network.send(3, to: "192.168.1.1", port: 53)
      try network.send(3, to: "192.168.1.255", port: 67)
      #expect(try enforcer.packets(1) == 5)
    }
  }
}
