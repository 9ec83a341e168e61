import Bytes
import Model

/// One request and what is known around it.
final class Inquiry {
  let client: ClientSettings
  let role: SessionRole
  let now: Instant
  let wall: UnixTime
  let surroundings: Surroundings

  init(
    client: ClientSettings,
    role: SessionRole,
    now: Instant,
    wall: UnixTime,
    surroundings: Surroundings
  ) {
    self.client = client
    self.role = role
    self.now = now
    self.wall = wall
    self.surroundings = surroundings
  }

  func key(of name: MitigationName) -> MitigationKey {
    MitigationKey(holder: holder(cuid: name.cuid, cdid: name.cdid), mid: name.mid)
  }

  func holder(cuid: Text, cdid: Text?) -> Holder {
    Holder(section: client.section, cdid: client.effective(cdid), cuid: cuid)
  }
}

extension MitigationEngine {
  /// A valid request came in on `session`; `wall` dates what it activates.
  ///
  /// A request that is refused leaves the engine as it was.
  public mutating func received(
    _ request: MitigationRequest,
    from session: Session,
    now: Instant,
    wall: UnixTime,
    surroundings: Surroundings = Surroundings()
  ) -> Decision {
    guard pending == nil else {
      return .answer(.refused(Refusal(.unavailable, mid: request.mid, retryAfter: 1)))
    }
    guard let client = client(for: session) else { return .answer(.refused(Refusal(.notEntitled))) }
    let inquiry = Inquiry(
      client: client,
      role: session.role,
      now: now,
      wall: wall,
      surroundings: surroundings
    )
    do throws(Refusal) {
      switch request {
      case .mitigate(let name, let scope, let lifetime, let efficacy):
        let key = inquiry.key(of: name)
        if let stored = table[key] {
          // It comes late: the client has withdrawn meanwhile (RFC 9132, Section 4.4.3).
          if efficacy != nil, stored.phase == .terminating { return .answer(.ignored) }
          return try refresh(stored, scope: scope, lifetime: lifetime, inquiry: inquiry)
        }
        if efficacy != nil { return .answer(.ignored) }
        return try create(key, scope: scope, lifetime: lifetime, inquiry: inquiry)
      case .mitigateNew(let name, let scope, let lifetime):
        let key = inquiry.key(of: name)
        if table[key] != nil { throw Refusal(.alreadyExists) }
        return try create(key, scope: scope, lifetime: lifetime, inquiry: inquiry)
      case .retrieve(let cuid, let cdid, let mid, _):
        let holder = inquiry.holder(cuid: cuid, cdid: cdid)
        return .answer(.content(try reports(of: holder, mid: mid, inquiry: inquiry)))
      case .withdraw(let name):
        return withdraw(inquiry.key(of: name), inquiry: inquiry)
      }
    } catch {
      return .answer(.refused(error.concerning(request.mid)))
    }
  }

  /// A request of a mitigation that doesn't exist.
  private mutating func create(
    _ key: MitigationKey,
    scope: MitigationScope,
    lifetime: Lifetime?,
    inquiry: Inquiry
  ) throws(Refusal) -> Decision {
    let lifetime = try checkAvailability(lifetime: lifetime, inquiry: inquiry)
    let client = inquiry.client
    // Before any work that takes long.
    try checkRate(of: client, now: inquiry.now)
    let office = permitOffice(for: client, role: inquiry.role, inquiry.surroundings)
    if let overlapped = try? replaced(by: scope, key: key, client: client).overlapped {
      for old in overlapped where old.isHiding && scope.includes(old.scope) {
        office.earlier += old.permit.found
      }
    }
    let permit = try office.permit(for: scope)
    try checkCollision(of: key.holder, role: inquiry.role)
    let (overlapped, begun) = try replaced(by: scope, key: key, client: client)
    let conflict = try conflictOnArrival(of: scope, key: key, inquiry: inquiry)
    var mitigation = Mitigation(
      id: MitigationID(nextID),
      claim: Claim(key: key, role: inquiry.role, scope: scope),
      permit: permit,
      phase: scope.triggerMitigation ? .active : .waiting,
      measurement: Measurement(since: inquiry.now)
    )
    mitigation.start = scope.triggerMitigation ? inquiry.wall : nil
    mitigation.elements = try room(for: &mitigation, replacing: overlapped, inquiry: inquiry)
    let isAsking = mitigation.permit.action == .ask
    if isAsking {
      mitigation.phase = .asking
      mitigation.turn = inquiry.now + .seconds(settings.askTimeout)
    }
    mitigation.grant(lifetime, to: client, at: inquiry.now)
    mitigation.inheritFlaps(of: overlapped, at: inquiry.now)
    let outcome = RequestOutcome.created(
      mid: key.mid,
      lifetime: .seconds(mitigation.granted),
      status: isAsking ? mitigation.status : nil,
      conflict
    )
    try checkQuarantine(of: mitigation, replacing: overlapped)
    let (changes, edits) = placing(mitigation, overlapped, begun, at: inquiry.now)
    return decide(changes, edits, outcome, mid: key.mid, inquiry: inquiry, mitigation.quarantined)
  }

  /// Refuses what no scope could be created for now; answers with the lifetime.
  private func checkAvailability(
    lifetime: Lifetime?,
    inquiry: Inquiry
  ) throws(Refusal) -> Lifetime {
    // Zero or none is no lifetime; the wire format's reader let nothing of the kind through.
    guard let lifetime, lifetime != .seconds(0) else {
      throw Refusal(.notSupported, retryAfter: Limits.unsupportedRetry)
    }
    // What is mitigated here is still told, refreshed and withdrawn here (RFC 9132, Section 4.6);
    // never in Call Home (RFC 9066, Section 5.2.2).
    if inquiry.role == .base, !inquiry.client.alternateServer.isEmpty {
      throw Refusal(
        .redirected,
        retryAfter: Limits.redirection,
        alternate: inquiry.client.alternateServer
      )
    }
    // Numbers have come to their end, and the last one is in use.
    if table.contains(MitigationID(nextID)) { throw Refusal(.unavailable, retryAfter: 1) }
    return lifetime
  }

  /// What a new request takes the place of, and which preconfigured ones with the same targets have
  /// begun.
  private func replaced(
    by scope: MitigationScope,
    key: MitigationKey,
    client: ClientSettings
  ) throws(Refusal) -> (overlapped: [Mitigation], begun: [Mitigation]) {
    var (overlapped, begun) = try overridden(by: scope, key: key, client: client)
    // A name that is free for its client, though what had it is still enforced.
    if let id = table.id(of: key), let old = table[id] { overlapped.include(old) }
    for other in overlapped where other.phase == .asking {
      for old in table.all where old.successor == other.id { overlapped.include(old) }
    }
    return (overlapped, begun)
  }

  /// What puts a new mitigation in the place of those `overlapped`, and before those `begun`.
  private func placing(
    _ mitigation: Mitigation,
    _ overlapped: [Mitigation],
    _ begun: [Mitigation],
    at now: Instant
  ) -> (changes: [RuleChange], edits: [Pending.Edit]) {
    let isAsking = mitigation.permit.action == .ask
    var changes = mitigation.isEnforced ? mitigation.installation(at: now) : []
    // After the new rule stands, so that nothing passes between.
    // A device that both want in quarantine stays there without a break.
    var edits: [Pending.Edit] = [.store(mitigation)]
    for old in overlapped {
      if isAsking, old.isEnforced, old.mid != mitigation.key.mid {
        edits.append(.supersede(old.id, mitigation.id))
      } else {
        changes += old.removal
        edits.append(.end(old.id, .overridden))
      }
    }
    if mitigation.isEnforced {
      for old in begun {
        changes += old.removal
        var waiting = old
        waiting.phase = .deactivated
        waiting.turn = now + Constants.farewell
        edits.append(.store(waiting))
      }
    }
    return (changes, edits)
  }

  /// A request of a mitigation that exists: a refresh when it asks for the same.
  private mutating func refresh(
    _ stored: Mitigation,
    scope: MitigationScope,
    lifetime: Lifetime?,
    inquiry: Inquiry
  ) throws(Refusal) -> Decision {
    guard stored.scope.asksTheSame(as: scope) else { throw Refusal(.differsFromStored) }
    if stored.phase == .released {
      let conflict = ConflictInformation(cause: .requestRejectedLegitimateTraffic)
      throw Refusal(.releasedByOwner, conflict: conflict)
    }
    if lifetime == .seconds(0) {
      throw Refusal(.notSupported, retryAfter: Limits.unsupportedRetry)
    }
    try checkRate(of: inquiry.client, now: inquiry.now)
    var mitigation = stored
    if stored.phase == .terminating {
      mitigation.phase = .active
      mitigation.inheritFlaps(of: [stored], at: inquiry.now)
    }
    let isDeactivated = stored.phase == .deactivated && stored.turn == nil
    if isDeactivated {
      mitigation = starting(stored, at: inquiry.now, wall: inquiry.wall)
      if !mitigation.isEnforced {
        throw Refusal(.overlapsOtherClient, conflict: self.conflict(of: stored, at: inquiry.now))
      }
    }
    mitigation.grant(lifetime ?? .seconds(stored.granted), to: inquiry.client, at: inquiry.now)
    let outcome = RequestOutcome.changed(
      mid: stored.key.mid,
      lifetime: .seconds(mitigation.granted),
      conflict(of: mitigation, at: inquiry.now)
    )
    let changes =
      isDeactivated
      ? mitigation.installation(at: inquiry.now) : mitigation.renewal(at: inquiry.now)
    mitigation.isExceeded = false
    return decide(
      changes,
      [.store(mitigation)],
      outcome,
      mid: stored.key.mid,
      inquiry: inquiry,
      isDeactivated ? mitigation.quarantined : []
    )
  }

  private mutating func withdraw(_ key: MitigationKey, inquiry: Inquiry) -> Decision {
    guard var mitigation = table[key], mitigation.phase != .terminating else {
      return .answer(.deleted)
    }
    let now = inquiry.now
    let period = mitigation.terminatingPeriod(configured: settings.terminating, at: now)
    let isOver = !mitigation.isEnforced || period == .zero
    let changes: [RuleChange]
    let edit: Pending.Edit
    if isOver {
      changes = mitigation.removal
      edit = .end(mitigation.id, .withdrawn)
    } else {
      mitigation.phase = .terminating
      mitigation.end = min(mitigation.end, now + period)
      changes = mitigation.renewal(at: now)
      edit = .store(mitigation)
    }
    var edits = [edit]
    var all = changes
    for old in table.all where mitigation.phase == .asking && old.successor == mitigation.id {
      all += old.removal
      edits.append(.end(old.id, .overridden))
    }
    let decided = Pending(
      edits: edits,
      outcome: .deleted,
      mid: key.mid,
      isUnconditional: true,
      now: now
    )
    return settle(decided, all)
  }

  private mutating func decide(
    _ changes: [RuleChange],
    _ edits: [Pending.Edit],
    _ outcome: RequestOutcome,
    mid: UInt32,
    inquiry: Inquiry,
    _ macs: [MACAddress] = []
  ) -> Decision {
    countChange(of: inquiry.client, now: inquiry.now)
    let addressesOf = addressesOf(inquiry.surroundings)
    var addresses: [DeviceAddress] = []
    for mac in macs {
      for address in addressesOf(mac) where home.hasDevice(at: address) {
        addresses.append(DeviceAddress(address, mac))
      }
    }
    let decided = Pending(
      edits: edits,
      outcome: outcome,
      mid: mid,
      now: inquiry.now,
      addresses: addresses
    )
    return settle(decided, changes)
  }

  /// Waits for the kernel when there is something for it to do.
  mutating func settle(_ decided: Pending, _ rules: [RuleChange]) -> Decision {
    var changes = rules
    if touchesDevices(decided) {
      var next = self
      next.apply(decided)
      changes += next.quarantines.changes(since: quarantines, now: decided.now)
    }
    if changes.isEmpty {
      apply(decided)
      return .answer(decided.outcome)
    }
    pending = decided
    return .enforce(changes)
  }

  @inline(never)
  func permitOffice(
    for client: ClientSettings,
    role: SessionRole,
    _ surroundings: Surroundings,
    known: [DeviceAddress] = [],
    spared: [MACAddress] = [],
    found: [FoundDevice]? = nil
  ) -> PermitOffice {
    PermitOffice(
      settings: settings,
      home: home,
      client: client,
      role: role,
      // A device that was found once isn't lost because it is silent, or shows another address.
      macOf: { address in
        known.first { $0.address == address }?.mac ?? surroundings.macOf(address)
      },
      addressesOf: addressesOf(surroundings),
      spared: spared,
      found: found,
      flows: surroundings.flows
    )
  }
}

extension [Mitigation] {
  /// Appends one that isn't there.
  @inline(never)
  fileprivate mutating func include(_ mitigation: Mitigation) {
    for other in self where other.id == mitigation.id { return }
    append(mitigation)
  }
}

extension MitigationRequest {
  /// The mitigation that the request names.
  var mid: UInt32? {
    switch self {
    case .mitigate(let name, _, _, _): name.mid
    case .mitigateNew(let name, _, _): name.mid
    case .retrieve(_, _, let mid, _): mid
    case .withdraw(let name): name.mid
    }
  }
}

extension Refusal {
  /// The refusal with the mitigation that it concerns, where the body of the answer names it.
  fileprivate func concerning(_ mid: UInt32?) -> Refusal {
    var refusal = self
    switch reason {
    // The other mitigation stands in the conflict's scope, or none may be told.
    case .cuidCollision, .overlapsNewerRequest: refusal.mid = nil
    default: refusal.mid = mid
    }
    return refusal
  }
}
