import Bytes
import Model

// What events do to mitigations and quarantines, which all are holders here.
extension Firewall {
  mutating func install(
    _ holder: Holder,
    _ change: RuleChange,
    _ expansion: Expansion,
    now: Instant
  ) {
    remove(holder)
    let until = change.remaining.map { now + $0 }
    let end = kernelEnd(until, now: now)
    var cells: [Cell] = []
    // First, so that holders are touched in the order of the changes.
    touch(holder.code)
    for cell in expansion.cells {
      var cell = cell
      var holders = holders(of: cell)
      // Keys that lead to counters are shared; others go to the first layer in which they are free.
      while cell.shape.layer > 0, let first = holders.first, first != holder {
        cell.shape.layer += 1
        holders = self.holders(of: cell)
      }
      if holders.last == holder { continue }
      set(holders + [holder], of: cell)
      self.change(cell, until: end, cells: 1)
      cells.append(cell)
    }
    set(Entry(holder, change, until: until, kernelUntil: end, cells, expansion.lines))
  }

  /// Whether it was there.
  @discardableResult
  mutating func remove(_ holder: Holder) -> Bool {
    guard let entry = entry(of: holder) else { return false }
    drop(entry)
    for cell in entry.cells {
      set(holders(of: cell).filter { $0 != holder }, of: cell)
      change(cell, until: nil, cells: -1)
    }
    return true
  }

  /// Whether it is there.
  @discardableResult
  mutating func extend(_ holder: Holder, until: Instant?, now: Instant) -> Bool {
    guard let entry = entry(of: holder) else { return false }
    let end = kernelEnd(until, now: now)
    set(Entry(holder, entry.change, until: until, kernelUntil: end, entry.cells, entry.lines))
    for cell in entry.cells {
      touch(cell.code)
      change(cell, until: end, cells: 0)
    }
    return true
  }

  /// The gate that leads to `cell`, if there is one, leads to so many more, at least until then.
  private mutating func change(_ cell: Cell, until: Instant?, cells: Int) {
    guard let place = cell.gate else { return }
    let gate = gate(at: place)
    // There is one, or the moment is told.
    guard let known = gate?.until ?? until else { return }
    let end = max(known, until ?? known)
    set(Gate(place, cells: (gate?.cells ?? 0) + cells, until: end))
  }

  mutating func scheduleRenewal(now: Instant) {
    nextRenewal = outliving > 0 ? nextRenewal ?? now + Self.renewalInterval : nil
  }

  /// When the kernel ends elements of a mitigation that ends `until`.
  private func kernelEnd(_ until: Instant?, now: Instant) -> Instant {
    let latest = now + Self.maximumTimeout
    return until.map { min($0, latest) } ?? latest
  }
}
