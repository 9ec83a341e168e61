import Bytes
import Model

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
    if hasHits {
      // Read by `NetfilterConnection.senders`.
      let fields: [KeyType.Field] = [.hardware, .addressV4, .addressV4, .transportProtocol]
      var key = KeyType()
      for field in fields { key.append(field) }
      sets.append(Part(set: Firewall.senderSet, key, .paces))
    }
    return sets + quarantineSets
  }

  /// How packets end that a rule without a source stops.
  static let stop: StaticString = "goto hit"

  private var hasHits: Bool {
    for lane in lanes where lane.isByTarget { return true }
    return false
  }

  /// Notes the sender of a packet of IPv4 and drops it, whoever sent it.
  private var hit: Text {
    guard hasHits else { return "" }
    return """

      chain hit
      meta nfproto 2 ether saddr . ip saddr . ip daddr . meta l4proto update @\(Firewall.senderSet)
      drop
      """
  }

  /// All chains but those of mitigations, each after those it jumps to; see `Part.chains`.
  var chains: Text {
    var own: Text = ""
    var sides: Text = ""
    var chains: Text = ""
    var pre: Text = ""
    var out: Text = ""
    var post: Text = ""
    for lane in lanes {
      let isLate = lane.kind == .translated
      let side: Protection.Side = isLate ? .translated : .inside
      if lane.kind != .inside { own = policy.protection.own }
      if isLate ? post.isEmpty : pre.isEmpty { sides += policy.protection.chains(side) }
      chains += "\nchain \(lane.chain)\njump \(side.chain)"
      for shape in shapes where shape.lane == lane { chains += "\n\(shape.rule)" }
      if lane.kind == .stray {
        chains += "\nchain \(lane.entrance)"
        for network in policy.protection.home where network.family == lane.family {
          chains += "\n\(network.matches("saddr")) return"
        }
        chains += "\ngoto \(lane.chain)"
      }
      let entry = lane.entry(to: lane.entrance)
      if isLate { post += entry } else { pre += entry }
      if lane.isByTarget {
        out += "\(lane.entry(to: Protection.ownChain))\(lane.entry(to: lane.chain))"
      }
    }
    chains = "\(own)\(sides)\(hit)\(chains)"
    // After defragmentation, before connection tracking.
    if !pre.isEmpty { chains += "\nchain pre filter prerouting -300\(pre)" }
    // The router's own packets.
    if !out.isEmpty { chains += "\nchain out filter output -300\(out)" }
    // One after source translation.
    if !post.isEmpty { chains += "\nchain post filter postrouting +101\(post)" }
    return chains + quarantineChains
  }
}
