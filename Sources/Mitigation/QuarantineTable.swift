import Bytes
import Model

/// The devices that are in quarantine, and those that were lately.
///
/// A device is in quarantine as long as its owner or a mitigation wants it: the longest cause counts.
struct QuarantineTable: Equatable, Sendable {
  /// By rising hardware address.
  private(set) var all: [QuarantinedDevice] = []

  /// How many are in quarantine.
  var count: Int {
    var count = 0
    for device in all where device.since != nil { count += 1 }
    return count
  }

  private func insertion(of mac: MACAddress) -> Int { all.insertion { $0.mac.value < mac.value } }

  private func position(of mac: MACAddress) -> Int? {
    let position = insertion(of: mac)
    return position < all.count && all[position].mac == mac ? position : nil
  }

  subscript(mac: MACAddress) -> QuarantinedDevice? { position(of: mac).map { all[$0] } }

  /// The device if it is in quarantine.
  func quarantined(_ mac: MACAddress) -> QuarantinedDevice? {
    guard let device = self[mac], device.since != nil else { return nil }
    return device
  }

  /// Whether the device is in quarantine: less work than to fetch it.
  func isQuarantined(_ mac: MACAddress) -> Bool {
    guard let position = position(of: mac) else { return false }
    return all[position].since != nil
  }

  /// The device in quarantine that has `address` as its second key.
  func holder(of address: IPAddress) -> QuarantinedDevice? {
    for device in all where device.since != nil && device.addresses.contains(address) {
      return device
    }
    return nil
  }

  /// Changes one in place, if it is there.
  mutating func update(_ mac: MACAddress, _ change: (inout QuarantinedDevice) -> Void) {
    guard let position = position(of: mac) else { return }
    change(&all[position])
  }

  /// The one to remember things of; one more when it is new.
  mutating func remember(_ mac: MACAddress, now: Instant) {
    guard position(of: mac) == nil else { return }
    // What was free for the longest makes room.
    if all.count >= Limits.devices {
      var oldest: Int?
      for index in all.indices where all[index].since == nil {
        if oldest.map({ all[index].freeSince < all[$0].freeSince }) ?? true { oldest = index }
      }
      if let oldest { all.remove(at: oldest) }
    }
    all.insert(QuarantinedDevice(mac: mac, freeSince: now), at: insertion(of: mac))
  }

  /// Puts one in, from a record; not twice.
  mutating func adopt(_ device: QuarantinedDevice) {
    guard position(of: device.mac) == nil, all.count < Limits.devices else { return }
    all.insert(device, at: insertion(of: device.mac))
  }

  /// Has exactly these devices in quarantine for a mitigation until `end`.
  mutating func confine(
    _ macs: [MACAddress],
    for id: MitigationID,
    until end: Instant,
    now: Instant,
    start: UnixTime?
  ) {
    for mac in macs {
      remember(mac, now: now)
      update(mac) { device in
        for index in device.causes.indices where device.causes[index].id == id {
          device.causes[index].end = end
          return
        }
        let cause = QuarantinedDevice.Cause(id: id, end: end, before: device.total)
        device.causes.insert(cause, at: device.causes.insertion { $0.id < id })
        device.confine(at: now, start: start ?? UnixTime(seconds: 0), number: id.value)
      }
    }
    for index in all.indices where !macs.contains(all[index].mac) {
      guard all[index].causes.contains(where: { $0.id == id }) else { continue }
      all[index].causes.removeAll { $0.id == id }
      all[index].freeUnlessWanted(at: now)
    }
  }

  /// Makes an address the second key of a device in quarantine, unless it is another's.
  mutating func add(_ known: DeviceAddress) {
    guard holder(of: known.address) == nil, isQuarantined(known.mac) else { return }
    update(known.mac) { device in
      guard device.addresses.count < Limits.deviceAddresses else { return }
      let place = device.addresses.insertion { $0 < known.address }
      device.addresses.insert(known.address, at: place)
    }
  }

  /// Forgets what was free for long enough.
  mutating func forget(at now: Instant) { all.removeAll { $0.isForgettable(at: now) } }

  /// When `forget(at:)` has something to do.
  var nextForgetting: Instant? {
    var next: Instant?
    for device in all where device.since == nil {
      let moment = device.freeSince + Constants.memory
      next = min(next ?? moment, moment)
    }
    return next
  }

  /// What the kernel has to change when this takes the place of `before`.
  func changes(since before: QuarantineTable, now: Instant) -> [RuleChange] {
    var changes: [RuleChange] = []
    for device in all where device.since != nil {
      let old = before.quarantined(device.mac)
      if let old, old.end == device.end, old.addresses == device.addresses { continue }
      changes.append(device.change(at: now))
    }
    for device in before.all where device.since != nil && !isQuarantined(device.mac) {
      changes.append(.release(device.mac))
    }
    return changes
  }

  /// All that the kernel should hold.
  func plan(at now: Instant) -> [RuleChange] {
    changes(since: QuarantineTable(), now: now)
  }
}

extension QuarantinedDevice {
  fileprivate func change(at now: Instant) -> RuleChange {
    .quarantine(
      Quarantine(mac: mac, addresses: addresses),
      remaining: end.map { max($0 - now, .zero) }
    )
  }
}
