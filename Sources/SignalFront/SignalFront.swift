import Bytes
import CoAP
import DOTS
import Link
import Linux
import Model
import TLS

/// The signal front at work: sockets, sessions and the two doors on one event loop.
final class SignalFront {
  /// All that the launcher tells.
  struct Setup {
    let user: RoomUser
    let settings: SignalSettings
    let files: RoomFiles

    init(_ complete: FrontAssembly.Complete) throws(LinkError) {
      user = complete.user
      settings = try SignalSettings(parsing: complete.settings)
      files = complete.files
    }
  }

  /// A client's session above TLS.
  struct FrontSession {
    let listener: Int
    let tls: SessionID
    let announced: Session
    var layer: MessageLayer
  }

  /// A request that core has not answered.
  struct Question {
    let session: UInt32
    let exchange: ExchangeID
    let request: MitigationRequest
    var reports: [MitigationReport] = []
    let deadline: Instant
  }

  /// One bound socket and the DTLS server on it.
  struct Entrance {
    let socket: UDPSocket
    let server: DTLSServer
    let listener: Listener
    var sessions: [SessionID: UInt32] = .init()
  }

  enum Token {
    static let launcher: UInt64 = 0
    static let core: UInt64 = 1
    static let firstSocket: UInt64 = 16
  }

  /// Datagrams of one socket between looks at everything else.
  static let datagramsPerTurn = 64
  /// How long core may take with one request: longer than any batch of the kernel.
  static let corePatience = Span.seconds(5)
  /// How long the door to core may be closed.
  ///
  /// A core that died is back sooner; one that closed the door, because it couldn't read what came,
  /// is reached again only by a front that starts anew.
  static let reconnection = Span.seconds(20)
  /// Requests that core may owe answers to; more are refused at once.
  static let maximumQuestions = 256

  let poller: Poller
  let launcher: PacketSocket
  var core: PacketSocket?
  /// Since when there is no door to core.
  var closedSince = Clock.now
  var entrances: [Entrance] = []
  var sessions: [UInt32: FrontSession] = .init()
  var questions: [UInt32: Question] = .init()
  var assembly = FrontAssembly()
  var log: Log
  var budget = LineBudget()
  var sessionLines = LineBudget()
  private var lastSession: UInt32 = 0
  private var lastHandle: UInt32 = 0

  init(
    setup: Setup,
    sockets: [UDPSocket],
    launcher: PacketSocket,
    log: Log
  ) throws(FrontFault) {
    self.launcher = launcher
    self.log = log
    do {
      poller = try Poller()
      try launcher.watch(with: poller, token: Token.launcher)
      for (index, socket) in sockets.enumerated() {
        try poller.add(socket.descriptor, token: Token.firstSocket + UInt64(index))
      }
    } catch { throw .system("watch sockets", error) }
    for (listener, socket) in zip(setup.settings.listeners, sockets) {
      let server = try Self.server(setup)
      entrances.append(Entrance(socket: socket, server: server, listener: listener))
    }
  }

  private static func server(
    _ setup: Setup
  ) throws(FrontFault) -> DTLSServer {
    do {
      return try DTLSServer(
        credentials: TLS.Credentials(setup.files),
        timeFloor: setup.settings.timeFloor,
        limits: DTLSServer.Limits(sessions: Int(setup.settings.maximumSessions)),
        now: Clock.now
      )
    } catch { throw .credentials(error) }
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
        default: serveSocket(Int(event.token - Token.firstSocket))
        }
      }
      timedOut()
      if core == nil, closedSince + Self.reconnection <= Clock.now { throw .coreLost }
    }
  }

  private var nextTimeout: Instant? {
    var next: Instant?
    func consider(_ moment: Instant?) {
      if let moment { next = next.map { min($0, moment) } ?? moment }
    }
    if core == nil { consider(closedSince + Self.reconnection) }
    for entrance in entrances { consider(entrance.server.nextTimeout) }
    for session in sessions.values { consider(session.layer.nextTimeout) }
    for question in questions.values { consider(question.deadline) }
    return next
  }

  private func timedOut() {
    let now = Clock.now
    for index in entrances.indices {
      guard let due = entrances[index].server.nextTimeout, due <= now else { continue }
      perform(entrances[index].server.timedOut(now: now, wall: Clock.wall), at: index)
    }
    for id in sessions.keys.ordered() {
      guard let due = sessions[id]?.layer.nextTimeout, due <= now else { continue }
      let actions = sessions[id]?.layer.timedOut(now: now) ?? []
      perform(actions, on: id)
    }
    for handle in questions.keys.ordered() {
      guard let question = questions[handle], question.deadline <= now else { continue }
      answer(handle, .refused(Refusal(.unavailable, mid: question.request.mid, retryAfter: 1)))
    }
  }

  private func serveSocket(_ index: Int) {
    guard entrances.indices.contains(index) else { return }
    for _ in 0..<Self.datagramsPerTurn {
      guard let datagram = try? entrances[index].socket.receive() else { return }
      let peer = PeerAddress(
        remote: datagram.peer.address,
        remotePort: datagram.peer.port,
        local: datagram.local
      )
      let actions = entrances[index].server.received(
        datagram.bytes,
        from: peer,
        now: Clock.now,
        wall: Clock.wall
      )
      perform(actions, at: index)
    }
  }

  func nextSession() -> UInt32 {
    repeat { lastSession &+= 1 } while lastSession == 0 || sessions[lastSession] != nil
    return lastSession
  }

  func nextHandle() -> UInt32 {
    repeat { lastHandle &+= 1 } while questions[lastHandle] != nil
    return lastHandle
  }
}

extension TLS.Credentials {
  init(_ files: RoomFiles) {
    let revocations = files[.revocations]
    self.init(
      certificateChain: files[.certificate],
      privateKey: files[.key],
      trust: files[.trust],
      revocations: revocations.isEmpty ? nil : revocations
    )
  }
}

extension MitigationRequest {
  /// The mitigation concerned; nil for a retrieval of all.
  var mid: UInt32? {
    switch self {
    case .mitigate(let name, _, _, _), .mitigateNew(let name, _, _), .withdraw(let name): name.mid
    case .retrieve(_, _, let mid, _): mid
    }
  }
}
