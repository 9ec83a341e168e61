import Bytes
import Model

/// A DOTS client: mitigations with the same one belong together (RFC 9132, Section 4.4.1.3).
struct Holder: Hashable, Sendable {
  /// The `client` section that its identity belongs to.
  let section: Text
  /// The domain that a trusted gateway named.
  let cdid: Text?
  let cuid: Text
}

/// What names one mitigation among all.
struct MitigationKey: Hashable, Sendable {
  let holder: Holder
  let mid: UInt32
}

/// One accepted request and what became of it.
struct Mitigation: Equatable, Sendable {
  enum Phase: UInt8, Equatable, Sendable {
    /// Preconfigured: nothing is enforced.
    case waiting
    case active
    /// Withdrawn and still enforced until `end`.
    case terminating
  }

  /// How far an immediate mitigation got (RFC 9132, Table 3).
  enum Progress: UInt8, Equatable, Sendable {
    case started
    case mitigating
    case stopped
  }

  let id: MitigationID
  let key: MitigationKey
  /// The role of the session that brought it: what it may leave out depends on that.
  let role: SessionRole
  let scope: MitigationScope
  var action: Action
  /// What the kernel holds while it is enforced.
  var rule: Rule
  /// Kernel elements of `rule`.
  var elements: Int
  var granted: UInt32
  var end: Instant
  var phase: Phase
  var progress = Progress.started
  /// When the wall clock showed its activation; nil while it waits.
  var start: UnixTime?
  var measurement: Measurement
  /// When its rule is to be renewed; nil when the kernel's timeout reaches to `end`.
  var renewal: Instant?
  /// Whether the kernel refused the last renewal.
  var isExceeded = false
  /// How often it was asked for again while it was terminating.
  var flaps: UInt8 = 0
  /// When that happened last.
  var revived: Instant?

  var isEnforced: Bool { phase != .waiting }

  func remaining(at now: Instant) -> Span { max(end - now, .zero) }

  /// The next moment at which something is due.
  var due: Instant { min(renewal ?? end, end) }

  /// Plans the renewal that the kernel's longest timeout makes necessary.
  mutating func planRenewal(at now: Instant) {
    renewal = isEnforced && remaining(at: now) > Limits.kernelTimeout ? now + Limits.renewal : nil
  }

  /// RFC 9132, Table 3.
  var status: MitigationStatus {
    switch phase {
    case .waiting: .attackMitigationSignalLoss
    case .terminating: .dotsClientWithdrawnMitigation
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
    // What only counts mitigates nothing, whatever passes.
    if action != .observe {
      if hasGrown {
        progress = .mitigating
      } else if now - measurement.lastSeen >= Constants.quiet {
        progress = .stopped
      }
    }
    return status != before
  }

  /// What was dropped; nil while nothing was measured, and for what only counts.
  func dropped(at now: Instant) -> DropCounters? {
    isEnforced && action != .observe ? measurement.total(at: now) : nil
  }

  var name: MitigationName {
    MitigationName(cuid: key.holder.cuid, cdid: key.holder.cdid, mid: key.mid)
  }
}
