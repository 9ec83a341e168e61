import Bytes

/// One observation of the peer (RFC 7641, Section 4.1).
public struct Observer: Sendable {
  /// The token of the registration, which all notifications carry.
  public let token: [UInt8]
  /// The GET that registered: answered anew, it gives the next notification.
  public let request: CoAPMessage
  /// When the peer was last told something, or is to be told what waits.
  public internal(set) var notified: Instant

  let contentFormat: UInt16?
  /// The number of the last notification: 24 bits that grow by one (RFC 7641, Section 4.4).
  var sequence: UInt32
  /// The latest state, which must wait; each newer one takes its place.
  var waiting: CoAPMessage?
  /// The error that ends the observation, after what waits.
  var ending: CoAPMessage?
}

/// The observations of a session, and when each may be told something (RFC 7641, Section 4).
struct Observers: Sendable {
  /// How many observations a peer may have; a further one is answered as a plain GET.
  static let maximum = 16
  /// The least time between two notifications: of the session over UDP, where none is acknowledged
  /// and so counts as outstanding (RFC 7641, Section 4.5.1; RFC 9132, Section 4.4.2.1), of one
  /// observation on a stream.
  static let spacing = Span.seconds(3)

  private(set) var entries: [Observer] = []
  private let isStream: Bool
  private var lastSent: Instant?

  init(isStream: Bool) { self.isStream = isStream }

  func index(_ token: [UInt8]) -> Int? { entries.firstIndex { $0.token == token } }

  mutating func remove(_ token: [UInt8]) { entries.removeAll { $0.token == token } }

  /// Adds or renews an observation that `answer` answers; gives the number of the answer, or nil when
  /// there is no room (RFC 7641, Section 4.1).
  mutating func register(
    _ request: CoAPMessage,
    answer: CoAPMessage,
    now: Instant
  ) -> CoAPOption? {
    let sequence = index(request.token).map { entries[$0].sequence } ?? 1
    remove(request.token)
    guard entries.count < Self.maximum else { return nil }
    entries.append(
      Observer(
        token: request.token,
        request: request,
        notified: now,
        contentFormat: answer.contentFormat,
        sequence: sequence
      )
    )
    lastSent = now
    return nextNumber(at: entries.count - 1)
  }

  /// Takes the state of an observed resource: an error ends the observation, and so does another
  /// Content-Format (RFC 7641, Section 4.2).
  mutating func note(_ state: CoAPMessage, at index: Int) {
    guard state.code.major == 2 else {
      entries[index].ending = state
      return
    }
    if state.contentFormat == entries[index].contentFormat {
      entries[index].waiting = state
      entries[index].ending = nil
    } else {
      entries[index].ending = .diagnostic(.notAcceptable, "the Content-Format has changed")
    }
  }

  /// When the next notification may go out; nil while none waits.
  var nextTimeout: Instant? {
    entries.reduce(nil) { .earlier($0, due($1)) }
  }

  /// Takes the next state that may be told at `now`, that of the longest silent observation, and its
  /// number; an error has none, and ends the observation.
  mutating func takeDue(
    now: Instant
  ) -> (request: CoAPMessage, state: CoAPMessage, number: CoAPOption?)? {
    var next: Int?
    for index in entries.indices {
      guard let due = due(entries[index]), due <= now else { continue }
      if next.map({ entries[index].notified < entries[$0].notified }) ?? true { next = index }
    }
    guard let next else { return nil }
    lastSent = now
    entries[next].notified = now
    let request = entries[next].request
    if let state = entries[next].waiting {
      entries[next].waiting = nil
      return (request, state, nextNumber(at: next))
    }
    return entries.remove(at: next).ending.map { (request, $0, nil) }
  }

  private func due(_ entry: Observer) -> Instant? {
    guard entry.waiting != nil || entry.ending != nil else { return nil }
    return (isStream ? entry.notified : lastSent ?? entry.notified) + Self.spacing
  }

  private mutating func nextNumber(at index: Int) -> CoAPOption {
    entries[index].sequence = (entries[index].sequence + 1) & 0xFF_FFFF
    return CoAPOption(.observe, uint: entries[index].sequence)
  }
}
