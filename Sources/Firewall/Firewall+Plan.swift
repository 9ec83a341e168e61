import Bytes
import Model

/// What one event changed, in the order in which it did.
struct Touched {
  private(set) var ids: [MitigationID] = []
  private(set) var cells: [Cell] = []
  private(set) var gates: [GateKey] = []
  private var seen: Set<[UInt8]> = []

  struct GateKey {
    var lane: Lane
    var key: [UInt8]
  }

  mutating func add(_ id: MitigationID) {
    var code: [UInt8] = []
    code.append(bigEndian: id.value)
    if seen.insert(code).inserted { ids.append(id) }
  }

  mutating func add(_ cell: Cell) {
    if seen.insert(cell.code).inserted { cells.append(cell) }
  }

  mutating func add(_ lane: Lane, _ key: [UInt8]) {
    if seen.insert(lane.code + key).inserted { gates.append(GateKey(lane: lane, key: key)) }
  }
}

extension Firewall {
  /// The operations that turn the kernel's table from `before` into this, given what was touched.
  ///
  /// Elements go first and come before the rules that look them up, chains come before what jumps to
  /// them and go after it, so that no step refers to what isn't there.
  func plan(from before: Firewall, _ touched: Touched, now: Instant) -> [Operation] {
    if isEmpty { return before.isEmpty ? [] : [.deleteTable] }
    let keepsStructure =
      !before.isEmpty && before.protection == protection && before.owners.keys == owners.keys
    let structure = keepsStructure ? StructureChange() : StructureChange(from: before, to: self)
    var plan: [Operation] = before.isEmpty ? [.addTable] : []
    plan += withdrawn(from: before, touched)
    plan += mitigationsAdded(since: before, touched)
    plan += structure.addedSets
    plan += inserted(touched, now: now)
    plan += structure.chains
    plan += structure.removedSets
    plan += mitigationsRemoved(since: before, touched)
    return plan
  }

  /// The whole table, for a kernel that has none of it: somebody flushed it.
  ///
  /// Counters begin at zero again.
  public func operationsToRebuild(now: Instant) -> [Operation] {
    plan(from: Firewall(protection: protection), everything, now: now)
  }

  /// Makes the kernel's table what it should be, whatever it holds now, in one batch: no packet passes
  /// in between.
  ///
  /// Counters of mitigations that are here stay with what they counted; what else there is goes. To
  /// adopt the table of a core that died: install what its journals and the state file say, under the
  /// same ids, into a new firewall, forget those plans, and commit this one.
  public func operationsToReconcile(with kernel: KernelSnapshot?, now: Instant) -> [Operation] {
    guard let kernel else { return operationsToRebuild(now: now) }
    if isEmpty { return [.deleteTable] }
    var plan: [Operation] = [.addTable, .flushTable]
    plan += kernel.sets.map { .deleteSet($0) }
    plan += kernel.chains.map { .deleteChain($0) }
    plan += kernel.limits.map { .deleteLimit($0) }
    for counter in kernel.counters {
      if let id = MitigationID(counter: counter.name), entries[id] != nil { continue }
      plan.append(.deleteCounter(counter.name))
    }
    return plan + operationsToRebuild(now: now).dropFirst()
  }

  /// Whether the kernel's table still has the chains, sets, rules and counters that it should have;
  /// elements aren't compared.
  public func matches(_ kernel: KernelSnapshot?) -> Bool {
    guard let kernel else { return isEmpty }
    guard !isEmpty else { return false }
    let structure = structure()
    var chains = structure.map { $0.name }
    var rules = structure.reduce(0) { $0 + $1.rules.count }
    for (id, entry) in entries where !entry.lines.isEmpty {
      chains.append(id.counter)
      rules += entry.lines.count
    }
    return kernel.chains == chains.ordered() && kernel.ruleCount == rules
      && kernel.sets == sets.map { $0.name }.ordered()
      && kernel.mitigations.map { $0.id } == ids && kernel.counters.count == ids.count
  }

  /// All there is, in a fixed order.
  private var everything: Touched {
    var touched = Touched()
    for id in ids {
      touched.add(id)
      for cell in entries[id]?.cells ?? [] {
        touched.add(cell)
        if cell.shape.lane.hasGate { touched.add(cell.shape.lane, cell.gateKey) }
      }
    }
    return touched
  }
}

// MARK: Parts of a plan

extension Firewall {
  private func withdrawn(from before: Firewall, _ touched: Touched) -> [Operation] {
    var plan: [Operation] = []
    for cell in touched.cells where before.owners[cell.shape]?[cell.key] != nil {
      plan.append(.deleteElement(set: cell.shape.map, key: cell.key))
    }
    for gate in touched.gates where before.gates[gate.lane]?[gate.key] != nil {
      plan.append(.deleteElement(set: gate.lane.gate, key: gate.key))
    }
    return plan
  }

  private func inserted(_ touched: Touched, now: Instant) -> [Operation] {
    var plan: [Operation] = []
    for cell in touched.cells {
      guard let owners = owners[cell.shape]?[cell.key], let first = owners.first else { continue }
      let value: ElementValue =
        cell.shape.layer == 0 ? .counter(first.counter) : .jump(first.counter)
      plan.append(
        .addElement(
          set: cell.shape.map,
          key: cell.key,
          value,
          timeout: timeout(until: end(of: owners, now: now), now: now)
        )
      )
    }
    for gate in touched.gates {
      guard let until = gates[gate.lane]?[gate.key]?.until else { continue }
      plan.append(
        .addElement(
          set: gate.lane.gate,
          key: gate.key,
          .none,
          timeout: timeout(until: until, now: now)
        )
      )
    }
    return plan
  }

  /// When the kernel ends a shared key: with the last of its owners.
  ///
  /// All of them want the same drop. Were it the end of the owner that counts, and core dead at that
  /// moment, the others' packets would pass. Core hands the key on when that owner ends; until core is
  /// back they count for the wrong mitigation, but don't pass.
  private func end(of owners: [MitigationID], now: Instant) -> Instant {
    owners.reduce(now) { latest, id in max(latest, entries[id]?.kernelUntil ?? latest) }
  }

  /// Never zero, which for the kernel means no end; never longer than the maximum and the grace.
  private func timeout(until: Instant, now: Instant) -> Span {
    min(max(until - now, .zero), Self.maximumTimeout) + Self.grace
  }

  private func mitigationsAdded(since before: Firewall, _ touched: Touched) -> [Operation] {
    var plan: [Operation] = []
    for id in touched.ids {
      guard let entry = entries[id] else { continue }
      let previous = before.entries[id]
      if previous == nil { plan.append(.addCounter(id.counter, journal: entry.rule.journal)) }
      let changesLimit = previous?.limitInUse != entry.limitInUse
      let changesLines = previous?.lines != entry.lines || changesLimit
      if changesLines, let previous, !previous.lines.isEmpty {
        plan.append(.flushChain(id.counter))
      }
      if changesLimit, previous?.limitInUse != nil { plan.append(.deleteLimit(id.limit)) }
      if changesLimit, let rate = entry.limitInUse {
        plan.append(.addLimit(id.limit, bytesPerSecond: rate))
      }
      guard changesLines, !entry.lines.isEmpty else { continue }
      if previous?.lines.isEmpty ?? true { plan.append(.addChain(id.counter, nil)) }
      plan += entry.lines.map { .addRule(chain: id.counter, $0) }
    }
    return plan
  }

  private func mitigationsRemoved(since before: Firewall, _ touched: Touched) -> [Operation] {
    var plan: [Operation] = []
    for id in touched.ids {
      guard let previous = before.entries[id] else { continue }
      if !previous.lines.isEmpty, entries[id]?.lines.isEmpty ?? true {
        plan.append(.deleteChain(id.counter))
      }
      guard entries[id] == nil else { continue }
      if previous.limitInUse != nil { plan.append(.deleteLimit(id.limit)) }
      plan.append(.deleteCounter(id.counter))
    }
    return plan
  }
}

extension Firewall.Entry {
  /// The rate of the mitigation's limit object; nil when it has none.
  var limitInUse: UInt64? { lines.isEmpty ? nil : rule.verdict.rate }
}
