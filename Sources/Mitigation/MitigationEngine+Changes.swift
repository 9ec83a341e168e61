import Bytes
import Model

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
    for mitigation in table.all {
      let id = mitigation.id
      guard let client = settings.client(section: mitigation.key.holder.section) else {
        if mitigation.isEnforced { changes.append(.remove(id)) }
        end(id, because: .clientRemoved, now: now)
        continue
      }
      guard let renewed = reviewed(mitigation, of: client, because: cause, now: now, surroundings)
      else {
        if mitigation.isEnforced { changes.append(.remove(id)) }
        end(id, because: cause, now: now)
        continue
      }
      if renewed.permit == mitigation.permit, renewed.end == mitigation.end { continue }
      store(renewed)
      guard renewed.isEnforced else { continue }
      let remaining = renewed.remaining(at: now)
      // An installation in the place of another keeps the counter.
      changes.append(
        renewed.permit == mitigation.permit
          ? .renew(id, remaining: remaining) : .install(renewed.rule, remaining: remaining)
      )
    }
    return changes
  }

  /// The mitigation as policy would have it now; nil when policy no longer permits it.
  private func reviewed(
    _ mitigation: Mitigation,
    of client: ClientSettings,
    because cause: MitigationEnding.Cause,
    now: Instant,
    _ surroundings: Surroundings
  ) -> Mitigation? {
    let office = permitOffice(for: client, role: mitigation.claim.role, surroundings)
    guard var permit = try? office.permit(for: mitigation.scope) else { return nil }
    if cause == .homeChanged { permit.take(mitigation.permit.action, limit: settings.limit) }
    var result = mitigation
    if permit != mitigation.permit {
      result.permit = permit
      guard let elements = surroundings.elementCount(result.rule) else { return nil }
      result.elements = elements
    }
    let longest = Span.seconds(max(1, client.maximumLifetime))
    if mitigation.remaining(at: now) > longest {
      result.end = now + longest
    }
    return result
  }
}
