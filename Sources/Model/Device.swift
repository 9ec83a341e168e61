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
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

  /// A device of these parts.
  public init(
    mac: MACAddress,
    name: Text = "",
    vendor: Text = "",
    kind: DeviceKind = .other,
    addresses: [IPAddress] = []
  ) {
    parts = Behind(Parts(mac: mac, name: name, vendor: vendor, kind: kind, addresses: addresses))
  }
}

extension Device {
  /// Its hardware address, which may be made up (`MACAddress.isRandom`).
  public var mac: MACAddress {
    get { parts.value.mac }
    set { parts.value.mac = newValue }
  }

  /// Its name from DHCP, at most 63 printable ASCII bytes; empty when it gave none.
  public var name: Text {
    get { parts.value.name }
    set { parts.value.name = newValue }
  }

  /// Its maker, by its hardware address; empty when unknown.
  public var vendor: Text {
    get { parts.value.vendor }
    set { parts.value.vendor = newValue }
  }

  /// What it probably is.
  public var kind: DeviceKind {
    get { parts.value.kind }
    set { parts.value.kind = newValue }
  }

  /// Its addresses now, in ascending order.
  public var addresses: [IPAddress] {
    get { parts.value.addresses }
    set { parts.value.addresses = newValue }
  }
}

extension Device {
  package struct Parts: Hashable, Sendable {
    package var mac: MACAddress
    package var name: Text
    package var vendor: Text
    package var kind: DeviceKind
    package var addresses: [IPAddress]
  }
}

/// A device as `cordonctl devices` shows it.
public struct DeviceSummary: Hashable, Sendable {
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

  /// A summary of these parts.
  public init(
    device: Device,
    state: DeviceState,
    since: UnixTime? = nil,
    releasesLeft: UInt32? = nil,
    mitigations: [MitigationID] = []
  ) {
    parts = Behind(
      Parts(
        device: device,
        state: state,
        since: since,
        releasesLeft: releasesLeft,
        mitigations: mitigations
      )
    )
  }
}

extension DeviceSummary {
  /// The device.
  public var device: Device {
    get { parts.value.device }
    set { parts.value.device = newValue }
  }

  /// What holds for it.
  public var state: DeviceState {
    get { parts.value.state }
    set { parts.value.state = newValue }
  }

  /// Since when; nil when clear or exempt.
  public var since: UnixTime? {
    get { parts.value.since }
    set { parts.value.since = newValue }
  }

  /// How often its owner may still release it from the page; nil without a limit that counts.
  public var releasesLeft: UInt32? {
    get { parts.value.releasesLeft }
    set { parts.value.releasesLeft = newValue }
  }

  /// The mitigations that concern it, oldest first.
  public var mitigations: [MitigationID] {
    get { parts.value.mitigations }
    set { parts.value.mitigations = newValue }
  }
}

extension DeviceSummary {
  package struct Parts: Hashable, Sendable {
    package var device: Device
    package var state: DeviceState
    package var since: UnixTime?
    package var releasesLeft: UInt32?
    package var mitigations: [MitigationID]
  }
}
