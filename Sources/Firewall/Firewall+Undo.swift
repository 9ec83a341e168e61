import Bytes
import Model

extension Firewall {
  /// What takes back one event: the values that it wrote over, in the order in which it did.
  struct Undo {
    let policy: TablePolicy
    let nextRenewal: Instant?
    let outliving: Int
    /// Whether there was no table.
    let wasEmpty: Bool
    /// The kinds of keys that were in use, in their order; nil while the event added and removed none.
    var shapes: [Shape]?
    var entries: [(holder: Holder, before: Entry?)] = []
    var owners: [(cell: Cell, before: [Holder]?)] = []
    var gates: [(place: GatePlace, before: Gate?)] = []
  }

  /// Takes back the last `apply`, `renew`, `setProtection` or `setAccess`: the kernel refused its
  /// operations.
  ///
  /// Only the last one can be taken back, and only once; otherwise nothing happens.
  public mutating func rollBack() {
    guard var undo else { return }
    // Without it nothing is noted meanwhile.
    self.undo = nil
    while let (holder, entry) = undo.entries.popLast() { set(entry, of: holder) }
    while let (cell, owners) = undo.owners.popLast() { set(owners, of: cell) }
    while let (place, gate) = undo.gates.popLast() { set(gate, at: place) }
    policy = undo.policy
    nextRenewal = undo.nextRenewal
    outliving = undo.outliving
  }

  /// An event begins.
  mutating func begin() {
    undo = Undo(
      policy: policy,
      nextRenewal: nextRenewal,
      outliving: outliving,
      wasEmpty: isEmpty
    )
  }

  mutating func set(_ entry: Entry?, of holder: Holder) {
    let before = entries[holder]
    undo?.entries.append((holder, before))
    if before?.outlivesKernel == true { outliving -= 1 }
    if entry?.outlivesKernel == true { outliving += 1 }
    entries[holder] = entry
  }

  /// `owners` is nil or not empty, so that shapes without keys go.
  mutating func set(_ owners: [Holder]?, of cell: Cell) {
    undo?.owners.append((cell, self.owners[cell.shape]?[cell.key]))
    if let owners {
      if self.owners[cell.shape] == nil { keepShapes() }
      self.owners[cell.shape, default: [:]][cell.key] = owners
    } else if self.owners[cell.shape]?.count == 1, self.owners[cell.shape]?[cell.key] != nil {
      keepShapes()
      self.owners[cell.shape] = nil
    } else {
      self.owners[cell.shape]?[cell.key] = nil
    }
  }

  mutating func set(_ gate: Gate?, at place: GatePlace) {
    undo?.gates.append((place, gates[place.lane]?[place.key]))
    if let gate {
      gates[place.lane, default: [:]][place.key] = gate
    } else {
      gates[place.lane]?[place.key] = nil
      if gates[place.lane]?.isEmpty == true { gates[place.lane] = nil }
    }
  }

  /// The kinds of keys in use are about to change.
  private mutating func keepShapes() {
    guard let undo, undo.shapes == nil else { return }
    let shapes = shapes
    self.undo?.shapes = shapes
  }
}

extension Firewall: Equatable {
  /// Whether both hold the same, however they came to it.
  public static func == (left: Firewall, right: Firewall) -> Bool {
    left.policy == right.policy && left.entries == right.entries
      && left.owners == right.owners && left.gates == right.gates
      && left.nextRenewal == right.nextRenewal
  }
}
