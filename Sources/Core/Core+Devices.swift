import Bytes
import Firewall
import Link
import Linux
import Mitigation
import Model
import Netlink

// MARK: What is known of devices

extension Core {
  /// The neighbours in the home: which device has which address now.
  func neighbours() -> [DeviceAddress] {
    let lan = engine.settings.lan
    return kernel.neighbours().compactMap {
      lan.contains($0.interface) && !$0.mac.isGroup ? DeviceAddress($0.address, $0.mac) : nil
    }
  }

  /// The addresses of a device, by which it is kept in quarantine or that it has now.
  func addresses(of mac: MACAddress, among neighbours: [DeviceAddress]) -> [IPAddress] {
    let known = neighbours.compactMap { $0.mac == mac ? $0.address : nil }
    return (engine.quarantinedAddresses(of: mac) + known).unique()
  }

  /// The device that has an address: in quarantine, whatever hardware address it shows now.
  func device(at address: IPAddress, among neighbours: [DeviceAddress]) -> MACAddress? {
    engine.quarantinedDevice(at: address) ?? neighbours.first { $0.address == address }?.mac
  }

  /// With `asking` false nobody is waited for.
  func surroundings(asking: Bool = true) -> Surroundings {
    let kernel = kernel
    // Asked for each source and target against each section, and the same for one decision.
    var known: [DeviceAddress]?
    func all() -> [DeviceAddress] {
      if let known { return known }
      names.refresh(now: Clock.now, wall: Clock.wall)
      let read = neighbours()
      known = read
      return read
    }
    return Surroundings(
      macOf: { address in
        all().first { $0.address == address }?.mac ?? self.names.leases.mac(of: address)
          ?? (asking ? self.asked(who: address) : nil)
      },
      addressesOf: { mac in
        let own = all().filter { $0.mac == mac }.map { $0.address }
        return own.filter { self.names.leases.mac(of: $0) ?? mac == mac }
      },
      elementCount: { rule in
        let count = Firewall.elementCount(of: rule)
        return count > Firewall.maximumElements ? nil : count
      },
      counters: { kernel.counters(of: $0) },
      deviceCounters: { kernel.counters(of: $0) },
      flows: { self.showMeantFlows(to: $0) }
    )
  }

  /// Who has an address that the router hasn't spoken to lately: asked on the wire, and waited for.
  ///
  /// Once in a while only: a client that names addresses which nobody has must not hold core up.
  private func asked(who address: IPAddress) -> MACAddress? {
    let now = Clock.now
    let home = engine.home
    guard askedAt.map({ now - $0 >= Self.askInterval }) ?? true,
      !home.lanAddresses.contains(address),
      home.lanPrefixes.contains(where: { $0.contains(address) })
    else { return nil }
    let mac = kernel.neighbour(at: address, on: engine.settings.lan, patience: Self.askPatience)
    if mac == nil { askedAt = Clock.now }
    neighboursReadAt = neighboursReadAt ?? now
    return mac
  }

  /// Somebody came, went, or changed an address.
  func neighboursChanged() {
    guard kernel.neighboursMayHaveChanged() else { return }
    if engine.watchesNeighbours {
      neighboursReadAt = neighboursReadAt ?? Clock.now + Self.neighbourPatience
    } else {
      engine.forgetNeighbours()
    }
  }

  func readNeighbours(_ now: Instant) {
    neighboursReadAt = nil
    guard engine.watchesNeighbours else { return }
    names.refresh(now: now, wall: Clock.wall)
    let leases = names.leases
    let changes = engine.neighboursChanged(
      neighbours(),
      leasedTo: { leases.mac(of: $0) },
      now: now,
      surroundings: surroundings(asking: false)
    )
    if !changes.isEmpty { carryOut(changes, now: now) }
    // What runs already begins no more.
    if engine.hasLostDevices { flowsReadAt = now }
  }

  /// How a device is called in the log: all of its hardware address only for a developer.
  func logged(_ mac: MACAddress) -> Text {
    let text = mac.text
    return log.level == .debug ? text : "…" + text.dropFirst(9)
  }
}

// MARK: The owner

extension Core {
  /// Has the kernel carry out what was decided in `next`, which holds then; or nothing changes.
  private func adopt(_ next: MitigationEngine, _ changes: [RuleChange], now: Instant) -> Bool {
    let before = engine
    engine = next
    let changes = journalled(changes, now: now)
    do throws(KernelFault) { try commit(changes, now: now) } catch {
      log.error("the kernel refused a change: \(error)")
      if error.wantsRepair { repairAt = now }
      engine = before
      return false
    }
    logEndings()
    findAnew(changes, now: now)
    store.changed()
    // What the owner decided must not be undone by a loss of power.
    save()
    neighboursReadAt = now
    return true
  }

  /// What somebody at a device wishes on its page.
  func outcome(of wish: PortalWish, at mac: MACAddress, now: Instant) -> WishOutcome {
    var next = engine
    let decision = next.wished(wish, at: mac, now: now, wall: Clock.wall)
    var outcome = decision.outcome
    if decision.changes.isEmpty {
      engine = next
      if case .release = wish { store.changed() }
    } else if !adopt(next, decision.changes, now: now) {
      outcome = .failed
    }
    if outcome != .tooSoon, outcome != .notQuarantined {
      let what: Text = wish == .checkAgain ? "to be looked at again" : "to be released"
      log.info("device \(logged(mac)) asks on its page \(what): \(Self.words(outcome))")
    }
    return outcome
  }

  private static func words(_ outcome: WishOutcome) -> Text {
    switch outcome {
    case .released: "released"
    case .stillActive: "its attack goes on"
    case .quiet: "it has been quiet"
    case .noneLeft: "no release is left"
    case .wrongCode: "wrong code"
    case .notQuarantined: "it is in no quarantine"
    case .tooSoon: "too soon"
    case .failed: "the kernel refused"
    }
  }

  func quarantine(_ mac: MACAddress, now: Instant) -> ControlReply {
    var next = engine
    guard
      let changes = next.quarantinedByOwner(
        mac,
        now: now,
        wall: Clock.wall,
        surroundings: surroundings()
      )
    else { return .end(.refused, "the settings protect this device, or it is the router's") }
    guard adopt(next, changes, now: now) else { return .end(.failed, "the kernel refused") }
    log.info("device \(logged(mac)) is put into quarantine by cordonctl")
    return .end(.done, "")
  }

  /// The owner answers whether what a client asks for may be done.
  func consent(_ isGiven: Bool, to id: MitigationID, now: Instant) -> ControlReply {
    var next = engine
    guard let changes = next.consented(isGiven, to: id, now: now) else {
      return .end(.notFound, "no mitigation of this number waits for consent")
    }
    guard adopt(next, changes, now: now) else { return .end(.failed, "the kernel refused") }
    // A no is logged as the mitigation's end.
    if isGiven { log.info("mitigation \(id): the owner consents") }
    return .end(.done, "")
  }

  func release(_ mac: MACAddress, now: Instant) -> ControlReply {
    var next = engine
    guard let changes = next.releasedByHelpdesk(mac, now: now, wall: Clock.wall) else {
      return .end(.notFound, "this device is in no quarantine")
    }
    guard adopt(next, changes, now: now) else { return .end(.failed, "the kernel refused") }
    log.info("device \(logged(mac)) is released by cordonctl")
    return .end(.done, "")
  }

  func code(for mac: MACAddress, now: Instant) -> ControlReply {
    guard let random = try? randomBytes(8) else { return .end(.failed, "no randomness") }
    guard let code = engine.code(for: mac, random: random, now: now) else {
      return .end(.notFound, "this device is in no quarantine")
    }
    store.changed()
    log.info("a code to release device \(logged(mac)) is made by cordonctl")
    return .end(.done, code)
  }

  /// All devices of the home, by hardware address.
  func devices(_ now: Instant) -> [DeviceSummary] {
    let neighbours = neighbours()
    names.refresh(now: now, wall: Clock.wall)
    var macs = neighbours.map { $0.mac.value } + engine.quarantinedDevices.map { $0.value }
    for section in engine.settings.protections {
      macs += section.macs.compactMap { MACAddress(bytes: $0.bytes)?.value }
    }
    return macs.distinct().map { value in
      let mac = MACAddress(value)
      let addresses = addresses(of: mac, among: neighbours)
      let device = names.device(mac, addresses)
      let mitigations = engine.why(addresses, mac: mac, now: now).map { $0.id }
      let story = engine.story(of: device, now: now, wall: Clock.wall)
      return DeviceSummary(
        device: device,
        state: state(of: mac, addresses, isBlocked: !mitigations.isEmpty),
        since: story?.since,
        releasesLeft: engine.releasesLeft(mac),
        mitigations: mitigations
      )
    }
  }

  /// What holds for a device, or for addresses of none.
  func state(
    of mac: MACAddress?,
    _ addresses: [IPAddress],
    isBlocked: Bool
  ) -> DeviceState {
    guard let mac else { return isBlocked ? .blocked : .clear }
    if engine.isQuarantined(mac) { return .quarantined }
    if engine.isExempt(mac, addresses: addresses) { return .exempt }
    return isBlocked ? .blocked : .clear
  }
}
