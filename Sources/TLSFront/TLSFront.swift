import Bytes
import Link
import Linux
import Model
import TLS

/// The front of the API at work: TLS towards the home, plain bytes towards the portal.
final class TLSFront {
  /// A client's connection, and the stream to the portal once it has said something.
  final class Relay {
    let socket: StreamSocket
    let tls: StreamConnection
    var portal: StreamSocket?
    /// What the kernel hasn't taken yet for the client.
    var output: [UInt8] = []
    /// Bytes that the client has sent, without TLS.
    var received = 0
    /// The portal has said all.
    var isEnding = false

    init(_ socket: StreamSocket, _ tls: StreamConnection) {
      self.socket = socket
      self.tls = tls
    }
  }

  enum Token {
    static let launcher: UInt64 = 0
    static let portal: UInt64 = 1
    static let firstListener: UInt64 = 16
    /// Plus the connection's number: towards the client, towards the portal.
    static let clients: UInt64 = 1 << 32
    static let streams: UInt64 = 2 << 32
  }

  /// A connection costs OpenSSL up to 50 kB.
  static let limits = ConnectionTable.Limits(connections: 32, perSource: 4, bytes: 131_072)
  static let connectionsPerTurn = 8
  /// Bytes that are read at a time.
  static let readLength = 4096
  /// What a client may send: more than any request that the portal takes.
  static let maximumRequest = 16_384
  /// How long a client may take from its first byte to its request's.
  static let requestPatience = Span.seconds(10)
  /// How long all the rest may take.
  static let answerPatience = Span.seconds(30)
  /// How long a peer may take to close when it has the answer.
  static let endPatience = Span.seconds(2)
  /// How often the certificate is judged again: its time begins and ends.
  static let judgement = Span.seconds(3600)

  let poller: Poller
  let launcher: PacketSocket
  var portal: PacketSocket?
  /// By interface; the poller's number is the place in this list, which stays when one goes.
  var listeners: [(interface: Text, listener: StreamListener?)] = []
  var table = ConnectionTable(TLSFront.limits)
  var relays = Numbered<Relay>()
  var assembly = FrontAssembly()
  var settings: TLSSettings
  var server: StreamServer
  var judgedAt = Clock.now
  var log: Log

  init(
    _ settings: TLSSettings,
    _ files: RoomFiles,
    launcher: PacketSocket,
    log: Log
  ) throws(FrontFault) {
    self.launcher = launcher
    self.log = log
    self.settings = settings
    do { server = try StreamServer(TLS.Credentials(files)) } catch { throw .credentials(error) }
    do {
      poller = try Poller()
      try launcher.watch(with: poller, token: Token.launcher)
    } catch { throw .system("watch sockets", error) }
  }

  /// Serves until the launcher is gone.
  func run() throws(FrontFault) {
    try judge()
    while true {
      let next = table.nextDeadline.map { min($0, judgedAt + Self.judgement) }
      let timeout = (next ?? judgedAt + Self.judgement) - Clock.now
      let events: [Poller.Event]
      do { events = try poller.wait(timeout: timeout) } catch {
        throw .system("wait for events", error)
      }
      for event in events {
        let number = UInt32(truncatingIfNeeded: event.token)
        switch event.token {
        case Token.launcher: guard try serveLauncher() else { return }
        case Token.portal: servePortal(event)
        case Token.streams...: servePortalStream(number)
        case Token.clients...: serveClient(number, event)
        default: try accept(Int(event.token - Token.firstListener))
        }
      }
      let now = Clock.now
      for number in table.expired(now: now) { end(number) }
      if judgedAt + Self.judgement <= now { try judge() }
    }
  }

  /// Tells the launcher whether devices accept the certificate now.
  func judge() throws(FrontFault) {
    judgedAt = Clock.now
    let fault = server.fault(for: settings.name, at: max(Clock.wall, settings.timeFloor))
    if let fault { log.warning("devices won't accept the certificate of the API: \(fault)") }
    try report(.certificate(fault == nil ? server.certificateExpires : nil))
  }
}

extension TLS.Credentials {
  init(_ files: RoomFiles) {
    self.init(
      certificateChain: files[.certificate],
      privateKey: files[.key],
      trust: files[.trust]
    )
  }
}
