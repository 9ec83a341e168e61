import Bytes
import CoAP
import DOTS
import Model
import Report

/// What was negotiated on a session that lasts, and which half of it holds.
struct Negotiated {
  /// More mitigations of one session than these aren't remembered.
  private static let maximumActive = 256

  /// Before the next try to read it again.
  static let retry = Span.seconds(60)
  /// Before it is read again in any case, in seconds: what is stale at once isn't asked for all the
  /// time.
  private static let soonest: UInt32 = 10

  /// What the router told or accepted last; the defaults for what it lacks.
  var configuration = SessionConfiguration()
  /// The number of what was set last; nil: nothing was.
  var sid: UInt32?
  /// When it is read again; nil: it is all defaults, as far as is known.
  private(set) var refreshAt: Instant?
  /// The request that reads it again.
  var refreshing: ExchangeID?
  /// The mitigations that are active as far as answers tell, and until when.
  private var active: [(mid: UInt32, until: Instant)] = []

  /// What holds now (RFC 9132, Section 4.5).
  func parameters(now: Instant) -> SessionParameters {
    SessionParameters(isMitigating(now: now) ? configuration.mitigating : configuration.idle)
  }

  /// Whether a mitigation is active, as far as answers tell.
  func isMitigating(now: Instant) -> Bool { active.contains { now < $0.until } }

  /// It was read, and holds for so many seconds: a minute unless something is said.
  mutating func read(_ configuration: SessionConfiguration, maxAge: UInt32?, now: Instant) {
    self.configuration = configuration
    let age = maxAge ?? 60
    // 2^32 - 1 is for ever (RFC 9132, Section 4.5.3).
    refreshAt =
      age == .max || age == 0
      ? nil : now + .seconds(max(Self.soonest, age > 120 ? age - 60 : age / 2))
  }

  /// The next try to read it again is as far away as that.
  mutating func postpone(now: Instant) { refreshAt = now + Self.retry }

  /// Takes what an answer tells.
  mutating func note(_ answer: ClientAnswer, now: Instant) {
    switch answer {
    case .granted(let seen, _): note(seen, now)
    case .withdrawn(let mid): active.removeAll { $0.mid == mid }
    case .mitigations(let list): for seen in list { note(seen, now) }
    default: break
    }
  }

  private mutating func note(_ seen: SeenMitigation, _ now: Instant) {
    guard let mid = seen.mid else { return }
    let isOver =
      switch seen.status {
      case .dotsClientWithdrawnMitigation, .attackMitigationTerminated,
        .attackMitigationWithdrawn, .attackMitigationSignalLoss:
        true
      default: false
      }
    guard isOver || seen.lifetime != nil else { return }
    active.removeAll { $0.mid == mid || $0.until <= now }
    guard !isOver, active.count < Self.maximumActive else { return }
    let end = seen.lifetime?.span.map { now + $0 }
    active.append((mid, end ?? Instant(milliseconds: .max)))
  }
}

extension Conversation {
  /// An answer of class 2 has come to this command.
  func negotiate(
    _ answer: ClientAnswer,
    to command: Command,
    _ response: CoAPMessage,
    now: Instant
  ) throws(PeerError) {
    switch command {
    case .retrieveConfiguration:
      let told = try SessionConfiguration(parsing: response.payload)
      negotiated.read(told, maxAge: response.maxAge, now: now)
    // What it doesn't name has its default (RFC 9132, Section 4.5.2).
    case .configure(let configuration):
      negotiated.configuration = configuration
      negotiated.sid = sid
    case .resetConfiguration:
      negotiated.configuration = SessionConfiguration()
      negotiated.sid = nil
    default: negotiated.note(answer, now: now)
    }
    useParameters(now: now)
  }

  /// Reads the configuration again before it is stale, but for when something is mitigated (RFC 9132,
  /// Section 4.5.3).
  func refresh(now: Instant) -> [Action] {
    guard let due = negotiated.refreshAt, due <= now else { return [] }
    negotiated.postpone(now: now)
    guard !negotiated.isMitigating(now: now),
      let message = DOTSRequest.retrieveConfiguration(sid: negotiated.sid).message
    else { return [] }
    if let last = negotiated.refreshing { client.forget(last) }
    guard let sent = try? client.request(message, confirmable: true, now: now) else { return [] }
    negotiated.refreshing = sent.exchange
    return sends(sent.actions, now: now)
  }

  /// The answer to that.
  func refreshed(_ response: CoAPMessage, now: Instant) {
    negotiated.refreshing = nil
    // What was set is gone: the next try reads what holds instead.
    if response.code == .notFound { negotiated.sid = nil }
    guard response.code == .content,
      let told = try? SessionConfiguration(parsing: response.payload)
    else { return }
    negotiated.read(told, maxAge: response.maxAge, now: now)
    useParameters(now: now)
  }
}
