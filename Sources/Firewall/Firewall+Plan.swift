import Bytes
import Model

extension Firewall {
  /// The operations that bring the kernel's table from where the last event began to this.
  func plan(now: Instant) -> [Operation] {
    guard let start else { return [] }
    let before = start.shapes.map { $0.shape }
    var structure = StructureChange()
    if start.wasEmpty || start.isOfPolicy || before != shapes.map({ $0.shape }) {
      let old = start.wasEmpty ? nil : Skeleton(policy: start.policy, shapes: before)
      structure = StructureChange(from: old, to: skeleton)
    }
    return plan(structure, touched, after: start.wasEmpty ? [.addTable] : [], now: now)
  }

  /// The operations of a batch, after those that lay the ground for it.
  ///
  /// Elements go first and come before the rules that look them up, chains come before what jumps to
  /// them and go after it, so that no step refers to what isn't there.
  private func plan(
    _ structure: StructureChange,
    _ touched: Touched,
    after ground: [Operation],
    now: Instant
  ) -> [Operation] {
    if isEmpty { return ground.isEmpty ? [.deleteTable] : [] }
    var items = ItemChange()
    for key in touched.keys { items.add(touched.item(key), item(key), self, now: now) }
    var plan = ground + items.withdrawn
    plan += items.withdrawnGates
    plan += items.addedHolders
    plan += structure.addedSets
    plan += items.inserted
    plan += items.insertedGates
    plan += structure.chains
    plan += items.lines
    plan += structure.removedSets
    plan += items.removedHolders
    return plan
  }

  /// The whole table, for a kernel that has none of it: somebody flushed it.
  ///
  /// Counters begin at zero again.
  public func operationsToRebuild(now: Instant) -> [Operation] {
    rebuilt(after: [.addTable], now: now)
  }

  private func rebuilt(after ground: [Operation], now: Instant) -> [Operation] {
    // As if all there is had come in one event.
    var touched = Touched()
    for holder in holders {
      touched.note(holder.code, .nothing)
      for cell in entry(of: holder)?.cells ?? [] {
        touched.note(cell.code, .nothing)
        if let gate = cell.gate { touched.note(gate.code, .nothing) }
      }
    }
    let structure = StructureChange(from: nil, to: skeleton)
    return plan(structure, touched, after: ground, now: now)
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
    for counter in kernel.counters where !isOurs(counter) {
      plan.append(.deleteCounter(counter.name))
    }
    return rebuilt(after: plan, now: now)
  }

  private func isOurs(_ counter: KernelCounter) -> Bool {
    guard let holder = Holder(counter: counter.name), entry(of: holder) != nil else { return false }
    return holder.counter == counter.name
  }

  /// Whether the kernel's table still has the chains, sets, rules and counters that it should have;
  /// elements aren't compared.
  public func matches(_ kernel: KernelSnapshot?) -> Bool {
    guard let kernel else { return isEmpty }
    guard !isEmpty else { return false }
    var chains: [Text] = []
    var rules = 0
    for chain in Part.chains(skeleton.chains) {
      chains.append(chain.name)
      rules += chain.content.count
    }
    var counters: [Text] = []
    for holder in holders {
      counters.append(holder.counter)
      let lines = entry(of: holder)?.lines.count ?? 0
      if lines > 0 { chains.append(holder.counter) }
      rules += lines
    }
    return kernel.chains == chains.ordered() && kernel.ruleCount == rules
      && kernel.sets == skeleton.sets.map { $0.name }.ordered()
      && kernel.counters.map { $0.name } == counters.ordered()
  }

  private var skeleton: Skeleton { Skeleton(policy: policy, shapes: shapes.map { $0.shape }) }
}
