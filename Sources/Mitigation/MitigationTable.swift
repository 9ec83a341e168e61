import Bytes
import Model

/// All mitigations by rising id, and what each DOTS client has.
///
/// Sorted lists: looking something up takes a binary search, and a dictionary for each key would take
/// more flash than all else here.
struct MitigationTable: Equatable, Sendable {
  /// What one client has, or the clients of one `client` section together.
  struct Usage: Equatable, Sendable {
    var mitigations = 0
    var elements = 0
    /// Client identifiers.
    var identifiers = 0
  }

  /// The client's number of a mitigation and ours.
  struct Number: Equatable, Sendable {
    let mid: UInt32
    let id: MitigationID
  }

  private struct Account: Equatable, Sendable {
    let holder: Holder
    var elements = 0
    /// By rising `mid`.
    var numbers: [Number] = []

    func insertion(of mid: UInt32) -> Int {
      numbers.insertion { $0.mid < mid }
    }
  }

  private struct Parts: Equatable, Sendable {
    var all: [Mitigation] = []
    var enforcedCount = 0
    var hidingCount = 0
    var accounts: [Account] = []
    var targets = TargetIndex()
  }

  /// Behind one reference, so that a copy is one word.
  private var parts = Behind(Parts())

  /// By rising id.
  private(set) var all: [Mitigation] {
    _read { yield parts.value.all }
    _modify { yield &parts.value.all }
  }

  /// How many of them the kernel enforces.
  private(set) var enforcedCount: Int {
    get { parts.value.enforcedCount }
    set { parts.value.enforcedCount = newValue }
  }

  /// How many of those name the router's public address, behind which devices hide.
  private(set) var hidingCount: Int {
    get { parts.value.hidingCount }
    set { parts.value.hidingCount = newValue }
  }

  /// One for each client that has a mitigation.
  private var accounts: [Account] {
    _read { yield parts.value.accounts }
    _modify { yield &parts.value.accounts }
  }

  private var targets: TargetIndex {
    _read { yield parts.value.targets }
    _modify { yield &parts.value.targets }
  }

  /// How many DOTS clients have mitigations.
  var holderCount: Int { accounts.count }

  func isHolding(_ holder: Holder) -> Bool { account(of: holder) != nil }

  /// What the clients of a section have together.
  func usage(of section: Text) -> Usage {
    var total = Usage()
    for index in accounts.indices where accounts[index].holder.section == section {
      total.mitigations += accounts[index].numbers.count
      total.elements += accounts[index].elements
      total.identifiers += 1
    }
    return total
  }

  func position(of id: MitigationID) -> Int? {
    let position = insertion(of: id)
    return position < all.count && all[position].id == id ? position : nil
  }

  func contains(_ id: MitigationID) -> Bool { position(of: id) != nil }

  /// Whether the client has it, be it superseded.
  func contains(_ key: MitigationKey) -> Bool { id(of: key) != nil }

  subscript(id: MitigationID) -> Mitigation? { position(of: id).map { all[$0] } }

  /// What its client knows by this name.
  subscript(key: MitigationKey) -> Mitigation? {
    guard let mitigation = id(of: key).flatMap({ self[$0] }), !mitigation.isSuperseded else {
      return nil
    }
    return mitigation
  }

  func id(of key: MitigationKey) -> MitigationID? {
    guard let account = account(of: key.holder) else { return nil }
    let place = accounts[account].insertion(of: key.mid)
    let numbers = accounts[account].numbers
    guard place < numbers.count, numbers[place].mid == key.mid else { return nil }
    return numbers[place].id
  }

  /// The numbers of a client's mitigations, by rising `mid`.
  func numbers(of holder: Holder) -> [Number] {
    account(of: holder).map { accounts[$0].numbers } ?? []
  }

  /// Whether a client of another section goes by the names of `holder`.
  func hasNamesake(of holder: Holder) -> Bool {
    for index in accounts.indices {
      let other = accounts[index].holder
      if other.hasName(of: holder), other != holder { return true }
    }
    return false
  }

  /// Positions of all mitigations whose targets share an address with one of `prefixes`, rising.
  func positions(overlapping prefixes: [Prefix]) -> [Int] {
    targets.overlapping(prefixes).compactMap { position(of: $0) }
  }

  /// Changes the one with this id in place; false when there is none.
  ///
  /// `change` must leave the number of elements and the phase alone.
  @discardableResult
  mutating func update(_ id: MitigationID, _ change: (inout Mitigation) -> Void) -> Bool {
    guard let position = position(of: id) else { return false }
    change(&all[position])
    return true
  }

  /// Adds a mitigation, or puts it in the place of the one with its id.
  mutating func store(_ mitigation: Mitigation) {
    let position = insertion(of: mitigation.id)
    guard position < all.count, all[position].id == mitigation.id else {
      all.insert(mitigation, at: position)
      note(mitigation)
      return
    }
    let before = all[position]
    all[position] = mitigation
    guard before.claim === mitigation.claim, let account = account(of: before.key.holder) else {
      forget(before)
      note(mitigation)
      return
    }
    accounts[account].elements += mitigation.elements - before.elements
    count(before, -1)
    count(mitigation, 1)
  }

  mutating func remove(_ id: MitigationID) -> Mitigation? {
    guard let position = position(of: id) else { return nil }
    let mitigation = all.remove(at: position)
    forget(mitigation)
    return mitigation
  }

  private mutating func note(_ mitigation: Mitigation) {
    let account = account(of: mitigation.key.holder) ?? accounts.count
    if account == accounts.count { accounts.append(Account(holder: mitigation.key.holder)) }
    accounts[account].elements += mitigation.elements
    accounts[account].numbers.insert(
      Number(mid: mitigation.mid, id: mitigation.id),
      at: accounts[account].insertion(of: mitigation.mid)
    )
    count(mitigation, 1)
    targets.insert(mitigation.id, at: mitigation.scope.targetPrefixes)
  }

  private mutating func forget(_ mitigation: Mitigation) {
    count(mitigation, -1)
    targets.remove(mitigation.id, at: mitigation.scope.targetPrefixes)
    guard let account = account(of: mitigation.key.holder) else { return }
    accounts[account].elements -= mitigation.elements
    let number = Number(mid: mitigation.mid, id: mitigation.id)
    let place = accounts[account].insertion(of: number.mid)
    if place < accounts[account].numbers.count, accounts[account].numbers[place] == number {
      accounts[account].numbers.remove(at: place)
    }
    if accounts[account].numbers.isEmpty { accounts.remove(at: account) }
  }

  private mutating func count(_ mitigation: Mitigation, _ change: Int) {
    if mitigation.isEnforced { enforcedCount += change }
    if mitigation.isHiding { hidingCount += change }
  }

  private func account(of holder: Holder) -> Int? {
    for index in accounts.indices where accounts[index].holder == holder { return index }
    return nil
  }

  private func insertion(of id: MitigationID) -> Int { all.insertion { $0.id < id } }
}
