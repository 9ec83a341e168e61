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
  /// No element lives longer without core.
  static let maximumTimeout = Span.seconds(3600)
  /// How often elements are renewed whose mitigation lives longer than their timeout.
  static let renewalInterval = Span.seconds(1200)
  /// Core ends a mitigation on time; the kernel does so this much later, so that core still finds the
  /// elements and can hand keys on.
  static let grace = Span.milliseconds(500)

  /// One mitigation, or one device in quarantine.
  struct Entry: Equatable {
    var intent: Intent
    /// Nil: no end.
    var until: Instant?
    /// When the kernel ends it, unless renewed.
    var kernelUntil: Instant
    var cells: [Cell] = []
    var lines: [[Expression]] = []
  }

  /// One element of a gate.
  struct Gate: Equatable {
    var cells: Int
    /// Never before the last of the cells; stays when that one goes, since a gate does nothing alone.
    var until: Instant
  }

  var policy: TablePolicy
  var entries: [Holder: Entry] = .init()
  /// Who wants each key, in the order in which they came; the first counts.
  var owners: [Shape: [[UInt8]: [Holder]]] = .init()
  var gates: [Lane: [[UInt8]: Gate]] = .init()
  /// How many mitigations and quarantines outlive their elements in the kernel.
  var outliving = 0
  /// What takes back the last event.
  var undo: Undo?
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

  var holders: [Holder] { [Holder](entries.keys).ordered() }

  /// Whether there is nothing to hold, and so no table.
  public var isEmpty: Bool { entries.isEmpty && !policy.servesAPI }

  /// The rule of a mitigation; nil when there is no such.
  public func rule(of id: MitigationID) -> Rule? {
    guard case .rule(let rule)? = entries[Holder(id)]?.intent else { return nil }
    return rule
  }

  /// The quarantine of a device; nil when it is in none.
  public func quarantine(of mac: MACAddress) -> Quarantine? {
    guard case .quarantine(let quarantine)? = entries[Holder(mac)]?.intent else { return nil }
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
    var touched = Touched()
    do throws(FirewallError) {
      for change in changes {
        switch change {
        case .install(let rule, let remaining):
          let expansion = try Expansion(rule)
          install(Holder(rule.id), .rule(rule), expansion, remaining, now: now, &touched)
        case .renew(let id, let remaining):
          guard entries[Holder(id)] != nil else { throw .unknown(id) }
          extend(Holder(id), until: remaining.map { now + $0 }, now: now, &touched)
        case .remove(let id):
          guard entries[Holder(id)] != nil else { throw .unknown(id) }
          remove(Holder(id), &touched)
        case .quarantine(let quarantine, let remaining):
          let intent = Intent.quarantine(quarantine)
          let expansion = Expansion(quarantine)
          install(Holder(quarantine.mac), intent, expansion, remaining, now: now, &touched)
        case .release(let mac): remove(Holder(mac), &touched)
        }
      }
      guard owners.count <= Self.maximumShapes else {
        throw .tooManyShapes(owners.count)
      }
    } catch {
      rollBack()
      throw error
    }
    scheduleRenewal(now: now)
    return plan(touched, now: now)
  }

  /// What must change so that exactly what `wanted` installs is enforced, for as long as it says.
  ///
  /// After a change that the kernel refused this value is behind what was decided, and stays so until
  /// these are applied: what should be gone would be renewed until its old end.
  public func changes(toward wanted: [RuleChange], now: Instant) -> [RuleChange] {
    var surplus = entries
    var changes: [RuleChange] = []
    for change in wanted {
      guard let (holder, intent, remaining) = change.intent else { continue }
      let entry = surplus.removeValue(forKey: holder)
      if !intent.isSame(as: entry?.intent) {
        changes.append(change)
      } else if entry?.until != remaining.map({ now + $0 }) {
        changes.append(holder.mitigation.map { .renew($0, remaining: remaining) } ?? change)
      }
    }
    return changes
      + [Holder](surplus.keys).ordered().map { holder in
        holder.mitigation.map { .remove($0) } ?? .release(MACAddress(holder.value))
      }
  }

  /// The mitigations that `renew` renews, by rising number.
  public var renewing: [MitigationID] { outliers.compactMap { $0.mitigation } }

  private var outliers: [Holder] { holders.filter { entries[$0]?.outlivesKernel == true } }

  /// Sets the timeouts anew of elements whose mitigation or quarantine outlives them.
  public mutating func renew(now: Instant) -> [Operation] {
    begin()
    var touched = Touched()
    for holder in outliers {
      guard let entry = entries[holder] else { continue }
      extend(holder, until: entry.until, now: now, &touched)
    }
    nextRenewal = nil
    scheduleRenewal(now: now)
    return plan(touched, now: now)
  }

  /// Protects other traffic from now on.
  public mutating func setProtection(_ protection: Protection, now: Instant) -> [Operation] {
    begin()
    policy.protection = protection
    return plan(Touched(), now: now)
  }

  /// Gives devices in quarantine this access from now on; `lan` names the interfaces of the home, on
  /// which the API is served.
  public mutating func setAccess(
    _ access: QuarantineAccess,
    lan: [Text],
    now: Instant
  ) -> [Operation] {
    begin()
    policy.access = access
    policy.lan = lan
    return plan(Touched(), now: now)
  }
}

// MARK: Mitigations

extension Firewall {
  private mutating func install(
    _ holder: Holder,
    _ intent: Intent,
    _ expansion: Expansion,
    _ remaining: Span?,
    now: Instant,
    _ touched: inout Touched
  ) {
    remove(holder, &touched)
    touched.add(holder, before: nil)
    let until = remaining.map { now + $0 }
    var entry = Entry(intent: intent, until: until, kernelUntil: kernelEnd(until, now: now))
    entry.lines = expansion.lines
    for cell in expansion.cells {
      let placed = placed(cell)
      let owners = owners[placed.shape]?[placed.key]
      touched.add(placed, wasThere: owners != nil)
      set((owners ?? []) + [holder], of: placed)
      open(placed, until: entry.kernelUntil, &touched)
      entry.cells.append(placed)
    }
    set(entry, of: holder)
  }

  /// The cell in the first layer in which its key is free; cells of layer 0 are shared.
  private func placed(_ cell: Cell) -> Cell {
    var cell = cell
    while cell.shape.layer > 0, owners[cell.shape]?[cell.key] != nil { cell.shape.layer += 1 }
    return cell
  }

  private mutating func remove(_ holder: Holder, _ touched: inout Touched) {
    guard let entry = entries[holder] else { return }
    touched.add(holder, before: entry)
    set(nil, of: holder)
    for cell in entry.cells {
      let owners = owners[cell.shape]?[cell.key]
      touched.add(cell, wasThere: owners != nil)
      let left = owners?.filter { $0 != holder } ?? []
      set(left.isEmpty ? nil : left, of: cell)
      close(cell, &touched)
    }
  }

  private mutating func extend(
    _ holder: Holder,
    until: Instant?,
    now: Instant,
    _ touched: inout Touched
  ) {
    guard var entry = entries[holder] else { return }
    let end = kernelEnd(until, now: now)
    entry.until = until
    entry.kernelUntil = end
    set(entry, of: holder)
    for cell in entry.cells {
      touched.add(cell, wasThere: true)
      let place = GatePlace(lane: cell.shape.lane, key: cell.gateKey)
      if place.lane.hasGate, var gate = gates[place.lane]?[place.key], gate.until < end {
        touched.add(place, wasThere: true)
        gate.until = end
        set(gate, at: place)
      }
    }
  }

  private mutating func open(_ cell: Cell, until: Instant, _ touched: inout Touched) {
    let place = GatePlace(lane: cell.shape.lane, key: cell.gateKey)
    guard place.lane.hasGate else { return }
    let before = gates[place.lane]?[place.key]
    var gate = before ?? Gate(cells: 0, until: until)
    if gate.cells == 0 || gate.until < until { touched.add(place, wasThere: before != nil) }
    gate.cells += 1
    gate.until = max(gate.until, until)
    set(gate, at: place)
  }

  private mutating func close(_ cell: Cell, _ touched: inout Touched) {
    let place = GatePlace(lane: cell.shape.lane, key: cell.gateKey)
    guard var gate = gates[place.lane]?[place.key] else { return }
    gate.cells -= 1
    if gate.cells == 0 { touched.add(place, wasThere: true) }
    set(gate.cells == 0 ? nil : gate, at: place)
  }

  private mutating func scheduleRenewal(now: Instant) {
    nextRenewal = outliving > 0 ? nextRenewal ?? now + Self.renewalInterval : nil
  }

  /// When the kernel ends elements of a mitigation that ends `until`.
  func kernelEnd(_ until: Instant?, now: Instant) -> Instant {
    let latest = now + Self.maximumTimeout
    return until.map { min($0, latest) } ?? latest
  }
}

extension RuleChange {
  /// What it installs, for whom and for how long; nil when it installs nothing.
  fileprivate var intent: (Holder, Intent, Span?)? {
    switch self {
    case .install(let rule, let remaining): (Holder(rule.id), .rule(rule), remaining)
    case .quarantine(let quarantine, let remaining):
      (Holder(quarantine.mac), .quarantine(quarantine), remaining)
    case .renew, .remove, .release: nil
    }
  }
}

extension Firewall.Entry {
  /// Whether the kernel ends it too early unless renewed.
  var outlivesKernel: Bool { until.map { kernelUntil < $0 } ?? true }
}
