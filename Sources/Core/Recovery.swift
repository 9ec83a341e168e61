import Bytes
import Firewall
import Mitigation
import Model

/// Puts together what a core that starts finds of an earlier one: the kernel's journals and the
/// state file.
struct Recovery: Equatable {
  /// Mitigations to take up, oldest first.
  var records: [MitigationRecord] = []
  /// The number that the next mitigation gets.
  var nextID: UInt32 = 1
  /// Devices that are in quarantine, or were lately.
  var devices: [DeviceRecord] = []
  /// Counters whose mitigation nobody knows any more.
  var orphans: [MitigationID] = []

  /// A mitigation that has less left than this has elements that have as much: longer ones have them
  /// set to an hour at least every twenty minutes.
  private static let exactBelow = Span.seconds(2400)

  /// What a mitigation has left whose elements have `left`.
  ///
  /// Elements that end sooner show a withdrawal that the file missed; later ones a refresh, or a key
  /// that another mitigation shares: so never more than was granted.
  private static func remaining(_ record: MitigationRecord, kernel left: Span) -> Span {
    if left < record.remaining { return left < exactBelow ? left : record.remaining }
    return max(record.remaining, min(left, .seconds(record.granted)))
  }

  /// What a mitigation has left that has no element of its own; nil when it has ended.
  ///
  /// A key leads to the first who wanted it and stands until the last of them ends, so one that came
  /// second lives on in the elements of another.
  private static func shared(
    _ record: MitigationRecord,
    with standing: [(scope: MitigationScope, left: Span)]
  ) -> Span? {
    let spans = standing.filter { record.scope.sharesPair(with: $0.scope) }.map { $0.left }
    return spans.max().map { min($0, record.remaining) }
  }

  /// Merges both sources at `now`.
  ///
  /// `kernel` is nil when there is no table: then what the state file knows stands, whoever removed
  /// the table. With a table, an enforced mitigation that it lacks has ended.
  init(state: State?, boot: Text, kernel: KernelSnapshot?, now: Instant) {
    var known: [MitigationID: MitigationRecord] = .init()
    let isSameBoot = state?.boot == boot
    for record in state?.records ?? [] {
      let age = isSameBoot ? max(now - (state?.writtenAt ?? now), .zero) : .zero
      known[record.id] = record.aged(by: age)
    }
    nextID = max(state?.nextID ?? 1, 1)
    var inKernel: Set<MitigationID> = []
    let found = (kernel?.mitigations ?? []).map { mitigation in
      let journal = Journal(parsing: mitigation.counter.journal)?.record(at: now)
      return (kernel: mitigation, record: known[mitigation.id] ?? journal)
    }
    let standing: [(scope: MitigationScope, left: Span)] = found.compactMap { other in
      guard let record = other.record, let left = other.kernel.remaining else { return nil }
      return (record.scope, left)
    }
    for (mitigation, record) in found {
      nextID = max(nextID, mitigation.id.value == .max ? .max : mitigation.id.value + 1)
      inKernel.insert(mitigation.id)
      guard var record, record.id == mitigation.id,
        let remaining = mitigation.remaining.map({ Self.remaining(record, kernel: $0) })
          ?? Self.shared(record, with: standing)
      else {
        orphans.append(mitigation.id)
        known[mitigation.id] = nil
        continue
      }
      record.remaining = remaining
      // The file is older than the kernel's counter, which only grows.
      record.reading = DropCounters(
        packets: mitigation.counter.packets,
        bytes: mitigation.counter.bytes
      )
      known[mitigation.id] = record
    }
    let quarantines = kernel?.quarantines ?? []
    for id in known.keys.ordered() {
      guard var record = known[id] else { continue }
      if kernel != nil, record.isEnforced, !inKernel.contains(id) {
        guard let left = record.lifeOfDevices(among: quarantines) else { continue }
        if left < record.remaining, left < Self.exactBelow { record.remaining = left }
      }
      records.append(inKernel.contains(id) ? record : record.withFreshCounter)
    }
    takeDevices(
      state,
      isSameBoot ? max(now - (state?.writtenAt ?? now), .zero) : .zero,
      kernel,
      now
    )
  }

  /// A device is in quarantine when the kernel says so, or the file where there is no table.
  ///
  /// Where both know it, the file knows more; unless the kernel's is another quarantine, of later.
  private mutating func takeDevices(
    _ state: State?,
    _ age: Span,
    _ kernel: KernelSnapshot?,
    _ now: Instant
  ) {
    let standing = (kernel?.quarantines ?? []).filter { $0.remaining != nil }
    for record in state?.devices ?? [] {
      let record = record.aged(by: age)
      if kernel == nil {
        devices.append(record.withFreshCounter)
      } else if !standing.contains(where: { $0.mac == record.mac }) {
        devices.append(record.freed)
      } else {
        devices.append(record)
      }
    }
    for quarantine in standing {
      let journal = DeviceRecord(journal: quarantine.counter.journal, now: now)
      var known = devices.first { $0.mac == quarantine.mac }
      if let journal, journal.mac == quarantine.mac,
        known?.isQuarantined != true || known?.number != journal.number
      {
        known = journal
      }
      guard var record = known else { continue }
      record.isQuarantined = true
      record.reading = DropCounters(
        packets: quarantine.counter.packets,
        bytes: quarantine.counter.bytes
      )
      devices.removeAll { $0.mac == quarantine.mac }
      devices.append(record)
    }
  }
}

extension MitigationScope {
  /// Whether both name the same source with the same target, as scopes with a key in common do.
  fileprivate func sharesPair(with other: MitigationScope) -> Bool {
    targetPrefixes.contains { other.targetPrefixes.contains($0) }
      && (sourcePrefixes.isEmpty && other.sourcePrefixes.isEmpty
        || sourcePrefixes.contains { other.sourcePrefixes.contains($0) })
  }
}

extension MitigationRecord {
  /// Whether the kernel should hold something for it.
  fileprivate var isEnforced: Bool {
    status != .attackMitigationSignalLoss && status != .attackMitigationWithdrawn
  }

  /// How long the kernel keeps the devices of a mitigation that has no rule; nil when it has one, or
  /// the kernel keeps none of them.
  fileprivate func lifeOfDevices(among quarantines: [KernelSnapshot.Quarantine]) -> Span? {
    guard action == .quarantine, scope.targetPrefixes.contains(where: { $0.isEverything }) else {
      return nil
    }
    var life: Span?
    for quarantine in quarantines where devices.contains(where: { $0.mac == quarantine.mac }) {
      if let left = quarantine.remaining { life = max(life ?? .zero, left) }
    }
    return life
  }

  /// The same for a kernel whose counter begins at zero again: what was read goes to what is carried.
  fileprivate var withFreshCounter: MitigationRecord {
    guard let reading else { return self }
    var fresh = self
    fresh.carried = DropCounters(
      packets: carried.packets &+ reading.packets,
      bytes: carried.bytes &+ reading.bytes
    )
    fresh.reading = nil
    return fresh
  }
}
