import Bytes
import COpenSSL
import Foundation
import Model

@testable import TLS

/// What carries the sessions of a test.
enum Carrier: CaseIterable, Sendable {
  case datagrams
  case tls12
  case tls13

  var transport: Transport { self == .datagrams ? .udp : .tcp }

  static let streams: [Carrier] = [.tls12, .tls13]
}

/// A client's end and all that it did but sending.
final class Peer {
  let connection: ClientConnection
  let address: PeerAddress
  var log: [ClientConnection.Action] = []
  /// What it sent, and what came for it, oldest first.
  var sent: [[UInt8]] = []
  var arrived: [[UInt8]] = []

  init(_ connection: ClientConnection, _ address: PeerAddress) {
    self.connection = connection
    self.address = address
  }

  /// Whether and how it was established.
  var established: (identity: TLS.PeerIdentity, isResumed: Bool)? {
    for case .established(let identity, let isResumed) in log { return (identity, isResumed) }
    return nil
  }

  var failure: HandshakeFailure? {
    for case .failed(let failure) in log { return failure }
    return nil
  }

  var end: CloseReason? {
    for case .closed(let reason) in log { return reason }
    return nil
  }

  var received: [UInt8] {
    log.flatMap { if case .received(let bytes) = $0 { bytes } else { [UInt8]() } }
  }
}

/// A server and clients, all of them Cordon's, in one process with a clock that the test sets.
final class Ends {
  let carrier: Carrier
  let server: PeerServer
  var now = instant(1000)
  /// Later than any list that a test makes after this.
  var wall = UnixTime(seconds: UInt64(Date().timeIntervalSince1970) + 3600)
  /// How many bytes of a stream come at a time.
  var portion = Int.max
  /// Everything that the server did but sending.
  var log: [PeerServer.Action] = []
  private let datagrams: DTLSServer?
  private let streams: TLSServer?
  private var peers: [Peer] = []
  private var lastPort: UInt16 = 0

  init(
    _ carrier: Carrier,
    _ credentials: Credentials,
    limits: PeerServer.Limits = .init()
  ) throws(TLSError) {
    self.carrier = carrier
    if carrier == .datagrams {
      let server = try DTLSServer(credentials: credentials, limits: limits, now: instant(1000))
      datagrams = server
      streams = nil
      self.server = server
    } else {
      let server = try TLSServer(credentials: credentials, limits: limits, now: instant(1000))
      streams = server
      datagrams = nil
      self.server = server
    }
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

  var closings: [CloseReason] {
    log.compactMap { if case .closed(_, let reason) = $0 { reason } else { nil } }
  }

  /// What a client shows and trusts, to be used over the carrier.
  func client(_ credentials: Credentials) throws(TLSError) -> Client {
    let client = try Client(credentials, over: carrier.transport)
    if carrier == .tls12 {
      SSL_CTX_ctrl(client.context.handle, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
    }
    return client
  }

  /// Prepares a client's end from an address of its own.
  func peer(
    _ client: Client,
    to name: ServerName = .name("router.example"),
    ticket: [UInt8] = [],
    relaxed: Bool = false
  ) throws -> Peer {
    lastPort += 1
    let address = PeerAddress(
      remote: IPAddress(v4: 0xC000_0200 + UInt32(lastPort)),
      remotePort: lastPort,
      local: IPAddress(v4: 0xC000_0202)
    )
    let connection = try required(
      ClientConnection(client, to: name, ticket: ticket, requiresCoAP: !relaxed, wall: wall)
    )
    let peer = Peer(connection, address)
    peers.append(peer)
    return peer
  }

  /// Lets a client go as far as it gets.
  @discardableResult
  func connect(
    _ client: Client,
    to name: ServerName = .name("router.example"),
    ticket: [UInt8] = []
  ) throws -> Peer {
    let peer = try peer(client, to: name, ticket: ticket)
    begin(peer)
    return peer
  }

  /// Lets a prepared client go as far as it gets.
  func begin(_ peer: Peer) {
    if let streams { perform(streams.connected(peer.address, now: now)) }
    perform(peer.connection.start(now: now, wall: wall), of: peer)
  }

  /// Does what the server wants, and all that follows.
  func perform(_ actions: [PeerServer.Action]) {
    for action in actions {
      guard case .send(let bytes, let address) = action else {
        log.append(action)
        continue
      }
      guard let peer = peers.last(where: { $0.address == address }) else { continue }
      peer.arrived.append(bytes)
      for piece in pieces(bytes) {
        perform(peer.connection.received(piece, now: now, wall: wall), of: peer)
      }
    }
  }

  /// Does what a client wants, and all that follows.
  func perform(_ actions: [ClientConnection.Action], of peer: Peer) {
    for action in actions {
      guard case .send(let bytes) = action else {
        peer.log.append(action)
        continue
      }
      peer.sent.append(bytes)
      for piece in pieces(bytes) { perform(receive(piece, from: peer.address)) }
    }
  }

  /// Brings bytes to the server.
  func receive(_ bytes: [UInt8], from address: PeerAddress) -> [PeerServer.Action] {
    datagrams?.received(bytes, from: address, now: now, wall: wall)
      ?? streams?.received(bytes, from: address, now: now, wall: wall) ?? []
  }

  func send(_ bytes: [UInt8], on session: SessionID) throws(SendFailure) {
    if let datagrams { perform(try datagrams.send(bytes, on: session)) }
    if let streams { perform(try streams.send(bytes, on: session)) }
  }

  func send(_ bytes: [UInt8], from peer: Peer) throws(SendFailure) {
    perform(try peer.connection.send(bytes), of: peer)
  }

  func reload(_ credentials: Credentials) throws(TLSError) {
    perform(try server.reload(credentials, wall: wall))
  }

  /// Forgets the clients' ends.
  func forget() {
    peers = []
    log = []
  }

  private func pieces(_ bytes: [UInt8]) -> [[UInt8]] {
    guard carrier != .datagrams, portion < bytes.count else { return [bytes] }
    return stride(from: 0, to: bytes.count, by: portion).map {
      [UInt8](bytes[$0..<min($0 + portion, bytes.count)])
    }
  }
}

private struct Missing: Error {}

private func required<Value>(_ value: Value?) throws -> Value {
  guard let value else { throw Missing() }
  return value
}
