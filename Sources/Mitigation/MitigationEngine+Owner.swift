import Bytes
import Model

/// What came of something that the owner asked for.
public struct OwnerDecision: Sendable {
  /// What it came to.
  public var outcome: WishOutcome
  /// What the kernel has to do for it, all or nothing.
  ///
  /// When it can't, the engine must be put back to what it was before.
  public var changes: [RuleChange]
}

extension MitigationEngine {
  /// Whether no request, and not the owner, may quarantine the device: settings protect it, or it is
  /// the router or no single device.
  public func isExempt(_ mac: MACAddress, addresses: [IPAddress]) -> Bool {
    // The group bit, and no address at all.
    if mac.value >> 40 & 1 == 1 || mac.value == 0 { return true }
    if addresses.contains(where: { home.lanAddresses.contains($0) }) { return true }
    return settings.isExempt(mac, addresses: addresses)
  }

  /// The owner wants the device in quarantine until it is released; nil when it may not be.
  ///
  /// The limit of the settings counts for requests only.
  public mutating func quarantinedByOwner(
    _ mac: MACAddress,
    now: Instant,
    wall: UnixTime,
    surroundings: Surroundings = Surroundings()
  ) -> [RuleChange]? {
    let addresses = addressesOf(surroundings)(mac).filter { home.hasDevice(at: $0) }
    guard pending == nil, !isExempt(mac, addresses: surroundings.addressesOf(mac)),
      quarantines.count < Limits.devices || quarantines.isQuarantined(mac)
    else { return nil }
    let before = quarantines
    let number = nextID
    quarantines.remember(mac, now: now)
    quarantines.update(mac) {
      $0.isOwners = true
      $0.confine(at: now, start: wall, number: number)
    }
    for address in addresses { quarantines.add(DeviceAddress(address, mac)) }
    return quarantines.changes(since: before, now: now)
  }

  /// The helpdesk releases the device, whatever put it into quarantine; nil when it is in none.
  public mutating func releasedByHelpdesk(
    _ mac: MACAddress,
    now: Instant,
    wall: UnixTime
  ) -> [RuleChange]? {
    guard pending == nil, quarantines.isQuarantined(mac) else { return nil }
    return released(mac, now: now, wall: wall)
  }

  /// A code with which the device can be released once from its page, within a day.
  ///
  /// Made of the eight first bytes of `random`. An earlier one is void. Nil when the device is in no
  /// quarantine.
  public mutating func code(for mac: MACAddress, random: [UInt8], now: Instant) -> Text? {
    guard quarantines.isQuarantined(mac),
      let code = ReleaseCode(random: random, until: now + Constants.codeLifetime)
    else { return nil }
    quarantines.update(mac) { $0.code = code }
    return code.text
  }

  /// Somebody at the device wishes something on its page.
  public mutating func wished(
    _ wish: PortalWish,
    at mac: MACAddress,
    now: Instant,
    wall: UnixTime
  ) -> OwnerDecision {
    guard pending == nil else { return OwnerDecision(outcome: .failed, changes: []) }
    guard let device = quarantines.quarantined(mac) else {
      return OwnerDecision(outcome: .notQuarantined, changes: [])
    }
    var isAllowed = false
    quarantines.update(mac) { isAllowed = $0.wishes.allows(at: now) }
    guard isAllowed else { return OwnerDecision(outcome: .tooSoon, changes: []) }
    let isQuiet = device.quiet(at: now) >= Constants.quiet
    switch wish {
    case .checkAgain:
      return OwnerDecision(outcome: isQuiet ? .quiet : .stillActive, changes: [])
    case .release(let code):
      guard let outcome = refusal(of: code, by: device, isQuiet: isQuiet, now: now) else {
        return OwnerDecision(outcome: .released, changes: released(mac, now: now, wall: wall))
      }
      return OwnerDecision(outcome: outcome, changes: [])
    }
  }

  /// Why a release is refused; nil when it isn't, which uses up what it needs: a release, unless the
  /// device was quiet or the code is right.
  private mutating func refusal(
    of code: Text,
    by device: QuarantinedDevice,
    isQuiet: Bool,
    now: Instant
  ) -> WishOutcome? {
    if code.isEmpty {
      if isQuiet { return nil }
      guard device.releases < settings.releases else { return .noneLeft }
      quarantines.update(device.mac) { $0.releases += 1 }
      return nil
    }
    guard let valid = device.code, valid.end > now else { return .wrongCode }
    if valid.matches(code) { return nil }
    quarantines.update(device.mac) {
      $0.code?.misses += 1
      if valid.misses + 1 >= Limits.misses { $0.code = nil }
    }
    return .wrongCode
  }

  /// Frees a device: mitigations that are about it alone stop, with status 7; others spare it.
  private mutating func released(
    _ mac: MACAddress,
    now: Instant,
    wall: UnixTime
  ) -> [RuleChange] {
    let before = quarantines
    var changes: [RuleChange] = []
    for cause in quarantines[mac]?.causes ?? [] {
      guard let mitigation = table[cause.id] else { continue }
      var changed = mitigation
      changed.spare(mac, addresses: before[mac]?.addresses ?? [])
      store(changed, now: now)
      changes += changed.changes(since: mitigation, now: now)
      if changed.phase == .released, let stored = table[cause.id] {
        note(stored, because: .released, now: now)
      }
    }
    quarantines.update(mac) {
      $0.isOwners = false
      $0.released = wall
      $0.freeUnlessWanted(at: now)
    }
    scheduleForgetting()
    return changes + quarantines.changes(since: before, now: now)
  }
}

extension Mitigation {
  /// Leaves a device alone; it is about nothing any more when it was about no other.
  mutating func spare(_ mac: MACAddress, addresses: [IPAddress]) {
    spared.append(mac)
    let named = permit.devices.filter { $0.mac == mac }.map { $0.address } + addresses
    permit.devices.removeAll { $0.mac == mac }
    var found: [FoundDevice] = []
    var isForged = true
    for device in permit.found where device.mac != mac {
      found.append(device)
      if !device.isForged { isForged = false }
    }
    permit.found = found
    if permit.devices.isEmpty && isForged {
      permit.found = []
      phase = .released
      elements = 0
      permit.sources = []
    } else {
      let isLookedThrough = permit.isLookedThrough
      permit.sources.removeAll { source in
        isLookedThrough && source.isTranslated
          || named.contains { source == .inside(Prefix(host: $0)) }
      }
    }
  }
}

// MARK: What is told

extension MitigationEngine {
  /// The devices in quarantine: who was there first comes first.
  public var quarantinedDevices: [MACAddress] {
    quarantines.all.filter { $0.since != nil }
      .ordered { ($0.number, $0.mac.value) < ($1.number, $1.mac.value) }.map { $0.mac }
  }

  /// The device in quarantine that has `address`, or had it: it stays its key.
  public func quarantinedDevice(at address: IPAddress) -> MACAddress? {
    quarantines.holder(of: address)?.mac
  }

  /// Whether the device is in quarantine.
  public func isQuarantined(_ mac: MACAddress) -> Bool { quarantines.isQuarantined(mac) }

  /// The addresses by which the device is kept in quarantine, in ascending order.
  public func quarantinedAddresses(of mac: MACAddress) -> [IPAddress] {
    quarantines.quarantined(mac)?.addresses ?? []
  }

  /// When the device was released last, within the last seven days; nil when never.
  public func released(_ mac: MACAddress) -> UnixTime? { quarantines[mac]?.released }

  /// How often a device may still be released from its page; nil when nothing was said of it lately.
  public func releasesLeft(_ mac: MACAddress) -> UInt32? {
    quarantines[mac].map { settings.releases - min($0.releases, settings.releases) }
  }

  /// What the page tells of a device in quarantine; nil when it is in none.
  ///
  /// Since core started, where attacks are concerned.
  public func story(of device: Device, now: Instant, wall: UnixTime) -> QuarantineStory? {
    guard let entry = quarantines.quarantined(device.mac) else { return nil }
    func ago(_ moment: Instant) -> UnixTime {
      let seconds = UInt64(max(0, (now - moment).milliseconds / 1000))
      return UnixTime(seconds: wall.seconds - min(wall.seconds, seconds))
    }
    return QuarantineStory(
      device: device,
      since: entry.start,
      lastSeen: entry.lastAttack.map { ago($0) },
      ends: entry.end.map {
        UnixTime(seconds: wall.seconds &+ UInt64(max($0 - now, .zero).wholeSeconds))
      },
      stopped: stopped(of: entry),
      recentPackets: entry.recentPackets(at: now),
      quietSeconds: entry.quiet(at: now).wholeSeconds,
      causes: causes(of: entry),
      releasesLeft: releasesLeft(device.mac) ?? 0,
      caseNumber: entry.caseNumber
    )
  }

  /// All that was stopped of a device since it is in quarantine, by it and by the rules about it.
  private func stopped(of entry: QuarantinedDevice) -> DropCounters {
    var stopped = entry.stopped
    for cause in entry.causes {
      guard let mitigation = table[cause.id], mitigation.quarantined.count == 1 else { continue }
      stopped.packets &+= mitigation.measurement.packets
      stopped.bytes &+= mitigation.measurement.bytes
    }
    return stopped
  }

  private func causes(of entry: QuarantinedDevice) -> [QuarantineCause] {
    var causes: [QuarantineCause] = entry.isOwners ? [.owner] : []
    for cause in entry.causes where causes.count < Limits.causes {
      guard let mitigation = table[cause.id] else { continue }
      causes.append(
        .mitigation(
          client: mitigation.key.holder.section,
          targets: mitigation.scope.targetPrefixes,
          protocols: mitigation.scope.targetProtocols,
          ports: mitigation.scope.targetPortRanges
        )
      )
    }
    return causes
  }
}

extension QuarantinedDevice {
  /// The number of the quarantine and the last three bytes of the hardware address.
  fileprivate var caseNumber: Text {
    var bytes = (Text(decimal: number) + "-").bytes
    for byte in mac.bytes.suffix(3) {
      for digit in [byte >> 4, byte & 15] { bytes.append(digit < 10 ? 0x30 + digit : 0x37 + digit) }
    }
    return Text(bytes)
  }
}
