import Bytes
import Model

extension MitigationEngine {
  /// The kernel elements that `mitigation` takes, when its client may have them and one more
  /// mitigation once `replaced` are gone.
  ///
  /// When the devices that were found are too many for that, it is for any source again.
  func room(
    for mitigation: inout Mitigation,
    replacing replaced: [Mitigation],
    inquiry: Inquiry
  ) throws(Refusal) -> Int {
    do throws(Refusal) {
      return try room(for: mitigation, replacing: replaced, inquiry: inquiry)
    } catch {
      let permit = mitigation.permit
      guard permit.isLookedThrough, permit.action != .ask, !permit.awaitsConsent else {
        throw error
      }
      mitigation.permit = try permitOffice(
        for: inquiry.client,
        role: inquiry.role,
        inquiry.surroundings,
        found: []
      ).permit(for: mitigation.scope)
      return try room(for: mitigation, replacing: replaced, inquiry: inquiry)
    }
  }

  private func room(
    for mitigation: Mitigation,
    replacing replaced: [Mitigation],
    inquiry: Inquiry
  ) throws(Refusal) -> Int {
    let client = inquiry.client
    let usage = table.usage(of: client.section)
    var wait: UInt32 { retry(of: client.section, now: inquiry.now) }
    if usage.mitigations - replaced.count >= client.maximumMitigations
      || table.all.count - replaced.count >= Limits.mitigations
      || !table.isHolding(mitigation.key.holder)
        && usage.identifiers >= Limits.clientIdentifiers
    {
      throw Refusal(.tooManyMitigations, retryAfter: wait)
    }
    guard let elements = mitigation.elements(inquiry.surroundings) else {
      throw Refusal(.tooManyElements, retryAfter: Limits.longestRetry)
    }
    var total = usage.elements + elements
    for old in replaced { total -= old.elements }
    if total > client.maximumElements { throw Refusal(.tooManyElements, retryAfter: wait) }
    return elements
  }

  func checkRate(of client: ClientSettings, now: Instant) throws(Refusal) {
    guard client.maximumRate > 0, let position = rate(of: client.section) else { return }
    if !rates[position].allows(at: now, maximum: client.maximumRate) {
      throw Refusal(.tooManyChanges, retryAfter: Limits.changeRetry)
    }
  }

  /// Counts a change that the kernel is asked for, whether or not it will agree.
  mutating func countChange(of client: ClientSettings, now: Instant) {
    guard client.maximumRate > 0 else { return }
    let position = rate(of: client.section) ?? rates.count
    if position == rates.count {
      rates.append(ChangeRate(of: client.section, full: client.maximumRate, at: now))
    }
    rates[position].changed(at: now, maximum: client.maximumRate)
  }

  private func rate(of section: Text) -> Int? {
    for index in rates.indices where rates[index].section == section { return index }
    return nil
  }

  /// Seconds until the next of a section's mitigations ends, within bounds.
  private func retry(of section: Text, now: Instant) -> UInt32 {
    var wait = Limits.longestRetry
    for index in table.all.indices where table.all[index].claim.key.holder.section == section {
      wait = min(wait, table.all[index].remaining(at: now).wholeSeconds)
    }
    return max(wait, 1)
  }
}
