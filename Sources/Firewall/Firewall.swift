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
/// Each event changes the value and gives the operations of one batch. Keep the old value until the
/// kernel has acknowledged the batch, and go back to it when the kernel refuses.
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
  /// No element lives longer without core.
  static let maximumTimeout = Span.seconds(3600)
  /// How often elements are renewed whose mitigation lives longer than their timeout.
  static let renewalInterval = Span.seconds(1200)
  /// Core ends a mitigation on time; the kernel does so this much later, so that core still finds the
  /// elements and can hand keys on.
  static let grace = Span.milliseconds(500)

  /// One mitigation.
  struct Entry {
    var rule: Rule
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

  var protection: Protection
  var entries: [MitigationID: Entry] = [:]
  /// Who wants each key, in the order in which they came; the first counts.
  var owners: [Shape: [[UInt8]: [MitigationID]]] = [:]
  var gates: [Lane: [[UInt8]: Gate]] = [:]
  /// When elements must be renewed; nil when none needs to.
  public private(set) var nextRenewal: Instant?

  /// A table without mitigations: there is none in the kernel.
  public init(protection: Protection) { self.protection = protection }

  /// The mitigations, in ascending order.
  public var ids: [MitigationID] { [MitigationID](entries.keys).inOrder(by: <) }

  /// Whether there is no mitigation, and so no table.
  public var isEmpty: Bool { entries.isEmpty }

  /// The rule of a mitigation; nil when there is no such.
  public func rule(of id: MitigationID) -> Rule? { entries[id]?.rule }

  /// How many elements and chain lines a rule needs, whatever else there is.
  public static func elementCount(of rule: Rule) -> Int { Expansion.count(rule) }

  /// Carries out all changes, or none when it throws.
  ///
  /// Installing an id that is there replaces its rule; its counter and journal stay.
  public mutating func apply(
    _ changes: [RuleChange],
    now: Instant
  ) throws(FirewallError) -> [Operation] {
    let before = self
    var touched = Touched()
    do throws(FirewallError) {
      for change in changes {
        switch change {
        case .install(let rule, let remaining):
          try install(rule, until: remaining.map { now + $0 }, now: now, &touched)
        case .renew(let id, let remaining):
          try setEnd(of: id, to: remaining.map { now + $0 }, now: now, &touched)
        case .remove(let id):
          guard entries[id] != nil else { throw .unknown(id) }
          remove(id, &touched)
        }
      }
      guard owners.count <= Self.maximumShapes else {
        throw .tooManyShapes(owners.count)
      }
    } catch {
      self = before
      throw error
    }
    scheduleRenewal(now: now)
    return plan(from: before, touched, now: now)
  }

  /// What must change so that exactly what `wanted` installs is enforced, for as long as it says.
  ///
  /// After a change that the kernel refused this value is behind what was decided, and stays so until
  /// these are applied: what should be gone would be renewed until its old end.
  public func changes(toward wanted: [RuleChange], now: Instant) -> [RuleChange] {
    var surplus = entries
    var changes: [RuleChange] = []
    for case .install(let rule, let remaining) in wanted {
      let entry = surplus.removeValue(forKey: rule.id)
      var known = entry?.rule
      known?.journal = rule.journal
      if known != rule {
        changes.append(.install(rule, remaining: remaining))
      } else if entry?.until != remaining.map({ now + $0 }) {
        changes.append(.renew(rule.id, remaining: remaining))
      }
    }
    return changes + [MitigationID](surplus.keys).inOrder(by: <).map { .remove($0) }
  }

  /// Sets the timeouts anew of elements whose mitigation outlives them.
  public mutating func renew(now: Instant) -> [Operation] {
    let before = self
    var touched = Touched()
    for id in ids {
      guard let entry = entries[id], entry.outlivesKernel else { continue }
      extend(id, until: entry.until, now: now, &touched)
    }
    nextRenewal = nil
    scheduleRenewal(now: now)
    return plan(from: before, touched, now: now)
  }

  /// Protects other traffic from now on.
  public mutating func setProtection(_ protection: Protection, now: Instant) -> [Operation] {
    let before = self
    self.protection = protection
    return plan(from: before, Touched(), now: now)
  }
}

// MARK: Mitigations

extension Firewall {
  private mutating func install(
    _ rule: Rule,
    until: Instant?,
    now: Instant,
    _ touched: inout Touched
  ) throws(FirewallError) {
    let expansion = try Expansion(rule)
    if entries[rule.id] != nil { remove(rule.id, &touched) }
    touched.add(rule.id)
    var entry = Entry(rule: rule, until: until, kernelUntil: kernelEnd(until, now: now))
    entry.lines = expansion.lines
    for cell in expansion.cells {
      let placed = placed(cell)
      owners[placed.shape, default: [:]][placed.key, default: []].append(rule.id)
      open(placed, until: entry.kernelUntil, &touched)
      touched.add(placed)
      entry.cells.append(placed)
    }
    entries[rule.id] = entry
  }

  /// The cell in the first layer in which its key is free; cells of layer 0 are shared.
  private func placed(_ cell: Cell) -> Cell {
    var cell = cell
    while cell.shape.layer > 0, owners[cell.shape]?[cell.key] != nil { cell.shape.layer += 1 }
    return cell
  }

  private mutating func remove(_ id: MitigationID, _ touched: inout Touched) {
    guard let entry = entries.removeValue(forKey: id) else { return }
    touched.add(id)
    for cell in entry.cells {
      owners[cell.shape]?[cell.key]?.removeAll { $0 == id }
      if owners[cell.shape]?[cell.key]?.isEmpty == true {
        owners[cell.shape]?[cell.key] = nil
        if owners[cell.shape]?.isEmpty == true { owners[cell.shape] = nil }
      }
      close(cell, &touched)
      touched.add(cell)
    }
  }

  private mutating func setEnd(
    of id: MitigationID,
    to until: Instant?,
    now: Instant,
    _ touched: inout Touched
  ) throws(FirewallError) {
    guard entries[id] != nil else { throw .unknown(id) }
    extend(id, until: until, now: now, &touched)
  }

  private mutating func extend(
    _ id: MitigationID,
    until: Instant?,
    now: Instant,
    _ touched: inout Touched
  ) {
    guard let entry = entries[id] else { return }
    let end = kernelEnd(until, now: now)
    entries[id]?.until = until
    entries[id]?.kernelUntil = end
    for cell in entry.cells {
      touched.add(cell)
      let lane = cell.shape.lane
      if lane.hasGate, let gate = gates[lane]?[cell.gateKey], gate.until < end {
        gates[lane]?[cell.gateKey]?.until = end
        touched.add(lane, cell.gateKey)
      }
    }
  }

  private mutating func open(_ cell: Cell, until: Instant, _ touched: inout Touched) {
    let lane = cell.shape.lane
    guard lane.hasGate else { return }
    let key = cell.gateKey
    var gate = gates[lane]?[key] ?? Gate(cells: 0, until: until)
    if gate.cells == 0 || gate.until < until { touched.add(lane, key) }
    gate.cells += 1
    gate.until = max(gate.until, until)
    gates[lane, default: [:]][key] = gate
  }

  private mutating func close(_ cell: Cell, _ touched: inout Touched) {
    let lane = cell.shape.lane
    let key = cell.gateKey
    guard let gate = gates[lane]?[key] else { return }
    guard gate.cells == 1 else {
      gates[lane]?[key]?.cells -= 1
      return
    }
    touched.add(lane, key)
    gates[lane]?[key] = nil
    if gates[lane]?.isEmpty == true { gates[lane] = nil }
  }

  private mutating func scheduleRenewal(now: Instant) {
    let isNeeded = entries.values.contains { $0.outlivesKernel }
    nextRenewal = isNeeded ? nextRenewal ?? now + Self.renewalInterval : nil
  }

  /// When the kernel ends elements of a mitigation that ends `until`.
  func kernelEnd(_ until: Instant?, now: Instant) -> Instant {
    let latest = now + Self.maximumTimeout
    return until.map { min($0, latest) } ?? latest
  }
}

extension Firewall.Entry {
  /// Whether the kernel ends it too early unless renewed.
  var outlivesKernel: Bool { until.map { kernelUntil < $0 } ?? true }
}
