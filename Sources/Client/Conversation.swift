import Bytes
import CoAP
import DOTS
import Model
import Report

/// One command and what follows from it on a session that is up.
///
/// Makes no I/O: what the server sends, the user's interruption and the time go in, actions come
/// out; `timedOut` wants to be called at `nextTimeout`.
public final class Conversation {
  /// What the caller has to do, in order.
  public enum Action: Equatable {
    /// Send this datagram, or these bytes of the stream.
    case send([UInt8])
    /// Show this.
    case tell(ClientAnswer)
    /// Show this to who watches under this number.
    case observed(UInt64, ClientAnswer)
    /// What is watched under this number comes to its end.
    case unobserved(UInt64, Ending)
    /// Close the session; nothing more comes.
    case end(Ending)
  }

  /// How long an answer is waited for before a non-confirmable request is sent again: the least
  /// that who doesn't know the round-trip time may wait (RFC 9132, Section 4.4).
  static let repetitionInterval = Span.seconds(3)

  /// What is asked now; nil: nothing.
  private(set) var command: Command?
  private(set) var sid: UInt32
  private var request: CoAPMessage?
  /// Whether the session goes on after a command.
  private let isLasting: Bool
  let client: ClientLayer
  let patience: Span

  private var exchange: ExchangeID?
  private var heartbeat: ExchangeID?
  private var heartbeats: HeartbeatClock
  private var repetition: Repetition?
  private var asked: Instant
  /// Whether a state of what is watched has come.
  private var hasState = false
  /// Whether the session is over.
  public private(set) var isOver = false
  /// What a session that lasts has negotiated.
  var negotiated = Negotiated()
  /// What is watched beside what is asked, on a session that lasts.
  var watches: [Watch] = []

  /// A message without an answer.
  struct Repetition {
    let bytes: [UInt8]
    var due: Instant
    let end: Instant
  }

  /// Prepares the conversation on a fresh session.
  ///
  /// `sid` is the number for `config set`, higher than any before; `seed` is random and new for
  /// each session; `patience` is how long each answer may take.
  public init(
    _ command: Command,
    cuid: Text,
    sid: UInt32,
    over session: SessionLayer,
    seed: UInt64,
    patience: Span,
    now: Instant
  ) {
    self.command = command
    self.sid = sid
    self.patience = patience
    request = command.request(cuid: cuid, sid: sid)
    client = ClientLayer(session, seed: seed)
    isLasting = false
    heartbeats = HeartbeatClock(now: now)
    asked = now
  }

  /// Prepares a session that a router made, for one command after the other (RFC 9066): none ends it.
  init(over session: SessionLayer, seed: UInt64, patience: Span, now: Instant) {
    self.patience = patience
    isLasting = true
    sid = 0
    client = ClientLayer(session, seed: seed)
    heartbeats = HeartbeatClock(duty: .persists, now: now)
    asked = now
  }

  /// The session is up: asks.
  public func begin(now: Instant) -> [Action] {
    translate(client.session.opened(now: now), now: now)
      + (command == nil ? [] : ask(now: now))
  }

  /// Asks the next thing on a session that lasts, when nothing is asked.
  func ask(_ command: Command, cuid: Text, sid: UInt32, now: Instant) -> [Action] {
    guard self.command == nil, !isOver else { return [] }
    self.command = command
    self.sid = sid
    request = command.request(cuid: cuid, sid: sid)
    hasState = false
    return ask(now: now)
  }

  /// Takes a datagram of the server, or bytes of its stream in any portions.
  public func received(_ bytes: [UInt8], now: Instant) -> [Action] {
    guard !isOver else { return [] }
    heartbeats.received(now: now)
    return translate(client.received(bytes, now: now), now: now)
  }

  /// When `timedOut` has something to do; nil for never.
  public var nextTimeout: Instant? {
    guard !isOver else { return nil }
    var due = [client.nextTimeout, repetition?.due, heartbeats.nextTimeout, negotiated.refreshAt]
      .compactMap { $0 }
    due += watches.compactMap { $0.repetition?.due }
    return due.min()
  }

  /// Sends what is due, and gives up what took too long.
  public func timedOut(now: Instant) -> [Action] {
    guard !isOver else { return [] }
    var actions = translate(client.timedOut(now: now), now: now)
    if !isOver { actions += `repeat`(now: now) + repeatWatches(now: now) + refresh(now: now) }
    // A mitigation may have come to its end.
    if isLasting { useParameters(now: now) }
    for action in heartbeats.timedOut(now: now) where !isOver {
      switch action {
      case .send(let heartbeat): actions += send(heartbeat, now: now)
      case .lost: actions += end(.lost, withSession: true)
      case .peerSaturated, .silent: break
      }
    }
    return actions
  }

  /// The user wants an end: an observation is ended at the server.
  public func interrupted(now: Instant) -> [Action] {
    guard !isOver else { return [] }
    guard let exchange, let command, command.isWatching else { return end(.interrupted) }
    return translate(client.cancel(exchange, now: now), now: now) + end(.done)
  }

  /// Lets what was negotiated hold.
  func useParameters(now: Instant) { heartbeats.set(negotiated.parameters(now: now), now: now) }

  private func end(_ ending: Ending, withSession: Bool = false) -> [Action] {
    guard !isOver else { return [] }
    if isLasting, !withSession {
      if let exchange { client.forget(exchange) }
      exchange = nil
      repetition = nil
      command = nil
    } else {
      isOver = true
    }
    return [.end(ending)]
  }
}

// MARK: Messages

extension Conversation {
  private func ask(now: Instant) -> [Action] {
    guard let request, let command else { return end(.failed("there is no such request")) }
    asked = now
    do throws(SendRefusal) {
      let sent = try client.request(
        request,
        confirmable: command.isConfirmable,
        patience: patience,
        now: now
      )
      exchange = sent.exchange
      return translate(sent.actions, now: now)
    } catch {
      return end(.failed("the request can't be sent"))
    }
  }

  /// Sends our heartbeat, which isn't repeated: the next one comes anyway.
  private func send(_ heartbeat: Heartbeat, now: Instant) -> [Action] {
    guard let message = DOTSRequest.heartbeat(heartbeat).message else { return [] }
    if let last = self.heartbeat { client.forget(last) }
    guard let sent = try? client.request(message, confirmable: false, now: now) else { return [] }
    self.heartbeat = sent.exchange
    return sends(sent.actions, now: now)
  }

  func translate(_ actions: [MessageAction], now: Instant) -> [Action] {
    var result: [Action] = []
    for action in actions where !isOver {
      switch action {
      case .send(let bytes):
        note(bytes, now: now)
        result.append(.send(bytes))
      case .deliver(let exchange, let message):
        result += respond(to: message, exchange, now: now)
      case .deliverResponse(let exchange, let response):
        if exchange == heartbeat {
          heartbeat = nil
          heartbeats.answered(now: now)
        } else if exchange == negotiated.refreshing {
          refreshed(response, now: now)
        } else if exchange == self.exchange {
          repetition = nil
          result += answered(response, now: now)
        } else {
          result += observed(exchange, response, now: now)
        }
      case .failed(let exchange, let failure):
        if exchange == self.exchange {
          result += failed(failure, now: now)
        } else {
          result += unobserved(exchange, failure, now: now)
        }
      case .rejected: break
      case .close(let reason): result += end(.failed(reason.words), withSession: true)
      }
    }
    return result
  }

  /// Remembers a non-confirmable request of what is asked or watched, to be sent again in the same
  /// message as long as nothing answers it: who has it already repeats its answer.
  func note(_ bytes: [UInt8], now: Instant) {
    guard let new = repetition(of: bytes, now: now) else { return }
    if let exchange, client.unanswered(exchange) == bytes { repetition = new }
    for index in watches.indices where client.unanswered(watches[index].exchange) == bytes {
      watches[index].repetition = new
    }
  }

  private func repetition(of bytes: [UInt8], now: Instant) -> Repetition? {
    guard !client.session.isStream, let datagram = try? CoAPDatagram(parsing: bytes),
      datagram.type == .nonConfirmable, datagram.message.code.isRequest
    else { return nil }
    let due = now + Self.repetitionInterval
    return Repetition(bytes: bytes, due: due, end: now + patience)
  }

  private func `repeat`(now: Instant) -> [Action] {
    guard let late = repetition, late.due <= now else { return [] }
    guard now < late.end, let exchange, client.unanswered(exchange) == late.bytes else {
      repetition = nil
      return []
    }
    repetition?.due = now + Self.repetitionInterval
    return [.send(late.bytes)]
  }

  /// The server sends heartbeats of its own (RFC 9132, Section 4.7), and asks for nothing else.
  private func respond(
    to message: CoAPMessage,
    _ exchange: ExchangeID,
    now: Instant
  ) -> [Action] {
    let session = client.session
    let response: CoAPMessage
    var further: [Action] = []
    do throws(PeerError) {
      guard case .heartbeat(let heartbeat) = try DOTSRequest(message, role: .base) else {
        throw PeerError(.resourceNotServed)
      }
      response = CoAPMessage(.changed)
      for case .send(let own) in heartbeats.received(heartbeat, now: now) {
        further += send(own, now: now)
      }
    } catch {
      response = DOTSResponse(error).message
    }
    return translate(session.respond(to: exchange, with: response, now: now), now: now) + further
  }
}

// MARK: Answers

extension Conversation {
  private func failed(_ failure: ExchangeFailure, now: Instant) -> [Action] {
    repetition = nil
    exchange = nil
    switch failure {
    case .unacknowledged, .unanswered:
      // As long as anything is heard of the server, its session counts (RFC 9132, Section 4.7).
      return hasState && asked < now
        ? ask(now: now) : end(.unanswered(command?.silence ?? ""))
    case .reset: return end(.failed("the server rejects the request with a reset"))
    case .badOption(let option):
      return end(.failed("the answer has the critical option \(option.rawValue), unknown here"))
    case .closed: return end(.failed("the server ended the session before it answered"))
    case .incomplete: return end(.failed("the answer changed while it was fetched"))
    case .tooLarge: return end(.failed("the request or its answer is too large"))
    }
  }

  private func answered(_ response: CoAPMessage, now: Instant) -> [Action] {
    guard let command else { return [] }
    guard response.code.major == 2 else { return refused(response) }
    do throws(PeerError) {
      let answer = try command.answer(response, sid: sid, after: now - asked)
      if isLasting { try negotiate(answer, to: command, response, now: now) }
      guard command.isWatching else { return [.tell(answer)] + end(.done) }
      return [.tell(answer)] + watched(answer)
    } catch {
      return end(.failed("the answer can't be read: " + error.diagnostic))
    }
  }

  private func watched(_ answer: ClientAnswer) -> [Action] {
    hasState = true
    guard case .status(let mid, _) = command, case .mitigations(let list) = answer else {
      return []
    }
    if mid != nil, list.allSatisfy({ $0.status == .attackMitigationTerminated }) {
      return end(.done)
    }
    guard let exchange, client.isObserving(exchange) else {
      return end(.failed("the server doesn't tell any further state"))
    }
    return []
  }

  private func refused(_ response: CoAPMessage) -> [Action] {
    if response.code == .notFound, case .status(let mid, _) = command {
      // What was watched has come to its end, or nothing is mitigated at all.
      if hasState { return end(.done) }
      if mid == nil { return [.tell(.mitigations([]))] + end(.done) }
    }
    return end(.refused(response.code, RefusedRequest(response)))
  }
}

extension StreamEnd {
  fileprivate var words: Text {
    switch self {
    case .released: "the server ended the session"
    case .aborted(let diagnostic): "the server aborted the session: " + Text(diagnostic)
    case .refused(let fault): "the server broke a rule of CoAP: " + fault.text
    }
  }
}
