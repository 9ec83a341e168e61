import Bytes

/// What kind of thing a device probably is; it chooses the steps that clean it up.
public enum DeviceKind: UInt8, Hashable, Sendable, CaseIterable {
  case camera = 1
  case phone = 2
  case computer = 3
  case television = 4
  case printer = 5
  case other = 6
}

/// A device of the home, as the router knows it.
public struct Device: Hashable, Sendable {
  /// Its hardware address, which may be made up (`MACAddress.isRandom`).
  public var mac: MACAddress
  /// Its name from DHCP, at most 63 printable ASCII bytes; empty when it gave none.
  public var name: Text
  /// Its maker, by its hardware address; empty when unknown.
  public var vendor: Text
  /// What it probably is.
  public var kind: DeviceKind
  /// Its addresses now, in ascending order.
  public var addresses: [IPAddress]

  /// A device of these parts.
  public init(
    mac: MACAddress,
    name: Text = "",
    vendor: Text = "",
    kind: DeviceKind = .other,
    addresses: [IPAddress] = []
  ) {
    self.mac = mac
    self.name = name
    self.vendor = vendor
    self.kind = kind
    self.addresses = addresses
  }
}

/// A device as `cordonctl devices` shows it.
public struct DeviceSummary: Hashable, Sendable {
  /// The device.
  public var device: Device
  /// What holds for it.
  public var state: DeviceState
  /// Since when; nil when clear or exempt.
  public var since: UnixTime?
  /// How often its owner may still release it from the page; nil without a limit that counts.
  public var releasesLeft: UInt32?
  /// The mitigations that concern it, oldest first.
  public var mitigations: [MitigationID]

  /// A summary of these parts.
  public init(
    device: Device,
    state: DeviceState,
    since: UnixTime? = nil,
    releasesLeft: UInt32? = nil,
    mitigations: [MitigationID] = []
  ) {
    self.device = device
    self.state = state
    self.since = since
    self.releasesLeft = releasesLeft
    self.mitigations = mitigations
  }
}
