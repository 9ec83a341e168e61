import Bytes
import DOTS
import Linux
import Model
import TLS

/// One way to a (D)TLS server that is tried: a socket, and the client's end of a session on it.
public final class Attempt {
  /// What the owner learns, in order.
  public enum Event {
    /// The server proved who it is.
    case established(TLS.PeerIdentity)
    /// It sent a datagram, or the next bytes of the stream.
    case received([UInt8])
    /// The session is over.
    case closed(CloseReason)
    /// There will be no session.
    case failed(HandshakeFailure)
    /// The connection can't be made, or is broken.
    case broken(SystemError)
    /// Nothing has come for so long that another is better begun beside it.
    case stalled
  }

  private enum Path {
    case datagrams(UDPSocket)
    case stream(StreamSocket)
  }

  /// What is read of a stream at a time, in bytes.
  private static let portion = 16_384
  /// From one connect to the next while nothing comes: the kernel's own pauses double (RFC 9132,
  /// Section 4.7).
  private static let streamPatience = Span.seconds(5)
  /// After how long without a word a server has forgotten a handshake over datagrams.
  private static let datagramPatience = Span.seconds(10)
  /// Datagrams or portions between looks at everything else: the peer's address may be forged.
  private static let readsPerTurn = 32

  /// The way.
  public let candidate: Candidate
  /// The poller's number of its socket.
  public let token: UInt64
  private let endpoint: Endpoint
  private let connection: ClientConnection
  private let path: Path
  private var isConnecting: Bool
  private var isOver = false
  private var hasSession = false
  private var backlog: [UInt8] = []
  /// When it will have stalled; nil: it has, or there is a session, or no datagram has come yet, for
  /// then the first is repeated anyway.
  private var stalls: Instant?
  /// Whether nothing has come for long.
  public private(set) var isStalled = false

  /// Makes the socket; the session begins with `start`.
  ///
  /// Throws when there is no way to the address.
  public init(
    _ candidate: Candidate,
    port: UInt16,
    _ connection: ClientConnection,
    token: UInt64
  ) throws(SystemError) {
    self.candidate = candidate
    self.connection = connection
    endpoint = Endpoint(candidate.address, port: port)
    self.token = token
    isConnecting = candidate.transport == .tcp
    let socket = try FileDescriptor.connect(to: endpoint, isStream: isConnecting)
    let address = candidate.address
    path =
      isConnecting
      ? .stream(StreamSocket(adopting: socket, peer: address, local: address))
      : .datagrams(UDPSocket(adopting: socket))
  }

  /// What to wait for.
  public var descriptor: FileDescriptor {
    switch path {
    case .datagrams(let socket): socket.descriptor
    case .stream(let socket): socket.descriptor
    }
  }

  /// Whether writing is waited for as well.
  public var wantsWriting: Bool { isConnecting || !backlog.isEmpty }

  /// How many bytes of a stream the kernel hasn't taken yet.
  public var waiting: Int { backlog.count }

  /// When `timedOut` has something to do; nil for never.
  public var nextTimeout: Instant? {
    guard !isOver, let stalls else { return isOver ? nil : connection.nextTimeout }
    return connection.nextTimeout.map { min($0, stalls) } ?? stalls
  }

  /// The most that fits one datagram, in bytes.
  public var maximumPayload: Int { connection.maximumPayload }

  /// What resumes the session later; nil when there is nothing.
  public var ticket: [UInt8]? { connection.ticket }

  /// Begins; a stream has to be connected before.
  public func start(now: Instant) -> [Event] {
    if candidate.transport == .tcp { went(now: now) }
    return isConnecting ? [] : perform(connection.start(now: now, wall: Clock.wall))
  }

  /// It got on.
  private func went(now: Instant) {
    guard !hasSession else { return }
    isStalled = false
    let isStream = candidate.transport == .tcp
    stalls = now + (isStream ? Self.streamPatience : Self.datagramPatience)
  }

  /// The socket is ready.
  public func ready(_ event: Poller.Event, now: Instant) -> [Event] {
    guard !isOver else { return [] }
    do throws(SystemError) {
      if case .stream(let socket) = path {
        if isConnecting {
          guard event.isWritable || event.isReadable else { return [] }
          try socket.connected()
          isConnecting = false
          return start(now: now)
        }
        try flush(socket)
        guard event.isReadable else { return [] }
      }
      return try receive(now: now)
    } catch {
      isOver = true
      return [.broken(error)]
    }
  }

  /// `nextTimeout` came.
  public func timedOut(now: Instant) -> [Event] {
    var events: [Event] = []
    if let due = stalls, due <= now, !isOver {
      stalls = nil
      isStalled = true
      events.append(.stalled)
    }
    guard let due = nextTimeout, due <= now else { return events }
    return events + perform(connection.timedOut(now: now))
  }

  /// Sends application data; what can't be sent is lost, like anything on the way.
  public func send(_ bytes: [UInt8]) -> [Event] {
    guard let actions = try? connection.send(bytes) else { return [] }
    return perform(actions)
  }

  /// Ends the session at the server too, as far as the kernel takes it at once.
  public func close() {
    guard !isOver, !isConnecting else { return }
    _ = perform(connection.close())
    isOver = true
  }

  private func receive(now: Instant) throws(SystemError) -> [Event] {
    var events: [Event] = []
    for _ in 0..<Self.readsPerTurn where !isOver {
      let bytes: [UInt8]
      switch path {
      case .datagrams(let socket):
        // From the peer alone: the socket is connected.
        guard let datagram = try socket.receive() else { return events }
        bytes = datagram.bytes
      case .stream(let socket):
        guard let more = try socket.receive(limit: Self.portion) else { return events }
        if more.isEmpty { return events + perform(connection.disconnected()) }
        bytes = more
      }
      went(now: now)
      events += perform(connection.received(bytes, now: now, wall: Clock.wall))
    }
    return events
  }

  private func perform(_ actions: [ClientConnection.Action]) -> [Event] {
    var events: [Event] = []
    for action in actions {
      switch action {
      case .send(let bytes): transmit(bytes)
      case .established(let identity, _):
        hasSession = true
        stalls = nil
        events.append(.established(identity))
      case .received(let bytes): events.append(.received(bytes))
      case .closed(let reason):
        isOver = true
        events.append(.closed(reason))
      case .failed(let failure):
        isOver = true
        events.append(.failed(failure))
      }
    }
    return events
  }

  private func transmit(_ bytes: [UInt8]) {
    switch path {
    case .datagrams(let socket):
      socket.send(bytes, to: endpoint, from: endpoint.address.unspecified)
    case .stream(let socket):
      backlog += bytes
      // A broken connection shows when it is read.
      try? flush(socket)
    }
  }

  private func flush(_ socket: StreamSocket) throws(SystemError) {
    let count = try socket.send(backlog)
    backlog.removeFirst(count)
  }
}

extension IPAddress {
  /// The address of the same family that means any of this machine's.
  fileprivate var unspecified: IPAddress {
    family == .v6 ? IPAddress(v6High: 0, low: 0) : IPAddress(v4: 0)
  }
}
