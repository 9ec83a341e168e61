import Bytes
import Model

extension PermitOffice {
  /// Puts the devices behind the router's public IPv4 address in its place, as far as they are found.
  func lookThrough(_ permit: inout Permit, scope: MitigationScope, policy: PolicySettings?) {
    permit.hidden = hiddenSources(permit, scope)
    if permit.hidden.isEmpty { return }
    for device in found ?? look(scope) where mayTouch(device) { permit.found.append(device) }
    let (found, hidden) = (permit.found, permit.hidden)
    if found.isEmpty { return }
    decide(&permit, scope: scope, policy: policy)
    if found.count > Limits.found { return }
    permit.isLookedThrough = true
    permit.sources.removeAll { hidden.contains($0) }
    for device in found {
      let source = RuleSource.inside(Prefix(host: device.address))
      if !permit.sources.contains(source) { permit.sources.append(source) }
    }
    if hidden.contains(where: { !$0.isTranslated }) { permit.sources.append(.stray) }
  }

  /// The sources of a permit that stand for the public address; none where devices can't take its
  /// place: of a rule about everything, or where ports belong to other sources too.
  private func hiddenSources(_ permit: Permit, _ scope: MitigationScope) -> [RuleSource] {
    guard scope.namesAny(of: home.wanAddresses),
      !permit.targets.contains(where: { $0.isEverything })
    else { return [] }
    if scope.sourcePortRanges.isEmpty {
      return permit.sources.filter { $0.isWide }
    }
    return permit.sources.contains { !$0.isTranslated } ? [] : permit.sources
  }

  /// The devices that send such packets now.
  private func look(_ scope: MitigationScope) -> [FoundDevice] {
    let watch = FlowWatch([FlowFilter(MitigationID(0), scope, home)])
    flows(watch)
    return watch.sightings.prefix(Limits.found + 1).map {
      FoundDevice($0.address, macOf($0.address), .conntrack)
    }
  }

  private func mayTouch(_ device: FoundDevice) -> Bool {
    guard home.hasDevice(at: device.address) else { return false }
    guard let mac = device.mac else { return true }
    return !spared.contains(mac)
      && !settings.isExempt(mac, addresses: addressesOf(mac) + [device.address])
  }

  /// Each device's own action, where a section of the settings is about it; together the strictest.
  private func decide(_ permit: inout Permit, scope: MitigationScope, policy: PolicySettings?) {
    var actions: [Action] = []
    for device in permit.found {
      let own = settings.policy(for: scope, of: client) { address in
        home.wanAddresses.contains(address) ? device.mac : macOf(address)
      }
      var action = permit.chosen
      if own != policy { action = (try? self.action(for: scope, policy: own)) ?? action }
      if action == .quarantine, let mac = device.mac {
        permit.devices.append(DeviceAddress(device.address, mac))
      }
      if !actions.contains(action) { actions.append(action) }
    }
    if actions.count > 1 { permit.action = actions.contains(.quarantine) ? .quarantine : .block }
    if actions.count == 1 { permit.action = actions[0] }
  }
}

extension RuleSource {
  fileprivate var isTranslated: Bool { if case .translated = self { true } else { false } }

  /// Whether it stands for devices of which none is known.
  fileprivate var isWide: Bool {
    switch self {
    case .any: true
    case .inside(let prefix): prefix.isEverything
    case .translated, .stray: false
    }
  }
}

extension MitigationScope {
  /// Whether one of these addresses of IPv4 is a source.
  func namesAny(of addresses: [IPAddress]) -> Bool {
    for address in addresses where address.family == .v4 {
      if sourcePrefixes.contains(Prefix(host: address)) { return true }
    }
    return false
  }
}

extension Permit {
  /// Whether packets of unknown senders are looked at, which are stopped before they become flows.
  var isMetered: Bool {
    sources.contains { $0 == .stray } || hidden.contains { sources.contains($0) && $0.isWide }
  }
}
