import Bytes
import Firewall
import Foundation
import Glibc
import Model
import Netlink
import Testing

/// Whether namespaces can be made; in CI a missing privilege must fail, not skip.
let canUseNamespaces = geteuid() == 0 || ProcessInfo.processInfo.environment["CI"] == "true"

struct CommandFailed: Error {
  var command: String
  var output: String
}

/// Runs a program in the namespace of the calling thread.
@discardableResult
func run(_ words: String..., input: String? = nil) throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = words
  let output = Pipe()
  process.standardOutput = output
  process.standardError = output
  let standardInput = Pipe()
  process.standardInput = standardInput
  try process.run()
  if let input { standardInput.fileHandleForWriting.write(Data(input.utf8)) }
  try standardInput.fileHandleForWriting.close()
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  let text = String(decoding: data, as: UTF8.self)
  guard process.terminationStatus == 0 else {
    throw CommandFailed(command: words.joined(separator: " "), output: text)
  }
  return text
}

/// Moves the calling thread into a network namespace; Glibc's module lacks setns.
private func setNamespace(_ descriptor: Int32) -> Bool {
  typealias Function = @convention(c) (Int32, Int32) -> Int32
  guard let symbol = dlsym(nil, "setns") else { return false }
  let cloneNewNetwork: Int32 = 0x4000_0000
  return unsafeBitCast(symbol, to: Function.self)(descriptor, cloneNewNetwork) == 0
}

/// A home, its router and a victim outside, each in a network namespace of its own.
///
/// The calling thread is in the router's namespace until `leave`.
final class TestNetwork {
  private static let lock = NSLock()
  nonisolated(unsafe) private static var number = 0

  let lan: String
  let router: String
  let wan: String
  private let origin: Int32
  private var receivers: [Int32] = []
  /// From the home to the router, from there to the victim.
  private var wires: [Wire] = []

  init() throws {
    let number = Self.lock.withLock { () -> Int in
      Self.number += 1
      return Self.number
    }
    let prefix = "cordon\(getpid())n\(number)"
    (lan, router, wan) = (prefix + "l", prefix + "r", prefix + "w")
    origin = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
    do { try build() } catch {
      // The thread goes on to other tests.
      try? leave()
      throw error
    }
  }

  private func build() throws {
    for name in [lan, router, wan] {
      try run("ip", "netns", "add", name)
      // Else neighbours aren't solicited for a second.
      try run(
        "ip",
        "netns",
        "exec",
        name,
        "sysctl",
        "-qw",
        "net.ipv6.conf.default.accept_dad=0",
        "net.ipv6.conf.all.accept_dad=0"
      )
    }
    try run(
      "ip",
      "-n",
      router,
      "-batch",
      "-",
      input: """
        link add l0 type veth peer name eth0 netns \(lan)
        link add w0 type veth peer name eth0 netns \(wan)
        addr add 192.168.1.1/24 dev l0
        addr add fd00:1::1/64 dev l0 nodad
        addr add 203.0.113.1/24 dev w0
        addr add 2001:db8:99::1/64 dev w0 nodad
        link set l0 up
        link set w0 up
        link set lo up
        """
    )
    try run(
      "ip",
      "-n",
      lan,
      "-batch",
      "-",
      input: """
        addr add 192.168.1.10/24 dev eth0
        addr add 192.168.1.11/24 dev eth0
        addr add fd00:1::10/64 dev eth0 nodad
        link set eth0 up
        route add default via 192.168.1.1
        route add default via fd00:1::1
        """
    )
    try run(
      "ip",
      "-n",
      wan,
      "-batch",
      "-",
      input: """
        addr add 203.0.113.5/24 dev eth0
        addr add 203.0.113.6/24 dev eth0
        addr add 2001:db8:99::5/64 dev eth0 nodad
        link set eth0 up
        route add default via 203.0.113.1
        route add default via 2001:db8:99::1
        """
    )
    try enter(router)
    try run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    try watch()
    // The first packets resolve neighbours.
    for target in ["203.0.113.5", "203.0.113.6", "2001:db8:99::5"] {
      try eventually("\(target) is reached") {
        try send(1, to: target, port: 9)
        return received() > 0
      }
    }
    guard wires.allSatisfy({ $0.leaving.count > 0 && $0.arriving.count > 0 }) else {
      throw CommandFailed(command: "count frames", output: "none was counted")
    }
  }

  /// Opens the victim's sockets, and the counters that tell when all has arrived.
  private func watch() throws {
    receivers = try inside(wan) {
      [
        socket(AF_INET, Int32(SOCK_RAW.rawValue), 17),
        socket(AF_INET6, Int32(SOCK_RAW.rawValue), 17),
        socket(AF_INET, Int32(SOCK_RAW.rawValue), 1),
      ]
    }
    // Room for whatever a test sends, however late it is read.
    var room: Int32 = 1 << 28
    let length = socklen_t(MemoryLayout<Int32>.size)
    for receiver in receivers {
      guard setsockopt(receiver, SOL_SOCKET, SO_RCVBUFFORCE, &room, length) == 0 else {
        throw CommandFailed(command: "SO_RCVBUFFORCE", output: String(cString: strerror(errno)))
      }
    }
    let ends = [
      try FrameCounter("l0", .arriving), try inside(wan) { try FrameCounter("eth0", .arriving) },
    ]
    wires = [
      Wire(leaving: try inside(lan) { try FrameCounter("eth0", .leaving) }, arriving: ends[0]),
      Wire(leaving: try FrameCounter("w0", .leaving), arriving: ends[1]),
    ]
  }

  func leave() throws {
    for receiver in receivers { close(receiver) }
    wires = []
    _ = setNamespace(origin)
    close(origin)
    for name in [lan, router, wan] { try run("ip", "netns", "del", name) }
  }

  private func enter(_ name: String) throws {
    let descriptor = open("/run/netns/" + name, O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    guard setNamespace(descriptor) else {
      throw CommandFailed(command: "setns \(name)", output: String(cString: strerror(errno)))
    }
  }

  func inside<Result>(_ name: String, _ body: () throws -> Result) throws -> Result {
    try enter(name)
    let result = Swift.Result { try body() }
    try enter(router)
    return try result.get()
  }

  enum Host {
    case device
    case router
  }

  /// Sends datagrams of 100 bytes; answers how many the kernel took.
  @discardableResult
  func send(
    _ count: Int,
    from source: String? = nil,
    sourcePort: UInt16 = 0,
    to target: String,
    port: UInt16,
    by host: Host = .device
  ) throws -> Int {
    let isV6 = target.contains(":")
    let descriptor = try inside(host == .device ? lan : router) {
      socket(isV6 ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    }
    defer { close(descriptor) }
    var isOn: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_BROADCAST, &isOn, 4)
    if source != nil || sourcePort != 0 {
      let any = isV6 ? "::" : "0.0.0.0"
      try withAddress(source ?? any, sourcePort) { bind(descriptor, $0, $1) }
    }
    var taken = 0
    let bytes = [UInt8](repeating: 0x55, count: 100)
    for number in 0..<count {
      // The kernel's queue between the namespaces holds 1000 frames and drops what comes beyond.
      if number % 64 == 63 { waitUntilUnderWay(atMost: 256) }
      try withAddress(target, port) { address, length in
        if sendto(descriptor, bytes, bytes.count, 0, address, length) > 0 { taken += 1 }
        return 0
      }
    }
    return taken
  }

  /// Sends ICMP messages of a type from the device.
  func ping(_ count: Int, type: UInt8, to target: String) throws {
    let descriptor = try inside(lan) { socket(AF_INET, Int32(SOCK_RAW.rawValue), 1) }
    defer { close(descriptor) }
    let sum = ~(UInt16(type) << 8)
    let bytes: [UInt8] = [type, 0, UInt8(sum >> 8), UInt8(sum & 255), 0, 0, 0, 0]
    for _ in 0..<count {
      try withAddress(target, 0) { Int32(sendto(descriptor, bytes, bytes.count, 0, $0, $1)) }
    }
  }

  func withAddress(
    _ text: String,
    _ port: UInt16,
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) throws {
    var status: Int32 = 0
    if text.contains(":") {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      inet_pton(AF_INET6, text, &address.sin6_addr)
      status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    } else {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      inet_pton(AF_INET, text, &address.sin_addr)
      status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    }
    if status < 0 { throw CommandFailed(command: text, output: String(cString: strerror(errno))) }
  }

  /// How many packets came to the victim since the last call.
  func received() -> Int {
    settle()
    var count = 0
    var buffer = [UInt8](repeating: 0, count: 2048)
    for receiver in receivers {
      while recv(receiver, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 { count += 1 }
    }
    return count
  }

  /// Sends packets to the victim until one comes there: a moment before which one was still stopped,
  /// and one by which one had passed.
  func firstPassage(to target: String, port: UInt16) throws -> (after: Instant, by: Instant) {
    var stopped = now()
    var before = stopped
    try eventually("a packet passes") {
      stopped = before
      before = now()
      try send(1, to: target, port: port)
      return received() > 0
    }
    return (stopped, now())
  }

  /// How many frames reached the router from the home, of packets and of what the kernel says about
  /// neighbours and groups.
  func arrived() -> Int {
    settle()
    return wires[0].arriving.count
  }

  /// Waits until all that was sent is where it gets to.
  func settle() {
    // More than once: the router may just have in hand what it got by one wire for the other.
    for _ in 0..<3 {
      waitUntilUnderWay(atMost: 0)
      usleep(1000)
    }
  }

  private func waitUntilUnderWay(atMost limit: Int) {
    let end = now() + .seconds(10)
    while wires.contains(where: { $0.underWay > limit }) {
      guard now() < end else {
        Issue.record("frames got lost between the namespaces")
        return
      }
      usleep(100)
    }
  }
}

/// Runs `body` on a fresh network, with a connection to its router's kernel.
func withNetwork(_ body: (TestNetwork, NetfilterConnection) throws -> Void) throws {
  let network = try TestNetwork()
  let result = Result { try body(network, try NetfilterConnection()) }
  try network.leave()
  try result.get()
}

/// Waits until something is so, up to ten seconds.
func eventually(_ what: String, _ isSo: () throws -> Bool) throws {
  let end = now() + .seconds(10)
  while try !isSo() {
    guard now() < end else { throw CommandFailed(command: what, output: "not within 10 s") }
    usleep(10_000)
  }
}

func now() -> Instant {
  var time = timespec()
  clock_gettime(CLOCK_BOOTTIME, &time)
  return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}

func prefix(_ text: Text) throws -> Prefix { try #require(Prefix(parsing: text)) }

func ports(_ lower: UInt16, _ upper: UInt16) throws -> PortRange {
  try #require(PortRange(lower, upper))
}

/// A rule for packets from a device to the victim.
func rule(
  _ id: UInt32,
  from source: Text = "192.168.1.10",
  to target: Text = "203.0.113.5",
  protocols: [UInt8] = [17],
  sourcePorts: [PortRange] = [],
  ports: [PortRange] = [],
  types: [ICMPTypeRange] = [],
  verdict: RuleVerdict = .drop
) throws -> Rule {
  Rule(
    id: MitigationID(id),
    sources: source.isEmpty ? [.any] : [.inside(try prefix(source))],
    targets: [try prefix(target)],
    protocols: protocols,
    sourcePorts: sourcePorts,
    targetPorts: ports,
    icmpTypes: types,
    verdict: verdict,
    journal: [UInt8(truncatingIfNeeded: id), 7]
  )
}

/// A firewall and the connection that carries out its plans.
struct Enforcer {
  var firewall = Firewall(protection: Protection())
  let connection: NetfilterConnection

  init(_ connection: NetfilterConnection, protection: Protection = Protection()) {
    self.connection = connection
    firewall = Firewall(protection: protection)
  }

  mutating func apply(_ changes: RuleChange...) throws {
    try connection.commit(try firewall.apply(changes, now: now()))
  }

  mutating func install(_ rules: Rule..., for remaining: Span? = .seconds(600)) throws {
    try connection.commit(
      try firewall.apply(rules.map { .install($0, remaining: remaining) }, now: now())
    )
  }

  /// What the mitigation counted.
  func packets(_ id: UInt32) throws -> UInt64? {
    try connection.counter(MitigationID(id).counter)?.packets
  }
}
