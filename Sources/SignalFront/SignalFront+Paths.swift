import Bytes
import Dial
import Linux
import TLS

/// Sockets: datagrams, and connections from their beginning to their end.
extension SignalFront {
  /// What a peer that doesn't read may leave with us, in bytes; then its connection ends.
  static let maximumOutput = 65_536
  private static let readLength = 16_384
  /// How long a peer may take to read the last that we say.
  private static let endPatience = Span.seconds(5)
  /// From a connection that couldn't be taken to the next, when descriptors or memory are short.
  private static let pause = Span.seconds(1)

  func serveEntrance(_ index: Int) {
    guard entrances.indices.contains(index) else { return }
    let entrance = entrances[index]
    for _ in 0..<Self.eventsPerTurn {
      switch entrance.path {
      case .datagrams(let socket, let server):
        guard let datagram = try? socket.receive() else { return }
        let peer = PeerAddress(
          remote: datagram.peer.address,
          remotePort: datagram.peer.port,
          local: datagram.local
        )
        let now = Clock.now
        perform(
          server.received(datagram.bytes, from: peer, now: now, wall: Clock.wall),
          at: index
        )
      case .streams(let listener, let server):
        let accepted: StreamSocket?
        do { accepted = try listener.accept() } catch {
          watch(index, isWatched: false)
          entrance.resumes = Clock.now + Self.pause
          return
        }
        guard let accepted else { return }
        accept(accepted, server, at: index)
      }
    }
  }

  private func watch(_ index: Int, isWatched: Bool) {
    try? poller.change(
      entrances[index].descriptor,
      token: Token.firstEntrance + UInt64(index),
      reading: isWatched,
      writing: false
    )
  }

  /// Ends connections whose peers don't read, and takes new ones again.
  func timedOut(_ index: Int, now: Instant) {
    let entrance = entrances[index]
    for one in entrance.connections {
      if let due = one.connection.ends, due <= now { end(one.number, at: index) }
    }
    if let due = entrance.resumes, due <= now {
      entrance.resumes = nil
      watch(index, isWatched: true)
    }
  }

  private func accept(_ socket: StreamSocket, _ server: TLSServer, at index: Int) {
    let peer = PeerAddress(
      remote: socket.peer,
      remotePort: socket.peerPort,
      local: socket.local
    )
    let number = nextConnection()
    let token = Token.connections + UInt64(number)
    // What can't be watched is closed again.
    do { try poller.add(socket.descriptor, token: token) } catch { return }
    entrances[index].connections.append((number, Entrance.Connection(socket, peer)))
    perform(server.connected(peer, now: Clock.now), at: index)
  }

  func serveConnection(_ number: UInt32, _ event: Poller.Event) {
    for index in entrances.indices {
      // An event of this turn may be of one that an earlier event ended.
      guard let connection = entrances[index].connection(number),
        case .streams(_, let server) = entrances[index].path
      else { continue }
      do throws(SystemError) {
        if event.isWritable { try flush(connection, number, at: index) }
        guard event.isReadable else { return }
        // One that ends isn't watched for reading: it is broken.
        guard connection.ends == nil else {
          end(number, at: index)
          return
        }
        guard let bytes = try connection.socket.receive(limit: Self.readLength) else { return }
        guard !bytes.isEmpty else {
          end(number, at: index)
          return
        }
        let now = Clock.now
        perform(
          server.received(bytes, from: connection.peer, now: now, wall: Clock.wall),
          at: index
        )
      } catch { end(number, at: index) }
      return
    }
  }

  /// Sends on a peer's connection, now or when the kernel takes it.
  func send(_ bytes: [UInt8], to peer: PeerAddress, at index: Int) {
    guard let number = entrances[index].number(of: peer),
      let connection = entrances[index].connection(number)
    else { return }
    connection.output += bytes
    do throws(SystemError) { try flush(connection, number, at: index) } catch {
      end(number, at: index)
      return
    }
    if connection.output.count > Self.maximumOutput { end(number, at: index) }
  }

  /// How many bytes for a session's peer the kernel hasn't taken yet.
  func waiting(on session: FrontSession) -> Int {
    if let attempt = session.dialled { return attempt.waiting }
    let entrance = entrances[session.entrance]
    let number = entrance.number(of: session.peer)
    return number.flatMap { entrance.connection($0) }?.output.count ?? 0
  }

  /// Ends a peer's connection once all is sent.
  func finish(_ peer: PeerAddress, at index: Int) {
    guard let number = entrances[index].number(of: peer),
      let connection = entrances[index].connection(number)
    else { return }
    if connection.output.isEmpty {
      end(number, at: index)
    } else if connection.ends == nil {
      connection.ends = Clock.now + Self.endPatience
      try? watch(connection, number)
    }
  }

  private func flush(
    _ connection: Entrance.Connection,
    _ number: UInt32,
    at index: Int
  ) throws(SystemError) {
    let hadOutput = !connection.output.isEmpty
    connection.output = try connection.socket.send(all: connection.output)
    if connection.ends != nil, connection.output.isEmpty {
      end(number, at: index)
    } else if hadOutput {
      try watch(connection, number)
    }
  }

  private func watch(_ connection: Entrance.Connection, _ number: UInt32) throws(SystemError) {
    try poller.change(
      connection.socket.descriptor,
      token: Token.connections + UInt64(number),
      reading: connection.ends == nil,
      writing: !connection.output.isEmpty
    )
  }

  private func end(_ number: UInt32, at index: Int) {
    let entrance = entrances[index]
    guard let connection = entrance.connection(number), case .streams(_, let server) = entrance.path
    else { return }
    entrance.connections.removeAll { $0.number == number }
    // Nobody else holds it, and what nobody holds nobody watches.
    connection.socket.descriptor.end()
    perform(server.disconnected(connection.peer), at: index)
  }
}
