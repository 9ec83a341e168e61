import Bytes
import Model

/// A DOTS client: mitigations with the same one belong together (RFC 9132, Section 4.4.1.3).
struct Holder: Equatable, Sendable {
  /// The `client` section that its identity belongs to.
  let section: Text
  /// The domain that a trusted gateway named.
  let cdid: Text?
  let cuid: Text
}

/// What names one mitigation among all.
struct MitigationKey: Equatable, Sendable {
  let holder: Holder
  let mid: UInt32
}

/// What was accepted and never changes; shared by the copies of a mitigation.
final class Claim: Equatable, Sendable {
  let key: MitigationKey
  /// The role of the session that brought it: what it may leave out depends on that.
  let role: SessionRole
  let scope: MitigationScope

  init(key: MitigationKey, role: SessionRole, scope: MitigationScope) {
    self.key = key
    self.role = role
    self.scope = scope
  }

  static func == (left: Claim, right: Claim) -> Bool {
    left === right || left.key == right.key && left.role == right.role && left.scope == right.scope
  }
}

/// One accepted request and what became of it.
struct Mitigation: Equatable, Sendable {
  enum Phase: UInt8, Equatable, Sendable {
    /// Preconfigured: nothing is enforced.
    case waiting
    case active
    /// Withdrawn and still enforced until `end`.
    case terminating
    /// Its owner has released the device that it was about: nothing is enforced.
    case released
  }

  /// How far an immediate mitigation got (RFC 9132, Table 3).
  enum Progress: UInt8, Equatable, Sendable {
    case started
    case mitigating
    case stopped
  }

  let id: MitigationID
  /// The number that its client gave it, beside `claim` because it is what lookups compare first.
  let mid: UInt32
  let claim: Claim
  /// What the rule is made of.
  var permit: Permit
  /// Kernel elements of the rule.
  var elements = 0
  var granted: UInt32 = 0
  var end: Instant
  var phase: Phase
  var progress = Progress.started
  /// When the wall clock showed its activation; nil while it waits.
  var start: UnixTime?
  var measurement: Measurement
  /// Whether the kernel refused to renew its rule, and still does.
  var isExceeded = false
  /// How often it was asked for again while it was terminating.
  var flaps: UInt8 = 0
  /// When that happened last.
  var revived: Instant?
  /// Devices that their owner has released from it.
  var spared: [MACAddress] = []

  init(id: MitigationID, claim: Claim, permit: Permit, phase: Phase, measurement: Measurement) {
    self.id = id
    self.claim = claim
    self.permit = permit
    self.phase = phase
    self.measurement = measurement
    mid = claim.key.mid
    end = measurement.since
  }

  var key: MitigationKey { claim.key }
  var scope: MitigationScope { claim.scope }

  /// What the kernel holds while the mitigation is enforced.
  ///
  /// Nil when it holds nothing for it but devices in quarantine.
  var rule: Rule? { permit.rule(id: id, scope: claim.scope) }

  /// The devices that it wants in quarantine now.
  var quarantined: [MACAddress] { isEnforced ? permit.quarantined : [] }

  var isEnforced: Bool { phase == .active || phase == .terminating }

  func remaining(at now: Instant) -> Span { max(end - now, .zero) }

  /// RFC 9132, Table 3.
  var status: MitigationStatus {
    switch phase {
    case .waiting: .attackMitigationSignalLoss
    case .terminating: .dotsClientWithdrawnMitigation
    case .released: .attackMitigationWithdrawn
    case .active where isExceeded: .attackExceededCapability
    case .active:
      switch progress {
      case .started: .attackMitigationInProgress
      case .mitigating: .attackSuccessfullyMitigated
      case .stopped: .attackStopped
      }
    }
  }

  /// Takes what the kernel counted and moves `progress` along; whether the status changed.
  mutating func counted(_ counters: DropCounters, now: Instant) -> Bool {
    guard isEnforced else { return false }
    let before = status
    let hasGrown = measurement.took(counters, now: now)
    progressed(hasGrown, now: now)
    return status != before
  }

  /// Something matched, or nothing did.
  mutating func progressed(_ hasGrown: Bool, now: Instant) {
    if hasGrown { measurement.lastSeen = now }
    // What only counts mitigates nothing, whatever passes.
    if permit.action != .observe {
      if hasGrown {
        progress = .mitigating
      } else if now - measurement.lastSeen >= Constants.quiet {
        progress = .stopped
      }
    }
  }

  /// What was dropped; nil while nothing was measured, and for what only counts.
  func dropped(at now: Instant) -> DropCounters? {
    phase != .waiting && permit.action != .observe ? measurement.total(at: now) : nil
  }

  var name: MitigationName {
    MitigationName(cuid: key.holder.cuid, cdid: key.holder.cdid, mid: key.mid)
  }
}
