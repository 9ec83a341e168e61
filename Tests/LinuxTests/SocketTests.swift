import Bytes
import Linux
import Testing

struct UDPTests {
  private static let loopbacks: [Text] = ["127.0.0.1", "::1"]

  private func waited(for socket: UDPSocket) throws -> Datagram? {
    let poller = try Poller()
    try poller.add(socket.descriptor, token: 1)
    _ = try poller.wait(timeout: .seconds(2))
    return try socket.receive()
  }

  @Test("a datagram arrives with its sender and the address it was sent to", arguments: loopbacks)
  func receive(_ text: Text) throws {
    let address = try #require(IPAddress(parsing: text))
    let every = address.family == .v4 ? IPAddress(v4: 0) : IPAddress(v6High: 0, low: 0)
    let server = try UDPSocket(binding: Endpoint(every, port: 0))
    let client = try UDPSocket(binding: Endpoint(address, port: 0))
    #expect(try server.receive() == nil)
    let target = Endpoint(address, port: try server.port())
    #expect(client.send([1, 2, 3], to: target, from: address))
    let datagram = try #require(try waited(for: server))
    #expect(datagram.bytes == [1, 2, 3])
    #expect(datagram.local == address)
    #expect(datagram.peer == Endpoint(address, port: try client.port()))
  }

  @Test("an answer leaves from the address that was written to")
  func answer() throws {
    let server = try UDPSocket(binding: Endpoint(IPAddress(v4: 0), port: 0))
    let own = IPAddress(v4: 0x7F00_0001)
    let second = IPAddress(v4: 0x7F00_0002)
    let client = try UDPSocket(binding: Endpoint(own, port: 0))
    client.send([1], to: Endpoint(second, port: try server.port()), from: own)
    let question = try #require(try waited(for: server))
    #expect(server.send([2], to: question.peer, from: question.local))
    #expect(try waited(for: client)?.peer.address == second)
  }

  @Test("an empty datagram and the largest one arrive whole")
  func sizes() throws {
    let own = IPAddress(v4: 0x7F00_0001)
    let server = try UDPSocket(binding: Endpoint(own, port: 0))
    let client = try UDPSocket(binding: Endpoint(own, port: 0))
    for count in [0, 65_507] {
      let bytes = [UInt8](repeating: 7, count: count)
      #expect(client.send(bytes, to: Endpoint(own, port: try server.port()), from: own))
      #expect(try waited(for: server)?.bytes == bytes)
    }
  }

  @Test("a port that nobody has open ends nothing")
  func refused() throws {
    let own = IPAddress(v4: 0x7F00_0001)
    // First, lest it get the port that is free again.
    let socket = try UDPSocket(binding: Endpoint(own, port: 0))
    let gone = try UDPSocket(binding: Endpoint(own, port: 0)).port()
    socket.send([1], to: Endpoint(own, port: gone), from: own)
    #expect(try waited(for: socket) == nil)
    #expect(socket.send([1], to: Endpoint(own, port: gone), from: own))
  }

  @Test("a port in use can't be bound again, and both families stand side by side")
  func binding() throws {
    let v4 = try UDPSocket(binding: Endpoint(IPAddress(v4: 0), port: 0))
    let port = try v4.port()
    #expect(throws: SystemError.self) {
      try UDPSocket(binding: Endpoint(IPAddress(v4: 0), port: port))
    }
    _ = try UDPSocket(binding: Endpoint(IPAddress(v6High: 0, low: 0), port: port))
  }

  @Test("nothing is sent to one family from an address of the other")
  func families() throws {
    let own = IPAddress(v4: 0x7F00_0001)
    let socket = try UDPSocket(binding: Endpoint(own, port: 0))
    let v6 = IPAddress(v6High: 0, low: 1)
    #expect(!socket.send([1], to: Endpoint(own, port: 9), from: v6))
  }
}

struct PacketTests {
  private func bytes(_ received: Received) -> [UInt8]? {
    if case .message(let bytes, _) = received { return bytes }
    return nil
  }

  private func isClosed(_ received: Received) -> Bool {
    if case .closed = received { return true }
    return false
  }

  @Test("messages arrive whole, in order, and no larger than 16 KiB")
  func messages() throws {
    let (first, second) = try PacketSocket.pair()
    let large = [UInt8](repeating: 5, count: 16_384)
    try first.send([1])
    try first.send(large)
    #expect(bytes(try second.receive()) == [1])
    #expect(bytes(try second.receive()) == large)
    guard case .nothing = try second.receive() else {
      Issue.record("there is more")
      return
    }
    #expect(throws: SystemError.self) { try first.send(large + [1]) }
    #expect(throws: SystemError.self) { try first.send([]) }
  }

  @Test("what the kernel won't take waits, and is sent when there is room")
  func backlog() throws {
    let (first, second) = try PacketSocket.pair()
    let poller = try Poller()
    try first.watch(with: poller, token: 4)
    let message = [UInt8](repeating: 5, count: 16_000)
    var sent = 0
    while !first.hasBacklog {
      try first.send(message + [UInt8(sent)])
      sent += 1
    }
    #expect(try poller.wait(timeout: .zero).isEmpty)
    for number in 0..<sent {
      var last = bytes(try second.receive())?.last
      if last == nil {
        #expect(try poller.wait(timeout: .seconds(1)).first?.isWritable == true)
        try first.flush()
        last = bytes(try second.receive())?.last
      }
      #expect(last == UInt8(number))
    }
    #expect(!first.hasBacklog)
    #expect(try poller.wait(timeout: .zero).isEmpty)
  }

  @Test("an end that reads nothing gets no more than the backlog holds")
  func fullBacklog() throws {
    let (first, second) = try PacketSocket.pair()
    let message = [UInt8](repeating: 5, count: 16_000)
    #expect(throws: SystemError.self) {
      for _ in 0..<1000 { try first.send(message) }
    }
    #expect(bytes(try second.receive()) == message)
  }

  @Test("a descriptor travels with its message")
  func descriptor() throws {
    let (first, second) = try PacketSocket.pair()
    let (inner, outer) = try PacketSocket.pair()
    try first.send([1], passing: inner.descriptor)
    guard case .message([1], let passed) = try second.receive() else {
      Issue.record("no message")
      return
    }
    try PacketSocket(adopting: try #require(passed)).send([9])
    #expect(bytes(try outer.receive()) == [9])
  }

  @Test("the last words of an end that closed without listening are heard")
  func lastWords() throws {
    func speak() throws -> PacketSocket {
      let (first, second) = try PacketSocket.pair()
      try second.send([1])
      try first.send([2])
      return second
    }
    let second = try speak()
    #expect(bytes(try second.receive()) == [2])
    #expect(isClosed(try second.receive()))
  }

  @Test("a closed end is seen, and sending to it throws")
  func closed() throws {
    let second = try PacketSocket.pair().1
    #expect(isClosed(try second.receive()))
    #expect(throws: SystemError.self) { try second.send([1]) }
  }

  @Test("a listener takes the place of a stale socket, has its mode, and knows its peer")
  func listener() throws {
    let folder = try temporaryFolder()
    let path = folder + "/control"
    _ = try PacketListener(path: path, mode: 0o600)
    let listener = try PacketListener(path: path, mode: 0o660)
    #expect(try listener.accept() == nil)
    let client = try PacketSocket.connect(to: path)
    let accepted = try #require(try listener.accept())
    #expect(try accepted.peer() == client.peer())
    try client.send([3])
    #expect(bytes(try accepted.receive(within: .seconds(1))) == [3])
    try File.remove(path)
  }

  @Test("a file in the socket's place stays, and the listener throws")
  func fileInPlace() throws {
    let path = try temporaryFolder() + "/control"
    try File.replace(path, with: [1])
    #expect(throws: SystemError.self) { try PacketListener(path: path, mode: 0o600) }
    #expect(try File.contents(of: path, limit: 9) == [1])
  }

  @Test("a wait for a message ends")
  func timeout() throws {
    let (first, second) = try PacketSocket.pair()
    let before = Clock.now
    guard case .nothing = try second.receive(within: .milliseconds(30)) else {
      Issue.record("there is something")
      return
    }
    #expect(Clock.now - before >= .milliseconds(29))
    try first.send([1])
  }
}
