import Bytes
import Model

/// What has to outlive a restart of one mitigation.
///
/// Times are relative to the moment at which the record was made: whoever keeps it across a reboot
/// without a clock can then never make a lifetime grow.
public struct MitigationRecord: Hashable, Sendable {
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

  /// A record of these parts.
  public init(
    id: MitigationID,
    client: Text,
    name: MitigationName,
    role: SessionRole,
    scope: MitigationScope,
    action: Action,
    granted: UInt32,
    remaining: Span,
    status: MitigationStatus,
    start: UnixTime?,
    active: Span,
    carried: DropCounters,
    reading: DropCounters?,
    devices: [DeviceAddress] = [],
    spared: [MACAddress] = [],
    found: [FoundDevice] = []
  ) {
    parts = Behind(
      Parts(
        id: id,
        client: client,
        name: name,
        role: role,
        scope: scope,
        action: action,
        granted: granted,
        remaining: remaining,
        status: status,
        start: start,
        active: active,
        carried: carried,
        reading: reading,
        devices: devices,
        spared: spared,
        found: found
      )
    )
  }
}

extension MitigationRecord {
  /// Its number.
  public var id: MitigationID {
    get { parts.value.id }
    set { parts.value.id = newValue }
  }

  /// The `client` section of its client.
  public var client: Text {
    get { parts.value.client }
    set { parts.value.client = newValue }
  }

  /// The client's name for it; `cdid` only from a trusted gateway.
  public var name: MitigationName {
    get { parts.value.name }
    set { parts.value.name = newValue }
  }

  /// The role of the session that brought it.
  public var role: SessionRole {
    get { parts.value.role }
    set { parts.value.role = newValue }
  }

  /// What the client asked for.
  public var scope: MitigationScope {
    get { parts.value.scope }
    set { parts.value.scope = newValue }
  }

  /// What was done with what matched.
  public var action: Action {
    get { parts.value.action }
    set { parts.value.action = newValue }
  }

  /// What was granted last, in seconds.
  public var granted: UInt32 {
    get { parts.value.granted }
    set { parts.value.granted = newValue }
  }

  /// What was left of it, or of the terminating period.
  public var remaining: Span {
    get { parts.value.remaining }
    set { parts.value.remaining = newValue }
  }

  /// Its status: 8 and 5 say that it waited or was terminating.
  public var status: MitigationStatus {
    get { parts.value.status }
    set { parts.value.status = newValue }
  }

  /// When it became active; nil while it waits.
  public var start: UnixTime? {
    get { parts.value.start }
    set { parts.value.start = newValue }
  }

  /// How long it had been active.
  public var active: Span {
    get { parts.value.active }
    set { parts.value.active = newValue }
  }

  /// Counts of kernel counters that were gone when the record was made (rates unused).
  public var carried: DropCounters {
    get { parts.value.carried }
    set { parts.value.carried = newValue }
  }

  /// The last reading of the kernel's counter; nil before the first (rates unused).
  public var reading: DropCounters? {
    get { parts.value.reading }
    set { parts.value.reading = newValue }
  }

  /// The devices that its sources meant.
  public var devices: [DeviceAddress] {
    get { parts.value.devices }
    set { parts.value.devices = newValue }
  }

  /// Devices that their owner has released from it.
  public var spared: [MACAddress] {
    get { parts.value.spared }
    set { parts.value.spared = newValue }
  }

  /// How long its owner has left to answer about devices of it; nil when not asked about some alone.
  public var question: Span? {
    get { parts.value.question }
    set { parts.value.question = newValue }
  }

  /// The devices that were found behind the router's public address.
  public var found: [FoundDevice] {
    get { parts.value.found }
    set { parts.value.found = newValue }
  }
}

extension MitigationRecord {
  package struct Parts: Hashable, Sendable {
    package var id: MitigationID
    package var client: Text
    package var name: MitigationName
    package var role: SessionRole
    package var scope: MitigationScope
    package var action: Action
    package var granted: UInt32
    package var remaining: Span
    package var status: MitigationStatus
    package var start: UnixTime?
    package var active: Span
    package var carried: DropCounters
    package var reading: DropCounters?
    package var devices: [DeviceAddress]
    package var spared: [MACAddress]
    package var found: [FoundDevice]
    package var question: Span?
  }
}

extension MitigationEngine {
  /// The record of a mitigation; nil when there is none of this number.
  ///
  /// One that still waits for the kernel has a record too, so that its journal can go into the same
  /// batch.
  public func record(of id: MitigationID, now: Instant) -> MitigationRecord? {
    if let pending {
      for case .store(let mitigation) in pending.edits where mitigation.id == id {
        return mitigation.record(at: now)
      }
    }
    return table[id]?.record(at: now)
  }

  /// The records of all mitigations, oldest first.
  public func records(now: Instant) -> [MitigationRecord] { table.all.map { $0.record(at: now) } }

  /// The record of one of the `count` mitigations, of which the oldest has index 0.
  public func record(at index: Int, now: Instant) -> MitigationRecord {
    table.all[index].record(at: now)
  }

  /// Takes up the mitigations of an earlier run; gives those that it leaves out.
  ///
  /// Left out are those whose lifetime is over, whose client is gone, that settings or home no longer
  /// allow, and repeated ones. What should be in the kernel then is `plan(at:)`. Limits of number and
  /// rate don't count again.
  public mutating func restore(
    _ records: [MitigationRecord],
    now: Instant,
    surroundings: Surroundings = Surroundings()
  ) -> [MitigationID] {
    var leftOut: [MitigationID] = []
    for record in records {
      nextID = max(nextID, record.id.value == .max ? .max : record.id.value + 1)
      let key = MitigationKey(
        holder: Holder(section: record.client, cdid: record.name.cdid, cuid: record.name.cuid),
        mid: record.name.mid
      )
      guard record.id.value != 0, !table.contains(record.id), !table.contains(key),
        table.all.count < Limits.mitigations
      else {
        leftOut.append(record.id)
        continue
      }
      guard record.remaining > .zero, let client = settings.client(section: record.client),
        let mitigation = adopted(record, key: key, client: client, now, surroundings)
      else {
        leftOut.append(record.id)
        continue
      }
      store(mitigation, now: now)
    }
    for asked in table.all where asked.phase == .asking { supersede(by: asked) }
    freeUnwanted(now: now)
    freeExempt(now: now, surroundings)
    return leftOut
  }

  /// The mitigation of a record; nil when policy no longer permits it.
  private func adopted(
    _ record: MitigationRecord,
    key: MitigationKey,
    client: ClientSettings,
    _ now: Instant,
    _ surroundings: Surroundings
  ) -> Mitigation? {
    let office = permitOffice(
      for: client,
      role: record.role,
      surroundings,
      known: record.devices,
      spared: record.spared,
      found: record.found
    )
    var permit = Permit(action: record.action, verdict: .drop, sources: [], targets: [])
    let phase = record.phase
    if phase != .released {
      // The devices, on which the choice may have hung, aren't known yet so soon after a start.
      guard let found = try? office.permit(for: record.scope, taking: record.action)
      else { return nil }
      permit = found
    }
    let granted = max(1, min(record.granted, client.maximumLifetime))
    var measurement = Measurement(since: now + record.active * -1)
    measurement.carriedPackets = record.carried.packets
    measurement.carriedBytes = record.carried.bytes
    measurement.reading = record.reading
    measurement.lastSeen = now
    var mitigation = Mitigation(
      id: record.id,
      claim: Claim(key: key, role: record.role, scope: record.scope),
      permit: permit,
      phase: phase,
      measurement: measurement
    )
    mitigation.spared = record.spared
    guard let elements = mitigation.elements(surroundings) else { return nil }
    mitigation.elements = elements
    mitigation.granted = granted
    mitigation.end = now + min(record.remaining, .seconds(granted))
    mitigation.progress = record.status.progress
    mitigation.start = phase == .waiting ? nil : record.start
    mitigation.turn = record.question.map { now + $0 }
    if phase == .asking {
      mitigation.turn = mitigation.measurement.since + .seconds(settings.askTimeout)
    }
    return mitigation
  }
}

extension MitigationRecord {
  /// Whether it is about others than those whose owner is asked.
  private var isPartlyAsked: Bool {
    for device in found where device.consent != .awaited { return true }
    return false
  }

  /// What it is now: who waits for consent, and what waited again soon, don't show it in the status.
  fileprivate var phase: Mitigation.Phase {
    switch status {
    case .attackMitigationInProgress where action == .ask && !isPartlyAsked: .asking
    case .attackMitigationSignalLoss: .waiting
    case .dotsClientWithdrawnMitigation: .terminating
    case .attackMitigationWithdrawn:
      scope.triggerMitigation || !spared.isEmpty ? .released : .waiting
    default: .active
    }
  }
}

extension Mitigation {
  fileprivate func record(at now: Instant) -> MitigationRecord {
    var record = MitigationRecord(
      id: id,
      client: key.holder.section,
      name: name,
      role: claim.role,
      scope: claim.scope,
      action: phase == .asking ? .ask : permit.chosen,
      granted: granted,
      remaining: remaining(at: now),
      status: status,
      start: start,
      active: max(now - measurement.since, .zero),
      carried: DropCounters(
        packets: measurement.carriedPackets,
        bytes: measurement.carriedBytes
      ),
      reading: measurement.reading,
      devices: permit.devices,
      spared: spared,
      found: permit.found
    )
    if isEnforced, permit.awaitsConsent { record.question = turn.map { max($0 - now, .zero) } }
    return record
  }
}

extension MitigationStatus {
  fileprivate var progress: Mitigation.Progress {
    switch self {
    case .attackSuccessfullyMitigated: .mitigating
    case .attackStopped: .stopped
    default: .started
    }
  }
}
