import Bytes
import Foundation
import Testing

@testable import Linux

/// A client's descriptor, connected with that port of the loopback address.
private func connected(to port: UInt16, v6: Bool) throws -> FileDescriptor {
  let number = socket(v6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  let descriptor = FileDescriptor(adopting: number)
  var result: Int32
  if v6 {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    address.sin6_addr = in6addr_loopback
    result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(number, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
      }
    }
  } else {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
  try #require(result == 0)
  try descriptor.makeNonblocking()
  return descriptor
}

private func waited(for descriptor: FileDescriptor) throws {
  let poller = try Poller()
  try poller.add(descriptor, token: 1)
  _ = try poller.wait(timeout: .seconds(2))
}

struct StreamTests {
  private let any = IPAddress(v4: 0)

  @Test(
    "a client connects without waiting, to either family, and then speaks",
    arguments: [false, true]
  )
  func connects(_ v6: Bool) throws {
    let listener = try StreamListener(port: 0, interface: "lo")
    let address = try #require(IPAddress(parsing: v6 ? "::1" : "127.0.0.1"))
    let client = try StreamSocket.connect(to: Endpoint(address, port: listener.port()))
    try waited(for: listener.descriptor)
    let accepted = try #require(try listener.accept())
    try client.connected()
    #expect(try client.send([1, 2]) == 2)
    try waited(for: accepted.descriptor)
    #expect(try accepted.receive(limit: 10) == [1, 2])
  }

  @Test("a connection that is refused is told when it was waited for")
  func refusedConnection() throws {
    let port = try StreamListener(port: 0, interface: "lo").port()
    let address = IPAddress(v4: 0x7F00_0001)
    let client = try StreamSocket.connect(to: Endpoint(address, port: port))
    try waited(for: client.descriptor)
    #expect(throws: SystemError.self) { try client.connected() }
  }

  @Test("a connection tells both its addresses, of either family", arguments: [false, true])
  func accept(_ v6: Bool) throws {
    let listener = try StreamListener(port: 0, interface: "lo")
    #expect(try listener.accept() == nil)
    let client = try connected(to: listener.port(), v6: v6)
    try waited(for: listener.descriptor)
    let accepted = try #require(try listener.accept())
    let own: Text = v6 ? "::1" : "127.0.0.1"
    #expect(accepted.peer == IPAddress(parsing: own) && accepted.local == IPAddress(parsing: own))
    let peer = StreamSocket(adopting: client, peer: any, local: any)
    #expect(try accepted.receive(limit: 10) == nil)
    #expect(try peer.send([1, 2, 3]) == 3)
    try waited(for: accepted.descriptor)
    #expect(try accepted.receive(limit: 2) == [1, 2])
    #expect(try accepted.receive(limit: 2) == [3])
    try peer.endSending()
    try waited(for: accepted.descriptor)
    #expect(try accepted.receive(limit: 2) == [])
  }

  @Test("a listener of an interface hears nothing of another")
  func interface() throws {
    #expect(throws: SystemError.self) { try StreamListener(port: 0, interface: "nonexistent0") }
  }

  @Test("a port that is taken is refused, and free again at once")
  func port() throws {
    var listener: StreamListener? = try StreamListener(port: 0, interface: "")
    let port = try #require(try listener?.port())
    #expect(throws: SystemError.self) { try StreamListener(port: port, interface: "") }
    listener = nil
    #expect(throws: Never.self) { try StreamListener(port: port, interface: "") }
  }

  @Test("a full connection takes no more, and a closed one is an error, no signal")
  func bounds() throws {
    let (first, second) = try StreamSocket.pair(peer: any, local: any)
    let block = [UInt8](repeating: 7, count: 65_536)
    var sent = 0
    while true {
      let count = try first.send(block)
      if count == 0 { break }
      sent += count
    }
    #expect(sent >= 65_536)
    second.descriptor.end()
    #expect(throws: SystemError.self) { try first.send([1]) }
  }

  @Test("what isn't watched for reading is told only when it is over")
  func unwatched() throws {
    let poller = try Poller()
    let (first, second) = try StreamSocket.pair(peer: any, local: any)
    try poller.add(first.descriptor, token: 1)
    try poller.change(first.descriptor, token: 1, reading: false, writing: false)
    _ = try second.send([1])
    #expect(try poller.wait(timeout: .zero).isEmpty)
    second.descriptor.end()
    #expect(try poller.wait(timeout: .zero).map { $0.isReadable } == [true])
  }
}

struct NameTests {
  @Test("an address stands for itself, and a name that isn't there for nothing")
  func resolve() throws {
    #expect(try addresses(of: "192.0.2.1", limit: 4) == [IPAddress(v4: 0xC000_0201)])
    #expect(throws: SystemError.self) { try addresses(of: "name.invalid", limit: 4) }
  }
}
