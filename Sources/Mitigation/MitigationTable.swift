import Bytes
import Model

/// All mitigations by rising id, and what each DOTS client has.
///
/// Plain lists: some hundreds of mitigations are looked through faster than a request is decoded, and
/// a dictionary for each key would take more flash than all else here.
struct MitigationTable: Equatable, Sendable {
  /// What one client has, or the clients of one `client` section together.
  struct Usage: Equatable, Sendable {
    var mitigations = 0
    var elements = 0
    /// Client identifiers.
    var identifiers = 0
  }

  private struct Account: Equatable, Sendable {
    let holder: Holder
    var usage: Usage
  }

  /// By rising id.
  private(set) var all: [Mitigation] = []
  /// One for each client that has a mitigation.
  private var accounts: [Account] = []

  /// How many DOTS clients have mitigations.
  var holderCount: Int { accounts.count }

  func isHolding(_ holder: Holder) -> Bool { account(of: holder) != nil }

  /// What the clients of a section have together.
  func usage(of section: Text) -> Usage {
    var total = Usage()
    for index in accounts.indices where accounts[index].holder.section == section {
      total.mitigations += accounts[index].usage.mitigations
      total.elements += accounts[index].usage.elements
      total.identifiers += 1
    }
    return total
  }

  func position(of id: MitigationID) -> Int? {
    let position = insertion(of: id)
    return position < all.count && all[position].id == id ? position : nil
  }

  subscript(id: MitigationID) -> Mitigation? { position(of: id).map { all[$0] } }

  subscript(key: MitigationKey) -> Mitigation? {
    for index in all.indices where all[index].mid == key.mid && all[index].key == key {
      return all[index]
    }
    return nil
  }

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
    let holder = mitigation.key.holder
    let account = account(of: holder) ?? accounts.count
    if account == accounts.count { accounts.append(Account(holder: holder, usage: Usage())) }
    accounts[account].usage.mitigations += 1
    accounts[account].usage.elements += mitigation.elements
    let position = insertion(of: mitigation.id)
    if position < all.count, all[position].id == mitigation.id {
      forget(all[position])
      all[position] = mitigation
    } else {
      all.insert(mitigation, at: position)
    }
  }

  mutating func remove(_ id: MitigationID) -> Mitigation? {
    guard let position = position(of: id) else { return nil }
    let mitigation = all.remove(at: position)
    forget(mitigation)
    return mitigation
  }

  private mutating func forget(_ mitigation: Mitigation) {
    guard let account = account(of: mitigation.key.holder) else { return }
    accounts[account].usage.mitigations -= 1
    accounts[account].usage.elements -= mitigation.elements
    if accounts[account].usage.mitigations == 0 { accounts.remove(at: account) }
  }

  private func account(of holder: Holder) -> Int? {
    for index in accounts.indices where accounts[index].holder == holder { return index }
    return nil
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
