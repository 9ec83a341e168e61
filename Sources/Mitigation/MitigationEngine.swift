import Bytes
import Model

/// Decides what becomes of each mitigation request, and remembers what was agreed.
///
/// A state machine without clock, socket or kernel. Its caller does the kernel's work and tells the
/// result: 2.01 means that the kernel has the rule (see `Decision`). Between a decision to enforce
/// and its result, further requests are refused as `unavailable` and time stands still. Before a
/// request, the caller brings time up to date with `advanced(to:)`.
///
/// A copy is cheap until either is changed. Two engines are equal when nothing tells them apart.
public struct MitigationEngine: Equatable, Sendable {
  /// Behind one reference, so that a copy is one word.
  private var parts: Behind<Parts>

  /// An engine without mitigations.
  ///
  /// `nextID` is what the last one had, so that no number is used
  /// again while the kernel's table lives.
  public init(settings: CoreSettings, home: Home, nextID: UInt32 = 1) {
    parts = Behind(Parts(settings: settings, home: home, nextID: max(nextID, 1)))
  }

  /// How many mitigations there are.
  public var count: Int { table.all.count }

  /// How many of them the kernel enforces.
  public var enforcedCount: Int { table.enforcedCount }

  /// How many devices are in quarantine.
  public var quarantinedCount: Int { quarantines.count }

  /// The `client` section that a session's peer belongs to; nil when it is entitled to nothing.
  public func client(for session: Session) -> ClientSettings? {
    settings.client(for: session.identity)
  }

  /// Mitigations that ended since the last call, oldest first; at most 1024 are kept.
  public mutating func takeEndings() -> [MitigationEnding] {
    let taken = endings
    endings = []
    return taken
  }
}

extension MitigationEngine {
  /// The settings that hold.
  public internal(set) var settings: CoreSettings {
    get { parts.value.settings }
    set { parts.value.settings = newValue }
  }

  /// The home's addresses as last told.
  public internal(set) var home: Home {
    get { parts.value.home }
    set { parts.value.home = newValue }
  }

  /// The number that the next mitigation gets; the caller keeps it for the next start.
  public internal(set) var nextID: UInt32 {
    get { parts.value.nextID }
    set { parts.value.nextID = newValue }
  }

  /// The next moment at which `advanced(to:)` has something to do, or an earlier one; nil: never.
  public internal(set) var nextEvent: Instant? {
    get { parts.value.nextEvent }
    set { parts.value.nextEvent = newValue }
  }

  var table: MitigationTable {
    _read { yield parts.value.table }
    _modify { yield &parts.value.table }
  }

  var rates: [ChangeRate] {
    get { parts.value.rates }
    _modify { yield &parts.value.rates }
  }

  var pending: Pending? {
    get { parts.value.pending }
    set { parts.value.pending = newValue }
  }

  var endings: [MitigationEnding] {
    get { parts.value.endings }
    _modify { yield &parts.value.endings }
  }

  var quarantines: QuarantineTable {
    get { parts.value.quarantines }
    _modify { yield &parts.value.quarantines }
  }

  /// Who had which address when the neighbours were read last, while any device mattered.
  var known: [DeviceAddress] {
    get { parts.value.known }
    set { parts.value.known = newValue }
  }

  /// Whether a rule let go of a device when the neighbours were read last, whose address has now
  /// another hardware address without a lease: it may be the same device's, and its flows run on.
  public internal(set) var hasLostDevices: Bool {
    get { parts.value.hasLostDevices }
    set { parts.value.hasLostDevices = newValue }
  }

  private struct Parts: Equatable, Sendable {
    var settings: CoreSettings
    var home: Home
    var nextID: UInt32
    var nextEvent: Instant?
    var table = MitigationTable()
    var rates: [ChangeRate] = []
    var pending: Pending?
    var endings: [MitigationEnding] = []
    var quarantines = QuarantineTable()
    var known: [DeviceAddress] = []
    var hasLostDevices = false
  }
}

/// A decision that waits for the kernel.
final class Pending: Equatable, Sendable {
  enum Edit: Equatable, Sendable {
    case store(Mitigation)
    case end(MitigationID, MitigationEnding.Cause)
    /// The first is told as overridden, and enforced until the owner answers about the second.
    case supersede(MitigationID, MitigationID)
  }

  /// What the engine remembers when the kernel agrees.
  let edits: [Edit]
  /// The answer then.
  let outcome: RequestOutcome
  /// The mitigation concerned.
  let mid: UInt32
  /// Whether it holds even when the kernel refuses: a withdrawal is never refused.
  let isUnconditional: Bool
  let now: Instant
  /// Addresses of the devices that go into quarantine by it.
  let addresses: [DeviceAddress]

  init(
    edits: [Edit],
    outcome: RequestOutcome,
    mid: UInt32,
    isUnconditional: Bool = false,
    now: Instant,
    addresses: [DeviceAddress] = []
  ) {
    self.edits = edits
    self.outcome = outcome
    self.mid = mid
    self.isUnconditional = isUnconditional
    self.now = now
    self.addresses = addresses
  }

  static func == (left: Pending, right: Pending) -> Bool {
    left === right
      || left.edits == right.edits && left.outcome == right.outcome && left.mid == right.mid
        && left.isUnconditional == right.isUnconditional && left.now == right.now
        && left.addresses == right.addresses
  }
}

extension MitigationEngine {
  /// The kernel has the changes of the last decision; the answer to the request.
  ///
  /// Without such a decision nothing happens, and the answer is a refusal.
  public mutating func enforced() -> RequestOutcome {
    guard let decided = pending else { return .refused(Refusal(.unavailable, retryAfter: 1)) }
    pending = nil
    apply(decided)
    return decided.outcome
  }

  /// The kernel refused the changes of the last decision as a whole; the answer to the request.
  ///
  /// Nothing is remembered of it. `isFull` tells a kernel without room from one that fails. A
  /// withdrawal holds all the same: what the kernel then has too much ends with its own timeout.
  public mutating func refusedByKernel(isFull: Bool) -> RequestOutcome {
    guard let decided = pending else { return .refused(Refusal(.unavailable, retryAfter: 1)) }
    pending = nil
    if decided.isUnconditional {
      apply(decided)
      return decided.outcome
    }
    // What can't be mitigated any longer is told so (RFC 9132, Section 4.4.3).
    var isFull = isFull
    if case .changed = decided.outcome { isFull = true }
    return .refused(
      isFull
        ? Refusal(.kernelFull, mid: decided.mid, retryAfter: Limits.kernelRetry)
        : Refusal(.kernelRefused, mid: decided.mid)
    )
  }

  mutating func apply(_ decided: Pending) {
    for edit in decided.edits {
      switch edit {
      case .store(let mitigation): store(mitigation, now: decided.now)
      case .end(let id, let cause): end(id, because: cause, now: decided.now)
      case .supersede(let id, let successor):
        if let old = table[id] { note(old, because: .overridden, now: decided.now) }
        table.update(id) { $0.successor = successor }
      }
    }
    for address in decided.addresses { quarantines.add(address) }
  }

  /// Remembers a mitigation, and what it wants of devices; the kernel's part is the caller's.
  mutating func store(_ stored: Mitigation, now: Instant) {
    var mitigation = stored
    let macs = mitigation.quarantined
    // What the counters of devices said goes on counting when they are no longer its own.
    for share in shares(of: mitigation.id) where !macs.contains(share.mac) {
      mitigation.measurement.carry(share.counters)
    }
    quarantines.confine(
      macs,
      for: mitigation.id,
      until: mitigation.end,
      now: now,
      start: mitigation.start
    )
    let before = table[mitigation.id]
    for device in mitigation.permit.devices where home.hasDevice(at: device.address) {
      // Once: the address may have become another's since.
      if before?.confines(device) != true { quarantines.add(device) }
    }
    scheduleForgetting()
    if before?.holdsCounter == true, !mitigation.holdsCounter { mitigation.measurement.renew() }
    // Owners have their time, though its end was due.
    if mitigation.isPartlyAsking, mitigation.turn == nil || before?.isPartlyAsking == false {
      mitigation.turn = now + .seconds(settings.askTimeout)
    }
    table.store(mitigation)
    nextID = max(nextID, mitigation.id.value &+ 1)
    wake(at: mitigation.nextEvent)
  }

  mutating func wake(at moment: Instant) {
    nextEvent = min(nextEvent ?? moment, moment)
  }

  /// Forgets a mitigation and notes its ending; the kernel's part is the caller's.
  mutating func end(_ id: MitigationID, because cause: MitigationEnding.Cause, now: Instant) {
    guard let mitigation = table[id] else { return }
    note(mitigation, because: cause, now: now)
    _ = table.remove(id)
    if mitigation.quarantined.count == 1 {
      let counted = mitigation.measurement
      quarantines.update(mitigation.quarantined[0]) {
        $0.ended.packets &+= counted.packets
        $0.ended.bytes &+= counted.bytes
      }
    }
    quarantines.confine([], for: id, until: now, now: now, start: nil)
    scheduleForgetting()
  }

  /// Notes for log and observers that a mitigation ended, or stopped.
  mutating func note(
    _ mitigation: Mitigation,
    because cause: MitigationEnding.Cause,
    now: Instant
  ) {
    if mitigation.isSuperseded { return }
    let isByClient = cause == .expired || cause == .withdrawn || cause == .overridden
    let isReleased = mitigation.phase == .released
    let report = MitigationReport(
      mid: mitigation.key.mid,
      scope: mitigation.scope,
      remaining: .seconds(0),
      status: isByClient && !isReleased ? .attackMitigationTerminated : .attackMitigationWithdrawn,
      start: mitigation.start,
      dropped: dropped(by: mitigation, at: now),
      conflict: cause == .denied
        ? ConflictInformation(cause: .requestRejectedLegitimateTraffic) : nil
    )
    if endings.count == Limits.endings { endings.removeFirst() }
    endings.append(
      MitigationEnding(
        id: mitigation.id,
        client: mitigation.key.holder.section,
        name: mitigation.name,
        cause: cause,
        report: report
      )
    )
  }
}

extension Mitigation {
  /// Whether the kernel counts for it.
  fileprivate var holdsCounter: Bool { isEnforced && hasRule }

  /// Whether it has put the device into quarantine, by this address.
  fileprivate func confines(_ device: DeviceAddress) -> Bool {
    isEnforced && permit.action == .quarantine && permit.devices.contains(device)
  }
}
