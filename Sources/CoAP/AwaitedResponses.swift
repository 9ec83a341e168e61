import Bytes

/// The requests of ours that have no response yet, and those whose responses go on because they
/// observe a resource.
struct AwaitedResponses: Sendable {
  /// One request of ours.
  struct Entry {
    let exchange: ExchangeID
    /// What a reset of the request names; nil on a stream.
    let messageID: UInt16?
    let token: [UInt8]
    /// When the response is given up; nil once an observation has begun.
    var deadline: Instant?
    /// Whether the request registers an observation.
    let isObserving: Bool
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
        exchange: exchange,
        messageID: messageID,
        token: request.token,
        deadline: deadline,
        isObserving: request.code == .get && request.observe == 0
      )
    )
    return request
  }

  /// A token that no other request of the session had: a sequence number, so that a late response
  /// never fits another request (RFC 9175, Section 4.2).
  private mutating func nextToken() -> [UInt8] {
    repeat { lastToken &+= 1 } while index(token: token(lastToken)) != nil
    return token(lastToken)
  }

  private func token(_ number: UInt32) -> [UInt8] { CoAPOption(.observe, uint: number).value }

  mutating func remove(_ exchange: ExchangeID) { entries.removeAll { $0.exchange == exchange } }

  func index(token: [UInt8]) -> Int? { entries.firstIndex { $0.token == token } }

  /// Notes the response to the request at `index`: it ends unless an observation goes on.
  mutating func received(_ response: CoAPMessage, at index: Int) {
    if entries[index].isObserving, response.observe != nil, response.code.major == 2 {
      entries[index].deadline = nil
    } else {
      entries.remove(at: index)
    }
  }

  /// The requests whose time is up at `now`.
  func expired(now: Instant) -> [ExchangeID] {
    entries.filter { $0.deadline.map { $0 <= now } ?? false }.map { $0.exchange }
  }

  /// The earliest of all deadlines and `other`.
  func nextTimeout(or other: Instant?) -> Instant? {
    entries.reduce(other) { Instant.earlier($0, $1.deadline) }
  }
}

extension Instant {
  /// The earlier of two moments, where nil is never.
  static func earlier(_ one: Instant?, _ other: Instant?) -> Instant? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
  }
}
