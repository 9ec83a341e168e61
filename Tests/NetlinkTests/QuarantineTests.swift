import Bytes
import Firewall
import Glibc
import Model
import Testing

@testable import Netlink

@Suite(.serialized, .enabled(if: canUseNamespaces, "needs root for network namespaces"))
struct QuarantineTests {
  @Test("listing")
  func listing() throws {
    try withNetwork { network, connection in
      var section = ProtectSettings(section: "phone")
      section.macs = [try #require(MACPrefix(parsing: "02:00:00:00:00:99"))]
      section.prefixes = [try prefix("203.0.113.6")]
      section.udpPorts = [try ports(5060, 5061)]
      var enforcer = Enforcer(connection, protection: Protection(sections: [section]))
      let access = QuarantineAccess(
        portalPort: 8646,
        apiPort: 8647,
        garden: [
          try prefix("198.51.100.0/24"), try prefix("255.255.255.255"),
          try prefix("2001:db8:7::/48"),
        ]
      )
      try connection.commit(enforcer.firewall.setAccess(access, lan: ["l0"], now: now()))
      print(try run("nft", "list", "ruleset"))
      let mac = try #require(MACAddress(parsing: "02:00:00:00:00:0a"))
      try enforcer.apply(
        .quarantine(
          Quarantine(
            mac: mac,
            addresses: [
              try #require(IPAddress(parsing: "192.168.1.10")),
              try #require(IPAddress(parsing: "fd00:1::10")),
            ],
            journal: [1, 2]
          ),
          remaining: nil
        )
      )
      print(try run("nft", "list", "ruleset"))
      let snapshot = try #require(try connection.snapshot())
      #expect(enforcer.firewall.matches(snapshot))
      print(snapshot.quarantines)
    }
  }
}
