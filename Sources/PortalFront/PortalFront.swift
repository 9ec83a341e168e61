import Bytes
import HTTP
import Link
import Linux
import Model
import Portal

/// The portal at work: listeners, connections and the doors on one event loop.
final class PortalFront {
  /// One request and its answer.
  final class Connection {
    enum State {
      /// The request is coming.
      case reading
      /// Core is asked.
      case asking(HTTPRequest)
      /// The rest of the answer waits to be sent.
      case writing([UInt8])
      /// All is sent; what the peer still sends is thrown away, so that the answer isn't.
      case ending
    }

    let socket: StreamSocket
    let isSecure: Bool
    var reader = HTTPRequestReader()
    var state = State.reading
    /// Bytes that have come.
    var received = 0

    init(_ socket: StreamSocket, isSecure: Bool) {
      self.socket = socket
      self.isSecure = isSecure
    }

    var place: PortalConnection {
      PortalConnection(peer: socket.peer, local: socket.local, isSecure: isSecure)
    }

    var isAsking: Bool {
      if case .asking = state { return true }
      return false
    }
  }

  enum Token {
    static let launcher: UInt64 = 0
    static let core: UInt64 = 1
    static let relay: UInt64 = 2
    static let firstListener: UInt64 = 16
    /// Plus the connection's number.
    static let connections: UInt64 = 1 << 32
  }

  /// Memory that strangers can claim; `bytes` count requests that are coming and answers that wait.
  static let limits = ConnectionTable.Limits(connections: 192, perSource: 4, bytes: 131_072)
  /// Connections of one listener between looks at everything else.
  static let connectionsPerTurn = 32
  /// Bytes that are read at a time.
  static let readLength = 4096
  /// What a peer may still send while its connection ends.
  static let maximumLeftover = 65_536
  /// How long a request may take to come.
  static let requestPatience = Span.seconds(10)
  /// How long core may take with one.
  static let corePatience = Span.seconds(3)
  /// How long a peer may take to read the answer.
  static let answerPatience = Span.seconds(20)
  /// How long a peer may take to close when it has the answer.
  static let endPatience = Span.seconds(2)
  /// Questions that core may owe answers to; more are refused at once.
  static let maximumQuestions = 64
  /// How long the door to core may be closed.
  ///
  /// A core that died is back sooner; one that closed the door, because it couldn't read what came,
  /// is reached again only by a front that starts anew.
  static let reconnection = Span.seconds(20)

  let poller: Poller
  let launcher: PacketSocket
  var core: PacketSocket?
  /// Since when there is no door to core.
  var closedSince = Clock.now
  var relay: PacketSocket?
  /// By interface; the poller's number is the place in this list, which stays when one goes.
  var listeners: [(interface: Text, listener: StreamListener?)] = []
  var table = ConnectionTable(PortalFront.limits)
  var connections = Numbered<Connection>()
  var questions = 0
  var portal: Portal
  var assembly = FrontAssembly()
  var log: Log
  var lines = LineBudget()

  init(
    _ setup: PortalSetup,
    _ files: RoomFiles,
    launcher: PacketSocket,
    log: Log
  ) throws(FrontFault) {
    self.launcher = launcher
    self.log = log
    portal = Portal(settings: setup.portal, theme: Self.theme(files))
    do {
      poller = try Poller()
      try launcher.watch(with: poller, token: Token.launcher)
    } catch { throw .system("watch sockets", error) }
  }

  static func theme(_ files: RoomFiles) -> PortalTheme {
    PortalTheme(parsing: files[.theme], logo: files[.logo])
  }

  /// Serves until the launcher is gone.
  func run() throws(FrontFault) {
    while true {
      let events: [Poller.Event]
      do { events = try poller.wait(timeout: nextTimeout.map { $0 - Clock.now }) } catch {
        throw .system("wait for events", error)
      }
      for event in events {
        switch event.token {
        case Token.launcher: guard try serveLauncher(event) else { return }
        case Token.core: serveCore(event)
        case Token.relay: serveRelay()
        case Token.connections...: serve(event)
        default: try accept(Int(event.token - Token.firstListener))
        }
      }
      let now = Clock.now
      for number in table.expired(now: now) { timedOut(number) }
      if core == nil, closedSince + Self.reconnection <= now { throw .coreLost }
    }
  }

  private var nextTimeout: Instant? {
    let reconnection = core == nil ? closedSince + Self.reconnection : nil
    guard let next = table.nextDeadline else { return reconnection }
    return reconnection.map { min($0, next) } ?? next
  }

  /// A line about what strangers can cause.
  func note(_ line: () -> Text) {
    guard lines.allows(now: Clock.now) else { return }
    let missing = lines.takeSuppressed()
    if missing > 0 { log.info("\(missing) more lines were not logged") }
    log.info(line())
  }
}
