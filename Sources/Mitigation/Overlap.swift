import Bytes
import Model

/// What makes two scopes overlap (RFC 9132, Section 4.4.1.3).
struct Overlap {
  let rule: OverlapRule
  let home: Home

  /// Whether two scopes overlap.
  ///
  /// Target ports and protocols never separate them.
  /// By the rule `scope`, sources separate where both name them: two devices that attack one victim
  /// make two mitigations. Devices behind the router's one IPv4 address differ by their source ports.
  /// Names count by the rule `target` only, because no address is ever taken from them.
  func between(_ left: MitigationScope, _ right: MitigationScope) -> Bool {
    let isNamed = rule == .target && left.sharesNames(with: right)
    guard isNamed || left.sharesTargets(with: right) else { return false }
    guard rule == .scope, !left.sourcePrefixes.isEmpty, !right.sourcePrefixes.isEmpty else {
      return true
    }
    for source in left.sourcePrefixes {
      for other in right.sourcePrefixes where source.overlaps(other) {
        if !isTranslated(source) || left.sharesSourcePorts(with: right) { return true }
      }
    }
    return false
  }

  private func isTranslated(_ source: Prefix) -> Bool {
    source.family == .v4 && source.isHost && home.wanAddresses.contains(source.address)
  }
}

extension MitigationScope {
  fileprivate func sharesTargets(with other: MitigationScope) -> Bool {
    for target in targetPrefixes {
      for another in other.targetPrefixes where target.overlaps(another) { return true }
    }
    return false
  }

  /// Whether anything is named that has no address.
  var hasNames: Bool { !(targetFQDNs.isEmpty && targetURIs.isEmpty && aliasNames.isEmpty) }

  fileprivate func sharesNames(with other: MitigationScope) -> Bool {
    for name in targetFQDNs where other.targetFQDNs.contains(name) { return true }
    for uri in targetURIs where other.targetURIs.contains(uri) { return true }
    for alias in aliasNames where other.aliasNames.contains(alias) { return true }
    return false
  }

  fileprivate func sharesSourcePorts(with other: MitigationScope) -> Bool {
    if sourcePortRanges.isEmpty || other.sourcePortRanges.isEmpty { return true }
    for range in sourcePortRanges {
      for another in other.sourcePortRanges
      where range.lower <= another.upper && another.lower <= range.upper { return true }
    }
    return false
  }

  /// The blocks that both name: of two that overlap, the smaller; at most `Limits.sharedTargets`.
  func sharedTargets(with other: MitigationScope) -> [Prefix] {
    var shared: [Prefix] = []
    for target in targetPrefixes {
      for another in other.targetPrefixes where target.overlaps(another) {
        shared.append(target.length >= another.length ? target : another)
        if shared.count == Limits.sharedTargets { return shared }
      }
    }
    return shared
  }
}
