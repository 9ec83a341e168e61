import Bytes

/// The way of packets that one gate lets through: where they are seen, and the family and length of
/// the prefix by which the gate knows them.
///
/// A packet that no gate knows pays one lookup a lane; there are as many lanes as prefix lengths in
/// use, mostly one or two. A chain of its own for each lane keeps a packet from running the same rules
/// twice when gates of two lengths know it.
struct Lane: Hashable, Comparable {
  enum Kind: UInt8 {
    /// By source inside the home.
    case inside = 0
    /// By target, whatever the source: the router itself too.
    case wide = 1
    /// By the router's address after translation.
    case translated = 2
    /// By a device in quarantine: its keys have no target, and hooks of their own.
    case device = 3
  }

  var kind: Kind
  var family: IPAddress.Family
  /// 48 for hardware addresses; 0 only in a wide lane, which has no gate then.
  var length: Int

  /// By kind and family; the more specific first.
  static func < (left: Lane, right: Lane) -> Bool {
    (left.kind.rawValue, left.family.rawValue, right.length)
      < (right.kind.rawValue, right.family.rawValue, left.length)
  }

  /// The lane as three bytes.
  var code: [UInt8] {
    [kind.rawValue, family.rawValue, UInt8(truncatingIfNeeded: length)]
  }

  private var suffix: Text { Text(decimal: family.rawValue) + "_" + Text(decimal: length) }

  var chain: Text {
    switch kind {
    case .inside: "v" + suffix
    case .wide: "wide" + suffix
    case .translated: "nat" + suffix
    case .device: "q_dev"
    }
  }

  var gate: Text {
    switch kind {
    case .inside: "g" + suffix
    case .wide: "w" + suffix
    case .translated: "t" + suffix
    case .device: length == 48 ? "qm" : "qs" + Text(decimal: family.rawValue)
    }
  }

  var hasGate: Bool { length > 0 && kind != .device }

  /// The rule that sends known packets to `target`.
  func entry(to target: Text) -> [Expression] {
    var rule = Match.family(family)
    guard hasGate else { return rule + [.jump(target)] }
    let field: HeaderField = kind == .wide ? .target(family) : .source(family)
    rule.append(field.loaded(0))
    if length < family.bits { rule.append(.mask(register: 0, family.mask(length))) }
    return rule + [.isIn(set: gate, register: 0), .jump(target)]
  }
}

/// What one map's keys are made of.
struct Shape: Hashable, Comparable {
  var lane: Lane
  /// How many bits of the target count; in a wide lane the same as the lane's.
  var targetLength: Int
  var hasProtocol = false
  var hasSourcePort = false
  var hasTargetPort = false
  /// 0 when keys lead to counters, then drop; from 1 when they lead to chains.
  ///
  /// A key that is taken in one layer of chains goes to the next.
  var layer = 0

  /// Of keys that are hardware addresses of devices in quarantine.
  static let hardware = Shape(
    lane: Lane(kind: .device, family: .v4, length: 48),
    targetLength: 0
  )

  var sourceLength: Int { lane.kind == .wide ? 0 : lane.length }

  private var fieldCount: Int {
    (hasProtocol ? 1 : 0) + (hasSourcePort ? 1 : 0) + (hasTargetPort ? 1 : 0)
  }

  /// In the order of the rules: the more specific first, exact keys before chains.
  static func < (left: Shape, right: Shape) -> Bool {
    if left.lane != right.lane { return left.lane < right.lane }
    if left.targetLength != right.targetLength { return left.targetLength > right.targetLength }
    if left.layer != right.layer { return left.layer < right.layer }
    if left.fieldCount != right.fieldCount { return left.fieldCount > right.fieldCount }
    return left.hasSourcePort && !right.hasSourcePort
  }

  var map: Text {
    if lane.kind == .device { return lane.gate }
    var name: Text = layer == 0 ? "d" : "j"
    if lane.kind == .translated { name += "t" }
    name += Text(decimal: lane.family.rawValue) + "_" + Text(decimal: sourceLength)
    name += "_" + Text(decimal: targetLength)
    if fieldCount > 0 { name += "_" }
    if hasProtocol { name += "p" }
    if hasSourcePort { name += "s" }
    if hasTargetPort { name += "d" }
    if layer > 1 { name += "_" + Text(decimal: layer) }
    return name
  }

  var content: SetContent { layer == 0 ? .counters : .jumps }

  var key: [KeyField] {
    if self == .hardware { return [.hardware] }
    var fields: [KeyField] = []
    if sourceLength > 0 { fields.append(.address(lane.family)) }
    if targetLength > 0 { fields.append(.address(lane.family)) }
    // A key needs something: without addresses it begins with the family.
    if fields.isEmpty { fields.append(.family) }
    if hasProtocol { fields.append(.transportProtocol) }
    if hasSourcePort { fields.append(.port) }
    if hasTargetPort { fields.append(.port) }
    return fields
  }

  /// The rule that looks a packet up.
  ///
  /// The lane's gate knows the family already; said again, `nft` can show what the key is made of.
  var rule: [Expression] {
    var rule = Match.family(lane.family)
    var register: UInt32 = 0
    func load(_ field: HeaderField, _ length: Int) {
      rule.append(field.loaded(register))
      if length < lane.family.bits, field.header == .network {
        rule.append(.mask(register: register, lane.family.mask(length)))
      }
      register += (field.length + 3) / 4
    }
    if sourceLength > 0 { load(.source(lane.family), sourceLength) }
    if targetLength > 0 { load(.target(lane.family), targetLength) }
    if register == 0 {
      rule.append(.meta(.family, register: 0))
      register = 1
    }
    if hasProtocol {
      rule.append(.meta(.transportProtocol, register: register))
      register += 1
    }
    if hasSourcePort { load(.sourcePort, 0) }
    if hasTargetPort { load(.targetPort, 0) }
    return rule
      + (layer == 0
        ? [.countByMap(map, register: 0), .drop] : [.jumpByMap(map, register: 0)])
  }

  /// The key of a packet of these.
  func key(
    source: IPAddress?,
    target: IPAddress,
    transport: UInt8 = 0,
    sourcePort: UInt16 = 0,
    targetPort: UInt16 = 0
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    if sourceLength > 0, let source { bytes += source.bytes }
    if targetLength > 0 { bytes += target.bytes }
    if bytes.isEmpty { bytes += [lane.family.kernelNumber, 0, 0, 0] }
    if hasProtocol { bytes += [transport, 0, 0, 0] }
    if hasSourcePort { bytes += sourcePort.networkBytes + [0, 0] }
    if hasTargetPort { bytes += targetPort.networkBytes + [0, 0] }
    return bytes
  }
}

extension Shape {
  /// Of keys that are addresses of devices in quarantine.
  init(deviceOf family: IPAddress.Family) {
    self.init(lane: Lane(kind: .device, family: family, length: family.bits), targetLength: 0)
  }

  /// Loads a packet's key of such a shape.
  var loading: [Expression] {
    self == .hardware
      ? Match.hardware
      : Match.family(lane.family) + [HeaderField.source(lane.family).loaded(0)]
  }
}

/// One element of one map.
struct Cell: Equatable {
  var shape: Shape
  var key: [UInt8]

  /// The cell as bytes that no other cell and no gate has: one kind of set holds all.
  var code: [UInt8] {
    let flags: UInt8 =
      (shape.hasProtocol ? 1 : 0) | (shape.hasSourcePort ? 2 : 0) | (shape.hasTargetPort ? 4 : 0)
    let layer = UInt16(truncatingIfNeeded: shape.layer)
    return shape.lane.code + [UInt8(truncatingIfNeeded: shape.targetLength), flags]
      + layer.networkBytes + key
  }

  /// The gate's key: the first address of the key.
  var gateKey: [UInt8] { [UInt8](key.prefix(shape.lane.family.bits / 8)) }
}
