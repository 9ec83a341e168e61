import Bytes
import CoAP
import Linux
import Model
import Report
import TLS

/// Carries out one call: finds the server, brings a session up, holds the conversation.
final class Caller {
  private static let signalToken: UInt64 = 0
  /// How many addresses of a name are tried.
  private static let maximumAddresses = 8

  private let call: Call
  private let credentials: Credentials
  private let cuid: Text
  private let memory: Memory?
  /// Shows an answer.
  private let show: (ClientAnswer) -> Void

  private let poller: Poller
  private let signals: SignalReader
  private var clients: [Client] = []
  private var race: Race
  private let deadline: Instant
  private var attempts: [Attempt] = []
  private var winner: Attempt?
  private var conversation: Conversation?
  /// Why attempts failed; the first is what is told.
  private var failures: [Ending] = []
  private(set) var ending: Ending?

  /// Looks the server up and prepares the way to it; throws how the call ends if that fails.
  init(
    _ call: Call,
    _ credentials: Credentials,
    cuid: Text,
    memory: Memory?,
    show: @escaping (ClientAnswer) -> Void
  ) throws(Ending) {
    self.call = call
    self.credentials = credentials
    self.cuid = cuid
    self.memory = memory
    self.show = show
    let candidates = Candidate.all(
      try Self.addresses(of: call.destination),
      over: call.transports,
      known: memory?.known(now: Clock.wall)
    )
    do throws(SystemError) {
      poller = try Poller()
      signals = try SignalReader([.interrupt, .terminate, .hangUp])
      try poller.add(signals.descriptor, token: Self.signalToken)
    } catch {
      throw .failed(error.text)
    }
    race = Race(candidates, now: Clock.now)
    deadline = Clock.now + call.patience
    for transport in call.transports {
      do throws(TLSError) { clients.append(try Client(credentials, over: transport)) } catch {
        throw .failed(error.words)
      }
    }
  }

  private static func addresses(of destination: Destination) throws(Ending) -> [IPAddress] {
    if let address = destination.address { return [address.unmapped] }
    let found = try? preferredAddresses(of: destination.host, limit: maximumAddresses)
    guard let found, !found.isEmpty else {
      throw .unreachable(destination.host + " has no address that could be found")
    }
    return found
  }

  /// Runs until the call has ended; answers how.
  func run() -> Ending {
    while true {
      startAttempts()
      if let ending {
        close()
        return ending
      }
      do throws(SystemError) { try step() } catch { ending = .failed(error.text) }
    }
  }

  /// What the next call needs to resume the session; to be asked before it is closed.
  private(set) var remembered: Memory?

  private func close() {
    guard let winner else { return }
    if let ticket = winner.ticket {
      remembered = Memory(winner.candidate, time: Clock.wall, ticket: ticket)
    }
    winner.close()
  }
}

// MARK: Events

extension Caller {
  private func step() throws(SystemError) {
    let timeout = nextTimeout.map { max($0 - Clock.now, .zero) }
    for event in try poller.wait(timeout: timeout) {
      guard event.token != Self.signalToken else {
        if try signals.next() != nil { interrupted() }
        continue
      }
      let attempt = attempts[Int(event.token) - 1]
      take(attempt.ready(event, now: Clock.now), of: attempt)
      watchWriting(attempt, token: event.token)
    }
    timedOut(now: Clock.now)
  }

  private var nextTimeout: Instant? {
    var due = attempts.compactMap { $0.nextTimeout }
    if winner == nil {
      due.append(deadline)
      if let next = race.nextStart { due.append(next) }
    }
    if let next = conversation?.nextTimeout { due.append(next) }
    return due.min()
  }

  private func timedOut(now: Instant) {
    for attempt in attempts { take(attempt.timedOut(now: now), of: attempt) }
    if let conversation, let due = conversation.nextTimeout, due <= now {
      perform(conversation.timedOut(now: now))
    }
    if winner == nil, ending == nil, deadline <= now {
      ending = worst(.unreachable("no session with \(place): nothing answers"))
    }
  }

  private func interrupted() {
    if let conversation {
      perform(conversation.interrupted(now: Clock.now))
    } else {
      ending = ending ?? .interrupted
    }
  }

  private var place: Text {
    call.destination.host + " port " + Text(decimal: call.destination.port)
  }

  /// What is told when several ways failed: who was refused wants to know that first.
  private func worst(_ last: Ending) -> Ending {
    for failure in failures { if case .denied = failure { return failure } }
    for failure in failures { if case .failed = failure { return failure } }
    return failures.first ?? last
  }
}

// MARK: Attempts

extension Caller {
  private func startAttempts() {
    while winner == nil, ending == nil, let candidate = race.start(now: Clock.now) {
      do throws(SystemError) { try start(candidate) } catch {
        failed(.unreachable("no session with \(candidate.address): \(error)"))
      }
    }
  }

  private func start(_ candidate: Candidate) throws(SystemError) {
    let name = call.serverName ?? call.destination.host
    let server =
      IPAddress(parsing: name).map { ServerName.address($0) } ?? ServerName.name(name)
    guard let client = clients.first(where: { $0.transport == candidate.transport }),
      let connection = ClientConnection(
        client,
        to: server,
        ticket: memory?.ticket(over: candidate.transport) ?? [],
        wall: Clock.wall
      )
    else {
      failed(.failed("no session to '\(name)' can be prepared"))
      return
    }
    let attempt = try Attempt(candidate, port: call.destination.port, connection)
    attempts.append(attempt)
    let token = UInt64(attempts.count)
    try poller.add(attempt.descriptor, token: token, writing: attempt.wantsWriting)
    take(attempt.start(now: Clock.now), of: attempt)
  }

  private func watchWriting(_ attempt: Attempt, token: UInt64) {
    guard attempt.candidate.transport == .tcp else { return }
    try? poller.change(attempt.descriptor, token: token, writing: attempt.wantsWriting)
  }

  private func take(_ events: [Attempt.Event], of attempt: Attempt) {
    for event in events where ending == nil {
      switch event {
      case .established: established(attempt)
      case .received(let bytes):
        if attempt === winner, let conversation {
          perform(conversation.received(bytes, now: Clock.now))
        }
      case .closed(let reason):
        if attempt === winner { ending = Ending(reason) }
      case .failed(let failure): lost(attempt, Ending(failure, at: attempt.candidate.address))
      case .broken(let error):
        lost(attempt, .unreachable("no session with \(attempt.candidate.address): \(error)"))
      }
    }
  }

  /// An attempt that came to nothing, or the session that broke.
  private func lost(_ attempt: Attempt, _ reason: Ending) {
    try? poller.remove(attempt.descriptor)
    if attempt === winner {
      ending = .failed("the session broke: " + reason.text)
    } else if winner == nil {
      failed(reason)
    }
  }

  private func failed(_ reason: Ending) {
    failures.append(reason)
    race.failed(now: Clock.now)
    if race.isLost { ending = worst(reason) }
  }

  private func established(_ attempt: Attempt) {
    guard winner == nil, let seed = try? randomBytes(16) else { return }
    winner = attempt
    for other in attempts where other !== attempt {
      try? poller.remove(other.descriptor)
      other.close()
    }
    let numbers = [seed.prefix(8), seed.suffix(8)].map {
      $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    let session: SessionLayer
    if attempt.candidate.transport == .tcp {
      session = SessionLayer(StreamLayer())
    } else {
      session = SessionLayer(MessageLayer(seed: numbers[0]))
      session.maximumDatagram = min(session.maximumDatagram, attempt.maximumPayload)
    }
    let conversation = Conversation(
      call.command,
      cuid: cuid,
      sid: UInt32(truncatingIfNeeded: Clock.wall.seconds),
      over: session,
      seed: numbers[1],
      patience: call.patience,
      now: Clock.now
    )
    self.conversation = conversation
    perform(conversation.begin(now: Clock.now))
  }

  private func perform(_ actions: [Conversation.Action]) {
    for action in actions {
      switch action {
      case .send(let bytes):
        if let winner { take(winner.send(bytes), of: winner) }
      case .tell(let answer): show(answer)
      case .end(let ending): self.ending = self.ending ?? ending
      }
    }
  }
}

// MARK: Words

extension Ending {
  /// What the end of a handshake means.
  fileprivate init(_ failure: HandshakeFailure, at address: IPAddress) {
    switch failure {
    case .alert: self = .denied(failure.text)
    case .deadline, .disconnected:
      self = .unreachable("no session with \(address): \(failure)")
    case .certificate(let fault):
      self = .failed("the server's certificate isn't good: \(fault)")
    default: self = .failed("no session with \(address): \(failure)")
    }
  }

  /// What the end of a session means that still was needed.
  fileprivate init(_ reason: CloseReason) {
    switch reason {
    case .alert: self = .denied(reason.text)
    default: self = .failed("the session ended too early: " + reason.text)
    }
  }
}

extension TLSError {
  /// What has to be put right.
  fileprivate var words: Text {
    switch self {
    case .certificateUnreadable: "the file of --certificate holds no certificate in PEM"
    case .privateKeyUnreadable: "the file of --key holds no key in PEM without a password"
    case .privateKeyMismatch: "the key of --key isn't that of the certificate"
    case .trustUnreadable: "the file of --trust holds no certificate in PEM"
    case .revocationsUnreadable: "the revocation lists can't be read"
    case .presharedKeyUnusable:
      "a key of 16 to 128 bytes is needed, and an identity of at most 128"
    case .library(let reason): "OpenSSL refused: reason \(reason)"
    }
  }
}
