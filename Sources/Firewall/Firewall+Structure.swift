import Bytes
import Model

/// A set or map that should be there.
struct DesiredSet: Equatable {
  var name: Text
  var key: [KeyField]
  var content: SetContent
  /// What is always in it, in ascending order.
  var blocks: [Prefix] = []
}

/// What changes in sets, and in chains but those of mitigations.
struct StructureChange {
  private(set) var addedSets: [Operation] = []
  private(set) var chains: [Operation] = []
  private(set) var removedSets: [Operation] = []

  /// No change.
  init() {}

  init(from before: Skeleton?, to after: Skeleton) {
    let old = before?.chains ?? []
    let new = after.chains
    for chain in new where !old.contains(where: { $0.name == chain.name }) {
      chains.append(.addChain(chain.name, chain.attachment))
    }
    for chain in new {
      let previous = old.first { $0.name == chain.name }
      if previous?.rules == chain.rules { continue }
      if previous != nil { chains.append(.flushChain(chain.name)) }
      for rule in chain.rules { chains.append(.addRule(chain: chain.name, rule)) }
    }
    for chain in old.reversed() where !new.contains(where: { $0.name == chain.name }) {
      chains.append(.deleteChain(chain.name))
    }
    let oldSets = before?.sets ?? []
    let newSets = after.sets
    for set in newSets {
      let previous = oldSets.first { $0.name == set.name }
      if previous == nil { addedSets.append(.addSet(set.name, key: set.key, set.content)) }
      if previous?.blocks == set.blocks { continue }
      if previous != nil { addedSets.append(.deleteElement(set: set.name, key: [])) }
      addedSets += set.elements
    }
    for set in oldSets where !newSets.contains(where: { $0.name == set.name }) {
      removedSets.append(.deleteSet(set.name))
    }
  }
}

extension DesiredSet {
  /// The blocks as elements: a block within another is none.
  fileprivate var elements: [Operation] {
    var elements: [Operation] = []
    var last: Prefix?
    for block in blocks where last?.contains(block) != true {
      last = block
      elements.append(
        .addElement(
          set: name,
          key: block.address.bytes,
          .block(endsBefore: block.lastAddress.bytesAfter),
          timeout: .zero
        )
      )
    }
    return elements
  }
}

extension IPAddress {
  /// The next address; empty when there is none.
  fileprivate var bytesAfter: [UInt8] {
    var bytes = bytes
    for index in bytes.indices.reversed() {
      bytes[index] &+= 1
      if bytes[index] != 0 { return bytes }
    }
    return []
  }
}

/// What the table follows from beside mitigations and quarantines.
struct TablePolicy: Equatable {
  var protection: Protection
  var access: QuarantineAccess
  /// The interfaces of the home.
  var lan: [Text]

  /// Whether 443 of the router's own addresses is redirected, whoever is in quarantine.
  var servesAPI: Bool { access.apiPort != nil && !lan.isEmpty }
}

/// What sets, and chains but those of mitigations, follow from.
struct Skeleton {
  var policy: TablePolicy
  /// In the order of their rules.
  var shapes: [Shape]

  private var lanes: [Lane] {
    var lanes: [Lane] = []
    for shape in shapes where lanes.last != shape.lane && shape.lane.kind != .device {
      lanes.append(shape.lane)
    }
    return lanes
  }

  /// All sets and maps: gates, then maps, each in the order of their rules, then those of quarantine.
  var sets: [DesiredSet] {
    lanes.filter { $0.hasGate }.map {
      DesiredSet(name: $0.gate, key: [.address($0.family)], content: .keys)
    } + shapes.map { DesiredSet(name: $0.map, key: $0.key, content: $0.content) }
      + quarantineSets
  }

  /// All chains but those of mitigations, each after those it jumps to.
  var chains: [Chain] {
    let lanes = lanes
    let wide = lanes.filter { $0.kind == .wide }
    let translated = lanes.filter { $0.kind == .translated }
    let protection = policy.protection
    let early = lanes.filter { $0.kind != .translated }

    var chains: [Chain] = []
    if !wide.isEmpty || !translated.isEmpty { chains.append(protection.own()) }
    if !early.isEmpty { chains += protection.chains(.inside) }
    if !translated.isEmpty { chains += protection.chains(.translated) }
    for lane in lanes {
      let side: Protection.Side = lane.kind == .translated ? .translated : .inside
      let rules = [[.jump(side.chain)]] + shapes.filter { $0.lane == lane }.map { $0.rule }
      chains.append(Chain(name: lane.chain, attachment: nil, rules: rules))
    }
    if !early.isEmpty {
      let rules = early.map { $0.entry(to: $0.chain) }
      chains.append(Chain(name: "pre", attachment: .rawPrerouting, rules: rules))
    }
    if !wide.isEmpty {
      let rules = wide.flatMap { [$0.entry(to: Protection.ownChain), $0.entry(to: $0.chain)] }
      chains.append(Chain(name: "out", attachment: .rawOutput, rules: rules))
    }
    if !translated.isEmpty {
      let rules = translated.map { $0.entry(to: $0.chain) }
      chains.append(Chain(name: "post", attachment: .translatedPostrouting, rules: rules))
    }
    return chains + quarantineChains
  }
}

extension Firewall {
  /// The kinds of keys in use, in the order of their rules.
  var shapes: [Shape] { [Shape](owners.keys).ordered() }

  var skeleton: Skeleton { Skeleton(policy: policy, shapes: shapes) }
}

extension Attachment {
  /// After defragmentation, before connection tracking.
  static let rawPrerouting = Attachment(hook: .prerouting, priority: -300)
  /// The router's own packets.
  static let rawOutput = Attachment(hook: .output, priority: -300)
  /// One after source translation.
  static let translatedPostrouting = Attachment(hook: .postrouting, priority: 101)
}
