import Bytes
import Model

extension Firewall {
  /// What takes back one event: the values that it wrote over, in the order in which it did.
  struct Undo {
    let protection: Protection
    let nextRenewal: Instant?
    let outliving: Int
    /// Whether there was no mitigation.
    let wasEmpty: Bool
    /// The kinds of keys that were in use, in their order; nil while the event added and removed none.
    var shapes: [Shape]?
    var entries: [(id: MitigationID, before: Entry?)] = []
    var owners: [(cell: Cell, before: [MitigationID]?)] = []
    var gates: [(place: GatePlace, before: Gate?)] = []
  }

  /// Takes back the last `apply`, `renew` or `setProtection`: the kernel refused its operations.
  ///
  /// Only the last one can be taken back, and only once; otherwise nothing happens.
  public mutating func rollBack() {
    guard var undo else { return }
    // Without it nothing is noted meanwhile.
    self.undo = nil
    while let (id, entry) = undo.entries.popLast() { set(entry, of: id) }
    while let (cell, owners) = undo.owners.popLast() { set(owners, of: cell) }
    while let (place, gate) = undo.gates.popLast() { set(gate, at: place) }
    protection = undo.protection
    nextRenewal = undo.nextRenewal
    outliving = undo.outliving
  }

  /// An event begins.
  mutating func begin() {
    undo = Undo(
      protection: protection,
      nextRenewal: nextRenewal,
      outliving: outliving,
      wasEmpty: isEmpty
    )
  }

  mutating func set(_ entry: Entry?, of id: MitigationID) {
    let before = entries[id]
    undo?.entries.append((id, before))
    if before?.outlivesKernel == true { outliving -= 1 }
    if entry?.outlivesKernel == true { outliving += 1 }
    entries[id] = entry
  }

  /// `owners` is nil or not empty, so that shapes without keys go.
  mutating func set(_ owners: [MitigationID]?, of cell: Cell) {
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
    left.protection == right.protection && left.entries == right.entries
      && left.owners == right.owners && left.gates == right.gates
      && left.nextRenewal == right.nextRenewal
  }
}
