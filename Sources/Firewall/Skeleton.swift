import Bytes
import Model

/// A chain but those of mitigations, or a set, with what is always in it.
final class Part: Sendable {
  /// Its name.
  let name: Text
  /// What makes it.
  let making: Operation
  /// What fills it: rules, or a set's blocks.
  let content: [Operation]

  /// A chain.
  init(chain name: Text, _ attachment: Attachment? = nil, rules: [Text]) {
    self.name = name
    making = .addChain(name, attachment)
    content = rules.map { .addRule(chain: name, $0) }
  }

  /// A set or map; `blocks` in ascending order.
  init(set name: Text, _ key: KeyType, _ content: SetContent, blocks: [Prefix] = []) {
    self.name = name
    making = .addSet(name, key: key, content)
    var elements: [Operation] = []
    var last: Prefix?
    // A block within another is none.
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
    self.content = elements
  }

  private var isChain: Bool { making.kind == .addChain }

  /// What empties it.
  var emptying: Operation {
    isChain ? .flushChain(name) : .deleteElement(set: name, key: [])
  }

  /// What removes it.
  var removing: Operation { isChain ? .deleteChain(name) : .deleteSet(name) }
}

extension IPAddress {
  /// The next address; empty when there is none.
  fileprivate var bytesAfter: [UInt8] {
    var bytes = bytes
    var index = bytes.count
    while index > 0 {
      index -= 1
      bytes[index] &+= 1
      if bytes[index] != 0 { return bytes }
    }
    return []
  }
}

/// What the table follows from beside mitigations and quarantines.
final class TablePolicy: Equatable, Sendable {
  let protection: Protection
  let access: QuarantineAccess
  /// The interfaces of the home.
  let lan: [Text]

  init(protection: Protection, access: QuarantineAccess, lan: [Text]) {
    self.protection = protection
    self.access = access
    self.lan = lan
  }

  /// Whether 443 of the router's own addresses is redirected, whoever is in quarantine.
  var servesAPI: Bool { access.apiPort != nil && !lan.isEmpty }

  static func == (left: TablePolicy, right: TablePolicy) -> Bool {
    left.protection == right.protection && left.access == right.access && left.lan == right.lan
  }
}

/// What sets, and chains but those of mitigations, follow from.
struct Skeleton {
  let policy: TablePolicy
  /// The kinds of keys in use, in the order of their rules.
  let shapes: [Shape]

  /// The lanes of mitigations, each once.
  private var lanes: [Lane] {
    var lanes: [Lane] = []
    for shape in shapes where lanes.last != shape.lane && shape.lane.kind != .device {
      lanes.append(shape.lane)
    }
    return lanes
  }

  /// All sets and maps: gates, then maps, each in the order of their rules, then those of quarantine.
  var sets: [Part] {
    var sets: [Part] = []
    for lane in lanes where lane.hasGate {
      sets.append(Part(set: lane.gate, KeyType(lane.family.field), .keys))
    }
    for shape in shapes { sets.append(Part(set: shape.map, shape.keyType, shape.content)) }
    return sets + quarantineSets
  }

  /// All chains but those of mitigations, each after those it jumps to.
  var chains: [Part] {
    var own: [Part] = []
    var sides: [Part] = []
    var chains: [Part] = []
    var pre: [Text] = []
    var out: [Text] = []
    var post: [Text] = []
    for lane in lanes {
      let side: Protection.Side = lane.kind == .translated ? .translated : .inside
      if own.isEmpty, lane.kind != .inside { own.append(policy.protection.own) }
      if lane.kind == .translated ? post.isEmpty : pre.isEmpty {
        sides += policy.protection.chains(side)
      }
      var rules: [Text] = ["jump \(side.chain)"]
      for shape in shapes where shape.lane == lane { rules.append(shape.rule) }
      chains.append(Part(chain: lane.chain, rules: rules))
      let entry = lane.entry(to: lane.chain)
      if lane.kind == .translated { post.append(entry) } else { pre.append(entry) }
      if lane.kind == .wide { out += [lane.entry(to: Protection.ownChain), entry] }
    }
    if !pre.isEmpty { chains.append(Part(chain: "pre", .rawPrerouting, rules: pre)) }
    if !out.isEmpty { chains.append(Part(chain: "out", .rawOutput, rules: out)) }
    if !post.isEmpty { chains.append(Part(chain: "post", .translatedPostrouting, rules: post)) }
    return own + sides + chains + quarantineChains
  }
}

extension Attachment {
  /// After defragmentation, before connection tracking.
  static let rawPrerouting = Attachment(hook: .prerouting, priority: -300)
  /// The router's own packets.
  static let rawOutput = Attachment(hook: .output, priority: -300)
  /// One after source translation.
  static let translatedPostrouting = Attachment(hook: .postrouting, priority: 101)
}
