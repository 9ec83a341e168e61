import Bytes

/// What servers over datagrams and over streams have in common: peers on their way to a session, and
/// sessions.
///
/// What peers send and the time go in, actions come out.
public class PeerServer {
  /// What the caller has to do, in order.
  public indirect enum Action: Equatable, Sendable {
    /// Send this datagram from `local` of the address to its remote side, or these bytes on the peer's
    /// stream.
    case send([UInt8], to: PeerAddress)
    /// A client proved who it is; its session begins.
    case established(SessionID, PeerIdentity, PeerAddress)
    /// The client sent one application datagram, or the next bytes of its stream.
    case received(SessionID, [UInt8])
    /// The session is over; nothing can be sent on it. Isn't told of a session closed by `close`. Its
    /// stream ends when all is sent.
    case closed(SessionID, CloseReason)
    /// A peer that proved its address got no session: worth a line in the log, whose number the
    /// caller bounds. Its stream ends when all is sent.
    case refused(PeerAddress, HandshakeFailure)
  }

  /// How much a server may hold and send.
  public struct Limits: Equatable, Sendable {
    /// How many sessions there are at most; each costs up to 50 kB.
    public var sessions: Int
    /// The longest datagram that leaves, in bytes without IP and UDP headers: 512 to 16384.
    ///
    /// 1232 is what the least IPv6 path carries (RFC 9132, Section 7.3). Means nothing for streams.
    public var datagram: Int
    /// How many handshakes may be half open, at least 8; each costs some 60 kB.
    public var halfOpen: Int

    /// Sets limits.
    public init(sessions: Int = 64, datagram: Int = 1232, halfOpen: Int = 16) {
      self.sessions = sessions
      self.datagram = datagram
      self.halfOpen = halfOpen
    }
  }

  /// A client that proved who it is.
  final class Session {
    let id: SessionID
    let peer: PeerAddress
    let connection: Connection
    /// Of the ClientHello that began it, of which a copy begins nothing; empty on streams.
    let clientRandom: [UInt8]
    /// What tells the client from others.
    let client: [UInt8]
    /// How many sessions the client has.
    var siblings = 0
    /// Grows from message to message of all sessions: the least was heard from longest ago.
    var heard: UInt64
    var answeredHelloAt: Instant?

    init(
      _ id: SessionID,
      of handshake: Handshake,
      client: [UInt8],
      heard: UInt64
    ) {
      self.id = id
      peer = handshake.peer
      connection = handshake.connection
      clientRandom = handshake.clientRandom
      self.client = client
      self.heard = heard
    }
  }

  /// A handshake under way, beside the peer's session if it has one.
  final class Handshake {
    let peer: PeerAddress
    let connection: Connection
    let clientRandom: [UInt8]
    /// A stream's bytes that are no whole record yet.
    var records = StreamRecords()

    init(_ connection: Connection, with peer: PeerAddress, clientRandom: [UInt8] = []) {
      self.peer = peer
      self.connection = connection
      self.clientRandom = clientRandom
    }
  }

  /// How often half-open handshakes are looked after.
  static let tick = Span.milliseconds(100)
  /// How long tickets are sealed with one key.
  static let ticketKeyLifetime = Span.seconds(86400)

  let limits: Limits
  let desk: Desk
  private let isStream: Bool
  private(set) var context: TLSContext
  final var known: KnownPrefixes
  final var halfOpen: HalfOpenTable
  final let failures = FailureTable()
  /// Lists, not dictionaries: of so few that a search costs nothing, and a fraction of the code.
  final var handshakes: [Handshake] = []
  /// By their names: the newest is the last.
  final var sessions: [Session] = []
  private var ticketKeys: [UInt8]
  private var ticketKeysMadeAt: Instant
  private var lastSession: UInt64 = 0
  private var lastHeard: UInt64 = 0
  private var lastTick: Instant
  /// When something came in, or was due, last.
  private var lastEvent: Instant

  /// No certificate is checked at an earlier time than this: a router without a battery starts in
  /// 1970.
  public final var timeFloor: UnixTime

  init(
    _ credentials: Credentials,
    expected: [Prefix],
    timeFloor: UnixTime,
    limits: Limits,
    isStream: Bool,
    now: Instant
  ) throws(TLSError) {
    guard let ticketKeys = randomBytes(TLSContext.ticketKeyLength) else {
      throw TLSError.library(reason: 0)
    }
    desk = try Desk()
    context = try TLSContext(
      credentials,
      ticketKeys: ticketKeys,
      desk: desk,
      datagramLimit: isStream ? nil : limits.datagram
    )
    desk.use(keys: context.keys)
    known = KnownPrefixes(configured: expected)
    halfOpen = HalfOpenTable(maximumCount: limits.halfOpen)
    self.limits = limits
    self.isStream = isStream
    self.timeFloor = timeFloor
    self.ticketKeys = ticketKeys
    ticketKeysMadeAt = now
    lastTick = now
    lastEvent = now
  }

  /// How many sessions there are.
  public final var sessionCount: Int { sessions.count }

  /// When the time of the server's own certificate is over; nil when it can't be read.
  public final var certificateExpires: UnixTime? { context.certificateExpires }

  /// How many handshakes are half open.
  public final var halfOpenCount: Int { halfOpen.count }

  /// When `timedOut` is due; nil: not before the next datagram.
  public final var nextTimeout: Instant? {
    halfOpen.nextDeadline.map { isStream ? $0 : min($0, lastTick + Self.tick) }
  }

  /// `nextTimeout` came: repeats lost flights and ends handshakes that took too long.
  public final func timedOut(now: Instant, wall: UnixTime) -> [Action] {
    desk.verificationTime = max(wall, timeFloor)
    lastTick = now
    lastEvent = now
    var actions: [Action] = []
    for peer in halfOpen.expired(now: now) {
      end(peer)
      actions.append(failed(peer, .deadline))
    }
    guard !isStream else { return actions }
    for peer in halfOpen.peers {
      guard let handshake = self.handshake(with: peer) else { continue }
      let goesOn = handshake.connection.retransmit()
      actions += sent(to: peer)
      if !goesOn {
        end(peer)
        actions.append(failed(peer, .deadline))
      }
    }
    return actions
  }

  /// A peer that proved its address got no session by its own fault.
  final func failed(_ peer: PeerAddress, _ failure: HandshakeFailure) -> Action {
    failures.failed(peer, now: lastEvent)
    return .refused(peer, failure)
  }

  /// Ends a session with a close_notify; does nothing for an unknown one.
  public final func close(_ session: SessionID) -> [Action] {
    guard let session = self.session(session) else { return [] }
    forget(session)
    session.connection.shutdown()
    return sent(to: session.peer)
  }

  /// Goes on with other credentials.
  ///
  /// Ends each session whose client's certificate isn't good under them, or whose key isn't there. A
  /// handshake under way is judged by them at its end.
  ///
  /// OpenSSL by itself serves a live session, and resumes one, however revoked its certificate is.
  /// When it throws, nothing has changed.
  public final func reload(_ credentials: Credentials, wall: UnixTime) throws(TLSError) -> [Action]
  {
    desk.verificationTime = max(wall, timeFloor)
    context = try TLSContext(
      credentials,
      ticketKeys: ticketKeys,
      desk: desk,
      datagramLimit: isStream ? nil : limits.datagram
    )
    desk.use(keys: context.keys)
    var actions: [Action] = []
    for session in sessions {
      guard let fault = session.connection.verifyPeer(with: context) else { continue }
      actions += close(session.id)
      actions.append(.closed(session.id, .certificate(fault)))
    }
    return actions
  }

  /// Notes when a session is heard from, among all.
  final func nextHeard() -> UInt64 {
    lastHeard += 1
    return lastHeard
  }

  /// Frees the place of a session for one more of `client`: of its own that it was heard on longest
  /// ago, else of who has most.
  ///
  /// A client that lost its sessions, by a power cut or a NAT that forgot it, can't close them: they
  /// must not lock it out. One that holds many pushes out its own, and is pushed out by others.
  final func makeRoom(for client: [UInt8]) -> [Action] {
    var most = 0
    var oldest: Session?
    for session in sessions {
      let count = session.client == client ? Int.max : session.siblings
      guard count > most || count == most && session.heard < oldest?.heard ?? .max else { continue }
      most = count
      oldest = session
    }
    guard let oldest else { return [] }
    return close(oldest.id) + [.closed(oldest.id, .evicted)]
  }

  /// The next name for a session.
  final func nextSession() -> SessionID {
    lastSession += 1
    return SessionID(number: lastSession)
  }

  /// Picks up what OpenSSL wrote for `peer`.
  final func sent(to peer: PeerAddress) -> [Action] {
    desk.takeDatagrams().map { .send($0, to: peer) }
  }

  /// The handshake under way with `peer`.
  final func handshake(with peer: PeerAddress) -> Handshake? {
    for handshake in handshakes where handshake.peer == peer { return handshake }
    return nil
  }

  /// The session of `peer`.
  final func session(with peer: PeerAddress) -> Session? {
    for session in sessions where session.peer == peer { return session }
    return nil
  }

  /// The session of that name.
  final func session(_ id: SessionID) -> Session? {
    for session in sessions where session.id == id { return session }
    return nil
  }

  /// Has one more session.
  final func add(_ session: Session) {
    sessions.append(session)
    count(session.client)
  }

  /// Forgets a session.
  final func forget(_ session: Session) {
    sessions.removeAll { $0 === session }
    count(session.client)
  }

  /// Counts a client's sessions, once for each change of them: to count everybody's whenever there is
  /// no room took long with many.
  private func count(_ client: [UInt8]) {
    var count = 0
    for session in sessions where session.client == client { count += 1 }
    for session in sessions where session.client == client { session.siblings = count }
  }

  /// Forgets a handshake.
  final func end(_ peer: PeerAddress) {
    halfOpen.remove(peer)
    handshakes.removeAll { $0.peer == peer }
  }

  /// Something came in: `wall` is the time at which certificates have to be valid.
  final func note(now: Instant, wall: UnixTime) {
    lastEvent = now
    desk.verificationTime = max(wall, timeFloor)
    guard now - ticketKeysMadeAt >= Self.ticketKeyLifetime,
      let keys = randomBytes(TLSContext.ticketKeyLength)
    else { return }
    do throws(TLSError) {
      try context.set(ticketKeys: keys)
      ticketKeys = keys
    } catch {
      // The old keys stay; the next try is as far away as after a success.
    }
    ticketKeysMadeAt = now
  }
}
