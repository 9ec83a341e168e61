import Bytes
import Model

extension MitigationEngine {
  /// Nothing was heard of the client of a section for as long as was agreed on: its preconfigured
  /// requests begin, or this one, and its immediate ones that overlap them end (RFC 9132, Sections
  /// 4.4.1 and 4.7).
  ///
  /// They go on when the client is back: only it, or their lifetime, ends them (Section 4.4.4). Answers
  /// nil while another decision waits for the kernel, or when nothing waits for this.
  public mutating func signalLost(
    by section: Text,
    only id: MitigationID? = nil,
    now: Instant,
    wall: UnixTime
  ) -> Decision? {
    guard pending == nil, let client = settings.client(section: section) else { return nil }
    let overlap = Overlap(rule: client.overlap, home: home)
    var changes: [RuleChange] = []
    var edits: [Pending.Edit] = []
    var ended: [MitigationID] = []
    for waiting in table.all
    where waiting.isWaiting && waiting.key.holder.section == section
      && id ?? waiting.id == waiting.id
    {
      let begun = starting(waiting, at: now, wall: wall)
      edits.append(.store(begun))
      guard begun.isEnforced else { continue }
      changes += begun.installation(at: now)
      for other in table.all
      where other.isEnforced && other.key.holder == waiting.key.holder
        && other.scope.triggerMitigation && !ended.contains(other.id)
        && overlap.between(waiting.scope, other.scope)
      {
        ended.append(other.id)
        changes += other.removal
        edits.append(.end(other.id, .overridden))
      }
    }
    guard let first = edits.first, case .store(let mitigation) = first else { return nil }
    let decided = Pending(
      edits: edits,
      outcome: .changed(mid: mitigation.mid, lifetime: .seconds(mitigation.granted), nil),
      mid: mitigation.mid,
      now: now
    )
    return settle(decided, changes)
  }

  /// What the client of a section has prepared for the loss of its signal.
  public func prepared(by section: Text) -> [MitigationID] {
    var prepared: [MitigationID] = []
    for mitigation in table.all
    where mitigation.isWaiting && mitigation.key.holder.section == section {
      prepared.append(mitigation.id)
    }
    return prepared
  }

  /// Whether one of the client's mitigations is active, not only waiting: its sessions then use the
  /// parameters for that (RFC 9132, Section 4.5).
  public func isMitigating(for session: Session) -> Bool {
    guard let client = client(for: session) else { return false }
    for mitigation in table.all
    where mitigation.isEnforced && mitigation.key.holder.section == client.section {
      return true
    }
    return false
  }
}
