import Bytes
import Model

/// A condition on the transport header: one line of a mitigation's chain, or some exact keys.
struct Selector: Equatable {
  /// Nil: any.
  var transport: UInt8?
  /// Empty: any, or there are none.
  var sourcePorts: [PortRange] = []
  /// Empty: any, or there are none.
  var targetPorts: [PortRange] = []
  /// Empty: any, or there are none.
  var icmpTypes: [ICMPTypeRange] = []

  /// How many exact keys say the same; nil when too many or when keys can't.
  var exactCount: Int? {
    guard icmpTypes.isEmpty else { return nil }
    let sources = sourcePorts.reduce(0) { $0 + $1.count }
    let targets = targetPorts.reduce(0) { $0 + $1.count }
    let most = Firewall.maximumExpandedPorts
    // Each by itself first: where numbers have 32 bits the product could be too large for one.
    guard sources <= most, targets <= most else { return nil }
    let count = max(sources, 1) * max(targets, 1)
    return count <= most ? count : nil
  }

  /// How many lines say it in a chain.
  var lineCount: Int {
    max(sourcePorts.count, 1) * max(targetPorts.count, 1) * max(icmpTypes.count, 1)
  }

  /// The matches of the lines.
  var lines: [[Expression]] {
    let head = transport.map { Match.transport($0) } ?? []
    let types = icmpTypes.isEmpty ? [[]] : icmpTypes.map { Match.icmpTypes($0) }
    let sources = sourcePorts.isEmpty ? [[]] : sourcePorts.map { Match.ports(.sourcePort, $0) }
    let targets = targetPorts.isEmpty ? [[]] : targetPorts.map { Match.ports(.targetPort, $0) }
    return types.flatMap { type in
      sources.flatMap { source in targets.map { head + type + source + $0 } }
    }
  }

  /// What a rule says of the transport header.
  ///
  /// Ports are conditions on protocols that have ports, types on ICMP and ICMPv6; with neither
  /// protocol named, the condition itself names the protocols that have it.
  static func list(_ rule: Rule) -> [Selector] {
    let sources = merged(rule.sourcePorts)
    let targets = merged(rule.targetPorts)
    let types = merged(rule.icmpTypes)
    let hasPorts = !rule.sourcePorts.isEmpty || !rule.targetPorts.isEmpty
    var transports = rule.protocols
    if transports.isEmpty {
      guard hasPorts || !rule.icmpTypes.isEmpty else { return [Selector()] }
      if hasPorts { transports += withPorts }
      if !rule.icmpTypes.isEmpty { transports += icmp }
    }
    return transports.distinct().map { transport in
      if withPorts.contains(transport) || transport == udpLite {
        return Selector(transport: transport, sourcePorts: sources, targetPorts: targets)
      }
      if icmp.contains(transport) { return Selector(transport: transport, icmpTypes: types) }
      return Selector(transport: transport)
    }
  }

  /// TCP, UDP, DCCP, SCTP (RFC 9132, Section 4.4.1.1, names them for port ranges).
  private static let withPorts: [UInt8] = [6, 17, 33, 132]
  /// UDP-Lite has ports in the same place, but nobody floods with it: only who names it gets keys.
  private static let udpLite: UInt8 = 136
  /// ICMP and ICMPv6.
  private static let icmp: [UInt8] = [1, 58]

  /// Sorted, joined where they touch; empty when they are all ports.
  private static func merged(_ ranges: [PortRange]) -> [PortRange] {
    var result: [PortRange] = []
    for range in ranges.ordered(by: { $0.lower < $1.lower }) {
      if let last = result.last, Int(range.lower) <= Int(last.upper) + 1,
        let joined = PortRange(last.lower, max(last.upper, range.upper))
      {
        result[result.count - 1] = joined
      } else {
        result.append(range)
      }
    }
    return result.first?.count == 65_536 ? [] : result
  }

  private static func merged(_ ranges: [ICMPTypeRange]) -> [ICMPTypeRange] {
    var result: [ICMPTypeRange] = []
    for range in ranges.ordered(by: { $0.lower < $1.lower }) {
      if let last = result.last, Int(range.lower) <= Int(last.upper) + 1,
        let joined = ICMPTypeRange(last.lower, max(last.upper, range.upper))
      {
        result[result.count - 1] = joined
      } else {
        result.append(range)
      }
    }
    return result.first?.lower == 0 && result.first?.upper == 255 ? [] : result
  }
}

/// A rule as elements of maps and, where keys can't say it, lines of a chain.
struct Expansion {
  /// The elements, layer 0 for exact keys and 1 for keys that lead to the chain; none twice.
  private(set) var cells: [Cell] = []
  /// The chain's rules; empty: there is no chain.
  private(set) var lines: [[Expression]] = []

  /// Which selectors become exact keys and which lines, and how many elements that makes.
  private struct Outline {
    var pairs: [(source: RuleSource, target: Prefix)] = []
    var exact: [Selector] = []
    var ranged: [Selector] = []
    var count = 0
  }

  private static func outline(_ rule: Rule) -> Outline {
    var outline = Outline()
    for target in rule.targets {
      for source in rule.sources where source.pairs(with: target) {
        outline.pairs.append((source, target))
      }
      // More than enough to be refused.
      if outline.pairs.count > Firewall.maximumElements { break }
    }
    let pairs = outline.pairs.count
    let drops = rule.verdict.isDrop
    var perPair = 0
    for selector in Selector.list(rule) {
      if drops, let count = selector.exactCount,
        (perPair + count) * pairs <= Firewall.maximumExactElements || selector.lineCount == count
      {
        outline.exact.append(selector)
        perPair += count
      } else {
        outline.ranged.append(selector)
      }
    }
    let lines = outline.ranged.reduce(0) { $0 + $1.lineCount }
    outline.count = pairs * (perPair + (lines > 0 ? 1 : 0)) + lines
    return outline
  }

  /// How many elements and lines a rule needs; at least this many when it exceeds the limit.
  static func count(_ rule: Rule) -> Int { outline(rule).count }

  init(_ rule: Rule) throws(FirewallError) {
    let outline = Self.outline(rule)
    guard !outline.pairs.isEmpty else { throw .nothingToMatch }
    guard outline.count <= Firewall.maximumElements else { throw .tooManyElements(outline.count) }
    var seen: Set<[UInt8]> = []
    func add(_ cell: Cell) {
      if seen.insert(cell.code).inserted { cells.append(cell) }
    }
    for pair in outline.pairs {
      let base = Shape(source: pair.source, target: pair.target)
      let source = pair.source.address
      for selector in outline.exact {
        for cell in Self.exact(selector, base, source, pair.target.address) { add(cell) }
      }
      if !outline.ranged.isEmpty {
        var shape = base
        shape.layer = 1
        add(Cell(shape: shape, key: shape.key(source: source, target: pair.target.address)))
      }
    }
    let end = rule.verdict.ending(Holder(rule.id))
    lines = outline.ranged.flatMap { $0.lines }.map { $0 + end }
  }

  /// The elements that a device's addresses make: its hardware address first.
  init(_ quarantine: Quarantine) {
    cells.append(Cell(shape: .hardware, key: quarantine.mac.bytes))
    for address in quarantine.addresses.distinct().prefix(Firewall.maximumAddresses) {
      cells.append(Cell(shape: Shape(deviceOf: address.family), key: address.bytes))
    }
  }

  private static func exact(
    _ selector: Selector,
    _ base: Shape,
    _ source: IPAddress?,
    _ target: IPAddress
  ) -> [Cell] {
    var shape = base
    shape.hasProtocol = selector.transport != nil
    shape.hasSourcePort = !selector.sourcePorts.isEmpty
    shape.hasTargetPort = !selector.targetPorts.isEmpty
    let sourcePorts = ports(selector.sourcePorts)
    let targetPorts = ports(selector.targetPorts)
    return sourcePorts.flatMap { sourcePort in
      targetPorts.map { targetPort in
        let key = shape.key(
          source: source,
          target: target,
          transport: selector.transport ?? 0,
          sourcePort: sourcePort,
          targetPort: targetPort
        )
        return Cell(shape: shape, key: key)
      }
    }
  }

  /// Each port; 0, which no key uses, for any.
  private static func ports(_ ranges: [PortRange]) -> [UInt16] {
    ranges.isEmpty ? [0] : ranges.flatMap { $0.lower...$0.upper }
  }
}

extension RuleVerdict {
  /// Nothing passes: a rate of 0 is that too.
  var isDrop: Bool { self == .drop || self == .limit(bytesPerSecond: 0) }

  /// The rate that passes; nil when there is no limit.
  var rate: UInt64? {
    guard case .limit(let rate) = self, rate > 0 else { return nil }
    return min(rate, Firewall.maximumRate)
  }

  /// What ends each line of a mitigation's chain.
  func ending(_ holder: Holder) -> [Expression] {
    switch self {
    case .count: [.count(holder.counter)]
    case .drop, .limit(bytesPerSecond: 0): [.count(holder.counter), .drop]
    case .limit: [.isOver(limit: holder.limit), .count(holder.counter), .drop]
    }
  }
}

extension RuleSource {
  /// Whether packets from here can go to `target`.
  func pairs(with target: Prefix) -> Bool {
    switch self {
    case .any: true
    case .inside(let prefix): prefix.family == target.family
    case .translated(let address): address.family == target.family
    }
  }

  /// The address that keys have; nil when the source isn't part of them.
  var address: IPAddress? {
    switch self {
    case .any: nil
    case .inside(let prefix): prefix.isEverything ? nil : prefix.address
    case .translated(let address): address
    }
  }
}

extension Shape {
  /// The shape of keys without ports and protocol.
  init(source: RuleSource, target: Prefix) {
    let family = target.family
    switch source {
    case .inside(let prefix) where !prefix.isEverything:
      lane = Lane(kind: .inside, family: family, length: prefix.length)
    case .translated:
      lane = Lane(kind: .translated, family: family, length: family.bits)
    case .inside, .any:
      lane = Lane(kind: .wide, family: family, length: target.length)
    }
    targetLength = target.length
  }
}
