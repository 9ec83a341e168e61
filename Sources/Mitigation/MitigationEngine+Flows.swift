import Bytes
import Model

extension MitigationEngine {
  /// Whether it matters who begins a connection: a mitigation names the router's public address.
  public var watchesFlows: Bool { table.hidingCount > 0 }

  /// Whether it matters who sent what a rule without a source stopped.
  public var watchesSenders: Bool {
    for mitigation in table.all where mitigation.isMetered { return true }
    return false
  }

  /// Whether the owner is asked about devices that were found, while others are stopped.
  public var awaitsConsent: Bool {
    for mitigation in table.all where mitigation.isHiding && mitigation.permit.awaitsConsent {
      return true
    }
    return false
  }

  /// Looks for the devices behind the router's public address.
  public func flowWatch() -> FlowWatch {
    var filters: [FlowFilter] = []
    for mitigation in table.all where mitigation.isHiding {
      filters.append(FlowFilter(mitigation.id, mitigation.scope, home))
    }
    return FlowWatch(filters)
  }

  /// These packets were stopped by rules without a source: notes who sent them.
  ///
  /// A forged source means the device from which it came. One that is another device's is stopped as
  /// well, for the attack has it, but blames nobody: it is noted without a hardware address.
  public func noted(_ senders: [Sender], in watch: FlowWatch, surroundings: Surroundings) {
    for sender in senders {
      if sender.source.family == .v4, home.hasDevice(at: sender.source) {
        let owner = surroundings.macOf(sender.source) ?? sender.mac
        if owner == sender.mac {
          watch.look(at: sender, of: sender.source, by: owner)
          continue
        }
        if !isExempt(owner, addresses: [sender.source]) {
          watch.look(at: sender, of: sender.source, by: nil)
        }
      }
      for address in surroundings.addressesOf(sender.mac)
      where address.family == .v4 && home.hasDevice(at: address) {
        watch.look(at: sender, of: address, by: sender.mac)
        break
      }
    }
  }

  /// A look at flows or senders is over: rules get the devices that it found.
  ///
  /// Nothing happens while a decision waits for the kernel.
  public mutating func looked(
    _ watch: FlowWatch,
    _ evidence: DeviceEvidence,
    now: Instant,
    surroundings: Surroundings
  ) -> [RuleChange] {
    guard pending == nil, !watch.sightings.isEmpty else { return [] }
    let before = quarantines
    var changes: [RuleChange] = []
    for mitigation in table.all where mitigation.isHiding {
      var found = mitigation.permit.found
      for sighting in watch.sightings
      where sighting.id == mitigation.id && found.count <= Limits.found {
        var isNew = true
        for device in found where device.address == sighting.address { isNew = false }
        if !isNew { continue }
        // Connections tell addresses alone. Where a device sends from another's before anything of it
        // was stopped, nothing tells that: the other is taken for it, in quarantine too.
        let mac = evidence == .seen ? sighting.mac : surroundings.macOf(sighting.address)
        found.append(FoundDevice(sighting.address, mac, evidence))
      }
      guard found.count > mitigation.permit.found.count,
        let grown = self.grown(mitigation, found, surroundings)
      else { continue }
      store(grown, now: now)
      changes += grown.changes(since: mitigation, now: now)
    }
    return changes + quarantines.changes(since: before, now: now)
  }

  /// The mitigation with these devices, or for any source again when they are too many for its client;
  /// nil when they change nothing, or may not be named.
  func grown(
    _ mitigation: Mitigation,
    _ found: [FoundDevice],
    _ surroundings: Surroundings
  ) -> Mitigation? {
    let section = mitigation.key.holder.section
    guard let client = settings.client(section: section) else { return nil }
    let office = permitOffice(
      for: client,
      role: mitigation.claim.role,
      surroundings,
      known: mitigation.permit.devices,
      spared: mitigation.spared,
      found: found
    )
    var grown = mitigation
    for hasRoom in [true, false] {
      office.hasRoom = hasRoom
      guard
        let permit = try? office.permit(for: mitigation.scope, taking: mitigation.permit.chosen),
        permit != mitigation.permit, permit.action != .ask || mitigation.phase == .asking
      else { return nil }
      grown.permit = permit
      if (try? checkQuarantine(of: grown, replacing: [])) == nil {
        grown.permit.devices = mitigation.permit.devices
      }
      if let elements = grown.elements(surroundings) {
        let more = elements - mitigation.elements
        let usage = table.usage(of: section)
        if more <= 0 || usage.elements + more <= client.maximumElements {
          grown.elements = elements
          return grown
        }
      }
      // A rule for any source would stop those as well who are to be left alone.
      if permit.awaitsConsent || !mitigation.spared.isEmpty { break }
    }
    grown = mitigation
    grown.isExceeded = true
    return mitigation.isExceeded ? nil : grown
  }
}

extension Mitigation {
  /// Whether devices behind the router's public address are looked for.
  var isHiding: Bool { isEnforced && permit.isHiding }

  /// Whether packets of unknown senders are stopped, before they become flows.
  fileprivate var isMetered: Bool { isHiding && scope.sourcePortRanges.isEmpty }
}
