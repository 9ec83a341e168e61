import Bytes

/// The way of packets that one gate lets through: where they are seen, and the family and length of
/// the prefix by which the gate knows them.
///
/// A packet that no gate knows pays one lookup a lane; there are as many lanes as prefix lengths in
/// use, mostly one or two. A chain of its own for each lane keeps a packet from running the same rules
/// twice when gates of two lengths know it.
struct Lane: Equatable {
  enum Kind: UInt8 {
    /// By source inside the home.
    case inside = 0
    /// By target, whatever the source: the router itself too.
    case wide = 1
    /// By the router's address after translation.
    case translated = 2
    /// By a device in quarantine: its keys have no target, and hooks of their own.
    case device = 3
    /// By target, from sources outside the home's networks and from the router itself.
    case stray = 4
  }

  /// A byte each: kind, family, 255 less the length.
  ///
  /// So lanes come in the order of their numbers: by
  /// kind and family, the more specific first.
  let code: UInt32

  init(kind: Kind, family: IPAddress.Family, length: Int) {
    code =
      UInt32(kind.rawValue) << 16 | UInt32(family.rawValue) << 8
      | UInt32(truncatingIfNeeded: 255 - length)
  }

  fileprivate init(code: UInt32) { self.code = code }

  var kind: Kind { Kind(rawValue: UInt8(truncatingIfNeeded: code >> 16)) ?? .device }

  var family: IPAddress.Family { code >> 8 & 255 == 4 ? .v4 : .v6 }

  /// 48 for hardware addresses; 0 only in a wide lane, which has no gate then.
  var length: Int { 255 - Int(code & 255) }

  /// What comes before `V_LENGTH` in names: `V` is the IP version.
  private func name(_ head: StaticString) -> Text {
    "\(head)\(family.rawValue)_\(length)"
  }

  var chain: Text {
    switch kind {
    case .inside: name("v")
    case .wide: name("wide")
    case .stray: name("stray")
    case .translated: name("nat")
    case .device: "q_dev"
    }
  }

  var gate: Text {
    switch kind {
    case .inside: name("g")
    case .wide: name("w")
    case .stray: name("s")
    case .translated: name("t")
    case .device: length == 48 ? "qm" : "qs\(family.rawValue)"
    }
  }

  /// Whether its keys and its gate have no source.
  var isByTarget: Bool { kind == .wide || kind == .stray }

  /// Where packets from inside go first; those from the home's networks come back.
  var entrance: Text { kind == .stray ? name("forged") : chain }

  var hasGate: Bool { length > 0 && kind != .device }

  /// The rule that sends known packets to `target`, on a line of its own.
  func entry(to target: Text) -> Text {
    guard hasGate else { return "\nmeta nfproto \(family.kernelNumber) jump \(target)" }
    let address = isByTarget ? family.target(length) : family.source(length)
    return "\n\(address) @\(gate) jump \(target)"
  }
}

/// What one map's keys are made of.
struct Shape: Comparable {
  /// The lane's three bytes; 255 less the length of the target; three bytes for the layer; one for the
  /// fields.
  ///
  /// So shapes come in the order of their numbers, which is that of the rules: the more specific first,
  /// exact keys before chains.
  private(set) var code: UInt64

  /// The fields beside addresses, each bit set where one is missing, below how many of three are
  /// missing.
  struct Fields {
    fileprivate let code: UInt64

    static let none = Fields()

    init(
      hasProtocol: Bool = false,
      hasSourcePort: Bool = false,
      hasTargetPort: Bool = false
    ) {
      var code: UInt64 = 0
      if !hasTargetPort { code += 8 + 1 }
      if !hasProtocol { code += 8 + 2 }
      if !hasSourcePort { code += 8 + 4 }
      self.code = code
    }
  }

  init(_ lane: Lane, targetLength: Int, _ fields: Fields = .none, layer: Int = 0) {
    code =
      UInt64(lane.code) << 40 | UInt64(truncatingIfNeeded: 255 - targetLength) << 32 | fields.code
    self.layer = layer
  }

  /// Of keys that are hardware addresses of devices in quarantine.
  static var hardware: Shape {
    Shape(Lane(kind: .device, family: .v4, length: 48), targetLength: 0)
  }

  /// Of keys that are addresses of devices in quarantine.
  init(deviceOf family: IPAddress.Family) {
    self.init(Lane(kind: .device, family: family, length: family.bits), targetLength: 0)
  }

  var lane: Lane { Lane(code: UInt32(truncatingIfNeeded: code >> 40)) }

  /// How many bits of the target count; in a wide lane the same as the lane's.
  var targetLength: Int { 255 - Int(code >> 32 & 255) }

  /// 0 when keys lead to counters, then drop; from 1 when they lead to chains.
  ///
  /// A key that is taken in one layer of chains goes to the next.
  var layer: Int {
    get { Int(code >> 8 & 0xFF_FFFF) }
    set { code = code & ~0xFFFF_FF00 | UInt64(truncatingIfNeeded: newValue & 0xFF_FFFF) << 8 }
  }

  var hasTargetPort: Bool { code & 1 == 0 }
  var hasProtocol: Bool { code & 2 == 0 }
  var hasSourcePort: Bool { code & 4 == 0 }

  var sourceLength: Int { lane.isByTarget ? 0 : lane.length }

  static func < (left: Shape, right: Shape) -> Bool { left.code < right.code }

  var map: Text {
    if lane.kind == .device { return lane.gate }
    let head: StaticString = layer == 0 ? "d" : "j"
    let kind: StaticString = lane.kind == .translated ? "t" : lane.kind == .stray ? "s" : ""
    var name: Text = "\(head)\(kind)\(lane.family.rawValue)_\(sourceLength)_\(targetLength)"
    if hasProtocol { name += "_p" }
    if hasSourcePort { name += "s" }
    if hasTargetPort { name += "d" }
    if layer > 1 { name += "_\(layer)" }
    return name
  }

  var content: SetContent { layer == 0 ? .counters : .jumps }

  var keyType: KeyType {
    if self == .hardware { return KeyType(.hardware) }
    var type = KeyType()
    if sourceLength > 0 { type.append(lane.family.field) }
    if targetLength > 0 { type.append(lane.family.field) }
    // A key needs something: without addresses it begins with the family.
    if type.length == 0 { type.append(.family) }
    if hasProtocol { type.append(.transportProtocol) }
    if hasSourcePort { type.append(.port) }
    if hasTargetPort { type.append(.port) }
    return type
  }
}
