import Bytes
import Model

/// A rule as elements of maps and, where keys can't say it, lines of a chain.
struct Expansion {
  /// The elements, layer 0 for exact keys and 1 for keys that lead to the chain; some may be there
  /// twice.
  private(set) var cells: [Cell] = []
  /// The chain's rules; empty: there is no chain.
  private(set) var lines: [Text] = []

  /// How many elements and lines a rule needs; at least this many when it exceeds the limit.
  static func count(_ rule: Rule) -> Int { count(Outline.all(of: rule)) }

  private static func count(_ outlines: [Outline]) -> Int {
    var count = 0
    for outline in outlines { count += outline.count }
    return count
  }

  init(_ rule: Rule) throws(FirewallError) {
    let outlines = Outline.all(of: rule)
    let count = Self.count(outlines)
    guard count <= Firewall.maximumElements else { throw .tooManyElements(count) }
    for outline in outlines { addCells(outline) }
    guard !cells.isEmpty else { throw .nothingToMatch }
    var isByTarget = false
    for cell in cells where cell.shape.lane.isByTarget { isByTarget = true }
    let end = rule.verdict.ending(Holder(rule.id), isByTarget ? Skeleton.stop : "drop")
    for outline in outlines { addLines(outline, end) }
  }

  private mutating func addCells(_ outline: Outline) {
    for target in outline.rule.targets {
      for source in outline.rule.sources where source.pairs(with: target) {
        for transport in outline.exact { addExact(transport, outline, source, target) }
        if outline.ranged.isEmpty { continue }
        let shape = Shape(source, target, .none, layer: 1)
        let key = shape.key(source: source.address, target: target.address)
        cells.append(Cell(shape: shape, key: key))
      }
    }
  }

  private mutating func addLines(_ outline: Outline, _ end: Text) {
    if outline.ranged.isEmpty { return }
    lines += outline.exceptions
    for head in outline.heads {
      for transport in outline.ranged { addLines(transport, outline, head, end) }
      // What follows isn't about it.
      if !head.isEmpty { lines.append("\(head)return") }
    }
  }

  /// The elements that a device's addresses make: its hardware address first.
  init(_ quarantine: Quarantine) {
    cells.append(Cell(shape: .hardware, key: quarantine.mac.bytes))
    for address in quarantine.addresses.unique() {
      if cells.count > Firewall.maximumAddresses { return }
      cells.append(Cell(shape: Shape(deviceOf: address.family), key: address.bytes))
    }
  }

  /// The exact keys of one protocol between two ends.
  private mutating func addExact(
    _ transport: Int,
    _ outline: Outline,
    _ source: RuleSource,
    _ target: Prefix
  ) {
    let sources = outline.sources(transport)
    let targets = outline.targets(transport)
    let fields = Shape.Fields(
      hasProtocol: transport != Outline.any,
      hasSourcePort: !sources.isEmpty,
      hasTargetPort: !targets.isEmpty
    )
    let shape = Shape(source, target, fields, layer: 0)
    for sourcePort in Outline.ports(sources) {
      for targetPort in Outline.ports(targets) {
        let key = shape.key(
          source: source.address,
          target: target.address,
          transport: transport,
          sourcePort: sourcePort,
          targetPort: targetPort
        )
        cells.append(Cell(shape: shape, key: key))
      }
    }
  }

  /// The lines of one protocol.
  private mutating func addLines(
    _ transport: Int,
    _ outline: Outline,
    _ sender: Text,
    _ end: Text
  ) {
    func matches(_ field: StaticString, _ ranges: [PortRange]) -> [Text] {
      ranges.isEmpty ? [""] : ranges.map { "\(field) \($0) " }
    }
    let head = transport == Outline.any ? sender : "\(sender)meta l4proto \(transport) "
    let field: StaticString = transport == 1 ? "icmp type" : "icmpv6 type"
    for type in matches(field, outline.types(transport)) {
      for source in matches("th sport", outline.sources(transport)) {
        for target in matches("th dport", outline.targets(transport)) {
          lines.append("\(head)\(type)\(source)\(target)\(end)")
        }
      }
    }
  }
}

/// Which protocols of a rule become exact keys and which lines, and how many elements that makes.
private struct Outline {
  /// The number that stands for any protocol, and none of its ports or types.
  static let any = -1

  let rule: Rule
  /// How lines begin: with each of the sources where other lines of the chain are about others.
  let heads: [Text]
  /// Lines before them, about packets that the others' lines have counted and let pass.
  let exceptions: [Text]
  /// Protocols that exact keys say.
  private(set) var exact: [Int] = []
  /// Protocols that lines say.
  private(set) var ranged: [Int] = []
  /// How many elements and lines there are; at least so many when that exceeds the limit.
  private(set) var count = 0
  /// Empty: any.
  private let sourcePorts: [PortRange]
  private let targetPorts: [PortRange]
  private let icmpTypes: [PortRange]

  /// A rule in parts, in each of which source ports are a condition on all sources or on none.
  static func all(of rule: Rule) -> [Outline] {
    guard rule.hasTranslatedPorts else { return [Outline(rule)] }
    var others = rule
    var translated = rule
    others.sources.removeAll { $0.isTranslated }
    translated.sources.removeAll { !$0.isTranslated }
    others.sourcePorts = []
    if others.sources.isEmpty { return [Outline(translated)] }
    if translated.sources.isEmpty { return [Outline(others)] }
    let heads = translated.sources.compactMap { source -> Text? in
      source.address.map { "\($0.family.source($0.family.bits)) \($0) " }
    }
    var exceptions: [Text] = []
    for case .inside(let prefix) in others.sources where !rule.verdict.isDrop {
      exceptions.append("\(prefix.matches("saddr", of: "ct original ")) return")
    }
    return [Outline(translated, heads, exceptions), Outline(others)]
  }

  private init(_ rule: Rule, _ heads: [Text] = [""], _ exceptions: [Text] = []) {
    self.rule = rule
    self.heads = heads
    self.exceptions = exceptions
    sourcePorts = Self.merged(rule.sourcePorts, of: 65_536)
    targetPorts = Self.merged(rule.targetPorts, of: 65_536)
    let types = rule.icmpTypes.map { PortRange(UInt16($0.lower), UInt16($0.upper)) }
    icmpTypes = Self.merged(types.compactMap { $0 }, of: 256)
    // How many sources and targets pair.
    var pairs = 0
    for target in rule.targets {
      for source in rule.sources where source.pairs(with: target) { pairs += 1 }
      // More than enough to be refused.
      if pairs > Firewall.maximumElements { break }
    }
    var perPair = 0
    var lines = 0
    for transport in Self.transports(rule) {
      let lineCount = lineCount(transport)
      if rule.verdict.isDrop, let exactCount = exactCount(transport),
        (perPair + exactCount) * pairs <= Firewall.maximumExactElements || lineCount == exactCount
      {
        exact.append(transport)
        perPair += exactCount
      } else {
        ranged.append(transport)
        lines += lineCount
      }
    }
    if lines > 0, !heads[0].isEmpty { lines = (lines + 1) * heads.count + exceptions.count }
    count = pairs * (perPair + (lines > 0 ? 1 : 0)) + lines
  }

  /// The protocols that a rule names.
  ///
  /// Ports are conditions on protocols that have ports, types on ICMP and ICMPv6; with neither
  /// protocol named, the condition itself names the protocols that have it: of ports TCP, UDP, DCCP and
  /// SCTP (RFC 9132, Section 4.4.1.1, names them). UDP-Lite has ports in the same place, but nobody
  /// floods with it: only who names it gets keys.
  private static func transports(_ rule: Rule) -> [Int] {
    let hasPorts = !rule.sourcePorts.isEmpty || !rule.targetPorts.isEmpty
    let hasTypes = !rule.icmpTypes.isEmpty
    if rule.protocols.isEmpty, !hasPorts, !hasTypes { return [any] }
    var transports: [Int] = []
    for number in UInt8.min...UInt8.max {
      let number = Int(number)
      let isNamed =
        rule.protocols.isEmpty
        ? hasPorts && number != 136 && Self.hasPorts(number) || hasTypes && Self.hasTypes(number)
        : rule.protocols.contains(UInt8(number))
      if isNamed { transports.append(number) }
    }
    return transports
  }

  private static func hasPorts(_ transport: Int) -> Bool {
    switch transport {
    case 6, 17, 33, 132, 136: true
    default: false
    }
  }

  private static func hasTypes(_ transport: Int) -> Bool { transport == 1 || transport == 58 }

  func sources(_ transport: Int) -> [PortRange] {
    Self.hasPorts(transport) ? sourcePorts : []
  }

  func targets(_ transport: Int) -> [PortRange] {
    Self.hasPorts(transport) ? targetPorts : []
  }

  func types(_ transport: Int) -> [PortRange] { Self.hasTypes(transport) ? icmpTypes : [] }

  /// How many exact keys say the same; nil when too many or when keys can't.
  private func exactCount(_ transport: Int) -> Int? {
    guard types(transport).isEmpty else { return nil }
    let most = Firewall.maximumExpandedPorts
    let sources = sources(transport).reduce(0) { $0 + $1.count }
    let targets = targets(transport).reduce(0) { $0 + $1.count }
    // Each by itself first: where numbers have 32 bits the product could be too large for one.
    guard sources <= most, targets <= most else { return nil }
    let count = max(sources, 1) * max(targets, 1)
    return count <= most ? count : nil
  }

  /// How many lines say it in a chain.
  private func lineCount(_ transport: Int) -> Int {
    max(sources(transport).count, 1) * max(targets(transport).count, 1)
      * max(types(transport).count, 1)
  }

  /// Sorted, joined where they touch; empty when they are `all` that there are.
  private static func merged(_ ranges: [PortRange], of all: Int) -> [PortRange] {
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
    return result.first?.count == all ? [] : result
  }

  /// Each port; 0, which no key uses, for any.
  static func ports(_ ranges: [PortRange]) -> [UInt16] {
    if ranges.isEmpty { return [0] }
    var ports: [UInt16] = []
    for range in ranges {
      for port in range.lower...range.upper { ports.append(port) }
    }
    return ports
  }
}
