import Bytes
import Firewall
import Glibc
import Model
import Netlink
import Testing

@Suite(.serialized, .enabled(if: canUseNamespaces, "needs root for network namespaces"))
struct FlowTests {
  private let victim = IPAddress(v4: 0xCB00_7105)

  /// A router that translates.
  private func withRouter(_ body: (TestNetwork, NetfilterConnection) throws -> Void) throws {
    try withNetwork { network, connection in
      try run(
        "nft",
        "add table ip nat; add chain ip nat post { type nat hook postrouting priority srcnat; };"
          + " add rule ip nat post oifname w0 masquerade"
      )
      try body(network, connection)
    }
  }

  private func flows(_ connection: FlowConnection, to target: IPAddress?) throws -> [Flow] {
    var flows: [Flow] = []
    try connection.read(to: target) { if !flows.contains($0) { flows.append($0) } }
    return flows
  }

  @Test("CH-NAT-01 a translated flow is read with both its tuples, and only to its target")
  func reads() throws {
    try withRouter { network, _ in
      try network.send(1, to: "203.0.113.5", port: 4444)
      try network.send(1, to: "203.0.113.6", port: 4445)
      let connection = try FlowConnection()
      let found = try flows(connection, to: victim).filter { $0.original.targetPort == 4444 }
      #expect(found.count == 1)
      #expect(found.first?.original.transport == 17)
      #expect(found.first?.original.source.description == "192.168.1.10")
      #expect(found.first?.original.target == victim)
      #expect(found.first?.reply.target.description == "203.0.113.1")
      #expect(found.first?.reply.source == victim)
      #expect(try flows(connection, to: victim).allSatisfy { $0.original.target == victim })
      #expect(try flows(connection, to: nil).contains { $0.original.targetPort == 4445 })
    }
  }

  @Test("CH-NAT-01 one flow is asked for by what answers to it, and no other is told")
  func asks() throws {
    try withRouter { network, _ in
      try network.send(1, to: "203.0.113.5", port: 4450)
      let connection = try FlowConnection()
      let known = try #require(
        try flows(connection, to: victim).first { $0.original.targetPort == 4450 }
      )
      #expect(try connection.flow(with: known.reply) == known)
      #expect(try connection.flow(with: known.original) == known)
      var other = known.reply
      other.targetPort ^= 1
      #expect(try connection.flow(with: other) == nil)
      // SCTP, of which the kernel may know nothing.
      other.transport = 132
      #expect(try connection.flow(with: other) == nil)
    }
  }

  @Test("CH-NAT-03 a flow that begins is told, and only once")
  func tells() throws {
    try withRouter { network, _ in
      let monitor = try FlowMonitor()
      var flows: [Flow] = []
      try network.send(3, to: "203.0.113.5", port: 4446)
      #expect(network.received() == 3)
      #expect(try monitor.read { flows.append($0) })
      #expect(flows.filter { $0.original.targetPort == 4446 }.count == 1)
    }
  }

  @Test("CH-NAT-03 the loss of events is told, and the monitor goes on")
  func loses() throws {
    try withRouter { network, _ in
      let monitor = try FlowMonitor()
      var room: Int32 = 1
      let length = socklen_t(MemoryLayout<Int32>.size)
      #expect(setsockopt(monitor.descriptor, SOL_SOCKET, SO_RCVBUF, &room, length) == 0)
      for port in UInt16(5000)..<5100 { try network.send(1, to: "203.0.113.5", port: port) }
      #expect(try !monitor.read { _ in })
      #expect(try monitor.read { _ in })
    }
  }

  @Test("events that are not read take little memory: what more there are is lost, and read anew")
  func queue() throws {
    try withRouter { _, _ in
      let monitor = try FlowMonitor()
      var room: Int32 = 0
      var length = socklen_t(MemoryLayout<Int32>.size)
      #expect(getsockopt(monitor.descriptor, SOL_SOCKET, SO_RCVBUF, &room, &length) == 0)
      #expect(room <= 2 << 20)
    }
  }

  @Test("CH-NAT-04 flows that are meant are forgotten, others stay; there is no flowtable")
  func forgets() throws {
    try withRouter { network, _ in
      try network.send(1, to: "203.0.113.5", port: 4447)
      try network.send(1, to: "203.0.113.5", port: 4448)
      let connection = try FlowConnection()
      #expect(try connection.forget(to: victim) { $0.original.targetPort == 4447 } > 0)
      let left = try flows(connection, to: nil).map { $0.original.targetPort }
      #expect(!left.contains(4447) && left.contains(4448))
      #expect(!connection.mayBeOffloaded)
    }
  }

  @Test("CH-NAT-03 who sent what a rule for any source stopped is told, and the router's own isn't")
  func senders() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      #expect(try connection.senders() == [])
      try enforcer.install(try rule(9, from: "", to: "203.0.113.5", ports: [PortRange(1900)]))
      try network.send(3, to: "203.0.113.5", port: 1900)
      try network.send(2, to: "203.0.113.5", port: 1900, by: .router)
      #expect(network.received() == 0)
      let senders = try connection.senders()
      #expect(senders.map { $0.source.description } == ["192.168.1.10"])
      #expect(senders.map { $0.target } == [victim])
      #expect(senders.map { $0.transport } == [17])
      let device = try RouteConnection().neighbours().first { $0.address == senders.first?.source }
      #expect(senders.first?.mac == device?.mac)
    }
  }

  @Test("CH-NAT-03 ranges and limits of a rule for any source tell the sender, and leave nothing")
  func ranges() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      let narrow = try rule(1, to: "203.0.113.6")
      let range = try #require(PortRange(1000, 2000))
      try enforcer.install(narrow, try rule(9, from: "", to: "203.0.113.5", ports: [range]))
      try network.send(3, to: "203.0.113.5", port: 1900)
      #expect(network.received() == 0)
      #expect(try enforcer.packets(9) == 3)
      #expect(try connection.senders().map { $0.target } == [victim])
      var limited = try rule(9, from: "", to: "203.0.113.5", ports: [range])
      limited.verdict = .limit(bytesPerSecond: 1)
      try enforcer.install(limited)
      try enforcer.apply(.remove(MitigationID(9)))
      let left = try #require(try connection.snapshot())
      #expect(enforcer.firewall.matches(left))
      #expect(!left.chains.contains("hit") && !left.sets.contains("who"))
    }
  }

  @Test(
    "CH-NAT-03 a rule for strays stops the router and foreign sources, and no device of the home"
  )
  func strays() throws {
    try withNetwork { network, connection in
      let home = [try #require(Prefix(parsing: "192.168.1.10/32"))]
      var enforcer = Enforcer(connection, protection: Protection(home: home))
      var stray = try rule(9, from: "", to: "203.0.113.5", ports: [PortRange(1900)])
      stray.sources = [.stray]
      try enforcer.install(stray)
      try network.send(2, to: "203.0.113.5", port: 1900)
      #expect(network.received() == 2)
      try network.send(1, from: "192.168.1.11", to: "203.0.113.5", port: 1900)
      try network.send(2, to: "203.0.113.5", port: 1900, by: .router)
      #expect(network.received() == 0)
      #expect(try enforcer.packets(9) == 3)
    }
  }

  @Test(
    "CH-HB-05 the router's own packets to a session's other end, and from and to DOTS ports, always pass",
    arguments: [
      Protection(sessions: [Protection.Peer(address: IPAddress(v4: 0xCB00_7105), port: 4647)]),
      Protection(listenPorts: [4647]),
    ]
  )
  func ownSession(protection: Protection) throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection, protection: protection)
      try enforcer.install(try rule(9, from: "", to: "203.0.113.5"))
      try network.send(2, to: "203.0.113.5", port: 4647, by: .router)
      #expect(network.received() == 2)
      try network.send(2, to: "203.0.113.5", port: 4648, by: .router)
      #expect(network.received() == 0)
      try connection.commit(enforcer.firewall.setProtection(Protection(), now: now()))
      try network.send(2, to: "203.0.113.5", port: 4647, by: .router)
      #expect(network.received() == 0)
    }
  }
}
