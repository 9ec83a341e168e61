import Bytes
import CoAP
import DOTS
import Dial
import Linux
import Model
import TLS

extension Caller {
  func startAttempts() {
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
    let token = UInt64(attempts.count) + 1
    let attempt = try Attempt(
      candidate,
      port: call.destination.port,
      connection,
      token: token
    )
    attempts.append(attempt)
    try poller.add(attempt.descriptor, token: token, writing: attempt.wantsWriting)
    take(attempt.start(now: Clock.now), of: attempt)
  }

  func watchWriting(_ attempt: Attempt, token: UInt64) {
    guard attempt.candidate.transport == .tcp else { return }
    try? poller.change(attempt.descriptor, token: token, writing: attempt.wantsWriting)
  }

  func take(_ events: [Attempt.Event], of attempt: Attempt) {
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
      case .stalled: race.stalled(attempt.candidate)
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
      session.maximumSize = min(session.maximumSize, attempt.maximumPayload)
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

  func perform(_ actions: [Conversation.Action]) {
    for action in actions {
      switch action {
      case .send(let bytes):
        if let winner { take(winner.send(bytes), of: winner) }
      case .tell(let answer): show(answer)
      case .end(let ending): self.ending = self.ending ?? ending
      // Of a session that lasts.
      case .observed, .unobserved: break
      }
    }
  }
}
