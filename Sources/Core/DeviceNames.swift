import Bytes
import Linux
import Model

/// What names devices: the leases of the home's DHCP server, and the makers' table.
struct DeviceNames {
  /// The leases file is read again after this.
  private static let patience = Span.seconds(5)

  private(set) var leases = Leases()
  private var path: Text = ""
  private var readAt: Instant?
  private var vendorsPath: Text = ""
  private var vendors: Vendors?

  /// Reads from where the settings say now; false when there is a makers' table that can't
  /// be used.
  mutating func configure(_ settings: CoreSettings) -> Bool {
    path = settings.leases
    readAt = nil
    guard vendorsPath != settings.vendors else { return true }
    vendorsPath = settings.vendors
    vendors = nil
    if vendorsPath.isEmpty || !File.exists(vendorsPath) { return true }
    guard let table = try? File.map(vendorsPath, limit: Vendors.maximumFile) else { return false }
    vendors = Vendors(table: table)
    return vendors != nil
  }

  /// Reads the leases, unless that was a moment ago; without a file there are none.
  mutating func refresh(now: Instant, wall: UnixTime) {
    if let readAt, now - readAt < Self.patience { return }
    readAt = now
    guard !path.isEmpty,
      let file = try? File.contents(of: path, limit: Leases.maximumFile)
    else {
      leases = Leases()
      return
    }
    leases = Leases(parsing: file, now: wall)
  }

  /// The name of a device with these addresses; empty when it has none.
  func name(of mac: MACAddress, _ addresses: [IPAddress]) -> Text {
    let name = leases.name(of: mac)
    if !name.isEmpty { return name }
    for address in addresses {
      let name = leases.name(of: address)
      if !name.isEmpty { return name }
    }
    return ""
  }

  /// All that is known of a device with these addresses.
  func device(_ mac: MACAddress, _ addresses: [IPAddress]) -> Device {
    let name = name(of: mac, addresses)
    let vendor = vendors?.name(of: mac) ?? ""
    return Device(
      mac: mac,
      name: name,
      vendor: vendor,
      kind: DeviceKind(name: name, vendor: vendor),
      addresses: addresses
    )
  }
}
