import Bytes
import Model

/// One element of a gate: which, and where.
struct GatePlace {
  var lane: Lane
  var key: [UInt8]
}

/// What one event changes in the kernel, in the order in which it does, and what there was before.
struct Touched {
  private(set) var holders: [(holder: Holder, before: Firewall.Entry?)] = []
  private(set) var cells: [(cell: Cell, wasThere: Bool)] = []
  private(set) var gates: [(place: GatePlace, wasThere: Bool)] = []
  private var seen: Set<[UInt8]> = []

  mutating func add(_ holder: Holder, before: Firewall.Entry?) {
    var code: [UInt8] = []
    code.append(bigEndian: holder.value)
    if seen.insert(code).inserted { holders.append((holder, before)) }
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
    if !undo.wasEmpty, undo.shapes == nil, undo.policy == policy {
      return plan(StructureChange(), wasEmpty: false, touched, now: now)
    }
    let after = skeleton
    let before = Skeleton(policy: undo.policy, shapes: undo.shapes ?? after.shapes)
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
    plan += holdersAdded(touched)
    plan += structure.addedSets
    plan += inserted(touched, now: now)
    plan += structure.chains
    plan += structure.removedSets
    plan += holdersRemoved(touched)
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
    let counters = Set(entries.keys.map { $0.counter })
    for counter in kernel.counters {
      if !counters.contains(counter.name) { plan.append(.deleteCounter(counter.name)) }
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
    for (holder, entry) in entries where !entry.lines.isEmpty {
      chains.append(holder.counter)
      rules += entry.lines.count
    }
    return kernel.chains == chains.ordered() && kernel.ruleCount == rules
      && kernel.sets == skeleton.sets.map { $0.name }.ordered()
      && kernel.counters.map { $0.name } == entries.keys.map { $0.counter }.ordered()
  }

  /// All there is, in a fixed order.
  private var everything: Touched {
    var touched = Touched()
    for holder in holders {
      touched.add(holder, before: nil)
      for cell in entries[holder]?.cells ?? [] {
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
  private func end(of owners: [Holder], now: Instant) -> Instant {
    owners.reduce(now) { latest, holder in
      max(latest, entries[holder]?.kernelUntil ?? latest)
    }
  }

  /// Never zero, which for the kernel means no end; never longer than the maximum and the grace.
  private func timeout(until: Instant, now: Instant) -> Span {
    min(max(until - now, .zero), Self.maximumTimeout) + Self.grace
  }

  private func holdersAdded(_ touched: Touched) -> [Operation] {
    var plan: [Operation] = []
    for (holder, previous) in touched.holders {
      guard let entry = entries[holder] else { continue }
      if previous == nil { plan.append(.addCounter(holder.counter, journal: entry.intent.journal)) }
      let changesLimit = previous?.limitInUse != entry.limitInUse
      let changesLines = previous?.lines != entry.lines || changesLimit
      if changesLines, let previous, !previous.lines.isEmpty {
        plan.append(.flushChain(holder.counter))
      }
      if changesLimit, previous?.limitInUse != nil { plan.append(.deleteLimit(holder.limit)) }
      if changesLimit, let rate = entry.limitInUse {
        plan.append(.addLimit(holder.limit, bytesPerSecond: rate))
      }
      guard changesLines, !entry.lines.isEmpty else { continue }
      if previous?.lines.isEmpty ?? true { plan.append(.addChain(holder.counter, nil)) }
      plan += entry.lines.map { .addRule(chain: holder.counter, $0) }
    }
    return plan
  }

  private func holdersRemoved(_ touched: Touched) -> [Operation] {
    var plan: [Operation] = []
    for (holder, previous) in touched.holders {
      guard let previous else { continue }
      if !previous.lines.isEmpty, entries[holder]?.lines.isEmpty ?? true {
        plan.append(.deleteChain(holder.counter))
      }
      guard entries[holder] == nil else { continue }
      if previous.limitInUse != nil { plan.append(.deleteLimit(holder.limit)) }
      plan.append(.deleteCounter(holder.counter))
    }
    return plan
  }
}

extension Firewall.Entry {
  /// The rate of the mitigation's limit object; nil when it has none.
  var limitInUse: UInt64? {
    guard !lines.isEmpty, case .rule(let rule) = intent else { return nil }
    return rule.verdict.rate
  }
}
