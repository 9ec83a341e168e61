import Bytes
import Model

/// What changes in items, each list in the order in which the event touched them.
struct ItemChange {
  private(set) var withdrawn: [Operation] = []
  private(set) var withdrawnGates: [Operation] = []
  private(set) var addedHolders: [Operation] = []
  private(set) var inserted: [Operation] = []
  private(set) var insertedGates: [Operation] = []
  /// The rules of holders' chains, which may refer to chains that are made with them.
  private(set) var lines: [Operation] = []
  private(set) var removedHolders: [Operation] = []

  /// Adds one item, as it was before and is after in `firewall`.
  mutating func add(
    _ before: Firewall.Item,
    _ after: Firewall.Item,
    _ firewall: Firewall,
    now: Instant
  ) {
    if case .claim(let claim) = before {
      withdrawn.append(.deleteElement(set: claim.cell.shape.map, key: claim.cell.key))
    }
    if case .claim(let claim) = after { insert(claim, firewall, now: now) }
    change(gate: before.gate, after.gate, now: now)
    change(entry: before.entry, after.entry)
  }

  private mutating func insert(_ claim: Firewall.Claim, _ firewall: Firewall, now: Instant) {
    let shape = claim.cell.shape
    var name: Text = ""
    var end = now
    // The first counts; the kernel ends the key with the last. All of them want the same drop. Were it
    // the end of the one that counts, and core dead at that moment, the others' packets would pass.
    // Core hands the key on when that one ends; until core is back they count for the wrong
    // mitigation, but don't pass.
    for holder in claim.holders {
      if name.isEmpty { name = holder.counter }
      end = max(end, firewall.entry(of: holder)?.kernelUntil ?? end)
    }
    inserted.append(
      .addElement(
        set: shape.map,
        key: claim.cell.key,
        shape.layer == 0 ? .counter(name) : .jump(name),
        timeout: Self.timeout(until: end, now: now)
      )
    )
  }

  private mutating func change(gate before: Firewall.Gate?, _ after: Firewall.Gate?, now: Instant) {
    // Only how many cells it leads to changed, which the kernel doesn't know.
    if before?.until == after?.until { return }
    if let before {
      withdrawnGates.append(.deleteElement(set: before.place.lane.gate, key: before.place.key))
    }
    guard let after else { return }
    insertedGates.append(
      .addElement(
        set: after.place.lane.gate,
        key: after.place.key,
        .none,
        timeout: Self.timeout(until: after.until, now: now)
      )
    )
  }

  /// Never zero, which for the kernel means no end; never longer than the maximum and the grace.
  private static func timeout(until: Instant, now: Instant) -> Span {
    min(max(until - now, .zero), Firewall.maximumTimeout) + Firewall.grace
  }

  /// Counter, limit and chain of a holder.
  private mutating func change(entry before: Firewall.Entry?, _ after: Firewall.Entry?) {
    guard let holder = before?.holder ?? after?.holder else { return }
    let hadLines = before?.lines.isEmpty == false
    let hasLines = after?.lines.isEmpty == false
    let oldLimit = before?.limitInUse
    let newLimit = after?.limitInUse
    guard let after else {
      if hadLines { remove(chain: holder.counter) }
      if oldLimit != nil { removedHolders.append(.deleteLimit(holder.limit)) }
      removedHolders.append(.deleteCounter(holder.counter))
      return
    }
    if before == nil {
      addedHolders.append(.addCounter(holder.counter, journal: after.change.journal))
    }
    if hadLines, !hasLines { remove(chain: holder.counter) }
    if before?.lines == after.lines, oldLimit == newLimit { return }
    if hadLines { addedHolders.append(.flushChain(holder.counter)) }
    if oldLimit != newLimit {
      if oldLimit != nil { addedHolders.append(.deleteLimit(holder.limit)) }
      if let newLimit {
        addedHolders.append(.addLimit(holder.limit, bytesPerSecond: newLimit))
      }
    }
    if hasLines, !hadLines { addedHolders.append(.addChain(holder.counter, nil)) }
    for line in after.lines { lines.append(.addRule(chain: holder.counter, line)) }
  }

  /// At first empties the chain of what refers to other chains.
  private mutating func remove(chain: Text) {
    withdrawnGates.append(.flushChain(chain))
    removedHolders.append(.deleteChain(chain))
  }
}
