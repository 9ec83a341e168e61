import Bytes
import Model

extension Firewall {
  /// One event: what it touches, in the order in which it does, and what was there before.
  ///
  /// From it follow the plan and the way back.
  struct Event {
    let policy: TablePolicy
    let nextRenewal: Instant?
    let outliving: Int
    let shapes: [ShapeUse]
    /// Whether there was no table.
    let wasEmpty: Bool
    /// Whether it changes the policy.
    let isOfPolicy: Bool
    /// The keys of items, each once.
    private(set) var keys: [[UInt8]] = []
    private var before: [[UInt8]: Item] = [:]

    /// An event that begins at `firewall`.
    init(at firewall: Firewall, isOfPolicy: Bool = false) {
      policy = firewall.policy
      nextRenewal = firewall.nextRenewal
      outliving = firewall.outliving
      shapes = firewall.shapes
      wasEmpty = firewall.isEmpty
      self.isOfPolicy = isOfPolicy
    }

    /// Notes what is there before the first change of an item.
    mutating func touch(_ key: [UInt8], _ item: Item?) {
      guard before[key] == nil else { return }
      before[key] = item ?? .nothing
      keys.append(key)
    }

    /// What was there before the event.
    func item(_ key: [UInt8]) -> Item? {
      let item = before[key]
      if case .nothing? = item { return nil }
      return item
    }
  }

  /// Takes back the last `apply`, `renew`, `setProtection` or `setAccess`: the kernel refused its
  /// operations.
  ///
  /// Only the last one can be taken back, and only once; otherwise nothing happens.
  public mutating func rollBack() {
    guard let event else { return }
    for key in event.keys { items[key] = event.item(key) }
    policy = event.policy
    nextRenewal = event.nextRenewal
    outliving = event.outliving
    shapes = event.shapes
    self.event = nil
  }

  /// An event begins.
  mutating func begin(isOfPolicy: Bool = false) {
    event = Event(at: self, isOfPolicy: isOfPolicy)
  }

  /// Notes that the event concerns this item.
  mutating func touch(_ key: [UInt8]) { event?.touch(key, items[key]) }

  private mutating func set(_ item: Item?, _ key: [UInt8]) {
    touch(key)
    items[key] = item
  }

  mutating func set(_ entry: Entry?, of holder: Holder) {
    if self.entry(of: holder)?.outlivesKernel == true { outliving -= 1 }
    if entry?.outlivesKernel == true { outliving += 1 }
    set(entry.map { .entry($0) }, holder.code)
  }

  mutating func set(_ holders: [Holder], of cell: Cell) {
    let code = cell.code
    let isNew = items[code] == nil
    if holders.isEmpty {
      set(nil, code)
      use(cell.shape, -1)
    } else {
      set(.claim(Claim(cell: cell, holders: holders)), code)
      if isNew { use(cell.shape, 1) }
    }
  }

  mutating func set(_ gate: Gate) {
    set(gate.cells == 0 ? nil : .gate(gate), gate.place.code)
  }

  /// One key more or less of this shape.
  private mutating func use(_ shape: Shape, _ change: Int) {
    var place = 0
    while place < shapes.count, shapes[place].shape < shape { place += 1 }
    if place == shapes.count || shapes[place].shape != shape {
      shapes.insert(ShapeUse(shape: shape, count: 0), at: place)
    }
    shapes[place].count += change
    if shapes[place].count == 0 { shapes.remove(at: place) }
  }
}

// MARK: What there is

extension Firewall {
  func entry(of holder: Holder) -> Entry? {
    guard case .entry(let entry)? = items[holder.code] else { return nil }
    return entry
  }

  /// Who wants a cell; none: nobody.
  func holders(of cell: Cell) -> [Holder] {
    guard case .claim(let claim)? = items[cell.code] else { return [] }
    return claim.holders
  }

  func gate(at place: GatePlace) -> Gate? {
    guard case .gate(let gate)? = items[place.code] else { return nil }
    return gate
  }

  /// All holders, in ascending order.
  var holders: [Holder] {
    var holders: [Holder] = []
    for item in items.values {
      if case .entry(let entry) = item { holders.append(entry.holder) }
    }
    return holders.ordered()
  }
}

extension Firewall: Equatable {
  /// Whether both hold the same, however they came to it.
  public static func == (left: Firewall, right: Firewall) -> Bool {
    left.policy == right.policy && left.items == right.items
      && left.nextRenewal == right.nextRenewal
  }
}
