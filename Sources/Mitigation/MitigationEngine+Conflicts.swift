import Bytes
import Model

extension MitigationEngine {
  /// Refuses a client identifier that another identity uses (RFC 9132, Section 4.4.1.1).
  ///
  /// Each upstream of Call Home has identifiers of its own, so only base mode can collide.
  func checkCollision(of holder: Holder, role: SessionRole) throws(Refusal) {
    guard role == .base, !table.isHolding(holder), table.hasNamesake(of: holder) else { return }
    for index in table.all.indices {
      let other = table.all[index].claim.key.holder
      guard other.hasName(of: holder), table.all[index].claim.role == .base else { continue }
      throw Refusal(.cuidCollision, conflict: ConflictInformation(cause: .cuidCollision))
    }
  }

  /// The same client's mitigations that a new request takes the place of: `replaced` are over, `begun`
  /// by the loss of the signal wait for it again (RFC 9132, Section 4.4.1.3).
  ///
  /// The higher number wins (RFC 9132, Section 4.4.1.3). One that its client has withdrawn, or the
  /// owner has stopped, never wins. Immediate and preconfigured requests don't meet as long as the latter only wait.
  ///
  /// - Throws: `overlapsNewerRequest`, with the number of the newest that overlaps.
  func overridden(
    by scope: MitigationScope,
    key: MitigationKey,
    client: ClientSettings
  ) throws(Refusal) -> (replaced: [Mitigation], begun: [Mitigation]) {
    var replaced: [Mitigation] = []
    var begun: [Mitigation] = []
    guard table.isHolding(key.holder) else { return (replaced, begun) }
    let overlap = Overlap(rule: client.overlap, home: home)
    var winner: UInt32?
    for index in candidates(for: scope, overlap: client.overlap) {
      guard table.all[index].claim.key.holder == key.holder,
        overlap.between(scope, table.all[index].claim.scope)
      else { continue }
      let other = table.all[index]
      if other.scope.triggerMitigation != scope.triggerMitigation {
        if scope.triggerMitigation, other.phase == .active { begun.append(other) }
      } else if other.key.mid > key.mid, other.phase != .terminating, other.phase != .released,
        !other.isSuperseded, !other.isRecreated(as: key.mid)
      {
        winner = max(winner ?? 0, other.key.mid)
      } else {
        replaced.append(other)
      }
    }
    if let winner {
      var scope = ConflictScope()
      scope.mid = winner
      throw Refusal(
        .overlapsNewerRequest,
        conflict: ConflictInformation(cause: .overlappingTargets, scope: scope)
      )
    }
    return (replaced, begun)
  }

  /// Positions of the mitigations that may overlap `scope`, rising; all when names count.
  private func candidates(for scope: MitigationScope, overlap rule: OverlapRule) -> [Int] {
    let countsNames = rule == .target && scope.hasNames
    return countsNames
      ? Array(table.all.indices) : table.positions(overlapping: scope.targetPrefixes)
  }

  /// What a new request is told of its conflict with other clients' mitigations; nil without one.
  ///
  /// - Throws: `overlapsOtherClient` when the settings say that the older one stays alone.
  func conflictOnArrival(
    of scope: MitigationScope,
    key: MitigationKey,
    inquiry: Inquiry
  ) throws(Refusal) -> ConflictInformation? {
    guard scope.triggerMitigation else { return nil }
    let rivals = rivals(of: scope, holder: key.holder, overlap: inquiry.client.overlap)
    guard !rivals.isEmpty else { return nil }
    var conflict = conflict(of: scope, with: rivals)
    guard settings.conflict == .reject else { return conflict }
    conflict.status = .requestInactiveOtherActive
    conflict.retryTimer = wait(for: rivals, now: inquiry.now)
    throw Refusal(.overlapsOtherClient, conflict: conflict)
  }

  /// Seconds until all of these are over.
  private func wait(for rivals: [Int], now: Instant) -> UInt32 {
    var wait: UInt32 = 1
    for rival in rivals { wait = max(wait, table.all[rival].remaining(at: now).wholeSeconds) }
    return wait
  }

  /// A mitigation that is to begin: enforced, or deactivated where another client's is in its way and
  /// the settings say that the older one stays alone (RFC 9132, Section 4.4.1.3).
  func starting(_ mitigation: Mitigation, at now: Instant, wall: UnixTime?) -> Mitigation {
    var begun = mitigation
    begun.begin(at: now, wall: wall)
    guard begun.isEnforced, settings.conflict == .reject else { return begun }
    let rivals = rivals(of: begun)
    if rivals.isEmpty { return begun }
    begun.phase = .deactivated
    begun.end = now + .seconds(wait(for: rivals, now: now) + Constants.retryMargin)
    return begun
  }

  /// The conflict that an accepted mitigation is in; nil when it is in none.
  ///
  /// Both stay and hold: where their actions differ the stricter holds, since a rule that lets a
  /// packet pass leaves it to the others.
  func conflict(of mitigation: Mitigation, at now: Instant) -> ConflictInformation? {
    let isDeactivated = mitigation.phase == .deactivated && mitigation.turn == nil
    guard mitigation.isEnforced || isDeactivated, table.holderCount > 1 else { return nil }
    let rivals = rivals(of: mitigation)
    guard !rivals.isEmpty else { return nil }
    var conflict = conflict(of: mitigation.scope, with: rivals)
    if isDeactivated {
      let left = mitigation.remaining(at: now).wholeSeconds
      conflict.status = .requestInactiveOtherActive
      conflict.retryTimer = left - min(left, Constants.retryMargin)
    }
    return conflict
  }

  @inline(never)
  private func rivals(of mitigation: Mitigation) -> [Int] {
    let holder = mitigation.key.holder
    let rule = settings.client(section: holder.section)?.overlap ?? .scope
    return rivals(of: mitigation.scope, holder: holder, overlap: rule)
  }

  /// Positions of other clients' enforced mitigations that overlap `scope`.
  private func rivals(of scope: MitigationScope, holder: Holder, overlap rule: OverlapRule) -> [Int]
  {
    guard table.holderCount > (table.isHolding(holder) ? 1 : 0) else { return [] }
    let overlap = Overlap(rule: rule, home: home)
    return candidates(for: scope, overlap: rule).filter { index in
      table.all[index].isEnforced && table.all[index].claim.key.holder != holder
        && overlap.between(scope, table.all[index].claim.scope)
    }
  }

  /// What is shared, and nothing else of the others (RFC 9132, Section 3).
  private func conflict(of scope: MitigationScope, with rivals: [Int]) -> ConflictInformation {
    var shared = ConflictScope()
    for rival in rivals {
      for target in scope.sharedTargets(with: table.all[rival].claim.scope)
      where !shared.targetPrefixes.contains(target) {
        if shared.targetPrefixes.count == Limits.sharedTargets { break }
        shared.targetPrefixes.append(target)
      }
    }
    return ConflictInformation(cause: .overlappingTargets, status: .requestActive, scope: shared)
  }
}

extension Mitigation {
  /// Where mids start again at 0, which they do from this one on while nothing is attacked (RFC 9132,
  /// Section 4.4.1.1).
  private static let rollover: UInt32 = 3_221_225_471

  /// Whether a request with a lower mid is the same client's, whose mids have started again: it then
  /// makes anew what it had prepared.
  fileprivate func isRecreated(as mid: UInt32) -> Bool {
    isWaiting && (mid == 0 || key.mid >= Self.rollover)
  }
}
