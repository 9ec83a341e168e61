import Bytes
import Firewall
import Link
import Linux
import Mitigation
import Model

extension Core {
  /// Takes up what an earlier core left in the kernel and in the state file.
  func recover() throws(CoreFault) {
    let now = Clock.now
    var state: State?
    do {
      state = try store.read()
      if state == nil, store.exists {
        log.warning("the state file is damaged or of another version: it is not used")
      }
    } catch {
      log.warning("can't read the state file: \(error)")
    }
    let snapshot = try kernel.snapshot()
    let recovery = Recovery(state: state, boot: store.boot, kernel: snapshot, now: now)
    engine = MitigationEngine(
      settings: engine.settings,
      home: engine.home,
      nextID: recovery.nextID
    )
    protect(now)
    engine.restore(recovery.devices, now: now)
    let leftOut = engine.restore(recovery.records, now: now, surroundings: surroundings())
    let changes = journalled(engine.plan(at: now), now: now)
    do { try kernel.reconcile(changes, with: snapshot, now: now) } catch {
      throw .kernel("bring the firewall's table up to date", error)
    }
    if snapshot == nil { forgetFlows(FlowWatch(stoppedBy: changes, in: engine.home)) }
    showMissing(changes)
    neighboursReadAt = now
    flowsReadAt = now
    let taken = engine.count
    if taken > 0 || !leftOut.isEmpty || !recovery.orphans.isEmpty {
      let dropped = leftOut.count + recovery.orphans.count
      log.info("took up \(taken) mitigations of an earlier run, dropped \(dropped)")
      store.changed()
    }
    if engine.quarantinedCount > 0 {
      log.info("took up \(engine.quarantinedCount) devices in quarantine")
    }
    confined = engine.quarantinedDevices
  }

  /// Time has come to `now`: what is over is taken out of the kernel.
  func advance(to now: Instant) {
    guard let due = engine.nextEvent, due <= now else { return }
    let changes = engine.advanced(to: now)
    logEndings()
    guard !changes.isEmpty else { return }
    findAnew(changes, now: now)
    store.changed()
    do throws(KernelFault) { try commit(journalled(changes, now: now), now: now) } catch {
      log.error("the kernel refused a change: \(error)")
      repairAt = now
    }
  }

  /// Devices that came into quarantine or left it, whoever wanted it: one line each.
  private func logDevices() {
    let before = confined
    confined = engine.quarantinedDevices
    for mac in before where !confined.contains(mac) {
      log.info("device \(logged(mac)) is out of quarantine")
    }
    for mac in confined where !before.contains(mac) {
      log.info("device \(logged(mac)) is in quarantine")
    }
  }

  func logEndings() {
    logDevices()
    for ending in engine.takeEndings() {
      tellEnding(ending)
      var packets: Text = "uncounted"
      if let dropped = ending.report.dropped { packets = "\(dropped.packets) packets dropped" }
      let cause = Self.words(ending.cause)
      let isLeft: Text = ending.cause == .released ? "stopped" : "ended"
      log.info("\(ending.client) mid \(ending.name.mid): \(isLeft), \(cause); \(packets)")
    }
  }

  private static func words(_ cause: MitigationEnding.Cause) -> Text {
    switch cause {
    case .expired: "lifetime over"
    case .withdrawn: "withdrawn"
    case .overridden: "a newer request took its place"
    case .clientRemoved: "its client is gone from the settings"
    case .settingsChanged: "the settings no longer allow it"
    case .homeChanged: "its addresses are no longer of this home"
    case .released: "the owner has released its device"
    case .denied: "the owner doesn't consent"
    }
  }

  func renew(_ now: Instant) {
    do throws(KernelFault) {
      try kernel.renew(now: now)
      engine.renewed()
    } catch {
      log.error("the kernel refused a renewal: \(error)")
      for id in kernel.firewall.renewing { engine.renewalFailed(id) }
      kernel.postponeRenewal(to: now + Self.renewalRetry)
      repairAt = now + Self.repairInterval
    }
  }

  /// What could not be planned is enforced by nobody: status 4 says so.
  private func showMissing(_ wanted: [RuleChange]) {
    for case .install(let rule, _) in wanted where !kernel.holds(rule.id) {
      log.error("mitigation \(rule.id) finds no room in the firewall's table")
      engine.renewalFailed(rule.id)
    }
  }

  /// Brings the kernel's table to what was decided, whatever it refused or lost before.
  func repair(_ now: Instant) {
    advance(to: now)
    repairAt = nil
    do throws(KernelFault) {
      let wanted = journalled(engine.plan(at: now), now: now)
      let kept = try kernel.repair(
        wanted,
        protection: protection,
        access: access,
        lan: engine.settings.lan,
        now: now
      )
      if let kept {
        engine.recounted(keeping: kept.mitigations, devices: kept.devices)
        log.warning("the firewall's table was brought back")
        forgetFlows(FlowWatch(stoppedBy: wanted, in: engine.home))
        showMissing(wanted)
      }
      repairDelay = Self.repairInterval
    } catch {
      log.error("can't bring the firewall's table back: \(error)")
      repairAt = now + repairDelay
      repairDelay = min(repairDelay * 2, Self.longestRepairInterval)
    }
  }

  /// Somebody changed tables, or events were lost.
  func tableChanged() {
    if kernel.tableMayBeGone() { repair(Clock.now) }
  }

  func addressesChanged() {
    guard kernel.addressesMayHaveChanged() else { return }
    homeReadAt = homeReadAt ?? Clock.now + Self.settlingTime
  }

  func readHome(_ now: Instant) {
    homeReadAt = nil
    do throws(CoreFault) {
      try reportInterfaces()
      try reportAddresses()
      let home = try kernel.home(wan: engine.settings.wan, lan: engine.settings.lan)
        .keepingLostSides(of: engine.home)
      guard home != engine.home else { return }
      guard let changes = engine.homeChanged(home, now: now, surroundings: surroundings()) else {
        homeReadAt = now + Self.settlingTime
        return
      }
      log.info("the home's addresses have changed")
      tell(.home(engine.home.lanAddresses))
      protect(now)
      flowsReadAt = now
      carryOut(changes, now: now)
    } catch {
      log.error(error.text)
      homeReadAt = now + Self.settlingTime
    }
  }

  /// Has the kernel carry out what follows from other settings or addresses.
  func carryOut(_ changes: [RuleChange], now: Instant) {
    logEndings()
    store.changed()
    guard !changes.isEmpty else { return }
    do throws(KernelFault) {
      try commit(journalled(changes, now: now), now: now)
    } catch {
      log.error("the kernel refused a change: \(error)")
      repairAt = now
    }
  }

  func readCounters(_ now: Instant) {
    countAt = nil
    countedAt = now
    do throws(KernelFault) {
      let counters = try kernel.allCounters()
      engine.counted(counters.mitigations, devices: counters.devices, now: now)
    } catch {
      log.warning("can't read counters: \(error)")
    }
  }

  /// Writes the state file.
  func save() {
    let now = Clock.now
    do { try store.write(engine, now: now) } catch {
      log.warning("can't write the state file: \(error)")
    }
  }
}

extension Home {
  /// The same, but a side without any address, whose interface is down or gone, has those that it had.
  ///
  /// A device whose attack is stopped must not go free because a cable was pulled.
  func keepingLostSides(of earlier: Home) -> Home {
    var home = self
    if wanAddresses.isEmpty { home.wanAddresses = earlier.wanAddresses }
    if lanAddresses.isEmpty {
      home.lanAddresses = earlier.lanAddresses
      home.lanPrefixes = earlier.lanPrefixes
    }
    return home
  }
}
