import Bytes
import Foundation
import Glibc
import Model

@testable import TLS

/// A server on a TCP listener of 127.0.0.1, driven by the test's own loop.
final class StreamEndpoint {
  let server: TLSServer
  let port: UInt16
  /// Everything that the server did but sending.
  private(set) var log: [PeerServer.Action] = []
  private let listener: CInt
  private var streams: [PeerAddress: CInt] = [:]

  init(_ credentials: Credentials) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.listener = listener
    var name = Endpoint.socketAddress(0x7F00_0001, 0)
    guard listener >= 0, Endpoint.bind(listener, to: &name), listen(listener, 16) == 0 else {
      throw Endpoint.SocketFailure()
    }
    port = localPort(of: listener)
    server = try TLSServer(credentials: credentials, now: Endpoint.now)
  }

  deinit {
    close(listener)
    for stream in streams.values { close(stream) }
  }

  var sessions: [SessionID] {
    log.compactMap { if case .established(let id, _, _) = $0 { id } else { nil } }
  }

  var identities: [TLS.PeerIdentity] {
    log.compactMap { if case .established(_, let identity, _) = $0 { identity } else { nil } }
  }

  var refusals: [HandshakeFailure] {
    log.compactMap { if case .refused(_, let failure) = $0 { failure } else { nil } }
  }

  /// Handles what comes in until `isDone`, at most `seconds`; whether it was done.
  @discardableResult
  func run(_ seconds: Double, until isDone: () -> Bool) -> Bool {
    let start = Date()
    while !isDone() {
      guard Date().timeIntervalSince(start) < seconds else { return false }
      let peers = [PeerAddress](streams.keys)
      var events = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
      events += peers.map { pollfd(fd: streams[$0] ?? -1, events: Int16(POLLIN), revents: 0) }
      guard poll(&events, nfds_t(events.count), 20) > 0 else { continue }
      if events[0].revents != 0 { accept() }
      for (event, peer) in zip(events.dropFirst(), peers) where event.revents != 0 { receive(peer) }
    }
    return true
  }

  func perform(_ actions: [PeerServer.Action]) {
    for action in actions {
      switch action {
      case .send(let bytes, let peer):
        if let stream = streams[peer] {
          send(stream, bytes, bytes.count, CInt(MSG_NOSIGNAL))
        }
        continue
      case .received(let session, let bytes):
        if let actions = try? server.send(bytes, on: session) { perform(actions) }
      case .refused(let peer, _): end(peer)
      case .established, .closed: break
      }
      log.append(action)
    }
  }

  private func accept() {
    let stream = Glibc.accept(listener, nil, nil)
    guard stream >= 0 else { return }
    let peer = PeerAddress(
      remote: IPAddress(v4: 0x7F00_0001),
      remotePort: UInt16(truncatingIfNeeded: stream),
      local: IPAddress(v4: 0x7F00_0001)
    )
    streams[peer] = stream
    perform(server.connected(peer, now: Endpoint.now))
  }

  private func receive(_ peer: PeerAddress) {
    guard let stream = streams[peer] else { return }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = recv(stream, &buffer, buffer.count, 0)
    if count > 0 {
      let bytes = [UInt8](buffer.prefix(count))
      perform(server.received(bytes, from: peer, now: Endpoint.now, wall: Endpoint.wall))
    } else {
      perform(server.disconnected(peer))
      end(peer)
    }
  }

  private func end(_ peer: PeerAddress) {
    if let stream = streams.removeValue(forKey: peer) { close(stream) }
  }
}

/// A client's end on a socket that is connected to a program on 127.0.0.1.
final class Caller {
  let connection: ClientConnection
  /// Everything that it did but sending.
  private(set) var log: [ClientConnection.Action] = []
  private let descriptor: CInt

  init(_ connection: ClientConnection, over transport: Transport, port: UInt16) throws {
    self.connection = connection
    let type = transport == .udp ? SOCK_DGRAM : SOCK_STREAM
    descriptor = socket(AF_INET, Int32(type.rawValue), 0)
    // The program needs its time to listen.
    for _ in 0..<400 {
      if connect(to: port) { break }
      usleep(50_000)
    }
    perform(connection.start(now: Endpoint.now, wall: Endpoint.wall))
  }

  deinit { close(descriptor) }

  var established: (identity: TLS.PeerIdentity, isResumed: Bool)? {
    for case .established(let identity, let isResumed) in log { return (identity, isResumed) }
    return nil
  }

  var received: [UInt8] {
    log.flatMap { if case .received(let bytes) = $0 { bytes } else { [UInt8]() } }
  }

  /// Handles what comes in until `isDone`, at most `seconds`; whether it was done.
  @discardableResult
  func run(_ seconds: Double, until isDone: () -> Bool) -> Bool {
    let start = Date()
    while !isDone() {
      guard Date().timeIntervalSince(start) < seconds else { return false }
      var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&event, 1, 20) > 0 {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        let bytes = [UInt8](buffer.prefix(max(0, count)))
        if count == 0 { return isDone() }
        perform(connection.received(bytes, now: Endpoint.now, wall: Endpoint.wall))
      }
      if let next = connection.nextTimeout, next <= Endpoint.now {
        perform(connection.timedOut(now: Endpoint.now))
      }
    }
    return true
  }

  func perform(_ actions: [ClientConnection.Action]) {
    for action in actions {
      if case .send(let bytes) = action {
        send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL))
      } else {
        log.append(action)
      }
    }
  }

  private func connect(to port: UInt16) -> Bool {
    var name = Endpoint.socketAddress(0x7F00_0001, port)
    return withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}

/// A port of 127.0.0.1 that nobody has.
func freePort(_ transport: Transport) -> UInt16 {
  let type = transport == .udp ? SOCK_DGRAM : SOCK_STREAM
  let descriptor = socket(AF_INET, Int32(type.rawValue), 0)
  defer { close(descriptor) }
  var name = Endpoint.socketAddress(0x7F00_0001, 0)
  guard Endpoint.bind(descriptor, to: &name) else { return 0 }
  return localPort(of: descriptor)
}

private func localPort(of descriptor: CInt) -> UInt16 {
  var name = sockaddr_in()
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  withUnsafeMutablePointer(to: &name) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      _ = getsockname(descriptor, $0, &length)
    }
  }
  return UInt16(bigEndian: name.sin_port)
}
