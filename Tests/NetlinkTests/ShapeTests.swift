import Bytes
import Firewall
import Model
import Netlink
import Testing

@Suite(.serialized, .enabled(if: canUseNamespaces, "needs root for network namespaces"))
struct ShapeTests {
  @Test("an exact IPv4 key drops what it names, counts it, and nothing else")
  func exactV4() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(try rule(1, ports: [PortRange(1700)]))
      try network.send(7, from: "192.168.1.10", to: "203.0.113.5", port: 1700)
      #expect(network.received() == 0)
      try network.send(2, from: "192.168.1.10", to: "203.0.113.5", port: 1701)
      try network.send(3, from: "192.168.1.10", to: "203.0.113.6", port: 1700)
      try network.send(4, from: "192.168.1.11", to: "203.0.113.5", port: 1700)
      #expect(network.received() == 9)
      let counter = try #require(try connection.counter("m1"))
      #expect(counter.packets == 7)
      #expect(counter.bytes == 7 * 128)
      #expect(counter.journal == [1, 7])
    }
  }

  @Test("an exact IPv6 key drops what it names, counts it, and nothing else")
  func exactV6() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(
        try rule(2, from: "fd00:1::10", to: "2001:db8:99::5", ports: [PortRange(1700)])
      )
      try network.send(5, to: "2001:db8:99::5", port: 1700)
      #expect(network.received() == 0)
      try network.send(2, to: "2001:db8:99::5", port: 1701)
      #expect(network.received() == 2)
      #expect(try enforcer.packets(2) == 5)
    }
  }

  @Test(
    "any protocol, one protocol, source prefixes and target prefixes match",
    arguments: [
      ("192.168.1.10", "203.0.113.5", []), ("192.168.1.10", "203.0.113.5", [17]),
      ("192.168.1.8/29", "203.0.113.5", [17]), ("192.168.1.10", "203.0.113.4/30", [17]),
      ("192.168.1.10", "0.0.0.0/0", [17]), ("192.168.1.8/30", "203.0.113.4/31", []),
    ] as [(Text, Text, [UInt8])]
  )
  func prefixes(source: Text, target: Text, protocols: [UInt8]) throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(try rule(3, from: source, to: target, protocols: protocols))
      try network.send(4, from: "192.168.1.10", to: "203.0.113.5", port: 99)
      #expect(network.received() == 0)
      #expect(try enforcer.packets(3) == 4)
    }
  }

  @Test("port ranges and source ports match in a chain")
  func ranges() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      let targets = [try ports(2100, 2199), try ports(2300, 2399)]
      try enforcer.install(
        try rule(4, protocols: [], sourcePorts: [try ports(5000, 5999)], ports: targets)
      )
      try network.send(1, sourcePort: 5000, to: "203.0.113.5", port: 2100)
      try network.send(1, sourcePort: 5999, to: "203.0.113.5", port: 2399)
      #expect(network.received() == 0)
      try network.send(1, sourcePort: 4999, to: "203.0.113.5", port: 2100)
      try network.send(1, sourcePort: 5001, to: "203.0.113.5", port: 2200)
      #expect(network.received() == 2)
      #expect(try enforcer.packets(4) == 2)
    }
  }

  @Test("small port ranges become exact keys")
  func smallRanges() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(
        try rule(5, sourcePorts: [PortRange(5000)], ports: [try ports(2100, 2109)])
      )
      try network.send(1, sourcePort: 5000, to: "203.0.113.5", port: 2100)
      try network.send(1, sourcePort: 5000, to: "203.0.113.5", port: 2109)
      #expect(network.received() == 0)
      try network.send(1, sourcePort: 5000, to: "203.0.113.5", port: 2110)
      try network.send(1, sourcePort: 5001, to: "203.0.113.5", port: 2100)
      #expect(network.received() == 2)
      #expect(try enforcer.packets(5) == 2)
    }
  }

  @Test("ICMP types match")
  func icmpTypes() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      let echo = try #require(ICMPTypeRange(8, 8))
      try enforcer.install(try rule(6, protocols: [], types: [echo]))
      try network.ping(3, type: 8, to: "203.0.113.5")
      #expect(network.received() == 0)
      try network.ping(2, type: 13, to: "203.0.113.5")
      #expect(network.received() == 2)
      #expect(try enforcer.packets(6) == 3)
    }
  }

  @Test("a limit lets one second of its rate pass and counts the rest")
  func limit() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(try rule(7, verdict: .limit(bytesPerSecond: 12_800)))
      let start = now()
      try network.send(500, to: "203.0.113.5", port: 1700)
      let most = 101 + (now() - start).milliseconds / 10
      let passed = network.received()
      #expect((100...most).contains(Int64(passed)))
      #expect(try enforcer.packets(7) == UInt64(500 - passed))
    }
  }

  @Test("an observing rule counts and drops nothing")
  func count() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(try rule(8, verdict: .count))
      try network.send(6, to: "203.0.113.5", port: 1700)
      #expect(network.received() == 6)
      #expect(try enforcer.packets(8) == 6)
    }
  }

  @Test(
    "a rule for any source stops devices and the router itself",
    arguments: ["203.0.113.5", "203.0.113.4/30", "0.0.0.0/0"] as [Text]
  )
  func wide(target: Text) throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(try rule(9, from: "", to: target, ports: [PortRange(1900)]))
      try network.send(3, to: "203.0.113.5", port: 1900)
      try network.send(2, to: "203.0.113.5", port: 1900, by: .router)
      #expect(network.received() == 0)
      try network.send(1, to: "203.0.113.5", port: 1901)
      try network.send(1, to: "203.0.113.5", port: 1901, by: .router)
      #expect(network.received() == 2)
      #expect(try enforcer.packets(9) == 5)
    }
  }

  @Test("a rule for everything without ports works without any address in its key")
  func everything() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(try rule(10, from: "", to: "0.0.0.0/0", protocols: []))
      try network.send(3, to: "203.0.113.5", port: 1)
      #expect(network.received() == 0)
      try network.send(2, to: "2001:db8:99::5", port: 1)
      #expect(network.received() == 2)
      #expect(try enforcer.packets(10) == 3)
    }
  }

  @Test("a translated source is matched after translation, by exact ports and by ranges")
  func translated() throws {
    try withNetwork { network, connection in
      try run("nft", "add table ip nat")
      try run("nft", "add chain ip nat post { type nat hook postrouting priority 100 ; }")
      try run("nft", "add rule ip nat post oifname w0 masquerade")
      var enforcer = Enforcer(connection)
      let address = try #require(IPAddress(parsing: "203.0.113.1"))
      var exact = try rule(11, sourcePorts: [PortRange(5000)], ports: [PortRange(1900)])
      exact.sources = [.translated(address)]
      var range = try rule(12, sourcePorts: [try ports(6000, 6999)])
      range.sources = [.translated(address)]
      try enforcer.install(exact, range)
      try network.send(3, sourcePort: 5000, to: "203.0.113.5", port: 1900)
      try network.send(4, sourcePort: 6500, to: "203.0.113.5", port: 53)
      #expect(network.received() == 0)
      try network.send(2, sourcePort: 5001, to: "203.0.113.5", port: 1900)
      #expect(network.received() == 2)
      #expect(try enforcer.packets(11) == 3)
      #expect(try enforcer.packets(12) == 4)
    }
  }

  @Test("after translation, what the router itself sends for DOTS passes, and exempt devices do")
  func translatedProtection() throws {
    try withNetwork { network, connection in
      try run("nft", "add table ip nat")
      try run("nft", "add chain ip nat post { type nat hook postrouting priority 100 ; }")
      try run("nft", "add rule ip nat post oifname w0 masquerade")
      var section = ProtectSettings(section: "phone")
      section.sources = [try prefix("192.168.1.11")]
      var enforcer = Enforcer(
        connection,
        protection: Protection(listenPorts: [4646], sections: [section])
      )
      var range = try rule(1, sourcePorts: [try ports(4000, 4999)])
      range.sources = [.translated(try #require(IPAddress(parsing: "203.0.113.1")))]
      try enforcer.install(range)
      try network.send(1, sourcePort: 4645, to: "203.0.113.5", port: 9, by: .router)
      try network.send(2, from: "192.168.1.10", sourcePort: 4646, to: "203.0.113.5", port: 10)
      #expect(network.received() == 0)
      try network.send(1, sourcePort: 4646, to: "203.0.113.5", port: 11, by: .router)
      try network.send(1, from: "192.168.1.11", sourcePort: 4000, to: "203.0.113.5", port: 12)
      #expect(network.received() == 2)
      #expect(try enforcer.packets(1) == 3)
    }
  }
}
