import Bytes
import Model

/// One element of a gate: which, and where.
struct GatePlace {
  var lane: Lane
  var key: [UInt8]
}

/// What one event changes in the kernel, in the order in which it does, and what there was before.
struct Touched {
  private(set) var ids: [(id: MitigationID, before: Firewall.Entry?)] = []
  private(set) var cells: [(cell: Cell, wasThere: Bool)] = []
  private(set) var gates: [(place: GatePlace, wasThere: Bool)] = []
  private var seen: Set<[UInt8]> = []

  mutating func add(_ id: MitigationID, before: Firewall.Entry?) {
    var code: [UInt8] = []
    code.append(bigEndian: id.value)
    if seen.insert(code).inserted { ids.append((id, before)) }
  }

  mutating func add(_ cell: Cell, wasThere: Bool) {
    if seen.insert(cell.code).inserted { cells.append((cell, wasThere)) }
  }

  mutating func add(_ gate: GatePlace, wasThere: Bool) {
    if seen.insert(gate.lane.code + gate.key).inserted { gates.append((gate, wasThere)) }
  }
}

extension Firewall {
  /// The operations that bring the kernel's table from where the last event began to this.
  func plan(_ touched: Touched, now: Instant) -> [Operation] {
    guard let undo else { return [] }
    if !undo.wasEmpty, undo.shapes == nil, undo.protection == protection {
      return plan(StructureChange(), wasEmpty: false, touched, now: now)
    }
    let after = skeleton
    let before = Skeleton(protection: undo.protection, shapes: undo.shapes ?? after.shapes)
    let structure = StructureChange(from: undo.wasEmpty ? nil : before, to: after)
    return plan(structure, wasEmpty: undo.wasEmpty, touched, now: now)
  }

  /// The operations of a batch.
  ///
  /// Elements go first and come before the rules that look them up, chains come before what jumps to
  /// them and go after it, so that no step refers to what isn't there.
  private func plan(
    _ structure: StructureChange,
    wasEmpty: Bool,
    _ touched: Touched,
    now: Instant
  ) -> [Operation] {
    if isEmpty { return wasEmpty ? [] : [.deleteTable] }
    var plan: [Operation] = wasEmpty ? [.addTable] : []
    plan += withdrawn(touched)
    plan += mitigationsAdded(touched)
    plan += structure.addedSets
    plan += inserted(touched, now: now)
    plan += structure.chains
    plan += structure.removedSets
    plan += mitigationsRemoved(touched)
    return plan
  }

  /// The whole table, for a kernel that has none of it: somebody flushed it.
  ///
  /// Counters begin at zero again.
  public func operationsToRebuild(now: Instant) -> [Operation] {
    plan(StructureChange(from: nil, to: skeleton), wasEmpty: true, everything, now: now)
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
    let skeleton = skeleton
    let structure = skeleton.chains
    var chains = structure.map { $0.name }
    var rules = structure.reduce(0) { $0 + $1.rules.count }
    for (id, entry) in entries where !entry.lines.isEmpty {
      chains.append(id.counter)
      rules += entry.lines.count
    }
    return kernel.chains == chains.ordered() && kernel.ruleCount == rules
      && kernel.sets == skeleton.sets.map { $0.name }.ordered()
      && kernel.mitigations.map { $0.id } == ids && kernel.counters.count == ids.count
  }

  /// All there is, in a fixed order.
  private var everything: Touched {
    var touched = Touched()
    for id in ids {
      touched.add(id, before: nil)
      for cell in entries[id]?.cells ?? [] {
        touched.add(cell, wasThere: false)
        let gate = GatePlace(lane: cell.shape.lane, key: cell.gateKey)
        if gate.lane.hasGate { touched.add(gate, wasThere: false) }
      }
    }
    return touched
  }
}

// MARK: Parts of a plan

extension Firewall {
  private func withdrawn(_ touched: Touched) -> [Operation] {
    var plan: [Operation] = []
    for (cell, wasThere) in touched.cells where wasThere {
      plan.append(.deleteElement(set: cell.shape.map, key: cell.key))
    }
    for (gate, wasThere) in touched.gates where wasThere {
      plan.append(.deleteElement(set: gate.lane.gate, key: gate.key))
    }
    return plan
  }

  private func inserted(_ touched: Touched, now: Instant) -> [Operation] {
    var plan: [Operation] = []
    for (cell, _) in touched.cells {
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
    for (gate, _) in touched.gates {
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

  private func mitigationsAdded(_ touched: Touched) -> [Operation] {
    var plan: [Operation] = []
    for (id, previous) in touched.ids {
      guard let entry = entries[id] else { continue }
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

  private func mitigationsRemoved(_ touched: Touched) -> [Operation] {
    var plan: [Operation] = []
    for (id, previous) in touched.ids {
      guard let previous else { continue }
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
