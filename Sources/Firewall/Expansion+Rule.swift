import Bytes
import Model

extension RuleVerdict {
  /// Nothing passes: a rate of 0 is that too.
  var isDrop: Bool { self == .drop || self == .limit(bytesPerSecond: 0) }

  /// The rate that passes; nil when there is no limit.
  var rate: UInt64? {
    guard case .limit(let rate) = self, rate > 0 else { return nil }
    return min(rate, Firewall.maximumRate)
  }

  /// What ends each line of a mitigation's chain.
  func ending(_ holder: Holder, _ stop: StaticString) -> Text {
    if rate != nil { return "limit name \(holder.limit) counter name \(holder.counter) \(stop)" }
    return isDrop ? "counter name \(holder.counter) \(stop)" : "counter name \(holder.counter)"
  }
}

extension RuleSource {
  /// Whether packets from here can go to `target`.
  func pairs(with target: Prefix) -> Bool {
    switch self {
    case .any: true
    case .inside(let prefix): prefix.family == target.family
    case .translated(let address): address.family == target.family
    case .stray: target.family == .v4
    }
  }

  /// The address that keys have; nil when the source isn't part of them.
  var address: IPAddress? {
    switch self {
    case .any, .stray: nil
    case .inside(let prefix): prefix.isEverything ? nil : prefix.address
    case .translated(let address): address
    }
  }
}

extension Shape {
  /// The shape of keys with these fields.
  init(_ source: RuleSource, _ target: Prefix, _ fields: Fields, layer: Int) {
    let family = target.family
    let lane: Lane
    switch source {
    case .inside(let prefix) where !prefix.isEverything:
      lane = Lane(kind: .inside, family: family, length: prefix.length)
    case .translated: lane = Lane(kind: .translated, family: family, length: family.bits)
    case .stray: lane = Lane(kind: .stray, family: family, length: target.length)
    case .inside, .any: lane = Lane(kind: .wide, family: family, length: target.length)
    }
    self.init(lane, targetLength: target.length, fields, layer: layer)
  }
}
