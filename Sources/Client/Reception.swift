import Bytes
import Linux
import Model
import TLS

/// Where routers call: bound sockets and the (D)TLS servers on them.
final class Reception {
  /// Names one session of one of the sockets.
  struct Visitor: Hashable {
    let entrance: Int
    let session: SessionID
  }

  /// What the owner learns, in order.
  enum Event {
    /// A router proved who it is.
    case established(Visitor, TLS.PeerIdentity, PeerAddress, Transport)
    /// It sent a datagram, or the next bytes of its stream.
    case received(Visitor, [UInt8])
    /// Its session is over; isn't told after `close`.
    case closed(Visitor, CloseReason)
    /// Somebody got no session.
    case refused(PeerAddress, HandshakeFailure)
  }

  private enum Path {
    case datagrams(UDPSocket, DTLSServer)
    case streams(StreamListener, TLSServer)
  }

  /// An accepted connection.
  final class Connection {
    let socket: StreamSocket
    let token: UInt64
    var output: [UInt8] = []
    var isEnding = false

    init(_ socket: StreamSocket, token: UInt64) {
      self.socket = socket
      self.token = token
    }
  }

  /// What a router that doesn't read may leave with us, in bytes; then its connection ends.
  private static let maximumOutput = 65_536
  private static let portion = 16_384
  /// How long a router may take to read the last that we say.
  private static let endPatience = Span.seconds(5)
  /// From a connection that couldn't be taken to the next, when descriptors or memory are short.
  private static let pause = Span.seconds(1)
  /// Datagrams or connections of one socket between looks at everything else.
  private static let eventsPerTurn = 256

  private let poller: Poller
  private let firstToken: UInt64
  private var lastToken: UInt64
  private var paths: [Path] = []
  /// Of all streams: by the peer, and by the poller's number.
  private(set) var connections: [PeerAddress: Connection] = [:]
  private var peers: [UInt64: PeerAddress] = [:]
  private var visitors: [Visitor: PeerAddress] = [:]
  /// Those that end as soon as all is sent, and when at the latest; the first is due first.
  private var ending: [(peer: PeerAddress, token: UInt64, due: Instant)] = []
  /// When connections are taken again; nil: they are.
  private var resumes: Instant?

  /// Binds the sockets; the poller's numbers from `firstToken` on are its own.
  init(
    at place: Place,
    over transports: [Transport],
    _ credentials: Credentials,
    sessions: Int,
    poller: Poller,
    firstToken: UInt64
  ) throws(Ending) {
    self.poller = poller
    self.firstToken = firstToken
    lastToken = firstToken + 16
    // They may all return at once, many of them behind one translator.
    let limits = PeerServer.Limits(sessions: sessions, halfOpen: max(16, sessions / 4))
    for transport in transports {
      for address in place.addresses {
        try bind(Endpoint(address, port: place.port), transport, credentials, limits)
      }
    }
    guard !paths.isEmpty else { throw .failed("there is no address to listen at") }
  }

  private func bind(
    _ local: Endpoint,
    _ transport: Transport,
    _ credentials: Credentials,
    _ limits: PeerServer.Limits
  ) throws(Ending) {
    let descriptor: FileDescriptor
    do throws(SystemError) {
      descriptor =
        transport == .udp
        ? try UDPSocket(binding: local).descriptor : try StreamListener(binding: local).descriptor
      try poller.add(descriptor, token: firstToken + UInt64(paths.count))
    } catch {
      // A machine without IPv6 has IPv4 still.
      if error.number == SystemError.familyMissing, paths.count > 0 || local.port > 0 { return }
      throw .failed("can't listen at \(local.address) port \(local.port): \(error)")
    }
    do throws(TLSError) {
      if transport == .udp {
        let server = try DTLSServer(credentials: credentials, limits: limits, now: Clock.now)
        paths.append(.datagrams(UDPSocket(adopting: descriptor), server))
      } else {
        let server = try TLSServer(credentials: credentials, limits: limits, now: Clock.now)
        paths.append(.streams(StreamListener(adopting: descriptor), server))
      }
    } catch { throw .failed(error.words) }
  }

  private func server(_ index: Int) -> PeerServer {
    switch paths[index] {
    case .datagrams(_, let server): server
    case .streams(_, let server): server
    }
  }
}

// MARK: Events

extension Reception {
  /// Whether an event of the poller is for the reception.
  func owns(_ token: UInt64) -> Bool { token >= firstToken }

  /// When `timedOut` is due; nil: not before something comes.
  var nextTimeout: Instant? {
    let own = [ending.first?.due, resumes]
    return (paths.indices.map { server($0).nextTimeout } + own).compactMap { $0 }.min()
  }

  /// Ends handshakes that took too long, and connections whose routers don't read.
  func timedOut(now: Instant) -> [Event] {
    var events: [Event] = []
    while let late = ending.first, late.due <= now {
      ending.removeFirst()
      guard connections[late.peer]?.token == late.token, let index = stream(of: late.peer) else {
        continue
      }
      events += end(late.peer, at: index)
    }
    if let due = resumes, due <= now { takeConnections(true, now: now) }
    for index in paths.indices {
      guard let due = server(index).nextTimeout, due <= now else { continue }
      events += perform(server(index).timedOut(now: now, wall: Clock.wall), at: index)
    }
    return events
  }

  /// Something is ready.
  func ready(_ event: Poller.Event) -> [Event] {
    if let peer = peers[event.token] { return serve(peer, event) }
    let index = Int(event.token - firstToken)
    guard paths.indices.contains(index) else { return [] }
    var events: [Event] = []
    for _ in 0..<Self.eventsPerTurn {
      switch paths[index] {
      case .datagrams(let socket, let server):
        guard let datagram = try? socket.receive() else { return events }
        let peer = PeerAddress(
          remote: datagram.peer.address,
          remotePort: datagram.peer.port,
          local: datagram.local
        )
        let actions = server.received(
          datagram.bytes,
          from: peer,
          now: Clock.now,
          wall: Clock.wall
        )
        events += perform(actions, at: index)
      case .streams(let listener, let server):
        let accepted: StreamSocket?
        do { accepted = try listener.accept() } catch {
          takeConnections(false, now: Clock.now)
          return events
        }
        guard let socket = accepted else { return events }
        let peer = PeerAddress(
          remote: socket.peer,
          remotePort: socket.peerPort,
          local: socket.local
        )
        lastToken += 1
        do { try poller.add(socket.descriptor, token: lastToken) } catch { continue }
        connections[peer] = Connection(socket, token: lastToken)
        peers[lastToken] = peer
        events += perform(server.connected(peer, now: Clock.now), at: index)
      }
    }
    return events
  }

  private func takeConnections(_ isWatching: Bool, now: Instant) {
    resumes = isWatching ? nil : now + Self.pause
    for index in paths.indices {
      guard case .streams(let listener, _) = paths[index] else { continue }
      let token = firstToken + UInt64(index)
      try? poller.change(listener.descriptor, token: token, reading: isWatching, writing: false)
    }
  }

  private func serve(_ peer: PeerAddress, _ event: Poller.Event) -> [Event] {
    guard let connection = connections[peer], let index = stream(of: peer),
      case .streams(_, let server) = paths[index]
    else { return [] }
    do throws(SystemError) {
      if event.isWritable, try flush(connection) { return end(peer, at: index) }
      guard event.isReadable else { return [] }
      // One that ends isn't watched for reading: it is broken.
      if connection.isEnding { return end(peer, at: index) }
      guard let bytes = try connection.socket.receive(limit: Self.portion) else { return [] }
      guard !bytes.isEmpty else { return end(peer, at: index) }
      let actions = server.received(bytes, from: peer, now: Clock.now, wall: Clock.wall)
      return perform(actions, at: index)
    } catch { return end(peer, at: index) }
  }

  /// The listener that a connection came through: the one of its family.
  private func stream(of peer: PeerAddress) -> Int? {
    for index in paths.indices {
      guard case .streams(let listener, _) = paths[index],
        let own = listener.descriptor.ownEnd, own.address.family == peer.local.family
      else { continue }
      return index
    }
    return nil
  }

  private func perform(_ actions: [PeerServer.Action], at index: Int) -> [Event] {
    var events: [Event] = []
    for action in actions {
      switch action {
      case .send(let bytes, let peer): transmit(bytes, to: peer, at: index)
      case .established(let session, let identity, let peer):
        let visitor = Visitor(entrance: index, session: session)
        visitors[visitor] = peer
        let transport: Transport = if case .datagrams = paths[index] { .udp } else { .tcp }
        events.append(.established(visitor, identity, peer, transport))
      case .received(let session, let bytes):
        events.append(.received(Visitor(entrance: index, session: session), bytes))
      case .closed(let session, let reason):
        let visitor = Visitor(entrance: index, session: session)
        let peer = visitors.removeValue(forKey: visitor)
        if let peer, reason != .replaced { finish(peer) }
        events.append(.closed(visitor, reason))
      case .refused(let peer, let failure):
        finish(peer)
        events.append(.refused(peer, failure))
      }
    }
    return events
  }
}

// MARK: Sending

extension Reception {
  /// Sends application data; what can't be sent is lost, like anything on the way.
  func send(_ bytes: [UInt8], to visitor: Visitor) -> [Event] {
    switch paths[visitor.entrance] {
    case .datagrams(_, let server):
      let actions = (try? server.send(bytes, on: visitor.session)) ?? []
      return perform(actions, at: visitor.entrance)
    case .streams(_, let server):
      let actions = (try? server.send(bytes, on: visitor.session)) ?? []
      return perform(actions, at: visitor.entrance)
    }
  }

  /// Ends a session.
  func close(_ visitor: Visitor) {
    _ = perform(server(visitor.entrance).close(visitor.session), at: visitor.entrance)
    if let peer = visitors.removeValue(forKey: visitor) { finish(peer) }
  }

  /// The most that fits one datagram to a router, in bytes; nil on streams.
  func maximumPayload(_ visitor: Visitor) -> Int? {
    guard case .datagrams(_, let server) = paths[visitor.entrance] else { return nil }
    return server.maximumPayload(of: visitor.session)
  }

  private func transmit(_ bytes: [UInt8], to peer: PeerAddress, at index: Int) {
    if case .datagrams(let socket, _) = paths[index] {
      let remote = Endpoint(peer.remote, port: peer.remotePort)
      socket.send(bytes, to: remote, from: peer.local)
      return
    }
    guard let connection = connections[peer] else { return }
    connection.output += bytes
    // A broken connection shows when it is read.
    if (try? flush(connection)) == nil || connection.output.count > Self.maximumOutput {
      try? connection.socket.endSending()
    }
  }

  /// Sends what the kernel takes; whether the connection is at its end.
  private func flush(_ connection: Connection) throws(SystemError) -> Bool {
    connection.output = try connection.socket.send(all: connection.output)
    try watch(connection)
    return connection.isEnding && connection.output.isEmpty
  }

  private func watch(_ connection: Connection) throws(SystemError) {
    try poller.change(
      connection.socket.descriptor,
      token: connection.token,
      reading: !connection.isEnding,
      writing: !connection.output.isEmpty
    )
  }

  /// Ends a router's stream once all is sent.
  private func finish(_ peer: PeerAddress) {
    guard let connection = connections[peer], !connection.isEnding else { return }
    connection.isEnding = true
    if connection.output.isEmpty {
      forget(connection, of: peer)
    } else {
      ending.append((peer, connection.token, Clock.now + Self.endPatience))
      try? watch(connection)
    }
  }

  private func end(_ peer: PeerAddress, at index: Int) -> [Event] {
    guard let connection = connections[peer] else { return [] }
    forget(connection, of: peer)
    guard case .streams(_, let server) = paths[index] else { return [] }
    return perform(server.disconnected(peer), at: index)
  }

  private func forget(_ connection: Connection, of peer: PeerAddress) {
    connections[peer] = nil
    peers[connection.token] = nil
    connection.socket.descriptor.end()
  }
}
