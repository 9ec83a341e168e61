import Bytes
import Model

/// What one event changed, in the order in which it did.
struct Touched {
  private(set) var ids: [MitigationID] = []
  private(set) var cells: [Cell] = []
  private(set) var gates: [GateKey] = []
  private var seenIDs: Set<MitigationID> = []
  private var seenCells: Set<Cell> = []
  private var seenGates: Set<GateKey> = []

  struct GateKey: Hashable {
    var lane: Lane
    var key: [UInt8]
  }

  mutating func add(_ id: MitigationID) {
    if seenIDs.insert(id).inserted { ids.append(id) }
  }

  mutating func add(_ cell: Cell) {
    if seenCells.insert(cell).inserted { cells.append(cell) }
  }

  mutating func add(_ lane: Lane, _ key: [UInt8]) {
    let gate = GateKey(lane: lane, key: key)
    if seenGates.insert(gate).inserted { gates.append(gate) }
  }
}

extension Firewall {
  /// The operations that turn the kernel's table from `before` into this, given what was touched.
  ///
  /// Elements go first and come before the rules that look them up, chains come before what jumps to
  /// them and go after it, so that no step refers to what isn't there.
  func plan(from before: Firewall, _ touched: Touched, now: Instant) -> [Operation] {
    if isEmpty { return before.isEmpty ? [] : [.deleteTable] }
    let old = before.isEmpty ? [] : before.structure()
    let new = structure()
    let oldSets = before.sets
    let newSets = sets
    var plan: [Operation] = before.isEmpty ? [.addTable] : []
    plan += withdrawn(from: before, touched)
    plan += mitigationsAdded(since: before, touched)
    for set in newSets where !oldSets.contains(set) {
      plan.append(.addSet(set.name, key: set.key, set.content))
    }
    plan += inserted(touched, now: now)
    for chain in new where !old.contains(where: { $0.name == chain.name }) {
      plan.append(.addChain(chain.name, chain.attachment))
    }
    for chain in new {
      let previous = old.first { $0.name == chain.name }
      if previous?.rules == chain.rules { continue }
      if previous != nil { plan.append(.flushChain(chain.name)) }
      plan += chain.rules.map { .addRule(chain: chain.name, $0) }
    }
    for chain in old.reversed() where !new.contains(where: { $0.name == chain.name }) {
      plan.append(.deleteChain(chain.name))
    }
    for set in oldSets where !newSets.contains(set) { plan.append(.deleteSet(set.name)) }
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
      && kernel.counters.map { $0.name }.ordered() == entries.keys.map { $0.counter }.ordered()
  }

  /// All there is, in a fixed order.
  private var everything: Touched {
    var touched = Touched()
    for id in entries.keys.ordered() {
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

// MARK: Structure

/// A set or map that should be there.
struct DesiredSet: Equatable {
  var name: Text
  var key: [KeyField]
  var content: SetContent
}

extension Firewall {
  /// All sets and maps: gates, then maps, each in the order of their rules.
  var sets: [DesiredSet] {
    gates.keys.ordered().map {
      DesiredSet(name: $0.gate, key: [.address($0.family)], content: .keys)
    }
      + owners.keys.ordered().map {
        DesiredSet(name: $0.map, key: $0.key, content: $0.content)
      }
  }

  /// All chains but those of mitigations, each after those it jumps to.
  func structure() -> [Chain] {
    let shapes = owners.keys.ordered()
    var lanes: [Lane] = []
    for shape in shapes where lanes.last != shape.lane { lanes.append(shape.lane) }
    let wide = lanes.filter { $0.kind == .wide }
    let translated = lanes.filter { $0.kind == .translated }
    let early = lanes.filter { $0.kind != .translated }

    var chains: [Chain] = []
    if !wide.isEmpty || !translated.isEmpty { chains.append(protection.own()) }
    if !early.isEmpty { chains += protection.chains(.inside) }
    if !translated.isEmpty { chains += protection.chains(.translated) }
    for lane in lanes {
      let side: Protection.Side = lane.kind == .translated ? .translated : .inside
      let rules = [[.jump(side.chain)]] + shapes.filter { $0.lane == lane }.map { $0.rule }
      chains.append(Chain(name: lane.chain, attachment: nil, rules: rules))
    }
    if !early.isEmpty {
      chains.append(
        Chain(name: "pre", attachment: .rawPrerouting, rules: early.map { $0.entry(to: $0.chain) })
      )
    }
    if !wide.isEmpty {
      let rules = wide.flatMap {
        [$0.entry(to: Protection.ownChain), $0.entry(to: $0.chain)]
      }
      chains.append(Chain(name: "out", attachment: .rawOutput, rules: rules))
    }
    if !translated.isEmpty {
      let rules = translated.map { $0.entry(to: $0.chain) }
      chains.append(Chain(name: "post", attachment: .translatedPostrouting, rules: rules))
    }
    return chains
  }
}

extension Attachment {
  /// After defragmentation, before connection tracking.
  static let rawPrerouting = Attachment(hook: .prerouting, priority: -300)
  /// The router's own packets.
  static let rawOutput = Attachment(hook: .output, priority: -300)
  /// One after source translation.
  static let translatedPostrouting = Attachment(hook: .postrouting, priority: 101)
}
