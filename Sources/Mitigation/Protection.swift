import Bytes
import Model

extension PermitOffice {
  /// What is left of a scope's sources and targets without those that are protected wholly.
  ///
  /// A source is left out when each of its pairs with a target is protected, then a target likewise.
  /// Pairs that are protected among others that aren't, parts of blocks and single ports stay in:
  /// the first rules of the firewall's chains let them pass anyway.
  ///
  /// - Throws: `protectedTraffic` when nothing is left.
  func withoutProtected(
    _ sources: [RuleSource],
    scope: MitigationScope
  ) throws(Refusal) -> (sources: [RuleSource], targets: [Prefix]) {
    var targets = targets(of: scope, for: sources)
    // Each pair takes at least one element; beyond the limit the pairs aren't worth looking at.
    if sources.count * targets.count > client.maximumElements { throw Refusal(.tooManyElements) }
    let sections = settings.protections + essentials
    func isProtected(_ source: RuleSource, _ target: Prefix) -> Bool {
      sections.contains { $0.covers(source, target, scope: scope, macOf: macOf) }
    }
    let left = sources.filter { source in
      targets.contains { source.pairs(with: $0) && !isProtected(source, $0) }
    }
    targets = targets.filter { target in
      left.contains { $0.pairs(with: target) && !isProtected($0, target) }
    }
    if left.isEmpty || targets.isEmpty { throw protectedTraffic }
    return (left, targets)
  }

  /// The targets that a source of the request pairs with, each once.
  ///
  /// The wide source bears no family in a rule, but stems from an IPv4 address in a request.
  private func targets(of scope: MitigationScope, for sources: [RuleSource]) -> [Prefix] {
    var targets: [Prefix] = []
    for target in scope.targetPrefixes where !targets.contains(target) {
      let hasSource =
        scope.sourcePrefixes.isEmpty
        || scope.sourcePrefixes.contains { $0.family == target.family }
      if hasSource { targets.append(target) }
    }
    return targets
  }

  /// Name and time service by the router's own resolvers: no request can cut a home off from them.
  private var essentials: [ProtectSettings] {
    guard !settings.resolvers.isEmpty else { return [] }
    var section = ProtectSettings(section: "resolvers")
    section.prefixes = settings.resolvers.map { Prefix(host: $0) }
    section.udpPorts = [PortRange(53), PortRange(123)]
    section.tcpPorts = [PortRange(53)]
    return [section]
  }

  /// What a request for nothing but protected traffic gets: RFC 9066, Section 5.3.1, has a cause for
  /// it; RFC 9132 has none, and an accept-list without a name comes closest.
  var protectedTraffic: Refusal {
    let conflict =
      role == .callHome
      ? ConflictInformation(cause: .requestRejectedLegitimateTraffic)
      : ConflictInformation(cause: .conflictWithAcceptList, status: .requestInactiveOtherActive)
    return Refusal(.protectedTraffic, conflict: conflict)
  }
}

extension RuleSource {
  /// Whether packets from here can go to `target`; the wide source goes everywhere.
  fileprivate func pairs(with target: Prefix) -> Bool {
    switch self {
    case .any: true
    case .inside(let prefix): prefix.family == target.family
    case .translated(let address): address.family == target.family
    case .stray: target.family == .v4
    }
  }
}

extension ProtectSettings {
  /// Whether each packet from `source` to `target` that `scope` means is protected by this section.
  fileprivate func covers(
    _ source: RuleSource,
    _ target: Prefix,
    scope: MitigationScope,
    macOf: (IPAddress) -> MACAddress?
  ) -> Bool {
    if !prefixes.isEmpty, !target.lies(in: prefixes) { return false }
    if !macs.isEmpty || !sources.isEmpty {
      guard case .inside(let prefix) = source else { return false }
      if !sources.isEmpty, !prefix.lies(in: sources) { return false }
      if !macs.isEmpty {
        guard prefix.isHost, let device = macOf(prefix.address) else { return false }
        if !macs.contains(where: { $0.matches(device) }) { return false }
      }
    }
    return udpPorts.isEmpty && tcpPorts.isEmpty || coversPorts(of: scope)
  }

  /// Ports of UDP and of TCP are alternatives, since no packet has both.
  private func coversPorts(of scope: MitigationScope) -> Bool {
    guard !scope.targetProtocols.isEmpty, !scope.targetPortRanges.isEmpty else { return false }
    for number in scope.targetProtocols {
      let ports = number == 17 ? udpPorts : number == 6 ? tcpPorts : []
      for range in scope.targetPortRanges where !ports.contains(where: { $0.holds(range) }) {
        return false
      }
    }
    return true
  }
}

extension PortRange {
  fileprivate func holds(_ other: PortRange) -> Bool {
    lower <= other.lower && other.upper <= upper
  }
}
