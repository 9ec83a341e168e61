import Bytes
import Model

extension PermitOffice {
  /// The sources of a scope that mean one device each: those that the router knows, and those for
  /// which the owner named one.
  func devices(
    of scope: MitigationScope,
    sources: [RuleSource],
    named: MACAddress?
  ) -> [DeviceAddress] {
    var devices: [DeviceAddress] = []
    for prefix in scope.sourcePrefixes where prefix.isHost {
      let isInside = sources.contains(.inside(prefix))
      // What is protected wholly is no source any more; the router's public address may be.
      guard isInside || home.wanAddresses.contains(prefix.address),
        let mac = isInside ? macOf(prefix.address) ?? named : named
      else { continue }
      let device = DeviceAddress(prefix.address, mac)
      if !devices.contains(device) { devices.append(device) }
    }
    return devices
  }

  /// Makes a permit one for quarantine, or for a block where no device is known.
  ///
  /// - Throws: when the client itself asked for quarantine and no device is known, or all are exempt.
  func settle(_ permit: inout Permit, scope: MitigationScope) throws(Refusal) {
    guard !permit.devices.isEmpty else {
      // Somebody will be found there, and nobody is quarantined before.
      if permit.isHiding { return }
      guard scope.requestedAction == .quarantine else {
        permit.action = .block
        return
      }
      for prefix in scope.sourcePrefixes where prefix.isHost {
        if permit.sources.contains(.inside(prefix)) {
          throw Refusal(.unknownDevice, retryAfter: Limits.deviceRetry)
        }
      }
      throw Refusal(.sourceIsNoDevice)
    }
    let left = permit.devices.filter { device in
      !settings.isExempt(device.mac, addresses: addressesOf(device.mac) + [device.address])
        && !spared.contains(device.mac)
    }
    if left.isEmpty { throw protectedTraffic }
    let named = permit.devices
    // An exempt device keeps its traffic, and quarantine does more than a rule about everything.
    let isWhole = permit.targets.contains { $0.isEverything }
    permit.sources = permit.sources.filter { source in
      guard case .inside(let prefix) = source, prefix.isHost else { return true }
      let isDevice = named.contains { $0.address == prefix.address }
      let isLeft = left.contains { $0.address == prefix.address }
      return !isDevice || isLeft && !isWhole
    }
    permit.devices = left
  }

  /// Adds the other addresses of the devices that the permit is about: all where a device is to be in
  /// quarantine, so that its attack is counted; else those of IPv6, which devices change often
  /// (RFC 8981), where the request named one.
  func follow(_ permit: inout Permit, scope: MitigationScope) {
    let isWhole = permit.targets.contains { $0.isEverything }
    if permit.action == .quarantine, isWhole { return }
    for device in permit.devices {
      permit.follow(device, to: addressesOf(device.mac), home: home, scope: scope)
    }
  }
}

extension Mitigation {
  /// Whether its rule follows a device, or would if the device were known.
  var isAboutDevices: Bool {
    !permit.devices.isEmpty
      || scope.sourcePrefixes.contains { $0.isHost && $0.family == .v6 }
  }
}

extension Permit {
  /// Finds the devices of a block's addresses that weren't known before.
  mutating func find(_ owners: [DeviceAddress], for scope: MitigationScope) {
    if action == .quarantine { return }
    for owner in owners where owner.address.family == .v6 && !devices.contains(owner) {
      let prefix = Prefix(host: owner.address)
      if scope.sourcePrefixes.contains(prefix), sources.contains(.inside(prefix)),
        !devices.contains(where: { $0.address == owner.address })
      {
        devices.append(owner)
      }
    }
  }

  /// Adds addresses of a device that the rule doesn't have yet; whether there were any.
  ///
  /// Nobody had those that aren't among the neighbours `before`: they have a place in each rule.
  @discardableResult
  mutating func follow(
    _ device: DeviceAddress,
    to addresses: [IPAddress],
    home: Home,
    scope: MitigationScope,
    now: [DeviceAddress] = [],
    before: [DeviceAddress] = []
  ) -> Bool {
    guard action == .quarantine || device.address.family == .v6,
      sources.contains(.inside(Prefix(host: device.address)))
    else { return false }
    var known: [IPAddress] = []
    var new: [IPAddress] = []
    for address in addresses {
      guard action == .quarantine || address.family == .v6, home.hasDevice(at: address),
        targets.contains(where: { $0.family == address.family }),
        !sources.contains(.inside(Prefix(host: address)))
      else { continue }
      if before.contains(where: { $0.address == address }) {
        known.append(address)
      } else {
        new.append(address)
      }
    }
    if !now.isEmpty {
      let isGone = { (address: IPAddress) in !now.contains { $0.address == address } }
      makeRoom(for: new.count + known.count, scope, where: isGone)
      makeRoom(for: new.count, scope) { _ in true }
    }
    let added = (new + known).prefix(max(0, Limits.followedSources - hostCount))
    for address in added { sources.append(.inside(Prefix(host: address))) }
    return !added.isEmpty
  }

  /// How many sources are single addresses.
  private var hostCount: Int {
    var count = 0
    for source in sources {
      if case .inside(let prefix) = source, prefix.isHost { count += 1 }
    }
    return count
  }

  /// Leaves out addresses that were added, as far as others need their places; the oldest first.
  @inline(never)
  private mutating func makeRoom(
    for count: Int,
    _ scope: MitigationScope,
    where isLess: (IPAddress) -> Bool
  ) {
    var lack = hostCount + count - Limits.followedSources
    var left: [RuleSource] = []
    for source in sources {
      if lack > 0, case .inside(let prefix) = source, prefix.isHost,
        !scope.sourcePrefixes.contains(prefix),
        !found.contains(where: { $0.address == prefix.address }), isLess(prefix.address)
      {
        lack -= 1
      } else {
        left.append(source)
      }
    }
    sources = left
  }
}

extension Home {
  /// Whether a device of the home, not the router, can have `address`.
  func hasDevice(at address: IPAddress) -> Bool {
    Prefix(host: address).lies(in: lanPrefixes) && !lanAddresses.contains(address)
      && !Prefix(host: address).lies(in: SpecialBlocks.linkLocal)
  }
}
