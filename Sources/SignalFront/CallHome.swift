import Bytes
import DOTS
import Dial
import Link
import Linux
import Model

/// A client that the router connects to, and how far that got (RFC 9066, Section 5.1).
final class CallHome {
  /// For how long what a name leads to counts.
  static let freshness = Span.seconds(300)
  /// From a look-up that found nothing to the next.
  static let askInterval = Span.seconds(10)
  /// Attempts over one way on which nothing comes; the oldest ends when another begins.
  static let maximumStalled = 2
  /// A client that was left counts as one used lately (RFC 9132, Section 4.6).
  static let loopTime = Span.seconds(300)
  /// Whether a mitigation has ended that kept the session where it was led to.
  private static let returnInterval = Span.seconds(10)

  let peer: CallHomePeer
  var redial: Redial
  /// The attempt under way, and when the next of its ways begins.
  var race: Race?
  var attempts: [Attempt] = []
  /// What it came to: the session's way.
  var current: Attempt?
  /// Whether the race is because of a session that nothing answers on.
  var isDoubted = false
  /// Whether the last session's client had an active mitigation.
  var isMitigating = false

  /// What resumes a session, and over what it was.
  var ticket: [UInt8] = []
  var ticketTransport = Transport.udp

  /// Where the present name leads to, since when, and when to ask for it (again).
  var addresses: [IPAddress] = []
  var foundAt: Instant?
  var askAt: Instant?

  /// Whom the client sent us to instead; nil: nobody.
  var alternate: Redirection?
  var returnsAt: Instant?
  /// Whom we were led away from, and until when that counts.
  private var left: [(name: Text, until: Instant)] = []
  /// Nobody is led on more often in that time.
  private static let maximumLeft = 8

  init(_ peer: CallHomePeer, now: Instant, random: UInt64) {
    self.peer = peer
    redial = Redial(now: now, random: random)
  }

  /// The name or address to connect to now.
  var host: Text { alternate?.name ?? peer.host }
  /// The name or address that its certificate has to carry.
  var name: Text { alternate?.name ?? peer.name }

  /// When there is something to do.
  var nextTimeout: Instant? {
    var next = redial.nextTimeout
    func consider(_ moment: Instant?) {
      if let moment { next = next.map { min($0, moment) } ?? moment }
    }
    consider(race?.nextStart)
    for attempt in attempts { consider(attempt.nextTimeout) }
    if redial.ends != nil { consider(askAt) }
    if current != nil { consider(returnsAt) }
    return next
  }

  /// Whether the client named by a redirection may be gone to (RFC 9066, Section 5.2.2).
  func accepts(_ redirection: Redirection, now: Instant) -> Bool {
    let name = redirection.name.asciiLowercased
    left.removeAll { $0.until <= now }
    for other in left where other.name == name { return false }
    return left.count < Self.maximumLeft && redirection.lies(in: peer.redirectDomains)
      && name != self.name.asciiLowercased
  }

  /// Whom to connect to is another from now on; nil: the one of the settings again.
  func turn(to redirection: Redirection?, now: Instant) {
    left.append((name.asciiLowercased, now + Self.loopTime))
    if left.count > Self.maximumLeft { left.removeFirst() }
    alternate = redirection
    addresses = redirection?.addresses ?? []
    // What came along isn't looked up.
    foundAt = addresses.isEmpty ? nil : Instant(milliseconds: .max)
    askAt = nil
    redial.forgetWay()
    ticket = []
    let lifetime = redirection?.lifetime ?? 0
    returnsAt = lifetime == 0 ? nil : now + .seconds(lifetime)
  }

  /// Whether it is time to go back to the client of the settings: not during an attack.
  func returns(now: Instant) -> Bool {
    guard let due = returnsAt, due <= now else { return false }
    if isMitigating { returnsAt = now + Self.returnInterval }
    return !isMitigating
  }

  /// The name to look up now.
  func question(now: Instant) -> Text? {
    guard redial.ends != nil, let due = askAt, due <= now else { return nil }
    // No answer may come: the launcher forgets what it was asked when it starts anew.
    askAt = now + Self.attemptPatience
    return host
  }

  /// How long a look-up may take.
  private static let attemptPatience = Span.seconds(30)

  /// An attempt begins: the ways that are known are tried, others looked for.
  func begin(now: Instant) {
    redial.begun(now: now)
    if let address = IPAddress(parsing: host) {
      addresses = [address.unmapped]
    } else if foundAt.map({ $0 + Self.freshness <= now }) ?? true {
      askAt = now
    }
    enter(now: now)
  }

  /// What the name leads to has been looked up: what is new is tried beside what was known.
  func found(_ addresses: [IPAddress], now: Instant) {
    if addresses.isEmpty {
      askAt = now + Self.askInterval
    } else {
      self.addresses = addresses
      foundAt = now
      askAt = nil
    }
    if redial.ends != nil, current == nil { enter(now: now) }
  }

  /// The ways are known: they are tried one after the other, those of a race that goes on first.
  func enter(over transports: [Transport]? = nil, now: Instant) {
    let candidates = Candidate.all(
      addresses,
      over: transports ?? peer.transports,
      known: redial.known(now: now)
    )
    guard !candidates.isEmpty, race == nil else {
      race?.add(candidates, now: now)
      return
    }
    let delay = isMitigating ? Race.attackedDelay : Race.attemptDelay
    race = Race(candidates, delay: delay, now: now)
  }
}
