import Bytes
import Glibc
import Model
import Netlink
import Testing

@Suite(.serialized, .enabled(if: canUseNamespaces, "needs root for network namespaces"))
struct RouteTests {
  @Test("addresses of the interfaces make the home")
  func addresses() throws {
    try withNetwork { _, _ in
      let home = Home(try RouteConnection().addresses(), wan: ["w0"], lan: ["l0"])
      #expect(
        home.wanAddresses.map { $0.description }.sorted() == ["2001:db8:99::1", "203.0.113.1"]
      )
      #expect(
        home.lanPrefixes.map { $0.description }.sorted() == ["192.168.1.0/24", "fd00:1::/64"]
      )
      #expect(home.lanAddresses.map { $0.description }.contains("192.168.1.1"))
    }
  }

  @Test("a new address is told, and only once")
  func monitor() throws {
    try withNetwork { _, _ in
      let monitor = try AddressMonitor()
      // The interfaces have just come up, of which the kernel may have more to say.
      repeat { usleep(200_000) } while try monitor.changed()
      #expect(try monitor.changed() == false)
      try run("ip", "addr", "add", "203.0.113.77/24", "dev", "w0")
      #expect(try monitor.changed())
      #expect(try monitor.changed() == false)
    }
  }

  @Test("neighbours have names of interfaces, addresses and hardware addresses")
  func neighbours() throws {
    try withNetwork { _, _ in
      let found = try RouteConnection().neighbours()
      let device = found.first { $0.address.description == "192.168.1.10" }
      #expect(device?.interface == "l0")
      #expect(device?.mac.value != 0)
    }
  }
}
