import Bytes
import Model

extension Firewall {
  /// The operations that bring the kernel's table from where the last event began to this.
  func plan(now: Instant) -> [Operation] {
    guard let event else { return [] }
    let before = event.shapes.map { $0.shape }
    let after = shapes.map { $0.shape }
    var structure = StructureChange()
    if event.wasEmpty || event.isOfPolicy || before != after {
      let old = event.wasEmpty ? nil : Skeleton(policy: event.policy, shapes: before)
      structure = StructureChange(from: old, to: skeleton)
    }
    return plan(structure, event, now: now)
  }

  /// The operations of a batch.
  ///
  /// Elements go first and come before the rules that look them up, chains come before what jumps to
  /// them and go after it, so that no step refers to what isn't there.
  private func plan(_ structure: StructureChange, _ event: Event, now: Instant) -> [Operation] {
    if isEmpty { return event.wasEmpty ? [] : [.deleteTable] }
    var items = ItemChange()
    for key in event.keys { items.add(event.item(key), self.items[key], self, now: now) }
    var plan: [Operation] = event.wasEmpty ? [.addTable] : []
    plan += items.withdrawn
    plan += items.withdrawnGates
    plan += items.addedHolders
    plan += structure.addedSets
    plan += items.inserted
    plan += items.insertedGates
    plan += structure.chains
    plan += structure.removedSets
    plan += items.removedHolders
    return plan
  }

  /// The whole table, for a kernel that has none of it: somebody flushed it.
  ///
  /// Counters begin at zero again.
  public func operationsToRebuild(now: Instant) -> [Operation] {
    // As if all there is had come in one event.
    var event = Event(at: Firewall(protection: Protection()))
    for holder in holders {
      event.touch(holder.code, nil)
      for cell in entry(of: holder)?.cells ?? [] {
        event.touch(cell.code, nil)
        if let gate = cell.gate { event.touch(gate.code, nil) }
      }
    }
    return plan(StructureChange(from: nil, to: skeleton), event, now: now)
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
    for name in kernel.sets { plan.append(.deleteSet(name)) }
    for name in kernel.chains { plan.append(.deleteChain(name)) }
    for name in kernel.limits { plan.append(.deleteLimit(name)) }
    for counter in kernel.counters where !isOurs(counter) {
      plan.append(.deleteCounter(counter.name))
    }
    let rebuilt = operationsToRebuild(now: now)
    for index in 1..<rebuilt.count { plan.append(rebuilt[index]) }
    return plan
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
    for chain in skeleton.chains {
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
