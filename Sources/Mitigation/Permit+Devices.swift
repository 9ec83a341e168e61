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
  func follow(_ permit: inout Permit) {
    let isWhole = permit.targets.contains { $0.isEverything }
    if permit.action == .quarantine, isWhole { return }
    for device in permit.devices {
      permit.follow(device, to: addressesOf(device.mac), home: home)
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
  @discardableResult
  mutating func follow(
    _ device: DeviceAddress,
    to addresses: [IPAddress],
    home: Home
  ) -> Bool {
    guard action == .quarantine || device.address.family == .v6,
      sources.contains(.inside(Prefix(host: device.address)))
    else { return false }
    var count = 0
    for source in sources {
      if case .inside(let prefix) = source, prefix.isHost { count += 1 }
    }
    var hasGrown = false
    for address in addresses.prefix(Limits.deviceAddresses) {
      let source = RuleSource.inside(Prefix(host: address))
      guard action == .quarantine || address.family == .v6, home.hasDevice(at: address),
        targets.contains(where: { $0.family == address.family }), !sources.contains(source),
        count < Limits.followedSources
      else { continue }
      sources.append(source)
      count += 1
      hasGrown = true
    }
    return hasGrown
  }
}

extension Home {
  /// Whether a device of the home, not the router, can have `address`.
  func hasDevice(at address: IPAddress) -> Bool {
    Prefix(host: address).lies(in: lanPrefixes) && !lanAddresses.contains(address)
      && !Prefix(host: address).lies(in: SpecialBlocks.linkLocal)
  }
}
