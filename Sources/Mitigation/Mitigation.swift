import Bytes
import Model

/// A DOTS client: mitigations with the same one belong together (RFC 9132, Section 4.4.1.3).
final class Holder: Equatable, Sendable {
  /// The `client` section that its identity belongs to.
  let section: Text
  /// The domain that a trusted gateway named.
  let cdid: Text?
  let cuid: Text

  init(section: Text, cdid: Text?, cuid: Text) {
    self.section = section
    self.cdid = cdid
    self.cuid = cuid
  }

  static func == (left: Holder, right: Holder) -> Bool {
    left === right || left.section == right.section && left.hasName(of: right)
  }

  /// Whether both go by the same names, of whichever sections they are.
  func hasName(of other: Holder) -> Bool { cuid == other.cuid && cdid == other.cdid }
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
  /// Behind one reference, so that a copy is one word.
  private var parts: Behind<Parts>

  enum Phase: UInt8, Equatable, Sendable {
    /// Preconfigured: nothing is enforced.
    case waiting
    case active
    /// Withdrawn and still enforced until `end`.
    case terminating
    /// Its owner has released the device that it was about: nothing is enforced.
    case released
    /// Waits for the owner's consent until `turn`: nothing is enforced.
    case asking
    /// Another request is enforced in its place: the same client's until `turn`, when it waits for the
    /// loss of the signal again; without that another client's.
    case deactivated
  }

  /// How far an immediate mitigation got (RFC 9132, Table 3).
  enum Progress: UInt8, Equatable, Sendable {
    case started
    case mitigating
    case stopped
  }

  init(id: MitigationID, claim: Claim, permit: Permit, phase: Phase, measurement: Measurement) {
    parts = Behind(
      Parts(
        id: id,
        mid: claim.key.mid,
        claim: claim,
        permit: permit,
        end: measurement.since,
        measurement: measurement,
        phase: phase
      )
    )
  }

  var key: MitigationKey { claim.key }
  var scope: MitigationScope { claim.scope }

  /// What the kernel holds while the mitigation is enforced.
  ///
  /// Nil when it holds nothing for it but devices in quarantine.
  var rule: Rule? { permit.rule(id: id, scope: claim.scope) }

  /// Whether there is such a rule.
  var hasRule: Bool { permit.hasRule }

  /// The devices that it wants in quarantine now.
  var quarantined: [MACAddress] { isEnforced ? permit.quarantined : [] }

  var isEnforced: Bool { phase == .active || phase == .terminating }

  /// Whether it is enforced, and its owner is asked about some of its devices.
  var isPartlyAsking: Bool { isEnforced && permit.awaitsConsent }

  /// Whether it begins when its client's signal is lost.
  var isWaiting: Bool { phase == .waiting || phase == .deactivated && turn != nil }

  /// When something becomes of it by itself.
  var nextEvent: Instant { min(end, turn ?? end) }

  func remaining(at now: Instant) -> Span { max(end - now, .zero) }

  /// RFC 9132, Table 3.
  var status: MitigationStatus {
    switch phase {
    case .waiting: .attackMitigationSignalLoss
    case .terminating: .dotsClientWithdrawnMitigation
    case .released, .deactivated: .attackMitigationWithdrawn
    case .asking: .attackMitigationInProgress
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
        if !scope.triggerMitigation, !isPartlyAsking { turn = nil }
      } else if now - measurement.lastSeen >= Constants.quiet {
        progress = .stopped
        // A preconfigured one waits again once that was told (RFC 9132, Table 3).
        if phase == .active, !scope.triggerMitigation { turn = turn ?? now + Constants.farewell }
      }
    }
  }

  /// It is enforced from now on, or waits for the loss of the signal if it was asked about before.
  ///
  /// Without `wall` the clock shows what it showed when it was asked about, and the time since.
  mutating func begin(at now: Instant, wall: UnixTime?) {
    let asked = start.map { UnixTime(seconds: $0.seconds &+ measurement.seconds(until: now)) }
    permit.agree()
    if phase == .asking, !scope.triggerMitigation {
      waitAgain(at: now)
      return
    }
    phase = .active
    turn = nil
    start = wall ?? asked
    measurement = Measurement(since: now)
  }

  /// It waits for the loss of the signal.
  mutating func waitAgain(at now: Instant) {
    phase = .waiting
    turn = nil
    start = nil
    progress = .started
    measurement = Measurement(since: now)
  }

  /// What was dropped; nil while nothing was measured, and for what only counts.
  func dropped(at now: Instant) -> DropCounters? {
    phase != .waiting && permit.action != .observe ? measurement.total(at: now) : nil
  }

  var name: MitigationName {
    MitigationName(cuid: key.holder.cuid, cdid: key.holder.cdid, mid: key.mid)
  }
}

extension Mitigation {
  var id: MitigationID { parts.value.id }

  /// The number that its client gave it, beside `claim` because it is what lookups compare first.
  var mid: UInt32 { parts.value.mid }

  var claim: Claim { parts.value.claim }

  /// What the rule is made of.
  var permit: Permit {
    get { parts.value.permit }
    _modify { yield &parts.value.permit }
  }

  /// Kernel elements of the rule.
  var elements: Int {
    get { parts.value.elements }
    set { parts.value.elements = newValue }
  }

  var granted: UInt32 {
    get { parts.value.granted }
    set { parts.value.granted = newValue }
  }

  var end: Instant {
    get { parts.value.end }
    set { parts.value.end = newValue }
  }

  /// When its phase changes by itself.
  var turn: Instant? {
    get { parts.value.turn }
    set { parts.value.turn = newValue }
  }

  var phase: Phase {
    get { parts.value.phase }
    set { parts.value.phase = newValue }
  }

  var progress: Progress {
    get { parts.value.progress }
    set { parts.value.progress = newValue }
  }

  /// When the wall clock showed its activation; nil while it waits.
  var start: UnixTime? {
    get { parts.value.start }
    set { parts.value.start = newValue }
  }

  var measurement: Measurement {
    get { parts.value.measurement }
    _modify { yield &parts.value.measurement }
  }

  /// Whether the kernel refused to renew its rule, and still does.
  var isExceeded: Bool {
    get { parts.value.isExceeded }
    set { parts.value.isExceeded = newValue }
  }

  /// The mitigation that takes its place once the owner agrees to that; 0 when none does.
  ///
  /// For its client it is gone already; until the owner answers it is enforced.
  var successor: MitigationID {
    get { parts.value.successor }
    set { parts.value.successor = newValue }
  }

  /// How often it was asked for again while it was terminating.
  var flaps: UInt8 {
    get { parts.value.flaps }
    set { parts.value.flaps = newValue }
  }

  /// When that happened last.
  var revived: Instant? {
    get { parts.value.revived }
    set { parts.value.revived = newValue }
  }

  /// Devices that their owner has released from it.
  var spared: [MACAddress] {
    get { parts.value.spared }
    set { parts.value.spared = newValue }
  }
}

extension Mitigation {
  /// In an order that leaves few gaps: there are thousands.
  fileprivate struct Parts: Equatable, Sendable {
    let id: MitigationID
    let mid: UInt32
    var granted: UInt32 = 0
    var successor = MitigationID(0)
    let claim: Claim
    var permit: Permit
    var spared: [MACAddress] = []
    var elements = 0
    var end: Instant
    var measurement: Measurement
    var turn: Instant?
    var phase: Phase
    var progress = Progress.started
    var start: UnixTime?
    var isExceeded = false
    var flaps: UInt8 = 0
    var revived: Instant?
  }
}
