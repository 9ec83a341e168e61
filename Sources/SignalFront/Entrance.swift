import Bytes
import CoAP
import DOTS
import Link
import Linux
import Model
import TLS

/// One bound socket and the (D)TLS server on it.
final class Entrance {
  /// What is on the socket.
  enum Path {
    case datagrams(UDPSocket, DTLSServer)
    case streams(StreamListener, TLSServer)
  }

  /// A connection that was accepted.
  final class Connection {
    let socket: StreamSocket
    let peer: PeerAddress
    /// What the kernel hasn't taken yet.
    var output: [UInt8] = []
    /// When it ends at the latest, for it does as soon as all is sent; nil: it goes on.
    var ends: Instant?

    init(_ socket: StreamSocket, _ peer: PeerAddress) {
      self.socket = socket
      self.peer = peer
    }
  }

  let listener: Listener
  let path: Path
  /// Connections and their numbers in the whole room; few, so a list.
  var connections: [(number: UInt32, connection: Connection)] = []
  /// When connections are taken again; nil: they are.
  var resumes: Instant?

  init(
    _ listener: Listener,
    descriptor: FileDescriptor,
    _ setup: SignalFront.Setup
  ) throws(TLSError) {
    self.listener = listener
    let credentials = TLS.Credentials(setup)
    let limits = PeerServer.Limits(sessions: Int(setup.settings.maximumSessions))
    let floor = setup.settings.timeFloor
    switch listener.transport {
    case .udp:
      let server = try DTLSServer(
        credentials: credentials,
        timeFloor: floor,
        limits: limits,
        now: Clock.now
      )
      path = .datagrams(UDPSocket(adopting: descriptor), server)
    case .tcp:
      let server = try TLSServer(
        credentials: credentials,
        timeFloor: floor,
        limits: limits,
        now: Clock.now
      )
      path = .streams(StreamListener(adopting: descriptor), server)
    }
  }

  /// The server, whatever it is on.
  var server: PeerServer {
    switch path {
    case .datagrams(_, let server): server
    case .streams(_, let server): server
    }
  }

  /// When something is due.
  var nextTimeout: Instant? {
    var next = server.nextTimeout
    func consider(_ moment: Instant?) {
      if let moment { next = next.map { min($0, moment) } ?? moment }
    }
    consider(resumes)
    for one in connections { consider(one.connection.ends) }
    return next
  }

  /// Readable when a datagram or a connection waits.
  var descriptor: FileDescriptor {
    switch path {
    case .datagrams(let socket, _): socket.descriptor
    case .streams(let listener, _): listener.descriptor
    }
  }

  func send(_ bytes: [UInt8], on session: SessionID) throws(SendFailure) -> [PeerServer.Action] {
    switch path {
    case .datagrams(_, let server): try server.send(bytes, on: session)
    case .streams(_, let server): try server.send(bytes, on: session)
    }
  }

  /// A fresh session's layer; `seed` is random.
  func layer(of session: SessionID, seed: UInt64) -> SessionLayer {
    switch path {
    case .datagrams(_, let server):
      let layer = SessionLayer(MessageLayer(seed: seed))
      layer.maximumSize = server.maximumPayload(of: session) ?? layer.maximumSize
      return layer
    case .streams: return SessionLayer(StreamLayer())
    }
  }

  func connection(_ number: UInt32) -> Connection? {
    for one in connections where one.number == number { return one.connection }
    return nil
  }

  func number(of peer: PeerAddress) -> UInt32? {
    for one in connections where one.connection.peer == peer { return one.number }
    return nil
  }
}

extension TLS.Credentials {
  init(_ setup: SignalFront.Setup) {
    let files = setup.files
    let revocations = files[.revocations]
    self.init(
      certificateChain: files[.certificate],
      privateKey: files[.key],
      trust: files[.trust],
      revocations: revocations.isEmpty ? nil : revocations,
      presharedKeys: setup.settings.presharedKeys.map {
        PresharedKey(identity: $0.identity, key: $0.key)
      }
    )
  }
}
