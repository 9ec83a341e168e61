import Bytes

/// The server's end of all TLS 1.2 and 1.3 sessions of one listener whose clients prove who they are,
/// without the sockets.
///
/// The caller tells of each connection that it accepted, what came on it and when it ended; it ends a
/// stream when its peer was refused or its session is closed. Connections that aren't sessions yet are
/// few and short-lived: who has no place among them gets none. Early data isn't taken (RFC 9132, Section
/// 7.2).
public final class TLSServer: PeerServer {
  /// Starts with no session.
  ///
  /// `expected` are prefixes that clients are known to come from: under a flood they come first.
  /// Throws when the credentials can't be used.
  public init(
    credentials: Credentials,
    expected: [Prefix] = [],
    timeFloor: UnixTime = UnixTime(seconds: 0),
    limits: Limits = Limits(),
    now: Instant
  ) throws(TLSError) {
    try super.init(
      credentials,
      expected: expected,
      timeFloor: timeFloor,
      limits: limits,
      isStream: true,
      now: now
    )
  }

  /// A connection was accepted.
  ///
  /// The peer is refused at once when there is no place for it.
  public func connected(_ peer: PeerAddress, now: Instant) -> [Action] {
    var actions: [Action] = []
    guard admit(peer, &actions, now: now),
      let connection = Connection(context: context, desk: desk, datagramLimit: nil)
    else {
      end(peer)
      return actions + [
        .refused(peer, failures.refuses(peer, now: now) ? .failedOften : .full)
      ]
    }
    handshakes.append(Handshake(connection, with: peer))
    return actions
  }

  /// Bytes came on a connection; `wall` is the time at which certificates have to be valid.
  ///
  /// Those of an unknown connection are dropped.
  public func received(
    _ bytes: [UInt8],
    from peer: PeerAddress,
    now: Instant,
    wall: UnixTime
  ) -> [Action] {
    note(now: now, wall: wall)
    if let session = session(with: peer) { return take(bytes, in: session) }
    guard let handshake = handshake(with: peer) else { return [] }
    handshake.records.append(bytes)
    var actions: [Action] = []
    while self.handshake(with: peer) != nil {
      switch handshake.records.next(isProtected: handshake.connection.expectsFinished) {
      case .nothing: return actions
      case .record(let record):
        actions += progressed(handshake.connection.handshake(record), of: handshake)
      case .fault:
        end(peer)
        return actions + [failed(peer, .notTLS)]
      }
    }
    if let session = session(with: peer) {
      actions += take(handshake.records.takeRest(), in: session)
    }
    return actions
  }

  /// A connection ended: its peer closed it, or the network did.
  public func disconnected(_ peer: PeerAddress) -> [Action] {
    end(peer)
    guard let session = session(with: peer) else { return [] }
    forget(session)
    return [.closed(session.id, .connectionLost)]
  }

  /// Sends bytes on a session's stream.
  ///
  /// Throws when there is no such session.
  public func send(_ bytes: [UInt8], on session: SessionID) throws(SendFailure) -> [Action] {
    guard let session = self.session(session) else { throw SendFailure.unknownSession }
    var actions: [Action] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      try session.connection.write([UInt8](rest.prefix(Connection.maximumRecordPayload)))
      actions += sent(to: session.peer)
      rest = rest.dropFirst(Connection.maximumRecordPayload)
    }
    return actions
  }
}
