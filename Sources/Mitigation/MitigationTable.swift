import Bytes
import Model

/// All mitigations, by rising id, with what is looked up often kept beside them.
struct MitigationTable: Equatable, Sendable {
  /// What one `client` section has.
  struct Usage: Equatable, Sendable {
    var mitigations = 0
    var elements = 0
    var identifiers = 0
  }

  /// By rising id.
  private(set) var all: [Mitigation] = []
  private var ids: [MitigationKey: MitigationID] = [:]
  private var holders: [Holder: Int] = [:]
  private var usages: [Text: Usage] = [:]

  /// How many DOTS clients have mitigations.
  var holderCount: Int { holders.count }

  func isHolding(_ holder: Holder) -> Bool { holders[holder] != nil }

  func usage(of section: Text) -> Usage { usages[section] ?? Usage() }

  func position(of id: MitigationID) -> Int? {
    let position = insertion(of: id)
    return position < all.count && all[position].id == id ? position : nil
  }

  subscript(id: MitigationID) -> Mitigation? { position(of: id).map { all[$0] } }

  subscript(key: MitigationKey) -> Mitigation? { ids[key].flatMap { self[$0] } }

  /// Changes the one with this id in place; false when there is none.
  ///
  /// `change` must leave the number of elements alone.
  @discardableResult
  mutating func update(_ id: MitigationID, _ change: (inout Mitigation) -> Void) -> Bool {
    guard let position = position(of: id) else { return false }
    change(&all[position])
    return true
  }

  /// Adds a mitigation, or puts it in the place of the one with its id.
  mutating func store(_ mitigation: Mitigation) {
    remove(mitigation.id)
    all.insert(mitigation, at: insertion(of: mitigation.id))
    ids[mitigation.key] = mitigation.id
    let holder = mitigation.key.holder
    var usage = usage(of: holder.section)
    if holders[holder] == nil { usage.identifiers += 1 }
    holders[holder, default: 0] += 1
    usage.mitigations += 1
    usage.elements += mitigation.elements
    usages[holder.section] = usage
  }

  @discardableResult
  mutating func remove(_ id: MitigationID) -> Mitigation? {
    guard let position = position(of: id) else { return nil }
    let mitigation = all.remove(at: position)
    ids[mitigation.key] = nil
    let holder = mitigation.key.holder
    var usage = usage(of: holder.section)
    let left = (holders[holder] ?? 1) - 1
    holders[holder] = left == 0 ? nil : left
    if left == 0 { usage.identifiers -= 1 }
    usage.mitigations -= 1
    usage.elements -= mitigation.elements
    usages[holder.section] = usage.mitigations == 0 ? nil : usage
    return mitigation
  }

  private func insertion(of id: MitigationID) -> Int {
    if let last = all.last, last.id < id { return all.count }
    var lower = 0
    var upper = all.count
    while lower < upper {
      let middle = (lower + upper) / 2
      if all[middle].id < id { lower = middle + 1 } else { upper = middle }
    }
    return lower
  }
}
