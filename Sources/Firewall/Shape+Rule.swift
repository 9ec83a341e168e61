import Bytes

extension Shape {
  /// The rule that looks a packet up.
  var rule: Text {
    var key: Text = ""
    if sourceLength > 0 { key = lane.family.source(sourceLength) }
    if targetLength > 0 {
      if sourceLength > 0 { key += " . " }
      key += lane.family.target(targetLength)
    }
    var head: Text = ""
    if key.isEmpty {
      key = "meta nfproto"
      head = "meta nfproto \(lane.family.kernelNumber) "
    }
    if hasProtocol { key += " . meta l4proto" }
    if hasSourcePort { key += " . th sport" }
    if hasTargetPort { key += " . th dport" }
    if layer > 0 { return "\(head)\(key) vmap @\(map)" }
    let end: StaticString = lane.isByTarget ? Skeleton.stop : "drop"
    return "\(head)counter name \(key) map @\(map) \(end)"
  }

  /// Loads the key of a packet of a device in quarantine.
  var loading: Text {
    self == .hardware ? "ether saddr" : lane.family.source(lane.family.bits)
  }

  /// The key of a packet of these.
  func key(
    source: IPAddress?,
    target: IPAddress,
    transport: Int = 0,
    sourcePort: UInt16 = 0,
    targetPort: UInt16 = 0
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    if sourceLength > 0, let source { bytes = source.bytes }
    if targetLength > 0 { bytes += target.bytes }
    // One byte or two, and zeros.
    func append(_ field: UInt32) { bytes.append(bigEndian: field) }
    if bytes.isEmpty { append(UInt32(lane.family.kernelNumber) << 24) }
    if hasProtocol { append(UInt32(truncatingIfNeeded: transport) << 24) }
    if hasSourcePort { append(UInt32(sourcePort) << 16) }
    if hasTargetPort { append(UInt32(targetPort) << 16) }
    return bytes
  }
}

/// One element of one map.
struct Cell: Equatable {
  var shape: Shape
  var key: [UInt8]

  /// The cell as bytes that no other cell, no gate and no holder has.
  var code: [UInt8] {
    var code: [UInt8] = []
    code.append(bigEndian: shape.code)
    return code + key
  }

  /// The element of a gate that leads to it; nil where there is no gate.
  var gate: GatePlace? {
    let lane = shape.lane
    guard lane.hasGate else { return nil }
    return GatePlace(lane: lane, key: [UInt8](key.prefix(lane.family.bits / 8)))
  }
}

/// One element of a gate: which, and where.
struct GatePlace: Equatable {
  var lane: Lane
  /// The first address of the keys that it leads to.
  var key: [UInt8]

  /// The place as bytes that no cell and no holder has: theirs are even in number.
  var code: [UInt8] {
    var code: [UInt8] = [0]
    code.append(bigEndian: lane.code)
    return code + key
  }
}

extension IPAddress.Family {
  /// The kernel's number of the family (`NFPROTO_IPV4`, `NFPROTO_IPV6`).
  var kernelNumber: UInt8 { self == .v4 ? 2 : 10 }

  /// The part of a key that an address is.
  var field: KeyType.Field { self == .v4 ? .addressV4 : .addressV6 }

  /// The word that begins what rules say of an address.
  var word: Text { self == .v4 ? "ip" : "ip6" }

  /// The address whose first `length` bits are ones.
  func mask(_ length: Int) -> IPAddress {
    (self == .v4 ? IPAddress(v4: ~0) : IPAddress(v6High: ~0, low: ~0)).masked(to: length)
  }

  /// Loads the first bits of the source address.
  func source(_ length: Int) -> Text { "\(word) saddr\(masking(length))" }

  /// Loads the first bits of the target address.
  func target(_ length: Int) -> Text { "\(word) daddr\(masking(length))" }

  private func masking(_ length: Int) -> Text {
    length < bits ? " & \(mask(length))" : ""
  }
}

extension Prefix {
  /// Matches when the address that `load` loads, behind the family's word, lies in the block.
  func matches(_ load: StaticString, of head: StaticString = "") -> Text {
    isEverything
      ? "meta nfproto \(family.kernelNumber)" : "\(head)\(family.word) \(load) \(self)"
  }
}
