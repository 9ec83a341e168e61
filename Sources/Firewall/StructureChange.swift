import Bytes

/// What changes in sets, and in chains but those of mitigations.
struct StructureChange {
  private(set) var addedSets: [Operation] = []
  private(set) var chains: [Operation] = []
  private(set) var removedSets: [Operation] = []

  /// No change.
  init() {}

  init(from before: Skeleton?, to after: Skeleton) {
    let oldChains = Part.chains(before?.chains ?? "")
    let newChains = Part.chains(after.chains)
    chains = Self.added(newChains, beside: oldChains)
    chains += Self.removed(oldChains, beside: newChains)
    let oldSets = before?.sets ?? []
    let newSets = after.sets
    addedSets = Self.added(newSets, beside: oldSets)
    removedSets = Self.removed(oldSets, beside: newSets)
  }

  /// Makes what is new, then fills what is new or changed.
  private static func added(_ parts: [Part], beside old: [Part]) -> [Operation] {
    var making: [Operation] = []
    var filling: [Operation] = []
    for part in parts {
      let previous = find(part, in: old)
      if previous == nil { making.append(part.making) }
      if previous?.content == part.content { continue }
      if let previous { filling.append(previous.emptying) }
      filling += part.content
    }
    return making + filling
  }

  /// From the last to the first: chains go after what jumps to them.
  private static func removed(_ parts: [Part], beside new: [Part]) -> [Operation] {
    var removing: [Operation] = []
    var index = parts.count
    while index > 0 {
      index -= 1
      if find(parts[index], in: new) == nil { removing.append(parts[index].removing) }
    }
    return removing
  }

  private static func find(_ wanted: Part, in parts: [Part]) -> Part? {
    for part in parts where part.name == wanted.name { return part }
    return nil
  }
}
