import Bytes
import Model

extension Mitigation {
  /// Grants at most what the client may have, from `now` on.
  mutating func grant(_ lifetime: Lifetime, to client: ClientSettings, at now: Instant) {
    switch lifetime.limited(to: client.maximumLifetime) {
    case .seconds(let seconds): granted = max(1, seconds)
    case .indefinite: granted = max(1, client.maximumLifetime)
    }
    end = now + .seconds(granted)
  }

  /// Counts that the client asked again for what it had withdrawn (RFC 9132, Section 4.4.4).
  mutating func inheritFlaps(of earlier: [Mitigation], at now: Instant) {
    for other in earlier where other.phase == .terminating {
      flaps = max(flaps, min(Limits.flaps, other.flaps + 1))
      revived = now
    }
  }

  /// How long it goes on after a withdrawal: the configured period, doubled each time the client
  /// came back before its end; never longer than 300 seconds.
  mutating func terminatingPeriod(configured: UInt32, at now: Instant) -> Span {
    if let revived, now - revived >= Constants.calm { flaps = 0 }
    let first = min(configured, Constants.longestTermination)
    return .seconds(min(Constants.longestTermination, first << UInt32(flaps)))
  }
}

extension Mitigation {
  /// Whether it is enforced only until the owner answers about another.
  var isSuperseded: Bool { successor.value != 0 }

  /// What has the kernel hold its rule.
  @inline(never)
  func installation(at now: Instant) -> [RuleChange] {
    rule.map { [.install($0, remaining: remaining(at: now))] } ?? []
  }

  /// What has the kernel renew its rule.
  @inline(never)
  func renewal(at now: Instant) -> [RuleChange] {
    isEnforced && hasRule ? [.renew(id, remaining: remaining(at: now))] : []
  }

  /// What has the kernel forget its rule.
  var removal: [RuleChange] {
    @inline(never) get { isEnforced && hasRule ? [.remove(id)] : [] }
  }
}

extension Mitigation {
  /// Of several ports, stops those of who wasn't found, now that nobody is to be left alone.
  fileprivate mutating func stopOtherPorts(of home: Home) {
    guard permit.isLookedThrough, !scope.sourcePortRanges.isEmpty, !scope.hasOnePort,
      spared.isEmpty
    else { return }
    for address in home.wanAddresses where scope.namesAny(of: [address]) {
      let source = RuleSource.translated(address)
      if !permit.sources.contains(source) { permit.sources.append(source) }
    }
    elements = elements(Surroundings()) ?? elements
  }
}

extension MitigationEngine {
  /// Time has come to `now`: what ended is removed.
  ///
  /// The engine has forgotten what ended when this returns; should the kernel refuse a removal, its
  /// own timeout ends the rule. While a decision waits for the kernel nothing is due. That rules
  /// outlive the kernel's longest timeout is the firewall's business.
  public mutating func advanced(to now: Instant) -> [RuleChange] {
    guard pending == nil, let nextEvent, nextEvent <= now else { return [] }
    var changes: [RuleChange] = []
    self.nextEvent = nil
    var due: [Mitigation] = []
    for index in table.all.indices {
      let next = table.all[index].nextEvent
      if next > now { wake(at: next) } else { due.append(table.all[index]) }
    }
    let before = quarantines
    quarantines.forget(at: now)
    for mitigation in due {
      if mitigation.end > now {
        changes += turned(mitigation, now: now)
        continue
      }
      changes += mitigation.removal
      let cause: MitigationEnding.Cause =
        mitigation.phase == .terminating ? .withdrawn : .expired
      end(mitigation.id, because: cause, now: now)
      changes += endSuperseded(by: mitigation.id, now: now)
    }
    scheduleForgetting()
    return changes + quarantines.changes(since: before, now: now)
  }

  /// The owner has not answered in time, or a preconfigured mitigation that has ended waits again.
  private mutating func turned(_ mitigation: Mitigation, now: Instant) -> [RuleChange] {
    if mitigation.phase == .asking {
      return answered(settings.askDefaultsToBlock, about: mitigation, now: now)
    }
    if mitigation.scope.triggerMitigation
      || mitigation.isPartlyAsking && mitigation.progress != .stopped
    {
      return answered(settings.askDefaultsToBlock, aboutDevicesOf: mitigation, now: now)
    }
    var waiting = mitigation
    waiting.waitAgain(at: now)
    store(waiting, now: now)
    return mitigation.removal
  }

  /// The owner answers whether a mitigation may begin; nil when none of this number waits for that.
  public mutating func consented(
    _ isGiven: Bool,
    to id: MitigationID,
    now: Instant
  ) -> [RuleChange]? {
    guard pending == nil, let asked = table[id] else { return nil }
    let before = quarantines
    let changes: [RuleChange]
    if asked.phase == .asking {
      changes = answered(isGiven, about: asked, now: now)
    } else {
      guard asked.isEnforced, asked.permit.awaitsConsent else { return nil }
      changes = answered(isGiven, aboutDevicesOf: asked, now: now)
    }
    return changes + quarantines.changes(since: before, now: now)
  }

  private mutating func answered(
    _ isGiven: Bool,
    about asked: Mitigation,
    now: Instant
  ) -> [RuleChange] {
    guard isGiven else {
      end(asked.id, because: .denied, now: now)
      return endSuperseded(by: asked.id, now: now)
    }
    var begun = starting(asked, at: now, wall: nil)
    begun.stopOtherPorts(of: home)
    store(begun, now: now)
    // After the new rule stands, so that nothing passes between.
    return (begun.isEnforced ? begun.installation(at: now) : [])
      + endSuperseded(by: asked.id, now: now)
  }

  /// The owner answers about devices that were left alone until then, while others weren't.
  ///
  /// The caller does what follows for devices in quarantine.
  @inline(never)
  private mutating func answered(
    _ isGiven: Bool,
    aboutDevicesOf asked: Mitigation,
    now: Instant
  ) -> [RuleChange] {
    var changed = asked
    changed.turn = nil
    if isGiven {
      changed.permit.admit()
      changed.stopOtherPorts(of: home)
      if (try? checkQuarantine(of: changed, replacing: [])) == nil {
        changed.permit.devices = asked.permit.devices
      }
    } else {
      for device in asked.permit.found where device.consent == .awaited {
        if let mac = device.mac { changed.spare(mac, addresses: []) }
      }
    }
    if changed.isEnforced { changed.elements = changed.elements(Surroundings()) ?? asked.elements }
    store(changed, now: now)
    if changed.phase == .released { note(changed, because: .denied, now: now) }
    return changed.changes(since: asked, now: now)
  }

  /// What was enforced until the owner answered about a request is over.
  @inline(never)
  mutating func endSuperseded(by id: MitigationID, now: Instant) -> [RuleChange] {
    var changes: [RuleChange] = []
    for old in table.all where old.successor == id {
      changes += old.removal
      end(old.id, because: .overridden, now: now)
    }
    return changes
  }

  /// After a restart: what a request that still waits for consent has taken the place of.
  mutating func supersede(by asked: Mitigation) {
    let section = asked.key.holder.section
    guard let client = settings.client(section: section),
      let old = try? overridden(by: asked.scope, key: asked.key, client: client).replaced
    else { return }
    for one in old where one.isEnforced && one.id != asked.id {
      table.update(one.id) { $0.successor = asked.id }
    }
  }

  /// The kernel refused to renew this mitigation's rule: it shows status 4 until `renewed()` or a
  /// refresh.
  public mutating func renewalFailed(_ id: MitigationID) {
    table.update(id) { $0.isExceeded = true }
  }

  /// The kernel renewed all rules that needed it.
  public mutating func renewed() {
    for index in table.all.indices where table.all[index].isExceeded {
      table.update(table.all[index].id) { $0.isExceeded = false }
    }
  }

  /// The wall clock was set after mitigations had started: their start is told by it from now on.
  public mutating func clockSet(wall: UnixTime, now: Instant) {
    for id in table.all.map({ $0.id }) {
      table.update(id) {
        guard $0.start != nil else { return }
        let elapsed = $0.measurement.seconds(until: now)
        $0.start = UnixTime(seconds: wall.seconds - min(wall.seconds, elapsed))
      }
    }
    for device in quarantines.all {
      guard let since = device.since else { continue }
      let elapsed = UInt64(max(0, (now - since).milliseconds / 1000))
      quarantines.update(device.mac) {
        $0.start = UnixTime(seconds: wall.seconds - min(wall.seconds, elapsed))
      }
    }
  }

  /// The kernel's table was made anew: counters begin at zero, but for those of these mitigations and
  /// devices, which it still had.
  public mutating func recounted(
    keeping kept: [(id: MitigationID, counters: DropCounters)],
    devices: [(mac: MACAddress, counters: DropCounters)]
  ) {
    var isKept = [Bool](repeating: false, count: table.all.count)
    for counter in kept {
      if let position = table.position(of: counter.id) { isKept[position] = true }
    }
    for position in isKept.indices where !isKept[position] {
      var mitigation = table.all[position]
      mitigation.measurement.renew()
      table.store(mitigation)
    }
    for device in quarantines.all {
      var isKept = false
      for counter in devices where counter.mac == device.mac { isKept = true }
      if !isKept { quarantines.update(device.mac) { $0.renew() } }
    }
  }

  /// All that the kernel should hold at `now`: an installation for each enforced mitigation, and each
  /// device in quarantine.
  ///
  /// For a start, and for repair after another program emptied the kernel's table.
  public func plan(at now: Instant) -> [RuleChange] {
    var changes: [RuleChange] = []
    for mitigation in table.all where mitigation.isEnforced {
      changes += mitigation.installation(at: now)
    }
    return changes + quarantines.plan(at: now)
  }
}
