import Bytes
import Model

// MARK: By mitigations

extension MitigationEngine {
  /// Refuses a mitigation that wants one more device in quarantine than there may be.
  ///
  /// Devices that are there already stay, whatever the limit became. `replaced` makes room.
  func checkQuarantine(
    of mitigation: Mitigation,
    replacing replaced: [Mitigation]
  ) throws(Refusal) {
    let wanted = mitigation.quarantined.filter { !quarantines.isQuarantined($0) }
    if wanted.isEmpty { return }
    var staying = 0
    for device in quarantines.all where device.since != nil {
      let isWanted = device.causes.contains { cause in !replaced.contains { $0.id == cause.id } }
      if device.isOwners || isWanted { staying += 1 }
    }
    if staying + wanted.count > Int(settings.maximumQuarantined) {
      throw Refusal(.tooManyQuarantined, retryAfter: Limits.longestRetry)
    }
  }

  /// Whether a decision changes what devices are in quarantine, or for how long.
  func touchesDevices(_ decided: Pending) -> Bool {
    decided.edits.contains { edit in
      switch edit {
      case .supersede: false
      case .store(let mitigation):
        !mitigation.quarantined.isEmpty || !(table[mitigation.id]?.quarantined.isEmpty ?? true)
      case .end(let id, _): !(table[id]?.quarantined.isEmpty ?? true)
      }
    }
  }

  /// What is known of a device's addresses, without those that are another's.
  func addressesOf(_ surroundings: Surroundings) -> (MACAddress) -> [IPAddress] {
    { mac in
      var addresses = quarantines.quarantined(mac)?.addresses ?? []
      for address in surroundings.addressesOf(mac) where !addresses.contains(address) {
        if known.first(where: { $0.address == address })?.mac ?? mac == mac {
          addresses.append(address)
        }
      }
      return addresses
    }
  }

  /// Devices that settings protect now are free, whoever wanted them in quarantine.
  mutating func freeExempt(now: Instant, _ surroundings: Surroundings) {
    let addresses = addressesOf(surroundings)
    for device in quarantines.all
    where device.isOwners && settings.isExempt(device.mac, addresses: addresses(device.mac)) {
      quarantines.update(device.mac) {
        $0.isOwners = false
        $0.freeUnlessWanted(at: now)
      }
    }
    scheduleForgetting()
  }

  mutating func scheduleForgetting() {
    if let next = quarantines.nextForgetting { wake(at: next) }
  }
}

// MARK: Counters

extension MitigationEngine {
  /// What devices' counters said since a mitigation put them into quarantine, for each device.
  func shares(of id: MitigationID) -> [(mac: MACAddress, counters: DropCounters)] {
    var shares: [(mac: MACAddress, counters: DropCounters)] = []
    for device in quarantines.all {
      guard let cause = device.causes.first(where: { $0.id == id }) else { continue }
      let counters = DropCounters(
        packets: device.total.packets &- cause.before.packets,
        bytes: device.total.bytes &- cause.before.bytes
      )
      shares.append((device.mac, counters))
    }
    return shares
  }

  /// What a mitigation's rule and its devices' quarantine stopped; nil when not measured.
  func counted(for mitigation: Mitigation, at now: Instant) -> DropCounters? {
    var measurement = mitigation.measurement
    if !mitigation.quarantined.isEmpty {
      for share in shares(of: mitigation.id) where share.counters.packets > 0 {
        measurement.carry(share.counters)
      }
      if !mitigation.hasRule { measurement.carry(DropCounters(packets: 0, bytes: 0)) }
    }
    return measurement.total(at: now)
  }

  /// What a client is told of it; nil when not measured, and for what only counts.
  func dropped(by mitigation: Mitigation, at now: Instant) -> DropCounters? {
    mitigation.dropped(at: now) == nil && mitigation.quarantined.isEmpty
      ? nil : counted(for: mitigation, at: now)
  }

  /// The kernel's counters were read; gives the mitigations whose status changed by it.
  ///
  /// Counts are the kernel's own; unknown mitigations and devices are passed over.
  @discardableResult
  public mutating func counted(
    _ readings: [(id: MitigationID, counters: DropCounters)],
    devices: [(mac: MACAddress, counters: DropCounters)] = [],
    now: Instant
  ) -> [MitigationID] {
    var changed: [MitigationID] = []
    for reading in readings {
      var packets: UInt64 = 0
      var macs: [MACAddress] = []
      var next: Instant?
      table.update(reading.id) {
        let before = $0.measurement.packets
        if $0.counted(reading.counters, now: now) { changed.append(reading.id) }
        packets = $0.measurement.packets &- before
        macs = $0.quarantined
        next = $0.nextEvent
      }
      if let next { wake(at: next) }
      for mac in macs { quarantines.update(mac) { $0.attacked(packets, at: now) } }
    }
    for reading in devices {
      var packets: UInt64 = 0
      quarantines.update(reading.mac) { packets = $0.took(reading.counters) }
      changed += stopped(packets, of: reading.mac, now: now)
    }
    return changed
  }

  /// So many packets of a device were stopped: all that a mitigation knows of its attack when it has
  /// no rule of its own.
  private mutating func stopped(
    _ packets: UInt64,
    of mac: MACAddress,
    now: Instant
  ) -> [MitigationID] {
    guard let device = quarantines.quarantined(mac) else { return [] }
    var changed: [MitigationID] = []
    var hasRule = false
    var next: Instant?
    for cause in device.causes {
      table.update(cause.id) {
        if $0.hasRule {
          hasRule = true
          return
        }
        let before = $0.status
        $0.progressed(packets > 0, now: now)
        if $0.status != before { changed.append(cause.id) }
        next = $0.nextEvent
      }
    }
    if let next { wake(at: next) }
    if !hasRule { quarantines.update(mac) { $0.attacked(packets, at: now) } }
    return changed
  }
}

// MARK: Neighbours

extension MitigationEngine {
  /// Whether it matters who has which address: a device is in quarantine, a rule follows one, or one
  /// was found behind the public address.
  public var watchesNeighbours: Bool {
    quarantines.count > 0
      || table.all.contains { $0.isEnforced && $0.isAboutDevices || !$0.permit.found.isEmpty }
  }

  /// Who had which address doesn't matter until a device does again.
  public mutating func forgetNeighbours() { known = [] }

  /// The neighbours are these: devices in quarantine and rules get their new addresses.
  ///
  /// What a device had stays its second key when it shows up elsewhere, unless `leasedTo` says whose
  /// it is; and what another device had doesn't become one: nobody locks out a neighbour by taking
  /// its address. Nothing happens while a decision waits for the kernel.
  public mutating func neighboursChanged(
    _ neighbours: [DeviceAddress],
    leasedTo: (IPAddress) -> MACAddress?,
    now: Instant,
    surroundings: Surroundings = Surroundings()
  ) -> [RuleChange] {
    guard pending == nil else { return [] }
    let owners = neighbours.compactMap { neighbour -> DeviceAddress? in
      guard home.hasDevice(at: neighbour.address) else { return nil }
      let owner =
        leasedTo(neighbour.address)
        ?? known.first { $0.address == neighbour.address }?.mac
        ?? quarantines.holder(of: neighbour.address)?.mac ?? neighbour.mac
      return DeviceAddress(neighbour.address, owner)
    }
    let earlier = known
    known = owners
    let before = quarantines
    for device in before.all where device.since != nil {
      let addresses = device.addresses.filter { leasedTo($0) ?? device.mac == device.mac }
      quarantines.update(device.mac) { $0.addresses = addresses }
    }
    for owner in owners { quarantines.add(owner) }
    let changes =
      followed(owners, earlier, now: now, surroundings)
      + revised(neighbours, leasedTo, now: now, surroundings)
    return changes + quarantines.changes(since: before, now: now)
  }

  private mutating func followed(
    _ owners: [DeviceAddress],
    _ earlier: [DeviceAddress],
    now: Instant,
    _ surroundings: Surroundings
  ) -> [RuleChange] {
    var changes: [RuleChange] = []
    for mitigation in table.all where mitigation.isEnforced && mitigation.isAboutDevices {
      var grown = mitigation
      grown.permit.find(owners, for: mitigation.scope)
      var hasGrown = grown.permit.devices.count > mitigation.permit.devices.count
      for device in grown.permit.devices {
        let addresses = owners.filter { $0.mac == device.mac }.map { $0.address }
        if grown.permit.follow(
          device,
          to: addresses,
          home: home,
          scope: mitigation.scope,
          now: owners,
          before: earlier
        ) {
          hasGrown = true
        }
      }
      guard hasGrown, let elements = grown.elements(surroundings) else { continue }
      grown.elements = elements
      store(grown, now: now)
      changes += grown.installation(at: now)
    }
    return changes
  }

  /// Rules about devices that were found go where those are now.
  @inline(never)
  private mutating func revised(
    _ neighbours: [DeviceAddress],
    _ leasedTo: (IPAddress) -> MACAddress?,
    now: Instant,
    _ surroundings: Surroundings
  ) -> [RuleChange] {
    var changes: [RuleChange] = []
    hasLostDevices = false
    for mitigation in table.all where !mitigation.permit.found.isEmpty {
      var found: [FoundDevice] = []
      var isLost = false
      for device in mitigation.permit.found {
        var owners: [MACAddress] = []
        for neighbour in neighbours where neighbour.address == device.address {
          owners.append(neighbour.mac)
        }
        if let mac = leasedTo(device.address) { owners.append(mac) }
        if let mac = quarantinedDevice(at: device.address) { owners.append(mac) }
        var moved = device.moved(among: owners, addressesOf(surroundings))
        // Who is in quarantine is no less so when away: it stays until it is somewhere else.
        if moved == nil, mitigation.quarantines(device) { moved = device }
        if moved == nil, leasedTo(device.address) == nil { isLost = true }
        for other in found where other.address == moved?.address { moved = nil }
        if let moved { found.append(moved) }
      }
      guard found != mitigation.permit.found,
        let revised = grown(mitigation, found, surroundings)
      else { continue }
      store(revised, now: now)
      if isLost { hasLostDevices = true }
      changes += revised.changes(since: mitigation, now: now)
    }
    return changes
  }
}

extension Mitigation {
  fileprivate func quarantines(_ device: FoundDevice) -> Bool {
    if let mac = device.mac { quarantined.contains(mac) } else { false }
  }
}

extension FoundDevice {
  /// Whether only its address was seen, in packets of another.
  var isForged: Bool { evidence == .seen && mac == nil }

  /// The device where it is now, when its address is said to be of `owners`; nil when it is another's,
  /// and the device is nowhere.
  fileprivate func moved(
    among owners: [MACAddress],
    _ addressesOf: (MACAddress) -> [IPAddress]
  ) -> FoundDevice? {
    var device = self
    guard let mac else {
      if !isForged { device.mac = owners.first }
      return device
    }
    if owners.isEmpty || owners.contains(mac) { return device }
    for address in addressesOf(mac) where address.family == .v4 && address != self.address {
      device.address = address
      return device
    }
    return nil
  }
}
