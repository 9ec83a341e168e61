import Bytes
import DOTS
import Dial
import Link
import Linux
import Model
import TLS
import Testing

@testable import SignalFront

/// The key that both ends have.
let key = PresharedKey(identity: "cpe-0001", key: [UInt8](1...32))

private let loopback = IPAddress(v4: 0x7F00_0001)

/// A signal front whose rooms are the test: nothing runs unless it says so.
func front(
  _ callHomes: [CallHomePeer] = [],
  _ listeners: [(Listener, FileDescriptor)] = []
) throws -> SignalFront {
  var settings = SignalSettings()
  settings.callHomes = callHomes
  settings.listeners = listeners.map { $0.0 }
  settings.presharedKeys = [SignalKey(identity: key.identity, key: key.key)]
  var assembly = FrontAssembly()
  var complete: FrontAssembly.Complete?
  for message in try FrontSetup.messages(.blank, settings.encoded(), RoomFiles()) {
    complete = try assembly.receive(FrontSetup(parsing: message))
  }
  return try SignalFront(
    setup: SignalFront.Setup(try #require(complete)),
    descriptors: listeners.map { $0.1 },
    launcher: PacketSocket.pair().0,
    log: Log(room: "test", level: .error)
  )
}

/// The DTLS server of a client that is called.
final class FarEnd {
  let socket: UDPSocket
  let server: DTLSServer
  let port: UInt16
  var sessions: [SessionID] = []
  /// Whether nothing that it says leaves.
  var isMute = false

  init() throws {
    socket = try UDPSocket(binding: Endpoint(loopback, port: 0))
    port = try socket.port()
    server = try DTLSServer(credentials: Credentials(presharedKeys: [key]), now: Clock.now)
  }

  /// Whom the front calls here.
  func peer(_ transports: [Transport] = [.udp]) -> CallHomePeer {
    CallHomePeer(
      section: "noc",
      host: "127.0.0.1",
      name: "cpe-0001",
      port: port,
      transports: transports,
      redirectDomains: []
    )
  }

  /// Answers what has come.
  func serve() throws {
    while let datagram = try socket.receive() {
      let peer = PeerAddress(
        remote: datagram.peer.address,
        remotePort: datagram.peer.port,
        local: datagram.local
      )
      perform(server.received(datagram.bytes, from: peer, now: Clock.now, wall: Clock.wall))
    }
  }

  func perform(_ actions: [PeerServer.Action]) {
    for action in actions {
      switch action {
      case .send(let bytes, let peer) where !isMute:
        socket.send(bytes, to: Endpoint(peer.remote, port: peer.remotePort), from: peer.local)
      case .established(let session, _, _): sessions.append(session)
      default: break
      }
    }
  }
}

extension SignalFront {
  /// Lets things go on until something holds, which takes no second unless it never does.
  func run(beside step: () throws -> Void, until isDone: () -> Bool) throws {
    let end = Clock.now + .seconds(20)
    while !isDone() {
      try #require(Clock.now < end, "nothing happens")
      for event in try poller.wait(timeout: .milliseconds(5)) {
        switch event.token {
        case Token.launcher, Token.core: break
        case ..<Token.connections: serveEntrance(Int(event.token - Token.firstEntrance))
        case ..<Token.attempts:
          serveConnection(UInt32(truncatingIfNeeded: event.token - Token.connections), event)
        default: serveAttempt(event)
        }
      }
      for home in callHomes { goOn(home, now: Clock.now) }
      try step()
    }
  }
}
