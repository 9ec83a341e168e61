import Bytes
import Firewall
import Glibc
import Model
import Netlink
import Testing

@Suite(.serialized, .enabled(if: canUseNamespaces, "needs root for network namespaces"))
struct OwnershipTests {
  @Test("another process's flush and delete leave an owned table alone")
  func owned() throws {
    try withNetwork { network, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(try rule(1))
      #expect(connection.ownsTable)
      try run("nft", "flush", "ruleset")
      #expect(throws: CommandFailed.self) { try run("nft", "delete", "table", "inet", "cordon") }
      try network.send(2, to: "203.0.113.5", port: 1)
      #expect(network.received() == 0)
      #expect(try enforcer.packets(1) == 2)
    }
  }

  @Test("a table whose owner is gone still drops, and is adopted with its counters")
  func adopted() throws {
    try withNetwork { network, _ in
      var first: NetfilterConnection? = try NetfilterConnection()
      var enforcer: Enforcer? = Enforcer(try #require(first))
      let one = try rule(1, ports: [PortRange(7)])
      let two = try rule(2, ports: [try ports(1000, 2000)], verdict: .limit(bytesPerSecond: 1))
      let start = now()
      try enforcer?.install(one, for: .seconds(300))
      try enforcer?.install(two, try rule(3, to: "203.0.113.6"), for: nil)
      try network.send(3, to: "203.0.113.5", port: 7)
      enforcer = nil
      first = nil
      try network.send(2, to: "203.0.113.5", port: 7)
      #expect(network.received() == 0)

      let second = try NetfilterConnection()
      let found = try #require(try second.snapshot())
      #expect(found.mitigations.map { $0.id.value } == [1, 2, 3])
      #expect(found.mitigations.first?.counter.packets == 5)
      #expect(found.mitigations.first?.counter.journal == [1, 7])
      let remaining = try #require(found.mitigations.first?.remaining)
      #expect(remaining.milliseconds >= 300_000 - (now() - start).milliseconds)
      #expect(remaining <= .milliseconds(300_500))
      // The third is unknown to the new core.
      var adopting = Enforcer(second)
      _ = try adopting.firewall.apply(
        [.install(one, remaining: .seconds(300)), .install(two, remaining: nil)],
        now: now()
      )
      try second.commit(adopting.firewall.operationsToReconcile(with: found, now: now()))
      #expect(second.ownsTable)
      #expect(adopting.firewall.matches(try second.snapshot()))
      try network.send(4, to: "203.0.113.5", port: 7)
      try network.send(1, to: "203.0.113.5", port: 1500)
      #expect(network.received() == 0)
      #expect(try adopting.packets(1) == 9)
      #expect(try adopting.packets(2) == 1)
      #expect(try adopting.packets(3) == nil)
      try network.send(1, to: "203.0.113.6", port: 7)
      #expect(network.received() == 1)
    }
  }

  @Test("an orphan that somebody flushes is missed, and rebuilt")
  func flushed() throws {
    try withNetwork { network, connection in
      let monitor = try TableMonitor(ignoring: connection.port)
      var enforcer = Enforcer(connection)
      // A table that nobody owns, as on older kernels.
      try run("nft", "add", "table", "inet", "cordon")
      #expect(try monitor.readEvents() == [.changed])
      try enforcer.install(try rule(1))
      #expect(connection.ownsTable == false)
      #expect(try monitor.readEvents() == [])
      try run("nft", "flush", "ruleset")
      let events = try monitor.readEvents()
      #expect(events.contains(.deleted))
      #expect(enforcer.firewall.matches(try connection.snapshot()) == false)
      try connection.commit(
        enforcer.firewall.operationsToReconcile(with: try connection.snapshot(), now: now())
      )
      #expect(connection.ownsTable)
      try network.send(1, to: "203.0.113.5", port: 1)
      #expect(network.received() == 0)
      #expect(enforcer.firewall.matches(try connection.snapshot()))
    }
  }

  @Test("a second connection is refused while the first owns the table")
  func foreign() throws {
    try withNetwork { _, connection in
      var enforcer = Enforcer(connection)
      try enforcer.install(try rule(1))
      let other = try NetfilterConnection()
      let error = try #require(throws: KernelError.self) { try other.commit([.addTable]) }
      #expect(error.isForbidden)
    }
  }
}
