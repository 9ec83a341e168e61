import Bytes
import CoAP
import Linux
import Model
import Report
import TLS

/// Waits for a router's call, gives it one command and ends.
final class Waiter {
  private static let signalToken: UInt64 = 0
  /// Others than the one that is spoken with are sent away again.
  private static let sessions = 16

  private let command: Command
  private let cuid: Text
  private let patience: Span
  private let show: (ClientAnswer) -> Void
  private let poller: Poller
  private let signals: SignalReader
  private let reception: Reception
  private let deadline: Instant?
  private var visitor: Reception.Visitor?
  private var conversation: Conversation?
  private var ending: Ending?
  /// Why the last one got no session.
  private var refusal: Text?

  init(
    _ listening: Listening,
    _ command: Command,
    _ credentials: Credentials,
    cuid: Text,
    show: @escaping (ClientAnswer) -> Void
  ) throws(Ending) {
    self.command = command
    self.cuid = cuid
    self.show = show
    patience = listening.patience ?? Call.usualPatience
    deadline = listening.patience.map { Clock.now + $0 }
    do throws(SystemError) {
      poller = try Poller()
      signals = try SignalReader([.interrupt, .terminate, .hangUp])
      try poller.add(signals.descriptor, token: Self.signalToken)
    } catch { throw .failed(error.text) }
    reception = try Reception(
      at: listening.place,
      over: listening.transports,
      credentials,
      sessions: Self.sessions,
      poller: poller,
      firstToken: 1
    )
  }

  /// Runs until the command has its answer; answers how it ended.
  func run() -> Ending {
    while ending == nil {
      do throws(SystemError) { try step() } catch { ending = .failed(error.text) }
    }
    if let visitor { reception.close(visitor) }
    return ending ?? .done
  }

  private func step() throws(SystemError) {
    var due = [reception.nextTimeout, conversation?.nextTimeout].compactMap { $0 }
    if conversation == nil, let deadline { due.append(deadline) }
    let timeout = due.min().map { max($0 - Clock.now, .zero) }
    for event in try poller.wait(timeout: timeout) {
      if reception.owns(event.token) {
        take(reception.ready(event))
      } else if try signals.next() != nil {
        if let conversation {
          perform(conversation.interrupted(now: Clock.now))
        } else {
          ending = .interrupted
        }
      }
    }
    let now = Clock.now
    take(reception.timedOut(now: now))
    if let conversation, let due = conversation.nextTimeout, due <= now {
      perform(conversation.timedOut(now: now))
    }
    if conversation == nil, ending == nil, let deadline, deadline <= now {
      ending = .unreachable("no router has called" + (refusal.map { ": " + $0 } ?? ""))
    }
  }

  private func take(_ events: [Reception.Event]) {
    for event in events where ending == nil {
      switch event {
      case .established(let visitor, _, _, _): begin(visitor)
      case .received(let visitor, let bytes):
        guard visitor == self.visitor, let conversation else { continue }
        perform(conversation.received(bytes, now: Clock.now))
      case .closed(let visitor, let reason):
        if visitor == self.visitor { ending = Ending(reason) }
      case .refused(let peer, let failure): refusal = "\(peer): \(failure)"
      }
    }
  }

  private func begin(_ visitor: Reception.Visitor) {
    guard self.visitor == nil, let seed = try? randomNumber(),
      let layer = try? SessionLayer(reception, visitor)
    else {
      reception.close(visitor)
      return
    }
    self.visitor = visitor
    let conversation = Conversation(
      command,
      cuid: cuid,
      sid: UInt32(truncatingIfNeeded: Clock.wall.seconds),
      over: layer,
      seed: seed,
      patience: patience,
      now: Clock.now
    )
    self.conversation = conversation
    perform(conversation.begin(now: Clock.now))
  }

  private func perform(_ actions: [Conversation.Action]) {
    for action in actions {
      switch action {
      case .send(let bytes): if let visitor { take(reception.send(bytes, to: visitor)) }
      case .tell(let answer): show(answer)
      case .end(let ending): self.ending = self.ending ?? ending
      // Of a session that lasts.
      case .observed, .unobserved: break
      }
    }
  }
}

/// A random number.
func randomNumber() throws(SystemError) -> UInt64 {
  try randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
}

extension SessionLayer {
  /// The layer of a router's fresh session.
  convenience init(
    _ reception: Reception,
    _ visitor: Reception.Visitor
  ) throws(SystemError) {
    guard let room = reception.maximumPayload(visitor) else {
      self.init(StreamLayer())
      return
    }
    self.init(MessageLayer(seed: try randomNumber()))
    maximumSize = min(maximumSize, room)
  }
}
