import Bytes
import CoAP
import DOTS
import Dial
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

  /// A request that core has not answered.
  struct Question {
    /// What the answer is for.
    enum Purpose {
      case answer(ExchangeID, isObserved: Bool)
      /// For all observations of what this registration asks for.
      case notification(of: CoAPMessage)
    }

    let handle: UInt32
    let session: FrontSession
    let purpose: Purpose
    let request: MitigationRequest
    var reports: [MitigationReport] = []
    let deadline: Instant
  }

  enum Token {
    static let launcher: UInt64 = 0
    static let core: UInt64 = 1
    static let firstEntrance: UInt64 = 16
    static let connections: UInt64 = 1 << 32
    static let attempts: UInt64 = 1 << 33
  }

  /// Datagrams or connections of one socket between looks at everything else.
  static let eventsPerTurn = 64
  /// How long core may take with one request: longer than any batch of the kernel.
  static let corePatience = Span.seconds(5)
  /// How long the door to core may be closed.
  ///
  /// A core that died is back sooner; one that closed the door, because it couldn't read what came,
  /// is reached again only by a front that starts anew.
  static let reconnection = Span.seconds(20)
  /// Requests that core may owe answers to; more are refused at once.
  static let maximumQuestions = 256
  /// And to one client: the others must have theirs.
  static let maximumQuestionsOfClient = 32

  let poller: Poller
  let launcher: PacketSocket
  var core: PacketSocket?
  /// Since when there is no door to core.
  var closedSince = Clock.now
  var entrances: [Entrance] = []
  /// Those that it connects to, and what that takes: one for each transport.
  var callHomes: [CallHome] = []
  var diallers: [Client] = []
  /// Whether this process may make sockets.
  let mayDial: Bool
  /// The router's addresses towards the ISP.
  var wan: [IPAddress] = []
  /// By their numbers: the newest is the last.
  var sessions: [FrontSession] = []
  /// Few at a time; a dictionary would be most of the code here.
  var questions: [Question] = []
  var assembly = FrontAssembly()
  var log: Log
  var budget = LineBudget()
  var sessionLines = LineBudget()
  private var lastSession: UInt32 = 0
  private var lastHandle: UInt32 = 0
  private var lastConnection: UInt32 = 0
  private var lastAttempt: UInt64 = 0

  init(
    setup: Setup,
    descriptors: [FileDescriptor],
    launcher: PacketSocket,
    log: Log
  ) throws(FrontFault) {
    self.launcher = launcher
    self.log = log
    mayDial = !setup.settings.callHomes.isEmpty
    do {
      poller = try Poller()
      try launcher.watch(with: poller, token: Token.launcher)
    } catch { throw .system("watch sockets", error) }
    for (listener, descriptor) in zip(setup.settings.listeners, descriptors) {
      let entrance: Entrance
      do { entrance = try Entrance(listener, descriptor: descriptor, setup) } catch {
        throw .credentials(error)
      }
      do {
        let token = Token.firstEntrance + UInt64(entrances.count)
        try poller.add(entrance.descriptor, token: token)
      } catch { throw .system("watch sockets", error) }
      entrances.append(entrance)
    }
    do { try useCallHomes(setup) } catch { throw .credentials(error) }
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
        case ..<Token.connections: serveEntrance(Int(event.token - Token.firstEntrance))
        case ..<Token.attempts:
          serveConnection(UInt32(truncatingIfNeeded: event.token - Token.connections), event)
        default: serveAttempt(event)
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
    for entrance in entrances { consider(entrance.nextTimeout) }
    for session in sessions { consider(session.nextTimeout) }
    for question in questions { consider(question.deadline) }
    for home in callHomes { consider(home.nextTimeout) }
    return next
  }

  private func timedOut() {
    let now = Clock.now
    for (index, entrance) in entrances.enumerated() {
      guard let due = entrance.nextTimeout, due <= now else { continue }
      perform(entrance.server.timedOut(now: now, wall: Clock.wall), at: index)
      timedOut(index, now: now)
    }
    for session in sessions {
      guard let due = session.nextTimeout, due <= now else { continue }
      perform(session.layer.timedOut(now: now), on: session)
      perform(session.heartbeats.timedOut(now: now), on: session)
      if let due = session.pollAt, due <= now { poll(session, now: now) }
    }
    for home in callHomes { goOn(home, now: now) }
    for question in questions where question.deadline <= now {
      answer(
        question.handle,
        .refused(Refusal(.unavailable, mid: question.request.mid, retryAfter: 1))
      )
    }
  }

  func session(_ id: UInt32) -> FrontSession? {
    for session in sessions where session.id == id { return session }
    return nil
  }

  func nextSession() -> UInt32 {
    repeat { lastSession &+= 1 } while lastSession == 0 || session(lastSession) != nil
    return lastSession
  }

  func nextHandle() -> UInt32 {
    repeat { lastHandle &+= 1 } while question(lastHandle) != nil
    return lastHandle
  }

  /// Where the question with this handle is.
  func question(_ handle: UInt32) -> Int? { questions.firstIndex { $0.handle == handle } }

  /// A number for one attempt to connect.
  func nextAttempt() -> UInt64 {
    lastAttempt += 1
    return Token.attempts + lastAttempt
  }

  func nextConnection() -> UInt32 {
    lastConnection &+= 1
    return lastConnection
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
