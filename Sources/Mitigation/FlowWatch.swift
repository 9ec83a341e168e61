import Bytes
import Model

/// Tells the flows that one mitigation means, or those that a rule stops.
final class FlowFilter {
  let id: MitigationID
  private let home: Home
  private let transports: [UInt8]
  private let sources: [Prefix]
  private let sourcePorts: [PortRange]
  private let targetPorts: [PortRange]
  private let icmpTypes: [ICMPTypeRange]
  let targets: [Prefix]
  /// Where packets come from that the rule stops.
  private var stopped: [RuleSource] = []
  /// Whether ports are a condition on those alone that are translated.
  private var hasTranslatedPorts = false

  /// Whether it is about one source port: no other device has that.
  let hasOnePort: Bool

  init(_ id: MitigationID, _ scope: MitigationScope, _ home: Home) {
    self.id = id
    self.home = home
    transports = scope.targetProtocols
    sources = scope.sourcePrefixes
    sourcePorts = scope.sourcePortRanges
    hasOnePort = scope.hasOnePort
    targetPorts = scope.targetPortRanges
    icmpTypes = scope.sourceICMPTypeRanges
    targets = scope.targetPrefixes
  }

  init(_ rule: Rule, _ home: Home) {
    id = rule.id
    self.home = home
    transports = rule.protocols
    sources = []
    sourcePorts = rule.sourcePorts
    targetPorts = rule.targetPorts
    icmpTypes = rule.icmpTypes
    targets = rule.targets
    stopped = rule.sources
    hasTranslatedPorts = rule.hasTranslatedPorts
    hasOnePort = false
  }

  /// The device that sends such packets under the router's public address; nil when the flow is another,
  /// the router's own, or from an address that no device of the home can have.
  func device(in flow: Flow) -> IPAddress? {
    device(flow.original, flow.reply)
      ?? device(flow.reply, flow.original)
  }

  private func device(_ way: Flow.Tuple, _ back: Flow.Tuple) -> IPAddress? {
    // Outside, packets of this way have as source what answers to them have as target.
    guard means(way, from: back.targetPort), way.source != back.target,
      way.source.family == .v4,
      home.wanAddresses.contains(back.target), Self.isAmong(sources, back.target),
      home.hasDevice(at: way.source)
    else { return nil }
    return way.source
  }

  /// What answers to the flows that it means have, whichever side began them; none when they are too
  /// many, or when an end isn't named with its port.
  var answers: [Flow.Tuple] {
    guard !sourcePorts.isEmpty, !targetPorts.isEmpty, icmpTypes.isEmpty else { return [] }
    var answers: [Flow.Tuple] = []
    for target in targets {
      guard target.isHost else { return [] }
      for source in home.wanAddresses
      where source.family == target.family && Self.isAmong(sources, source) {
        for port in Self.few(targetPorts) {
          for translated in Self.few(sourcePorts) {
            // Those that have ports, where none is named; the names of ICMP are others.
            for transport in transports.isEmpty ? [6, 17, 33, 132, 136] : transports {
              if answers.count == Limits.answers || transport == 1 { return [] }
              answers.append(.init(transport, target.address, port, to: source, translated))
            }
          }
        }
      }
    }
    return answers
  }

  /// Whether the mitigation's rule, which is for any source, stopped a packet of the sender.
  ///
  /// The kernel's note has no port, which not every protocol's header has at one place, nor whose rule
  /// stopped the packet. So two rules for any source about one target and protocol, that differ in
  /// ports, name the devices of each other as well: such a device is stopped where it sends to, and
  /// nowhere else.
  func means(_ sender: Sender) -> Bool {
    sourcePorts.isEmpty && Self.isAmong(targets, sender.target)
      && (transports.isEmpty || transports.contains(sender.transport))
  }

  /// Whether the rule stops packets of the flow, whichever device they are of.
  ///
  /// Not those of a flow that ends at the router, which is never offloaded: the page that a device in
  /// quarantine reads goes on.
  func concerns(_ flow: Flow) -> Bool {
    !isOwn(flow.original.source) && !isOwn(flow.reply.source)
      && (stops(flow.original, flow.reply) || stops(flow.reply, flow.original))
  }

  @inline(never)
  private func isOwn(_ address: IPAddress) -> Bool {
    home.lanAddresses.contains(address) || home.wanAddresses.contains(address)
  }

  private func stops(_ way: Flow.Tuple, _ back: Flow.Tuple) -> Bool {
    for source in stopped {
      var port = hasTranslatedPorts ? nil : way.sourcePort
      switch source {
      case .any: break
      case .inside(let prefix): if !prefix.contains(way.source) { continue }
      case .translated(let address):
        if back.target != address { continue }
        port = back.targetPort
      case .stray: if way.source.family != .v4 || home.hasDevice(at: way.source) { continue }
      }
      if means(way, from: port) { return true }
    }
    return false
  }

  /// Whether target, protocol, ports and types are the mitigation's: ports are conditions on protocols
  /// that have them, types on ICMP, as in rules.
  ///
  /// Without a source port, those aren't a condition.
  private func means(_ way: Flow.Tuple, from sourcePort: UInt16?) -> Bool {
    guard Self.isAmong(targets, way.target) else { return false }
    let transport = way.transport
    if !transports.isEmpty, !transports.contains(transport) { return false }
    let sourcePorts = sourcePort == nil ? [] : sourcePorts
    let hasPorts = !sourcePorts.isEmpty || !targetPorts.isEmpty
    switch transport {
    case 6, 17, 33, 132, 136:
      if transports.isEmpty, !icmpTypes.isEmpty, !hasPorts { return false }
      return Self.isAmong(sourcePorts, sourcePort ?? 0)
        && Self.isAmong(targetPorts, way.targetPort)
    case 1, 58:
      if transports.isEmpty, hasPorts, icmpTypes.isEmpty { return false }
      if icmpTypes.isEmpty { return true }
      for range in icmpTypes where range.lower <= way.type && way.type <= range.upper {
        return true
      }
      return false
    default: return !transports.isEmpty || !hasPorts && icmpTypes.isEmpty
    }
  }

  /// The first ports of the ranges, one more than few.
  @inline(never)
  private static func few(_ ranges: [PortRange]) -> [UInt16] {
    var ports: [UInt16] = []
    for range in ranges {
      for port in range.lower...range.upper {
        if ports.count > Limits.answers { return ports }
        ports.append(port)
      }
    }
    return ports
  }

  @inline(never)
  private static func isAmong(_ blocks: [Prefix], _ address: IPAddress) -> Bool {
    for block in blocks where block.contains(address) { return true }
    return false
  }

  private static func isAmong(_ ranges: [PortRange], _ port: UInt16) -> Bool {
    for range in ranges where range.lower <= port && port <= range.upper { return true }
    return ranges.isEmpty
  }
}

/// Is shown flows, and notes which devices of the home send what mitigations mean.
public final class FlowWatch {
  /// That a device sends what a mitigation means.
  struct Sighting: Equatable {
    let id: MitigationID
    let address: IPAddress
    let mac: MACAddress?
  }

  private let filters: [FlowFilter]
  /// Each once.
  private(set) var sightings: [Sighting] = []

  init(_ filters: [FlowFilter]) { self.filters = filters }

  /// Tells the flows that these changes stop; all flows of a device that goes into quarantine, but of
  /// the addresses that `confined` says are there already.
  public convenience init(
    stoppedBy changes: [RuleChange],
    in home: Home,
    confined: (MACAddress) -> [IPAddress] = { _ in [] }
  ) {
    var filters: [FlowFilter] = []
    for change in changes {
      switch change {
      case .install(let rule, _): filters.append(FlowFilter(rule, home))
      case .quarantine(let quarantine, _):
        let before = confined(quarantine.mac)
        for address in quarantine.addresses where !before.contains(address) {
          guard let everything = Prefix(address, length: 0) else { continue }
          let source = RuleSource.inside(Prefix(host: address))
          let rule = Rule(id: MitigationID(0), sources: [source], targets: [everything])
          filters.append(FlowFilter(rule, home))
        }
      case .renew, .remove, .release: continue
      }
    }
    self.init(filters)
  }

  /// Whether what one mitigation looks for was found: who has the port that was named.
  public var isSatisfied: Bool {
    filters.count == 1 && !sightings.isEmpty && filters[0].hasOnePort
  }

  /// What answers to all flows of interest have, where those are few: each may be asked for.
  public var answers: [Flow.Tuple] { filters.count == 1 ? filters[0].answers : [] }

  /// Whether there is nothing to look for.
  public var isIdle: Bool { filters.isEmpty }

  /// Notes what one flow tells.
  public func look(at flow: Flow) {
    for filter in filters {
      if let address = filter.device(in: flow) {
        note(Sighting(id: filter.id, address: address, mac: nil))
      }
    }
  }

  /// Whether a rule stops packets of the flow.
  public func concerns(_ flow: Flow) -> Bool {
    for filter in filters where filter.concerns(flow) { return true }
    return false
  }

  /// Notes what a packet that was stopped tells of the device with this address.
  func look(at sender: Sender, of address: IPAddress, by mac: MACAddress?) {
    for filter in filters where filter.means(sender) {
      note(Sighting(id: filter.id, address: address, mac: mac))
    }
  }

  private func note(_ sighting: Sighting) {
    if sightings.count < Limits.sightings, !sightings.contains(sighting) {
      sightings.append(sighting)
    }
  }

  /// The only address that all flows of interest go to; nil when there are more.
  public var onlyTarget: IPAddress? {
    var only: IPAddress?
    for filter in filters {
      for target in filter.targets {
        guard target.isHost, only ?? target.address == target.address else { return nil }
        only = target.address
      }
    }
    return only
  }
}
