import Bytes
import Model

/// Why a change is refused before the kernel is asked.
public enum FirewallError: Error, Equatable, Sendable {
  /// One mitigation would need this many elements, or more.
  case tooManyElements(Int)
  /// There would be this many kinds of keys: prefix lengths, ports or not.
  case tooManyShapes(Int)
  /// No source pairs with a target.
  case nothingToMatch
  /// There is no such mitigation.
  case unknown(MitigationID)
}

/// What the kernel's table should hold, and the plans that bring it there.
///
/// Each event changes the value in place and gives the operations of one batch; `rollBack()` undoes
/// the last one when the kernel refuses the batch. What an event costs doesn't depend on how many
/// mitigations it leaves alone.
///
/// The table is a tuple space: packets that a gate knows look up one hash map for each kind of keys in
/// use. Exact keys lead to the mitigation's counter and are dropped; others lead to its chain. All
/// elements have timeouts of at most an hour, and chains of mitigations are reached through elements
/// only: without core, everything ends on time.
public struct Firewall: Sendable {
  /// At most this many elements and chain lines for one mitigation: the kernel takes that many in
  /// 20 ms.
  public static let maximumElements = 4096
  /// Port combinations become chain lines when exact keys would exceed this, together with others.
  static let maximumExactElements = 1024
  /// Ports of one protocol that are expanded into exact keys.
  static let maximumExpandedPorts = 64
  /// Each shape is one more lookup for packets that a gate knows.
  static let maximumShapes = 96
  /// The kernel's limit computes rate · 10⁹ in 64 bits, twice.
  static let maximumRate: UInt64 = 4_000_000_000
  /// Addresses of one device in quarantine that are keys; it may make up any number.
  static let maximumAddresses = 64
  /// The set of who sent lately what a rule without a source stopped.
  public static let senderSet: Text = "who"
  /// No element lives longer without core.
  static let maximumTimeout = Span.seconds(3600)
  /// How often elements are renewed whose mitigation lives longer than their timeout.
  static let renewalInterval = Span.seconds(1200)
  /// Core ends a mitigation on time; the kernel does so this much later, so that core still finds the
  /// elements and can hand keys on.
  static let grace = Span.milliseconds(500)

  var policy: TablePolicy
  /// Mitigations and quarantines, the cells that they want, and gates; by their codes.
  var items: [[UInt8]: Item] = [:]
  /// The kinds of keys in use, in the order of their rules.
  var shapes: [ShapeUse] = []
  /// How many mitigations and quarantines outlive their elements in the kernel.
  var outliving = 0
  /// Where the last event began; nil when it was taken back.
  var start: Start?
  /// The items that it touched.
  var touched = Touched()
  /// When elements must be renewed; nil when none needs to.
  public internal(set) var nextRenewal: Instant?

  /// A table without mitigations and quarantines: there is none in the kernel, unless `access` has an
  /// API and `lan` names the interfaces on which it is; then commit `operationsToReconcile` first.
  public init(
    protection: Protection,
    access: QuarantineAccess = QuarantineAccess(portalPort: 8646),
    lan: [Text] = []
  ) {
    policy = TablePolicy(protection: protection, access: access, lan: lan)
  }

  /// The mitigations, in ascending order.
  public var ids: [MitigationID] { holders.compactMap { $0.mitigation } }

  /// Whether there is nothing to hold, and so no table.
  public var isEmpty: Bool { items.isEmpty && !policy.servesAPI }

  /// The rule of a mitigation; nil when there is no such.
  public func rule(of id: MitigationID) -> Rule? {
    guard case .install(let rule, _)? = entry(of: Holder(id))?.change else { return nil }
    return rule
  }

  /// The quarantine of a device; nil when it is in none.
  public func quarantine(of mac: MACAddress) -> Quarantine? {
    guard case .quarantine(let quarantine, _)? = entry(of: Holder(mac))?.change else { return nil }
    return quarantine
  }

  /// How many elements and chain lines a rule needs, whatever else there is.
  public static func elementCount(of rule: Rule) -> Int { Expansion.count(rule) }

  /// Carries out all changes, or none when it throws.
  ///
  /// Installing an id that is there replaces its rule, and a device's quarantine the one before; the
  /// counter and its journal stay. Releasing a device that is in none does nothing.
  public mutating func apply(
    _ changes: [RuleChange],
    now: Instant
  ) throws(FirewallError) -> [Operation] {
    begin()
    do throws(FirewallError) {
      for change in changes { try apply(change, now: now) }
      guard shapes.count <= Self.maximumShapes else { throw .tooManyShapes(shapes.count) }
    } catch {
      rollBack()
      throw error
    }
    scheduleRenewal(now: now)
    return plan(now: now)
  }

  private mutating func apply(_ change: RuleChange, now: Instant) throws(FirewallError) {
    switch change {
    case .install(let rule, _):
      install(Holder(rule.id), change, try Expansion(rule), now: now)
    case .quarantine(let quarantine, _):
      install(Holder(quarantine.mac), change, Expansion(quarantine), now: now)
    case .renew(let id, let remaining):
      guard extend(Holder(id), until: remaining.map { now + $0 }, now: now) else {
        throw .unknown(id)
      }
    case .remove(let id):
      guard remove(Holder(id)) else { throw .unknown(id) }
    case .release(let mac): remove(Holder(mac))
    }
  }

  /// What must change so that exactly what `wanted` installs is enforced, for as long as it says.
  ///
  /// After a change that the kernel refused this value is behind what was decided, and stays so until
  /// these are applied: what should be gone would be renewed until its old end.
  public func changes(toward wanted: [RuleChange], now: Instant) -> [RuleChange] {
    var surplus = self
    var changes: [RuleChange] = []
    for change in wanted {
      guard let holder = change.holder else { continue }
      let entry = surplus.entry(of: holder)
      surplus.put(.nothing, holder.code)
      if entry?.change.installsSame(as: change) != true {
        changes.append(change)
      } else if entry?.until != change.remaining.map({ now + $0 }) {
        let renewal = holder.mitigation.map { RuleChange.renew($0, remaining: change.remaining) }
        changes.append(renewal ?? change)
      }
    }
    for holder in surplus.holders {
      let removal = holder.mitigation.map { RuleChange.remove($0) }
      changes.append(removal ?? .release(MACAddress(holder.value)))
    }
    return changes
  }

  /// The mitigations that `renew` renews, by rising number.
  public var renewing: [MitigationID] { outliers.compactMap { $0.mitigation } }

  private var outliers: [Holder] { holders.filter { entry(of: $0)?.outlivesKernel == true } }

  /// Sets the timeouts anew of elements whose mitigation or quarantine outlives them.
  public mutating func renew(now: Instant) -> [Operation] {
    begin()
    for holder in outliers { extend(holder, until: entry(of: holder)?.until, now: now) }
    nextRenewal = nil
    scheduleRenewal(now: now)
    return plan(now: now)
  }

  /// Protects other traffic from now on.
  public mutating func setProtection(_ protection: Protection, now: Instant) -> [Operation] {
    begin(isOfPolicy: true)
    policy = TablePolicy(protection: protection, access: policy.access, lan: policy.lan)
    return plan(now: now)
  }

  /// Gives devices in quarantine this access from now on; `lan` names the interfaces of the home, on
  /// which the API is served.
  public mutating func setAccess(
    _ access: QuarantineAccess,
    lan: [Text],
    now: Instant
  ) -> [Operation] {
    begin(isOfPolicy: true)
    policy = TablePolicy(protection: policy.protection, access: access, lan: lan)
    return plan(now: now)
  }
}
