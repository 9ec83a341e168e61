import Bytes
import Model

extension Mitigation {
  /// Kernel elements of its rule and its devices; nil when more than any mitigation may have.
  func elements(_ surroundings: Surroundings) -> Int? {
    guard let rule else { return quarantined.count }
    return surroundings.elementCount(rule).map { $0 + quarantined.count }
  }

  /// What brings the kernel's rule from what it was for `before` to this.
  func changes(since before: Mitigation, now: Instant) -> [RuleChange] {
    guard isEnforced else { return before.removal }
    if permit == before.permit { return end == before.end ? [] : renewal(at: now) }
    // An installation in the place of another keeps the counter.
    return hasRule ? installation(at: now) : before.removal
  }
}

extension MitigationEngine {
  /// New settings hold: what they no longer allow ends, what they change is rewritten.
  ///
  /// A mitigation keeps its lifetime, cut to what its client may have now. Nothing happens while a
  /// decision waits for the kernel, and the old settings go on: nil then, to be tried again.
  public mutating func reconfigured(
    _ settings: CoreSettings,
    now: Instant,
    surroundings: Surroundings = Surroundings()
  ) -> [RuleChange]? {
    guard pending == nil else { return nil }
    self.settings = settings
    rates = rates.filter { settings.client(section: $0.section) != nil }
    return reviewed(because: .settingsChanged, now: now, surroundings)
  }

  /// The home's addresses are others: what is no longer of it ends with status 7, what the change
  /// touches is rewritten.
  ///
  /// Nothing happens while a decision waits for the kernel: nil then, to be tried again. The caller
  /// waits out an interface that loses its addresses for a moment.
  public mutating func homeChanged(
    _ home: Home,
    now: Instant,
    surroundings: Surroundings = Surroundings()
  ) -> [RuleChange]? {
    guard pending == nil else { return nil }
    if home == self.home { return [] }
    self.home = home
    return reviewed(because: .homeChanged, now: now, surroundings)
  }

  private mutating func reviewed(
    because cause: MitigationEnding.Cause,
    now: Instant,
    _ surroundings: Surroundings
  ) -> [RuleChange] {
    var changes: [RuleChange] = []
    let before = quarantines
    for mitigation in table.all {
      let id = mitigation.id
      guard let client = settings.client(section: mitigation.key.holder.section) else {
        changes += mitigation.removal
        end(id, because: .clientRemoved, now: now)
        changes += endSuperseded(by: id, now: now)
        continue
      }
      if mitigation.phase == .released { continue }
      guard let renewed = reviewed(mitigation, of: client, because: cause, now: now, surroundings)
      else {
        changes += mitigation.removal
        end(id, because: cause, now: now)
        changes += endSuperseded(by: id, now: now)
        continue
      }
      store(renewed, now: now)
      changes += renewed.changes(since: mitigation, now: now)
    }
    freeExempt(now: now, surroundings)
    return changes + quarantines.changes(since: before, now: now)
  }

  /// The mitigation as policy would have it now; nil when policy no longer permits it.
  private func reviewed(
    _ mitigation: Mitigation,
    of client: ClientSettings,
    because cause: MitigationEnding.Cause,
    now: Instant,
    _ surroundings: Surroundings
  ) -> Mitigation? {
    // The owner is still asked about what was asked, and never again about what is agreed.
    let isAsking = mitigation.phase == .asking
    var found = mitigation.permit.found
    for index in found.indices where !isAsking && found[index].consent == .unneeded {
      found[index].consent = .given
    }
    let office = permitOffice(
      for: client,
      role: mitigation.claim.role,
      surroundings,
      known: mitigation.permit.devices.filter { home.hasDevice(at: $0.address) },
      spared: mitigation.spared,
      found: found
    )
    let chosen = cause == .homeChanged || isAsking ? mitigation.permit.chosen : nil
    var result = mitigation
    do throws(Refusal) {
      result.permit = try office.permit(for: mitigation.scope, taking: chosen)
      if (try? checkQuarantine(of: result, replacing: [])) == nil {
        result.permit = try office.permit(for: mitigation.scope, taking: .block)
      }
      if !isAsking { result.permit.agree() }
    } catch { return nil }
    if result.permit != mitigation.permit {
      guard let elements = result.elements(surroundings) else { return nil }
      result.elements = elements
    }
    // What an efficacy update without lifetime asks for again is cut as well.
    result.granted = min(mitigation.granted, max(1, client.maximumLifetime))
    result.end = min(mitigation.end, now + .seconds(result.granted))
    return result
  }
}
