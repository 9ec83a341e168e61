import Bytes

/// One observation of the peer (RFC 7641, Section 4.1).
public final class Observer {
  /// The GET that registered, with the token that all notifications carry and what of its options
  /// counts: answered anew, it gives the next notification.
  public let request: CoAPMessage
  /// When the peer was last told something.
  public internal(set) var notified: Instant

  let contentFormat: UInt16?
  /// The number of the last notification: 24 bits that grow by one (RFC 7641, Section 4.4).
  private var sequence: UInt32
  /// The latest state, which must wait; each newer one takes its place.
  fileprivate var waiting: CoAPMessage?
  /// The error that ends the observation, after what waits.
  fileprivate var ending: CoAPMessage?

  init(_ request: CoAPMessage, _ answer: CoAPMessage, after last: Observer?, now: Instant) {
    // What may be ignored isn't kept: it is as long as the peer likes.
    var needed = CoAPMessage(request.code, token: request.token)
    for option in request.options where option.number.isCritical { needed.add(option) }
    self.request = needed
    contentFormat = answer.contentFormat
    notified = now
    sequence = last?.sequence ?? 1
  }

  /// The token of the registration.
  public var token: [UInt8] { request.token }

  /// The Observe option of the next notification.
  func nextNumber() -> CoAPOption {
    sequence = (sequence + 1) & 0xFF_FFFF
    return CoAPOption(.observe, uint: sequence)
  }

  /// Takes the state of the resource: an error ends the observation, and so does another
  /// Content-Format (RFC 7641, Section 4.2).
  func note(_ state: CoAPMessage) {
    if state.code.major != 2 {
      ending = state
    } else if state.contentFormat != contentFormat {
      ending = .diagnostic(.notAcceptable, "the Content-Format has changed")
    } else {
      waiting = state
      ending = nil
    }
  }
}

/// The observations of a session, and when each may be told something (RFC 7641, Section 4).
struct Observers {
  /// How many observations a peer may have; a further one is answered as a plain GET.
  static let maximum = 16
  /// The least time between two notifications: of the session over UDP, where none is acknowledged
  /// and so counts as outstanding (RFC 7641, Section 4.5.1; RFC 9132, Section 4.4.2.1), of one
  /// observation on a stream.
  static let spacing = Span.seconds(3)

  private(set) var entries: [Observer] = []
  private let isStream: Bool
  private var lastSent = Instant(milliseconds: 0)

  init(isStream: Bool) { self.isStream = isStream }

  func observer(_ token: [UInt8]) -> Observer? { entries.first { $0.token == token } }

  mutating func remove(_ token: [UInt8]) { entries.removeAll { $0.token == token } }

  /// Adds or renews an observation that `answer` answers; gives the number of the answer, or nil when
  /// there is no room (RFC 7641, Section 4.1).
  mutating func register(
    _ request: CoAPMessage,
    answer: CoAPMessage,
    now: Instant
  ) -> CoAPOption? {
    let last = observer(request.token)
    remove(request.token)
    guard entries.count < Self.maximum else { return nil }
    let observer = Observer(request, answer, after: last, now: now)
    entries.append(observer)
    lastSent = now
    return observer.nextNumber()
  }

  /// When the next notification may go out; nil while none waits.
  var nextTimeout: Instant? { next.map { due($0) } }

  /// Takes the next state that may be told at `now`; an error ends the observation.
  mutating func takeDue(now: Instant) -> (observer: Observer, state: CoAPMessage)? {
    guard let observer = next, due(observer) <= now else { return nil }
    lastSent = now
    observer.notified = now
    if let state = observer.waiting {
      observer.waiting = nil
      return (observer, state)
    }
    remove(observer.token)
    return observer.ending.map { (observer, $0) }
  }

  /// The longest silent observation that has something to tell.
  private var next: Observer? {
    var next: Observer?
    for entry in entries where entry.waiting != nil || entry.ending != nil {
      if let other = next, other.notified <= entry.notified { continue }
      next = entry
    }
    return next
  }

  private func due(_ observer: Observer) -> Instant {
    (isStream ? observer.notified : lastSent) + Self.spacing
  }
}
