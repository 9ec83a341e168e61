import Bytes
import Firewall
import Foundation
import Glibc
import Model
import Testing

@testable import Netlink

/// A home with two devices, each with a hardware address of its own, of which the first gets into
/// quarantine; the page is served on port 8646 of the router, the API on 8647.
final class QuarantineHome {
  let network: TestNetwork
  let connection: NetfilterConnection
  let other: String
  var enforcer: Enforcer
  private var descriptors: [Int32] = []

  static let mac = MACAddress(0x0200_0000_000A)
  static let access = QuarantineAccess(portalPort: 8646, apiPort: 8647)

  init(
    _ network: TestNetwork,
    _ connection: NetfilterConnection,
    _ sections: [ProtectSettings],
    _ access: QuarantineAccess
  ) throws {
    self.network = network
    self.connection = connection
    other = network.lan + "2"
    enforcer = Enforcer(connection, protection: Protection(sections: sections))
    try run("ip", "netns", "add", other)
    try changeMAC("02:00:00:00:00:0a")
    try run(
      "ip",
      "-n",
      network.lan,
      "-batch",
      "-",
      input: """
        link add mv0 link eth0 address 02:00:00:00:00:0b type macvlan mode bridge
        link set mv0 netns \(other)
        """
    )
    try run(
      "ip",
      "-n",
      other,
      "-batch",
      "-",
      input: """
        addr add 192.168.1.20/24 dev mv0
        addr add fd00:1::20/64 dev mv0 nodad
        link set mv0 up
        route add default via 192.168.1.1
        route add default via fd00:1::1
        """
    )
    try connection.commit(enforcer.firewall.setAccess(access, lan: ["l0"], now: now()))
  }

  func leave() throws {
    for descriptor in descriptors { close(descriptor) }
    try run("ip", "netns", "del", other)
  }

  /// Gives the first device another hardware address; it forgets its routes of IPv6 meanwhile.
  ///
  /// Afterwards it knows the router: what it sends next isn't queued behind the question.
  func changeMAC(_ address: String) throws {
    try run(
      "ip",
      "-n",
      network.lan,
      "-batch",
      "-",
      input: """
        link set eth0 down
        link set eth0 address \(address)
        link set eth0 up
        addr replace fd00:1::10/64 dev eth0 nodad
        route replace default via 192.168.1.1
        route replace default via fd00:1::1
        """
    )
    try run("ip", "neigh", "flush", "dev", "l0")
    try run("ip", "-n", network.lan, "neigh", "flush", "dev", "eth0")
    for router in ["192.168.1.1", "fd00:1::1"] {
      try eventually("\(router) is a neighbour") {
        try network.send(1, to: router, port: 9)
        return try run("ip", "-n", network.lan, "neigh", "show", router).contains("lladdr")
      }
    }
  }

  func quarantine(
    _ addresses: [Text] = ["192.168.1.10", "fd00:1::10"],
    for remaining: Span? = nil
  ) throws {
    let known = try addresses.map { try #require(IPAddress(parsing: $0)) }
    let quarantine = Quarantine(mac: Self.mac, addresses: known, journal: [4, 2])
    try enforcer.apply(.quarantine(quarantine, remaining: remaining))
  }

  func release() throws { try enforcer.apply(.release(Self.mac)) }

  /// What the device's counter counted.
  func refused() throws -> UInt64? { try connection.counter(Self.mac.counter)?.packets }

  /// A socket that takes connections, or with `.datagrams` packets, of both families.
  func listen(in name: String, port: UInt16, datagrams: Bool = false) throws -> Int32 {
    let type = datagrams ? SOCK_DGRAM : SOCK_STREAM
    let descriptor = try network.inside(name) {
      socket(AF_INET6, Int32(type.rawValue) | O_NONBLOCK, 0)
    }
    descriptors.append(descriptor)
    try network.withAddress("::", port) { bind(descriptor, $0, $1) }
    if !datagrams { #expect(Glibc.listen(descriptor, 1000) == 0) }
    return descriptor
  }

  /// Takes a connection; nil when there is none in time.
  func accept(_ listener: Int32, within milliseconds: Int32 = 5000) -> Int32? {
    var item = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
    guard poll(&item, 1, milliseconds) > 0 else { return nil }
    let descriptor = Glibc.accept(listener, nil, nil)
    guard descriptor >= 0 else { return nil }
    descriptors.append(descriptor)
    return descriptor
  }

  struct Attempt {
    var descriptor: Int32
    /// 0 when it succeeded; ETIMEDOUT when nothing happened, or a packet had to be sent again.
    var error: Int32
    var milliseconds: Int64
  }

  /// Connects from a device; over UDP it sends a datagram and waits for an error.
  func connect(
    from name: String? = nil,
    to target: String,
    port: UInt16,
    datagrams: Bool = false
  ) throws -> Attempt {
    let family = target.contains(":") ? AF_INET6 : AF_INET
    let type = datagrams ? SOCK_DGRAM : SOCK_STREAM
    let descriptor = try network.inside(name ?? network.lan) {
      socket(family, Int32(type.rawValue) | O_NONBLOCK, 0)
    }
    descriptors.append(descriptor)
    let start = now()
    try network.withAddress(target, port) {
      _ = Glibc.connect(descriptor, $0, $1)
      return 0
    }
    if datagrams { _ = Glibc.send(descriptor, "x", 1, 0) }
    let error = wait(descriptor, for: datagrams ? 0 : Int16(POLLOUT))
    return Attempt(descriptor: descriptor, error: error, milliseconds: (now() - start).milliseconds)
  }

  /// Connects until that is over within 50 ms, at most five times; answers with the first attempt
  /// that ended in another way than `error`, or with the last one.
  ///
  /// A busy machine may keep this process from seeing the end in time, but not again and again.
  func attempt(
    _ error: Int32,
    to target: String,
    port: UInt16,
    datagrams: Bool = false
  ) throws -> (last: Attempt, count: UInt64) {
    var count: UInt64 = 0
    while true {
      let last = try connect(to: target, port: port, datagrams: datagrams)
      count += 1
      if last.error != error || last.milliseconds < 50 || count == 5 { return (last, count) }
    }
  }

  /// Waits for an event or an error; 0 when there was an event alone, ETIMEDOUT when nothing was to
  /// be seen for five seconds, or only because a packet that was lost was sent again.
  func wait(_ descriptor: Int32, for event: Int16) -> Int32 {
    var item = pollfd(fd: descriptor, events: event, revents: 0)
    guard poll(&item, 1, 5000) > 0 else { return ETIMEDOUT }
    var error: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
    return hasRepeated(descriptor) ? ETIMEDOUT : error
  }

  /// Whether a connection sends and its other end receives, at the first try.
  func carries(_ sender: Int32, _ receiver: Int32) -> Bool {
    send(sender, "GET", 3, 0) == 3 && wait(receiver, for: Int16(POLLIN)) == 0
      && !hasRepeated(sender)
  }

  /// Whether a packet of a connection got lost, so that it was sent again.
  private func hasRepeated(_ descriptor: Int32) -> Bool {
    var info = tcp_info()
    var length = socklen_t(MemoryLayout<tcp_info>.size)
    getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &length)
    return info.tcpi_total_retrans > 0
  }

  /// How many datagrams wait in a socket.
  func datagrams(_ descriptor: Int32) -> Int {
    network.settle()
    var count = 0
    var buffer = [UInt8](repeating: 0, count: 512)
    while recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 { count += 1 }
    return count
  }
}

/// Runs `body` in a fresh home.
func withHome(
  protecting sections: [ProtectSettings] = [],
  access: QuarantineAccess = QuarantineHome.access,
  _ body: (QuarantineHome) throws -> Void
) throws {
  try withNetwork { network, connection in
    let home = try QuarantineHome(network, connection, sections, access)
    let result = Result { try body(home) }
    try home.leave()
    try result.get()
  }
}
