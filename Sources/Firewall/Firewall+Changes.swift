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
    var entry = Entry(
      holder: holder,
      change: change,
      until: until,
      kernelUntil: kernelEnd(until, now: now)
    )
    entry.lines = expansion.lines
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
      open(cell, until: entry.kernelUntil)
      entry.cells.append(cell)
    }
    set(entry, of: holder)
  }

  /// Whether it was there.
  @discardableResult
  mutating func remove(_ holder: Holder) -> Bool {
    guard let entry = entry(of: holder) else { return false }
    set(nil, of: holder)
    for cell in entry.cells {
      set(holders(of: cell).filter { $0 != holder }, of: cell)
      close(cell)
    }
    return true
  }

  /// Whether it is there.
  @discardableResult
  mutating func extend(_ holder: Holder, until: Instant?, now: Instant) -> Bool {
    guard var entry = entry(of: holder) else { return false }
    entry.until = until
    entry.kernelUntil = kernelEnd(until, now: now)
    set(entry, of: holder)
    for cell in entry.cells {
      touch(cell.code)
      guard let place = cell.gate, var gate = gate(at: place) else { continue }
      gate.until = max(gate.until, entry.kernelUntil)
      set(gate)
    }
    return true
  }

  private mutating func open(_ cell: Cell, until: Instant) {
    guard let place = cell.gate else { return }
    var gate = gate(at: place) ?? Gate(place: place, cells: 0, until: until)
    gate.cells += 1
    gate.until = max(gate.until, until)
    set(gate)
  }

  private mutating func close(_ cell: Cell) {
    guard let place = cell.gate, var gate = gate(at: place) else { return }
    gate.cells -= 1
    set(gate)
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
