import Bytes
import COpenSSL
import Model

/// What the connections of a client have in common: what it shows, what it trusts, and what carries
/// them.
public final class Client {
  /// What carries the connections: DTLS 1.2 over datagrams, TLS 1.2 or 1.3 over streams.
  public let transport: Transport
  /// No certificate is checked at an earlier time than this.
  public var timeFloor: UnixTime

  private let fingerprint: [UInt8]
  let desk: Desk
  let datagramLimit: Int?
  let context: TLSContext

  /// Takes the credentials; of the pre-shared keys the first counts.
  ///
  /// `datagramLimit` is the longest datagram that leaves, in bytes without IP and UDP headers: 1232 is
  /// what the least IPv6 path carries (RFC 9132, Section 7.3). Throws when the credentials can't be used.
  public init(
    _ credentials: Credentials,
    over transport: Transport,
    timeFloor: UnixTime = UnixTime(seconds: 0),
    datagramLimit: Int = 1232
  ) throws(TLSError) {
    self.transport = transport
    self.timeFloor = timeFloor
    self.datagramLimit = transport == .udp ? datagramLimit : nil
    desk = try Desk()
    context = try TLSContext(credentials, desk: desk, datagramLimit: self.datagramLimit)
    desk.use(keys: context.keys)
    fingerprint = credentials.fingerprint
  }

  /// Whether these are the credentials that it was made with.
  public func uses(_ credentials: Credentials) -> Bool { credentials.fingerprint == fingerprint }

  /// When the time of the client's own certificate is over; nil when it has none that can be read.
  public var certificateExpires: UnixTime? { context.certificateExpires }
}

/// Whom a client means to reach: what the server's certificate has to hold (RFC 9132, Section 7.1).
public enum ServerName: Equatable, Sendable {
  /// A DNS name: the certificate's dNSNames count, its common name doesn't. The server is told.
  case name(Text)
  /// An address, which the certificate has to name.
  case address(IPAddress)
}

/// A client's end of one session, without the socket.
///
/// The server's datagrams, or its stream's bytes, and the time go in; actions come out. How long a
/// handshake may take is the caller's to say: over datagrams it gives up after 12 repetitions, about a
/// minute, over streams never.
///
/// A server of TLS 1.3 that refuses the client's certificate says so only after `established`: as
/// `closed` with an alert.
public final class ClientConnection {
  /// What the caller has to do, in order.
  public enum Action: Equatable, Sendable {
    /// Send this datagram, or these bytes of the stream.
    case send([UInt8])
    /// The server proved who it is; the session begins. `resumed`: by the ticket.
    ///
    /// A server that knows the pre-shared key is called by the key's identity.
    case established(PeerIdentity, resumed: Bool)
    /// The server sent one application datagram, or the next bytes of the stream.
    case received([UInt8])
    /// The session is over; nothing can be sent on it. Isn't told after `close`.
    case closed(CloseReason)
    /// There will be no session.
    case failed(HandshakeFailure)
  }

  private enum State {
    case handshake
    case session
    case over
  }

  let client: Client
  let connection: Connection
  private let requiresCoAP: Bool
  private var state = State.handshake
  /// There was a session, or is one.
  private var isProven = false
  private var records = StreamRecords(maximumLength: StreamRecords.longest)
  /// What came with the ticket: who issued the server's certificate.
  private var chain: CertificateChain?

  /// When `timedOut` is due; nil: not before the server's next datagram.
  public private(set) var nextTimeout: Instant?

  /// Prepares a connection to a server; nil when memory is short or the name has a NUL.
  ///
  /// `ticket` is what an earlier connection gave as its `ticket`: one that doesn't serve (any more) leads
  /// to a full handshake. On streams `coap` is offered, and the server must choose it unless
  /// `requiresCoAP` is false (RFC 8323, Section 8.2).
  public init?(
    _ client: Client,
    to server: ServerName,
    ticket: [UInt8] = [],
    requiresCoAP: Bool = true,
    wall: UnixTime
  ) {
    client.desk.verificationTime = max(wall, client.timeFloor)
    guard
      let connection = Connection.client(
        client.context,
        desk: client.desk,
        server: server,
        datagramLimit: client.datagramLimit
      )
    else { return nil }
    self.client = client
    self.connection = connection
    self.requiresCoAP = requiresCoAP && client.transport == .tcp
    if !ticket.isEmpty { chain = connection.resume(ticket) }
  }

  /// Begins: the first flight.
  public func start(now: Instant, wall: UnixTime) -> [Action] {
    client.desk.verificationTime = max(wall, client.timeFloor)
    return goOn([], now: now)
  }

  /// A datagram of the server came, or the next bytes of its stream.
  public func received(_ bytes: [UInt8], now: Instant, wall: UnixTime) -> [Action] {
    client.desk.verificationTime = max(wall, client.timeFloor)
    var actions: [Action] = []
    if client.transport == .udp {
      for record in Record.all(in: bytes) {
        if state == .session {
          actions += read(record.bytes)
        } else if record.epoch == Record.plaintext || connection.expectsFinished {
          actions += goOn(record.bytes, now: now)
        }
      }
      return actions
    }
    if state == .handshake { records.append(bytes) }
    guard state == .handshake else { return read(bytes) }
    while state == .handshake {
      switch records.next(isProtected: true) {
      case .nothing: return actions
      case .record(let record): actions += goOn(record, now: now)
      case .fault: return actions + failed(.notTLS)
      }
    }
    return actions + read(records.takeRest())
  }

  /// `nextTimeout` came: repeats a lost flight.
  public func timedOut(now: Instant) -> [Action] {
    guard state == .handshake else { return [] }
    let goesOn = connection.retransmit()
    let actions = sent()
    nextTimeout = connection.flightDue(now: now)
    return goesOn ? actions : actions + failed(.deadline)
  }

  /// The stream under the session ended.
  public func disconnected() -> [Action] {
    defer { state = .over }
    switch state {
    case .handshake: return failed(.disconnected)
    case .session: return [.closed(.connectionLost)]
    case .over: return []
    }
  }

  /// The longest application datagram that `send` takes; on streams, that it takes at a time.
  public var maximumPayload: Int { connection.maximumPayload }

  /// Sends one application datagram, or bytes of any number on a stream.
  ///
  /// Throws when there is no session (yet), or the datagram is longer than `maximumPayload`.
  public func send(_ bytes: [UInt8]) throws(SendFailure) -> [Action] {
    guard state == .session else { throw SendFailure.unknownSession }
    guard client.transport == .tcp else {
      try connection.write(bytes)
      return sent()
    }
    var actions: [Action] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      try connection.write([UInt8](rest.prefix(Connection.maximumRecordPayload)))
      actions += sent()
      rest = rest.dropFirst(Connection.maximumRecordPayload)
    }
    return actions
  }

  /// Ends the session, or the way to it, with a close_notify.
  public func close() -> [Action] {
    guard state != .over else { return [] }
    state = .over
    nextTimeout = nil
    connection.shutdown()
    return sent()
  }

  /// What resumes the session in a later connection to the same server; nil when there is nothing.
  ///
  /// Secret: who has it can read the session. Over streams it comes some time after `established`, and
  /// in TLS 1.3 each serves once. It stays when the session is over.
  public var ticket: [UInt8]? { isProven ? connection.ticket(chain) : nil }

  /// Why the server isn't good under the credentials of `client` at this time; nil: it is.
  ///
  /// OpenSSL by itself keeps a session, however revoked the server's certificate is.
  public func fault(under client: Client, wall: UnixTime) -> CertificateFault? {
    client.desk.verificationTime = max(wall, client.timeFloor)
    return connection.verifyServer(under: client, chain)
  }

  private func goOn(_ record: [UInt8], now: Instant) -> [Action] {
    guard state == .handshake else { return [] }
    let progress = connection.handshake(record)
    let actions = sent()
    nextTimeout = connection.flightDue(now: now)
    switch progress {
    case .pending: return actions
    case .failed(let failure): return actions + failed(failure)
    case .finished: return actions + established()
    }
  }

  private func established() -> [Action] {
    nextTimeout = nil
    guard !requiresCoAP || connection.hasCoAP else {
      connection.shutdown()
      return sent() + failed(.protocolFault(reason: SSL_R_NO_APPLICATION_PROTOCOL))
    }
    guard let identity = connection.serverIdentity else {
      connection.shutdown()
      return sent() + failed(.noCertificate)
    }
    state = .session
    isProven = true
    return [.established(identity, resumed: connection.isResumed)]
  }

  private func read(_ bytes: [UInt8]) -> [Action] {
    guard state == .session, !bytes.isEmpty else { return [] }
    let (messages, end) = connection.read(bytes)
    var actions = sent() + messages.map { .received($0) }
    guard let end else { return actions }
    if end == .closedByPeer {
      connection.shutdown()
      actions += sent()
    }
    state = .over
    return actions + [.closed(end)]
  }

  private func failed(_ failure: HandshakeFailure) -> [Action] {
    state = .over
    nextTimeout = nil
    return [.failed(failure)]
  }

  private func sent() -> [Action] { client.desk.takeDatagrams().map { .send($0) } }
}
