import Bytes
import Model

/// One mitigation as the administrator sees it.
public final class MitigationOverview: Sendable {
  /// Its number.
  public let id: MitigationID
  /// The `client` section of its client.
  public let client: Text
  /// The client's name for it.
  public let name: MitigationName
  /// Its status.
  public let status: MitigationStatus
  /// What is done with what matches; `ask` while the owner is asked about any of its devices.
  public let action: Action
  /// What the client asked for.
  public let scope: MitigationScope
  /// The devices that its sources mean, as far as they were found.
  public let devices: [MACAddress]
  /// The devices that were found behind the router's public address.
  public let found: [FoundDevice]
  /// The lifetime that was granted last, in seconds.
  public let granted: UInt32
  /// What is left of it, or of the terminating period, in seconds.
  public let remaining: UInt32
  /// What matched, which passed when the action is `observe`; nil while nothing was measured.
  public let matched: DropCounters?
  /// The conflict that it is in.
  public let conflict: ConflictInformation?

  init(
    id: MitigationID,
    client: Text,
    name: MitigationName,
    status: MitigationStatus,
    action: Action,
    scope: MitigationScope,
    devices: [MACAddress],
    found: [FoundDevice],
    granted: UInt32,
    remaining: UInt32,
    matched: DropCounters?,
    conflict: ConflictInformation?
  ) {
    self.id = id
    self.client = client
    self.name = name
    self.status = status
    self.action = action
    self.scope = scope
    self.devices = devices
    self.found = found
    self.granted = granted
    self.remaining = remaining
    self.matched = matched
    self.conflict = conflict
  }
}

extension MitigationEngine {
  /// All mitigations, oldest first.
  public func mitigations(now: Instant) -> [MitigationOverview] {
    table.all.map { overview(of: $0, now: now) }
  }

  /// The mitigations whose rules name one of `addresses` as source or target, or that have `mac` in
  /// quarantine, oldest first; rules that mean any source are among them when the home has the address.
  public func why(
    _ addresses: [IPAddress],
    mac: MACAddress? = nil,
    now: Instant
  ) -> [MitigationOverview] {
    table.all.compactMap { mitigation in
      let isNamed = addresses.contains { address in
        let isInside = Prefix(host: address).lies(in: home.lanPrefixes)
        return mitigation.rule?.names(address, isInside: isInside) ?? false
      }
      let isAbout = mac.map { mitigation.quarantined.contains($0) } ?? false
      return isNamed || isAbout ? overview(of: mitigation, now: now) : nil
    }
  }

  private func overview(of mitigation: Mitigation, now: Instant) -> MitigationOverview {
    MitigationOverview(
      id: mitigation.id,
      client: mitigation.key.holder.section,
      name: mitigation.name,
      status: mitigation.status,
      action: mitigation.permit.awaitsConsent ? .ask : mitigation.permit.action,
      scope: mitigation.scope,
      devices: mitigation.permit.devices.map { $0.mac },
      found: mitigation.permit.found,
      granted: mitigation.granted,
      remaining: mitigation.remaining(at: now).wholeSeconds,
      matched: mitigation.phase == .waiting ? nil : counted(for: mitigation, at: now),
      conflict: conflict(of: mitigation, at: now)
    )
  }

  /// Reports of one or all of a client's mitigations, by rising number, with counters read now.
  mutating func reports(
    of holder: Holder,
    mid: UInt32?,
    inquiry: Inquiry
  ) throws(Refusal) -> [MitigationReport] {
    if let mid {
      guard let one = table[MitigationKey(holder: holder, mid: mid)],
        let report = report(of: one.id, inquiry: inquiry)
      else { throw Refusal(.unknownMitigation) }
      return [report]
    }
    let numbers = table.numbers(of: holder)
    if numbers.isEmpty { throw Refusal(.unknownMitigation) }
    return numbers.compactMap {
      table[$0.id]?.isSuperseded == true ? nil : report(of: $0.id, inquiry: inquiry)
    }
  }

  private mutating func report(of id: MitigationID, inquiry: Inquiry) -> MitigationReport? {
    let now = inquiry.now
    if let counters = inquiry.surroundings.counters(id) {
      counted([(id, counters)], now: now)
    }
    for mac in table[id]?.quarantined ?? [] {
      if let counters = inquiry.surroundings.deviceCounters(mac) {
        counted([], devices: [(mac, counters)], now: now)
      }
    }
    guard let mitigation = table[id] else { return nil }
    return MitigationReport(
      mid: mitigation.key.mid,
      scope: mitigation.scope,
      remaining: .seconds(mitigation.remaining(at: now).wholeSeconds),
      status: mitigation.status,
      start: mitigation.phase == .asking ? nil : mitigation.start,
      dropped: dropped(by: mitigation, at: now),
      conflict: conflict(of: mitigation, at: now)
    )
  }
}

extension Rule {
  fileprivate func names(_ address: IPAddress, isInside: Bool) -> Bool {
    var isPaired = false
    for target in targets where target.family == address.family {
      if target.contains(address) { return true }
      isPaired = true
    }
    guard isPaired else { return false }
    for source in sources {
      switch source {
      case .any: if isInside { return true }
      case .inside(let prefix): if prefix.contains(address) { return true }
      case .translated(let own): if own == address { return true }
      case .stray: continue
      }
    }
    return false
  }
}
