import Bytes
import CoAP
import DOTS
import Model
import Report
import Testing

@testable import Client

/// The moment some seconds after the start of a test.
func at(_ seconds: Double) -> Instant { Instant(milliseconds: Int64(seconds * 1000)) }

/// The scope of most tests.
func scope() throws -> MitigationScope {
  var scope = MitigationScope()
  scope.targetPrefixes = [try #require(Prefix(parsing: "203.0.113.5"))]
  scope.targetProtocols = [17]
  return scope
}

/// A conversation and, at the other end of a wire without delay, a server's session.
final class Wire {
  let conversation: Conversation
  let server: SessionLayer
  /// What the client told.
  var told: [ClientAnswer] = []
  /// How it ended.
  var ending: Ending?
  /// What was told to who watches, and how that ended.
  var observed: [(number: UInt64, answer: ClientAnswer)] = []
  var unobserved: [(number: UInt64, ending: Ending)] = []
  /// The server's open requests.
  var requests: [(exchange: ExchangeID, message: CoAPMessage)] = []
  /// What the server got for requests of its own.
  var responses: [CoAPMessage] = []
  /// All that the client sent.
  var sent: [[UInt8]] = []
  /// Whether the wire is cut in a direction.
  var losesRequests = false
  var losesAnswers = false

  /// Nil: a session that lasts.
  init(_ command: Command?, isStream: Bool = false, patience: Span = .seconds(30)) {
    let session =
      isStream ? SessionLayer(StreamLayer()) : SessionLayer(MessageLayer(seed: 1))
    server = isStream ? SessionLayer(StreamLayer()) : SessionLayer(MessageLayer(seed: 2))
    guard let command else {
      conversation = Conversation(over: session, seed: 3, patience: patience, now: at(0))
      return
    }
    conversation = Conversation(
      command,
      cuid: "me",
      sid: 9,
      over: session,
      seed: 3,
      patience: patience,
      now: at(0)
    )
  }

  /// A conversation that has begun; a server on a stream has sent its settings.
  static func begun(_ command: Command?, isStream: Bool = false) -> Wire {
    let wire = Wire(command, isStream: isStream)
    wire.client(wire.conversation.begin(now: at(0)), now: at(0))
    wire.server(wire.server.opened(now: at(0)), now: at(0))
    return wire
  }

  /// Does what the client wants.
  func client(_ actions: [Conversation.Action], now: Instant) {
    for action in actions {
      switch action {
      case .send(let bytes):
        sent.append(bytes)
        if !losesRequests { server(server.received(bytes, now: now), now: now) }
      case .tell(let answer): told.append(answer)
      case .end(let ending):
        #expect(self.ending == nil, "a conversation ends once")
        self.ending = ending
      case .observed(let number, let answer): observed.append((number, answer))
      case .unobserved(let number, let ending): unobserved.append((number, ending))
      }
    }
  }

  /// Does what the server's session wants.
  func server(_ actions: [MessageAction], now: Instant) {
    for action in actions {
      switch action {
      case .send(let bytes):
        if !losesAnswers { client(conversation.received(bytes, now: now), now: now) }
      case .deliver(let exchange, let message): requests.append((exchange, message))
      case .deliverResponse(_, let response): responses.append(response)
      case .failed, .rejected, .close: break
      }
    }
  }

  /// The server answers its oldest open request.
  func answer(_ response: CoAPMessage, isObservable: Bool = false, at seconds: Double = 0.1) throws
  {
    let exchange = try #require(requests.first).exchange
    requests.removeFirst()
    let now = at(seconds)
    server(
      server.respond(to: exchange, with: response, isObservable: isObservable, now: now),
      now: now
    )
  }

  /// Lets the client's time pass up to a moment; answers when something was due.
  @discardableResult
  func pass(until end: Double) -> [Double] {
    var moments: [Double] = []
    while let due = conversation.nextTimeout, due <= at(end) {
      moments.append(Double(due.milliseconds) / 1000)
      client(conversation.timedOut(now: due), now: due)
    }
    return moments
  }

  /// The request that the server got last, as DOTS reads it.
  func lastRequest() throws -> DOTSRequest {
    try DOTSRequest(try #require(requests.last).message, role: .base)
  }
}

/// A response on `/mitigate` with these entries.
func response(_ code: CoAPCode, _ entries: MitigationEntry...) -> CoAPMessage {
  var response = DOTSResponse(code)
  response.entries = entries
  return response.message
}

/// An entry with a mid, and what `change` puts into it.
func entry(_ mid: UInt32, _ change: (inout MitigationEntry) -> Void = { _ in }) -> MitigationEntry {
  var entry = MitigationEntry()
  entry.mid = mid
  entry.lifetime = .seconds(600)
  change(&entry)
  return entry
}

/// An entry as a status tells it.
func state(_ mid: UInt32, _ status: MitigationStatus) -> MitigationEntry {
  entry(mid) { $0.status = status }
}
