import Bytes

/// The requests of ours that have no response yet, and those whose responses go on because they
/// observe a resource.
struct AwaitedResponses {
  /// One request of ours; an object, because arrays of objects share their code.
  final class Entry {
    let exchange: ExchangeID
    /// What a reset of the request names; nil on a stream.
    let messageID: UInt16?
    let token: [UInt8]
    /// When the response is given up; nil once an observation has begun.
    var deadline: Instant?
    /// Whether the request registers an observation.
    let isObserving: Bool

    init(
      _ exchange: ExchangeID,
      messageID: UInt16?,
      token: [UInt8],
      deadline: Instant,
      isObserving: Bool
    ) {
      self.exchange = exchange
      self.messageID = messageID
      self.token = token
      self.deadline = deadline
      self.isObserving = isObserving
    }
  }

  private(set) var entries: [Entry] = []
  private var lastToken: UInt32 = 0

  /// Waits for the response to a request; gives the request with its token: that of the observation
  /// it renews, or a new one.
  mutating func await(
    _ request: CoAPMessage,
    as exchange: ExchangeID,
    renewing observation: ExchangeID?,
    messageID: UInt16?,
    until deadline: Instant
  ) -> CoAPMessage {
    var request = request
    let renewed = observation.flatMap { id in entries.firstIndex { $0.exchange == id } }
    request.token = renewed.map { entries.remove(at: $0).token } ?? nextToken()
    entries.append(
      Entry(
        exchange,
        messageID: messageID,
        token: request.token,
        deadline: deadline,
        isObserving: request.isRegistration
      )
    )
    return request
  }

  mutating func remove(_ exchange: ExchangeID) { entries.removeAll { $0.exchange == exchange } }

  func entry(token: [UInt8]) -> Entry? { entries.first { $0.token == token } }

  /// Takes the response to a request, which ends it unless an observation goes on.
  mutating func received(_ response: CoAPMessage, to entry: Entry) -> MessageAction {
    let option = response.unrecognizedCriticalOption
    if entry.isObserving, option == nil, response.observe != nil, response.code.major == 2 {
      entry.deadline = nil
    } else {
      remove(entry.exchange)
    }
    return option.map { .failed(entry.exchange, .badOption($0)) }
      ?? .deliverResponse(entry.exchange, response)
  }

  /// Ends the requests whose time is up at `now`; without a time all of them.
  mutating func fail(_ failure: ExchangeFailure, at now: Instant?) -> [MessageAction] {
    var actions: [MessageAction] = []
    for entry in entries {
      if let now, now < entry.deadline ?? Instant(milliseconds: .max) { continue }
      remove(entry.exchange)
      actions.append(.failed(entry.exchange, failure))
    }
    return actions
  }

  /// The earliest of all deadlines and `other`.
  func nextTimeout(or other: Instant?) -> Instant? {
    var next = other
    for entry in entries { next = .earlier(next, entry.deadline) }
    return next
  }

  /// A token that no other request of the session had: a sequence number, so that a late response
  /// never fits another request (RFC 9175, Section 4.2).
  private mutating func nextToken() -> [UInt8] {
    while true {
      lastToken &+= 1
      let token = CoAPOption(.observe, uint: lastToken).value
      if entry(token: token) == nil { return token }
    }
  }
}

/// A number and a token that belong together.
struct NumberedToken {
  let number: UInt64
  let token: [UInt8]
}

extension Instant {
  /// The earlier of two moments, where nil is never.
  static func earlier(_ one: Instant?, _ other: Instant?) -> Instant? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
  }
}
