import Bytes
import Foundation
import Testing

@testable import TLS

/// A server and clients in one process, with a clock that the test sets.
final class Wire {
  let server: DTLSServer
  var now = instant(1000)
  /// An hour ahead, so that what a test issues later is valid already.
  var wall = UnixTime(seconds: UInt64(Date().timeIntervalSince1970) + 3600)
  /// Everything that the server did but sending.
  var log: [DTLSServer.Action] = []
  /// What the server sent to anybody, and what came in, oldest first.
  var sent: [[UInt8]] = []
  var arrived: [[UInt8]] = []

  init(_ credentials: Credentials, limits: DTLSServer.Limits = .init()) throws(TLSError) {
    server = try DTLSServer(credentials: credentials, limits: limits, now: instant(1000))
  }

  /// Lets a client go through its handshake; its session if it gets one.
  @discardableResult
  func connect(_ client: TestClient) -> SessionID? {
    deliver(client.start(), from: client)
    return sessions.last
  }

  /// The sessions that began, oldest first.
  var sessions: [SessionID] {
    log.compactMap { if case .established(let id, _, _) = $0 { id } else { nil } }
  }

  /// Why handshakes failed.
  var refusals: [HandshakeFailure] {
    log.compactMap { if case .refused(_, let failure) = $0 { failure } else { nil } }
  }

  /// Brings datagrams to the server and its answers to the client until both are silent.
  func deliver(_ datagrams: [[UInt8]], from client: TestClient) {
    var waiting = datagrams
    while !waiting.isEmpty {
      let datagram = waiting.removeFirst()
      for answer in receive(datagram, from: client.address) { waiting += client.step(answer) }
    }
  }

  /// Brings one datagram to the server; its answers to that address.
  @discardableResult
  func receive(_ datagram: [UInt8], from peer: PeerAddress) -> [[UInt8]] {
    arrived.append(datagram)
    return take(server.received(datagram, from: peer, now: now, wall: wall), for: peer)
  }

  /// Sorts actions into what is sent to `peer` and the log.
  @discardableResult
  func take(_ actions: [DTLSServer.Action], for peer: PeerAddress) -> [[UInt8]] {
    var answers: [[UInt8]] = []
    for action in actions {
      if case .send(let datagram, let to) = action {
        sent.append(datagram)
        if to == peer { answers.append(datagram) }
      } else {
        log.append(action)
      }
    }
    return answers
  }

  /// Drops what was logged and sent.
  func forget() {
    log = []
    sent = []
    arrived = []
  }

  /// Brings a client as far as its first flight with a cookie, which comes back undelivered.
  func helloWithCookie(_ client: TestClient) -> [[UInt8]] {
    var flight: [[UInt8]] = []
    for datagram in client.start() {
      for answer in receive(datagram, from: client.address) { flight += client.step(answer) }
    }
    return flight
  }
}

/// The tests with sessions, one after another: some measure how long a program of OpenSSL takes.
@Suite(.serialized) struct LiveTests {}

/// The certificates of all tests of this run.
enum Shared {
  struct Certificates: Sendable {
    let authority: Authority
    let server: Holder
    let client: Holder
  }

  static let certificates: Result<Certificates, any Error> = Result {
    let authority = try Authority()
    // What a static property holds is never deinitialised.
    atexit {
      guard let directory = try? Shared.certificates.get().authority.directory else { return }
      try? FileManager.default.removeItem(atPath: directory)
    }
    return Certificates(
      authority: authority,
      server: try authority.issue("router.example", extensions: "server"),
      client: try authority.issue("dots-client")
    )
  }

  /// What the server of a test shows.
  static func serverCredentials() throws -> Credentials {
    let shared = try certificates.get()
    return try shared.authority.credentials(shared.server)
  }
}
