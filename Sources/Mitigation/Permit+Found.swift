import Bytes
import Model

extension PermitOffice {
  /// Puts the devices behind the router's public IPv4 address in its place, as far as they are found.
  ///
  /// Not in a rule about everything, nor where ports belong to other sources too.
  ///
  /// - Throws: when the request means one device, which is protected.
  func lookThrough(
    _ permit: inout Permit,
    scope: MitigationScope,
    policy: PolicySettings?
  ) throws(Refusal) {
    guard scope.namesAny(of: home.wanAddresses) else { return }
    for target in permit.targets where target.isEverything { return }
    let isWide = scope.sourcePortRanges.isEmpty
    var others: [RuleSource] = []
    var translated: [RuleSource] = []
    for source in permit.sources {
      if source.isTranslated { translated.append(source) }
      if isWide ? !source.isWide : !source.isTranslated { others.append(source) }
    }
    if !isWide && !others.isEmpty || others.count == permit.sources.count { return }
    permit.isHiding = true
    let all = found ?? look(scope)
    for device in all where mayTouch(device, scope) { permit.found.append(device) }
    if permit.found.isEmpty {
      if found == nil, !all.isEmpty, scope.hasOnePort { throw protectedTraffic }
      return
    }
    decide(&permit, scope: scope, policy: policy)
    if permit.found.count > Limits.found || !hasRoom { return }
    permit.isLookedThrough = true
    for device in permit.found where permit.action == .ask || device.consent != .awaited {
      let source = RuleSource.inside(Prefix(host: device.address))
      if !others.contains(source) { others.append(source) }
    }
    if isWide {
      others.append(.stray)
    } else if !scope.hasOnePort, spared.isEmpty, !permit.awaitsConsent {
      // One port has one sender; of several some may have others, whoever they pretend to be. They
      // aren't told apart from who is to be left alone.
      others += translated
    }
    permit.sources = others
  }

  /// The devices that send such packets now, and those that did.
  private func look(_ scope: MitigationScope) -> [FoundDevice] {
    let watch = FlowWatch([FlowFilter(MitigationID(0), scope, home)])
    flows(watch)
    var found: [FoundDevice] = []
    for sighting in watch.sightings where found.count <= Limits.found {
      found.append(FoundDevice(sighting.address, macOf(sighting.address), .conntrack))
    }
    // One port has one sender.
    if scope.hasOnePort, !found.isEmpty { return found }
    for device in earlier where found.count <= Limits.found {
      // The owner's word was about what it was found for.
      let device = FoundDevice(device.address, device.mac, device.evidence)
      if !found.contains(where: { $0.address == device.address }) { found.append(device) }
    }
    return found
  }

  private func mayTouch(_ device: FoundDevice, _ scope: MitigationScope) -> Bool {
    let source = RuleSource.inside(Prefix(host: device.address))
    guard home.hasDevice(at: device.address),
      (try? withoutProtected([source], scope: scope)) != nil
    else { return false }
    guard let mac = device.mac else { return true }
    return !spared.contains(mac)
      && !settings.isExempt(mac, addresses: addressesOf(mac) + [device.address])
  }

  /// Each device's own action, where a section of the settings is about it; together the strictest.
  ///
  /// A device about which the owner wants to be asked is left alone until then, and the others have
  /// theirs. The request waits as a whole when it names ports and so nobody else, or when its own
  /// action is to ask: then those who need not be asked about wait too.
  private func decide(_ permit: inout Permit, scope: MitigationScope, policy: PolicySettings?) {
    var together: Action?
    var isAsked = false
    // Whether it waited as a whole before.
    var isWhole = permit.chosen == .ask
    for index in permit.found.indices {
      let device = permit.found[index]
      if found != nil, device.consent != .awaited { isWhole = false }
      let own = settings.policy(for: scope, of: client) { address in
        home.wanAddresses.contains(address) ? device.mac : macOf(address)
      }
      var action = permit.chosen
      if own?.section.bytes != policy?.section.bytes {
        action = (try? self.action(for: scope, policy: own)) ?? action
      }
      if action == .ask, device.consent != .given {
        permit.found[index].consent = .awaited
        isAsked = true
        continue
      }
      if action == .ask { action = permit.chosen == .ask ? .block : permit.chosen }
      if device.consent == .awaited { permit.found[index].consent = .unneeded }
      if action == .quarantine, let mac = device.mac {
        permit.devices.append(DeviceAddress(device.address, mac))
      }
      together = together?.joined(with: action) ?? action
    }
    if let together { permit.action = together }
    if found == nil, together == nil, !scope.sourcePortRanges.isEmpty { isWhole = true }
    guard isAsked, isWhole else { return }
    permit.action = .ask
    for index in permit.found.indices { permit.found[index].consent = .awaited }
  }
}

extension RuleSource {
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
  /// Whether it names one source port, which one device has at a time.
  var hasOnePort: Bool { sourcePortRanges.count == 1 && sourcePortRanges[0].count == 1 }

  /// Whether one of these addresses of IPv4 is a source.
  func namesAny(of addresses: [IPAddress]) -> Bool {
    for address in addresses where address.family == .v4 {
      if sourcePrefixes.contains(Prefix(host: address)) { return true }
    }
    return false
  }
}
