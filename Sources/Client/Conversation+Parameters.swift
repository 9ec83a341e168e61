import Bytes
import DOTS
import Model
import Report

/// What was negotiated on a session that lasts, and which half of it holds.
struct Negotiated {
  /// More mitigations of one session than these aren't remembered.
  private static let maximumActive = 256

  /// What the router told or accepted last; the defaults for what it lacks.
  var configuration = SessionConfiguration()
  /// The mitigations that are active as far as answers tell, and until when.
  private var active: [(mid: UInt32, until: Instant)] = []

  /// What holds now (RFC 9132, Section 4.5).
  func parameters(now: Instant) -> SessionParameters {
    let isMitigating = active.contains { now < $0.until }
    return SessionParameters(isMitigating ? configuration.mitigating : configuration.idle)
  }

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
  func negotiate(_ answer: ClientAnswer, to command: Command, _ payload: [UInt8], now: Instant)
    throws(PeerError)
  {
    switch command {
    case .retrieveConfiguration:
      negotiated.configuration = try SessionConfiguration(parsing: payload)
    // What it doesn't name has its default (RFC 9132, Section 4.5.2).
    case .configure(let configuration): negotiated.configuration = configuration
    case .resetConfiguration: negotiated.configuration = SessionConfiguration()
    default: negotiated.note(answer, now: now)
    }
    useParameters(now: now)
  }
}
