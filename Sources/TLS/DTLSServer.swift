import Bytes

/// The server's end of all DTLS 1.2 sessions of one socket, without the socket (RFC 6347).
///
/// Datagrams and the time go in, actions come out. A peer that hasn't proved its address costs no
/// memory; one that hasn't proved who it is, little and not for long. Nothing that a stranger sends
/// ends a session.
public final class DTLSServer: PeerServer {
  /// A session's client gets a HelloVerifyRequest this often at most: an old client that blocks on
  /// one would be stalled by forged ClientHellos.
  static let helloAnswerInterval = Span.seconds(1)
  /// Bytes of HelloVerifyRequest for each 10 bytes that asked for it.
  static let amplificationTenths = 7
  private static let cookieKeyLength = 32

  var gate: CookieGate
  var budget: ReplyBudget

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
    guard let cookieKey = randomBytes(Self.cookieKeyLength) else {
      throw TLSError.library(reason: 0)
    }
    gate = CookieGate(key: cookieKey, now: now)
    budget = ReplyBudget(now: now)
    try super.init(
      credentials,
      expected: expected,
      timeFloor: timeFloor,
      limits: limits,
      isStream: false,
      now: now
    )
  }

  /// The longest application datagram that `send` takes; nil for an unknown session.
  public func maximumPayload(of session: SessionID) -> Int? {
    self.session(session)?.connection.maximumPayload
  }

  /// A datagram came in; `wall` is the time at which certificates have to be valid.
  public func received(
    _ datagram: [UInt8],
    from peer: PeerAddress,
    now: Instant,
    wall: UnixTime
  ) -> [Action] {
    note(now: now, wall: wall)
    if gate.isStale(now: now), let key = randomBytes(Self.cookieKeyLength) {
      gate.rotate(to: key, now: now)
    }
    let records = Record.all(in: datagram)
    guard let first = records.first else { return [] }
    if let hello = ClientHello(first), handshake(with: peer)?.clientRandom != hello.random {
      return received(hello, in: records, from: peer, now: now)
    }
    return take(records[...], from: peer)
  }

  /// Sends one application datagram.
  ///
  /// Throws when there is no such session, or the datagram is longer than `maximumPayload`.
  public func send(_ bytes: [UInt8], on session: SessionID) throws(SendFailure) -> [Action] {
    guard let session = self.session(session) else { throw SendFailure.unknownSession }
    try session.connection.write(bytes)
    return sent(to: session.peer)
  }
}
