import Bytes
import Model

/// Which mitigations name which targets: finds those that overlap a target without looking at all.
struct TargetIndex: Equatable, Sendable {
  private struct Spot: Equatable, Comparable {
    let target: Prefix
    let id: MitigationID

    static func < (left: Spot, right: Spot) -> Bool {
      if left.target.address != right.target.address {
        return left.target.address < right.target.address
      }
      return (left.target.length, left.id.value) < (right.target.length, right.id.value)
    }
  }

  /// By address, the shorter length first, then by id.
  private var spots: [Spot] = []

  mutating func insert(_ id: MitigationID, at targets: [Prefix]) {
    for target in targets {
      let spot = Spot(target: target, id: id)
      spots.insert(spot, at: spots.insertion { $0 < spot })
    }
  }

  mutating func remove(_ id: MitigationID, at targets: [Prefix]) {
    for target in targets {
      let spot = Spot(target: target, id: id)
      let place = spots.insertion { $0 < spot }
      if place < spots.count, spots[place] == spot { spots.remove(at: place) }
    }
  }

  /// All that name a target which shares an address with one of `targets`, by rising id, each once.
  func overlapping(_ targets: [Prefix]) -> [MitigationID] {
    var found: [MitigationID] = []
    for target in targets { add(overlapping: target, to: &found) }
    return found
  }

  /// Puts one in its place among those found; as they mostly come in their order, that is the end.
  private func add(_ id: MitigationID, to found: inout [MitigationID]) {
    let place = found.insertion { $0 < id }
    if place == found.count || found[place] != id { found.insert(id, at: place) }
  }

  private func add(overlapping target: Prefix, to found: inout [MitigationID]) {
    // Blocks that begin within the target: smaller ones, itself, and larger ones that begin with it.
    var place = spots.insertion { $0.target.address < target.address }
    while place < spots.count, target.contains(spots[place].target.address) {
      add(spots[place].id, to: &found)
      place += 1
    }
    // Blocks that begin before it and reach over it: one place for each one-bit of its address.
    var start = target.address
    for length in stride(from: target.length - 1, through: 0, by: -1) {
      let address = start.masked(to: length)
      if address == start { continue }
      start = address
      var place = spots.insertion { $0.target.address < address }
      while place < spots.count, spots[place].target.address == address,
        spots[place].target.contains(target)
      {
        add(spots[place].id, to: &found)
        place += 1
      }
    }
  }
}
