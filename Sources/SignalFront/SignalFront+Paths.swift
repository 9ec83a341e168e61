import Bytes
import Dial
import Linux
import TLS

/// Sockets: datagrams, and connections from their beginning to their end.
extension SignalFront {
  /// What a peer that doesn't read may leave with us, in bytes; then its connection ends.
  static let maximumOutput = 65_536
  private static let readLength = 16_384

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
        guard let accepted = try? listener.accept() else { return }
        accept(accepted, server, at: index)
      }
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
        guard event.isReadable, !connection.isEnding else { return }
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
    connection.isEnding = true
    if connection.output.isEmpty { end(number, at: index) }
  }

  private func flush(
    _ connection: Entrance.Connection,
    _ number: UInt32,
    at index: Int
  ) throws(SystemError) {
    let hadOutput = !connection.output.isEmpty
    connection.output = try connection.socket.send(all: connection.output)
    if connection.isEnding, connection.output.isEmpty {
      end(number, at: index)
    } else if hadOutput {
      let isWaiting = !connection.output.isEmpty
      try poller.change(
        connection.socket.descriptor,
        token: Token.connections + UInt64(number),
        writing: isWaiting
      )
    }
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
