import Bytes

/// How much is logged.
public enum LogLevel: UInt8, Hashable, Comparable, Sendable {
  case error = 1
  case warning = 2
  case info = 3
  case debug = 4

  /// Less is smaller.
  public static func < (left: LogLevel, right: LogLevel) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// What happens when two clients' requests conflict and the actions differ.
public enum ConflictPolicy: UInt8, Hashable, Sendable {
  case accept = 1
  case reject = 2
}

/// What makes two requests of one client overlap.
public enum OverlapRule: UInt8, Hashable, Sendable {
  /// Targets and, where both name them, sources share an address.
  case scope = 1
  /// Targets share an address (RFC 9132, Section 4.4.1.3 as written).
  case target = 2
}

/// A `client` section: who may ask, and for what.
public struct ClientSettings: Hashable, Sendable {
  /// The section's name.
  public var section: Text
  /// The name in the peer's certificate, or its PSK identity.
  public var name: Text
  /// SHA-256 of the public key it must have; nil when any will do.
  public var pin: [UInt8]?
  /// Actions that it may ask for.
  public var may: [RequestedAction] = [.block]
  /// Targets that it may name; empty: any.
  public var targets: [Prefix] = []
  /// Whether it may name addresses visible only inside the home.
  public var mayNameInternal = false
  /// What makes two of its requests overlap.
  public var overlap = OverlapRule.scope
  /// Whether its cdid counts.
  public var isGateway = false
  /// At most so many mitigations at a time.
  public var maximumMitigations: UInt32 = 256
  /// At most so many kernel elements at a time.
  public var maximumElements: UInt32 = 4096
  /// At most so many changes a second; 0: no limit.
  public var maximumRate: UInt32 = 10
  /// At most so many seconds of lifetime.
  public var maximumLifetime: UInt32 = 86_400
  /// Where to send it instead (redirected signalling); empty: nowhere.
  public var alternateServer: Text = ""

  /// A section with the defaults.
  public init(section: Text, name: Text) {
    self.section = section
    self.name = name
  }
}

/// A `policy` section: which action requests get that match it.
public struct PolicySettings: Hashable, Sendable {
  /// The section's name.
  public var section: Text
  /// Only devices with this hardware address.
  public var mac: MACPrefix?
  /// Only sources in this block.
  public var source: Prefix?
  /// Only requests of this `client` section.
  public var client: Text?
  /// What they get.
  public var action: Action

  /// A section with this action.
  public init(section: Text, action: Action) {
    self.section = section
    self.action = action
  }
}

/// A `protect` section: what no request can touch.
///
/// All kinds present must match; the values of one kind are alternatives.
public struct ProtectSettings: Hashable, Sendable {
  /// The section's name.
  public var section: Text
  /// Devices with these hardware addresses.
  public var macs: [MACPrefix] = []
  /// Devices with these addresses.
  public var sources: [Prefix] = []
  /// Destinations.
  public var prefixes: [Prefix] = []
  /// UDP ports of the destination.
  public var udpPorts: [PortRange] = []
  /// TCP ports of the destination.
  public var tcpPorts: [PortRange] = []

  /// A section that protects nothing yet.
  public init(section: Text) { self.section = section }
}

/// What core is told of the settings.
public struct CoreSettings: Hashable, Sendable {
  /// Interfaces towards the ISP.
  public var wan: [Text] = []
  /// Interfaces towards the home.
  public var lan: [Text] = []
  /// What a request does by default.
  public var action = Action.block
  /// The rate that passes when the action is limit, in bytes a second.
  public var limit: UInt64 = 125_000
  /// How long the owner is asked.
  public var askTimeout: UInt32 = 600
  /// Whether an unanswered question means block.
  public var askDefaultsToBlock = true
  /// Seconds for which a withdrawn mitigation goes on.
  public var terminating: UInt32 = 120
  /// What happens when clients conflict.
  public var conflict = ConflictPolicy.accept
  /// At most so many devices in quarantine.
  public var maximumQuarantined: UInt32 = 8
  /// Whether conntrack entries of matched flows are deleted.
  public var flushesOffload = false
  /// The user to run as.
  public var user: Text = "cordon"
  /// The folder of the state file.
  public var state: Text = "/var/lib/cordon"
  /// The DHCP leases file; empty: none.
  public var leases: Text = ""
  /// How much is logged.
  public var logLevel = LogLevel.info
  /// Ports on which the router serves DOTS.
  public var listenPorts: [UInt16] = []
  /// The resolvers that the router itself asks.
  public var resolvers: [IPAddress] = []
  /// What devices in quarantine may reach, but for names of the garden.
  public var quarantine = QuarantineAccess(portalPort: 8646)
  /// How often an owner may release a device from the page.
  public var releases: UInt32 = 2
  /// The file with makers' names by hardware address; empty: none.
  public var vendors: Text = ""
  /// Who may ask.
  public var clients: [ClientSettings] = []
  /// Which action requests get; the first match wins.
  public var policies: [PolicySettings] = []
  /// What no request can touch.
  public var protections: [ProtectSettings] = []

  /// The defaults.
  public init() {}
}
