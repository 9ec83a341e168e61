import Bytes
import Model

extension Firewall {
  /// Where an event begins, beside items.
  final class Start: Sendable {
    let policy: TablePolicy
    let nextRenewal: Instant?
    let outliving: Int
    let shapes: [ShapeUse]
    /// Whether there was no table.
    let wasEmpty: Bool
    /// Whether the event changes the policy.
    let isOfPolicy: Bool

    init(at firewall: Firewall, isOfPolicy: Bool) {
      policy = firewall.policy
      nextRenewal = firewall.nextRenewal
      outliving = firewall.outliving
      shapes = firewall.shapes
      wasEmpty = firewall.isEmpty
      self.isOfPolicy = isOfPolicy
    }
  }

  /// The items that an event touches, and what was there before: from it follow the plan and the way
  /// back.
  struct Touched {
    /// Their keys, each once, in the order in which it touches them.
    private(set) var keys: [[UInt8]] = []
    private var before: [[UInt8]: Item] = [:]

    /// Notes what is there before the first change.
    mutating func note(_ key: [UInt8], _ item: Item) {
      guard before[key] == nil else { return }
      before[key] = item
      keys.append(key)
    }

    /// What was there before the event.
    func item(_ key: [UInt8]) -> Item { before[key] ?? .nothing }
  }

  /// Takes back the last `apply`, `renew`, `setProtection` or `setAccess`: the kernel refused its
  /// operations.
  ///
  /// Only the last one can be taken back, and only once; otherwise nothing happens.
  public mutating func rollBack() {
    guard let start else { return }
    for key in touched.keys { put(touched.item(key), key) }
    policy = start.policy
    nextRenewal = start.nextRenewal
    outliving = start.outliving
    shapes = start.shapes
    self.start = nil
  }

  /// An event begins.
  mutating func begin(isOfPolicy: Bool = false) {
    start = Start(at: self, isOfPolicy: isOfPolicy)
    touched = Touched()
  }

  /// Notes that the event concerns this item.
  mutating func touch(_ key: [UInt8]) { touched.note(key, item(key)) }

  private mutating func set(_ item: Item, _ key: [UInt8]) {
    touch(key)
    put(item, key)
  }

  mutating func put(_ item: Item, _ key: [UInt8]) {
    if case .nothing = item { items[key] = nil } else { items[key] = item }
  }

  mutating func set(_ entry: Entry) {
    count(self.entry(of: entry.holder), -1)
    count(entry, 1)
    set(.entry(entry), entry.holder.code)
  }

  mutating func drop(_ entry: Entry) {
    count(entry, -1)
    set(.nothing, entry.holder.code)
  }

  private mutating func count(_ entry: Entry?, _ change: Int) {
    if let entry, entry.outlivesKernel { outliving += change }
  }

  mutating func set(_ holders: [Holder], of cell: Cell) {
    let code = cell.code
    if holders.isEmpty {
      use(cell.shape, -1)
      set(.nothing, code)
    } else {
      if items[code] == nil { use(cell.shape, 1) }
      set(.claim(Claim(cell, holders)), code)
    }
  }

  mutating func set(_ gate: Gate) {
    set(gate.cells == 0 ? .nothing : .gate(gate), gate.place.code)
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
  func item(_ key: [UInt8]) -> Item { items[key] ?? .nothing }

  func entry(of holder: Holder) -> Entry? { item(holder.code).entry }

  /// Who wants a cell; none: nobody.
  func holders(of cell: Cell) -> [Holder] {
    guard case .claim(let claim) = item(cell.code) else { return [] }
    return claim.holders
  }

  func gate(at place: GatePlace) -> Gate? { item(place.code).gate }

  /// All holders, in ascending order.
  var holders: [Holder] {
    var holders: [Holder] = []
    for item in items.values {
      if let entry = item.entry { holders.append(entry.holder) }
    }
    return holders.ordered()
  }
}

extension Firewall.Item {
  var gate: Firewall.Gate? { if case .gate(let gate) = self { gate } else { nil } }

  var entry: Firewall.Entry? { if case .entry(let entry) = self { entry } else { nil } }
}

extension Firewall: Equatable {
  /// Whether both hold the same, however they came to it.
  public static func == (left: Firewall, right: Firewall) -> Bool {
    left.policy == right.policy && left.items == right.items
      && left.nextRenewal == right.nextRenewal
  }
}
