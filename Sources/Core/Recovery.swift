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
  private static func shared(_ record: MitigationRecord, with standing: [Found]) -> Span? {
    var longest: Span?
    for other in standing {
      if let left = other.kernel.remaining, let known = other.record,
        record.sharesPair(with: known)
      {
        longest = max(longest ?? left, left)
      }
    }
    return longest.map { min($0, record.remaining) }
  }

  /// Merges both sources at `now`.
  ///
  /// `kernel` is nil when there is no table: then what the state file knows stands, whoever removed
  /// the table. With a table, an enforced mitigation that it lacks has ended.
  init(state: State?, boot: Text, kernel: KernelSnapshot?, now: Instant) {
    var age = Span.zero
    if let state, state.boot == boot { age = max(now - state.writtenAt, .zero) }
    var known = KnownRecords()
    for record in state?.records ?? [] { known[record.id] = record.aged(by: age) }
    nextID = max(state?.nextID ?? 1, 1)
    var found: [Found] = []
    var quarantines: [KernelSnapshot.Quarantine] = []
    if let kernel {
      found = kernel.mitigations.map { Found($0, known, now: now) }
      quarantines = kernel.quarantines
    }
    for one in found { take(one, among: found, &known) }
    for record in known.all {
      let place = found.insertion { $0.kernel.id < record.id }
      if place < found.count, found[place].kernel.id == record.id {
        records.append(record)
      } else if kernel == nil || !record.isEnforced {
        records.append(record.withFreshCounter)
      } else if let left = record.lifeOfDevices(among: quarantines) {
        var record = record
        if left < record.remaining, left < Self.exactBelow { record.remaining = left }
        records.append(record.withFreshCounter)
      }
    }
    takeDevices(state?.devices ?? [], age, kernel == nil ? nil : quarantines, now)
  }

  /// Takes up a mitigation that the kernel knows.
  private mutating func take(_ found: Found, among all: [Found], _ known: inout KnownRecords) {
    let kernel = found.kernel
    nextID = max(nextID, kernel.id.value == .max ? .max : kernel.id.value + 1)
    guard var record = found.record, record.id == kernel.id,
      let remaining = kernel.remaining.map({ Self.remaining(record, kernel: $0) })
        ?? Self.shared(record, with: all)
    else {
      orphans.append(kernel.id)
      known[kernel.id] = nil
      return
    }
    record.remaining = remaining
    // The file is older than the kernel's counter, which only grows.
    record.reading = kernel.counter.counted
    known[kernel.id] = record
  }

  /// A device is in quarantine when the kernel says so, or the file where there is no table.
  ///
  /// Where both know it, the file knows more; unless the kernel's is another quarantine, of later.
  private mutating func takeDevices(
    _ records: [DeviceRecord],
    _ age: Span,
    _ quarantines: [KernelSnapshot.Quarantine]?,
    _ now: Instant
  ) {
    let standing = (quarantines ?? []).filter { $0.remaining != nil }
    for record in records {
      let record = record.aged(by: age)
      if quarantines == nil {
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
      record.reading = quarantine.counter.counted
      devices.removeAll { $0.mac == quarantine.mac }
      devices.append(record)
    }
  }
}

/// A mitigation that the kernel knows, and what file or journal know of it.
private struct Found {
  let kernel: KernelSnapshot.Mitigation
  let record: MitigationRecord?

  init(_ kernel: KernelSnapshot.Mitigation, _ known: KnownRecords, now: Instant) {
    self.kernel = kernel
    record = known[kernel.id] ?? Journal(parsing: kernel.counter.journal)?.record(at: now)
  }
}

/// Records by rising id, one of each.
private struct KnownRecords {
  private(set) var all: [MitigationRecord] = []

  subscript(id: MitigationID) -> MitigationRecord? {
    get {
      let place = all.insertion { $0.id < id }
      return place < all.count && all[place].id == id ? all[place] : nil
    }
    set {
      let place = all.insertion { $0.id < id }
      if place < all.count, all[place].id == id { all.remove(at: place) }
      if let newValue { all.insert(newValue, at: place) }
    }
  }
}

extension KernelCounter {
  fileprivate var counted: DropCounters { DropCounters(packets: packets, bytes: bytes) }
}

extension MitigationRecord {
  /// Whether both may have a key in common: a target, and a source, however it came to that: by name,
  /// by following a device, or because a device was found; or any source.
  fileprivate func sharesPair(with other: MitigationRecord) -> Bool {
    var hasTarget = false
    for target in scope.targetPrefixes where other.scope.targetPrefixes.contains(target) {
      hasTarget = true
    }
    guard hasTarget else { return false }
    if scope.sourcePrefixes.isEmpty || other.scope.sourcePrefixes.isEmpty { return true }
    let (sources, macs) = other.ends
    let own = ends
    for source in own.sources where sources.contains(source) { return true }
    for mac in own.macs where macs.contains(mac) { return true }
    return false
  }

  private var ends: (sources: [Prefix], macs: [MACAddress]) {
    var sources = scope.sourcePrefixes
    var macs: [MACAddress] = []
    for device in devices { macs.append(device.mac) }
    for device in found {
      sources.append(Prefix(host: device.address))
      if let mac = device.mac { macs.append(mac) }
    }
    return (sources, macs)
  }

  /// Whether the kernel should hold something for it: not while all devices that its ports mean wait
  /// for consent.
  fileprivate var isEnforced: Bool {
    var isAsked = !found.isEmpty && !scope.sourcePortRanges.isEmpty
    for device in found where device.consent != .awaited { isAsked = false }
    return status != .attackMitigationSignalLoss && status != .attackMitigationWithdrawn
      && action != .ask && !isAsked
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
