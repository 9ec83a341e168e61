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
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

  /// A section with the defaults.
  public init(section: Text, name: Text) {
    parts = Behind(Parts(section: section, name: name))
  }
}

extension ClientSettings {
  /// The section's name.
  public var section: Text {
    get { parts.value.section }
    set { parts.value.section = newValue }
  }

  /// The name in the peer's certificate, or its PSK identity.
  public var name: Text {
    get { parts.value.name }
    set { parts.value.name = newValue }
  }

  /// SHA-256 of the public key it must have; nil when any will do.
  public var pin: [UInt8]? {
    get { parts.value.pin }
    set { parts.value.pin = newValue }
  }

  /// Actions that it may ask for.
  public var may: [RequestedAction] {
    get { parts.value.may }
    set { parts.value.may = newValue }
  }

  /// Targets that it may name; empty: any.
  public var targets: [Prefix] {
    get { parts.value.targets }
    set { parts.value.targets = newValue }
  }

  /// Whether it may name addresses visible only inside the home.
  public var mayNameInternal: Bool {
    get { parts.value.mayNameInternal }
    set { parts.value.mayNameInternal = newValue }
  }

  /// What makes two of its requests overlap.
  public var overlap: OverlapRule {
    get { parts.value.overlap }
    set { parts.value.overlap = newValue }
  }

  /// Whether its cdid counts.
  public var isGateway: Bool {
    get { parts.value.isGateway }
    set { parts.value.isGateway = newValue }
  }

  /// At most so many mitigations at a time.
  public var maximumMitigations: UInt32 {
    get { parts.value.maximumMitigations }
    set { parts.value.maximumMitigations = newValue }
  }

  /// At most so many kernel elements at a time.
  public var maximumElements: UInt32 {
    get { parts.value.maximumElements }
    set { parts.value.maximumElements = newValue }
  }

  /// At most so many changes a second; 0: no limit.
  public var maximumRate: UInt32 {
    get { parts.value.maximumRate }
    set { parts.value.maximumRate = newValue }
  }

  /// At most so many seconds of lifetime.
  public var maximumLifetime: UInt32 {
    get { parts.value.maximumLifetime }
    set { parts.value.maximumLifetime = newValue }
  }

  /// The server to send it to instead (RFC 9132, Section 4.6): its name, and its addresses as far as
  /// they are known, a space between; empty: none.
  public var alternateServer: Text {
    get { parts.value.alternateServer }
    set { parts.value.alternateServer = newValue }
  }
}

extension ClientSettings {
  package struct Parts: Hashable, Sendable {
    package var section: Text
    package var name: Text
    package var pin: [UInt8]?
    package var may: [RequestedAction] = [.block]
    package var targets: [Prefix] = []
    package var mayNameInternal = false
    package var overlap = OverlapRule.scope
    package var isGateway = false
    package var maximumMitigations: UInt32 = 256
    package var maximumElements: UInt32 = 4096
    package var maximumRate: UInt32 = 10
    package var maximumLifetime: UInt32 = 86_400
    package var alternateServer: Text = ""
  }
}

/// A `policy` section: which action requests get that match it.
public struct PolicySettings: Hashable, Sendable {
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

  /// A section with this action.
  public init(section: Text, action: Action) {
    parts = Behind(Parts(section: section, action: action))
  }
}

extension PolicySettings {
  /// The section's name.
  public var section: Text {
    get { parts.value.section }
    set { parts.value.section = newValue }
  }

  /// Only devices with this hardware address.
  public var mac: MACPrefix? {
    get { parts.value.mac }
    set { parts.value.mac = newValue }
  }

  /// Only sources in this block.
  public var source: Prefix? {
    get { parts.value.source }
    set { parts.value.source = newValue }
  }

  /// Only requests of this `client` section.
  public var client: Text? {
    get { parts.value.client }
    set { parts.value.client = newValue }
  }

  /// What they get.
  public var action: Action {
    get { parts.value.action }
    set { parts.value.action = newValue }
  }
}

extension PolicySettings {
  package struct Parts: Hashable, Sendable {
    package var section: Text
    package var mac: MACPrefix?
    package var source: Prefix?
    package var client: Text?
    package var action: Action
  }
}

/// A `protect` section: what no request can touch.
///
/// All kinds present must match; the values of one kind are alternatives.
public struct ProtectSettings: Hashable, Sendable {
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

  /// A section that protects nothing yet.
  public init(section: Text) { parts = Behind(Parts(section: section)) }
}

extension ProtectSettings {
  /// The section's name.
  public var section: Text {
    get { parts.value.section }
    set { parts.value.section = newValue }
  }

  /// Devices with these hardware addresses.
  public var macs: [MACPrefix] {
    get { parts.value.macs }
    set { parts.value.macs = newValue }
  }

  /// Devices with these addresses.
  public var sources: [Prefix] {
    get { parts.value.sources }
    set { parts.value.sources = newValue }
  }

  /// Destinations.
  public var prefixes: [Prefix] {
    get { parts.value.prefixes }
    set { parts.value.prefixes = newValue }
  }

  /// UDP ports of the destination.
  public var udpPorts: [PortRange] {
    get { parts.value.udpPorts }
    set { parts.value.udpPorts = newValue }
  }

  /// TCP ports of the destination.
  public var tcpPorts: [PortRange] {
    get { parts.value.tcpPorts }
    set { parts.value.tcpPorts = newValue }
  }
}

extension ProtectSettings {
  package struct Parts: Hashable, Sendable {
    package var section: Text
    package var macs: [MACPrefix] = []
    package var sources: [Prefix] = []
    package var prefixes: [Prefix] = []
    package var udpPorts: [PortRange] = []
    package var tcpPorts: [PortRange] = []
  }
}

/// What core is told of the settings.
public struct CoreSettings: Hashable, Sendable {
  /// Behind one reference, so that a copy is one word.
  package var parts = Behind(Parts())

  /// The defaults.
  public init() {}
}

extension CoreSettings {
  /// Interfaces towards the ISP.
  public var wan: [Text] {
    get { parts.value.wan }
    set { parts.value.wan = newValue }
  }

  /// Interfaces towards the home.
  public var lan: [Text] {
    get { parts.value.lan }
    set { parts.value.lan = newValue }
  }

  /// What a request does by default.
  public var action: Action {
    get { parts.value.action }
    set { parts.value.action = newValue }
  }

  /// The rate that passes when the action is limit, in bytes a second.
  public var limit: UInt64 {
    get { parts.value.limit }
    set { parts.value.limit = newValue }
  }

  /// How long the owner is asked.
  public var askTimeout: UInt32 {
    get { parts.value.askTimeout }
    set { parts.value.askTimeout = newValue }
  }

  /// Whether an unanswered question means block.
  public var askDefaultsToBlock: Bool {
    get { parts.value.askDefaultsToBlock }
    set { parts.value.askDefaultsToBlock = newValue }
  }

  /// Seconds for which a withdrawn mitigation goes on.
  public var terminating: UInt32 {
    get { parts.value.terminating }
    set { parts.value.terminating = newValue }
  }

  /// What happens when clients conflict.
  public var conflict: ConflictPolicy {
    get { parts.value.conflict }
    set { parts.value.conflict = newValue }
  }

  /// At most so many devices in quarantine.
  public var maximumQuarantined: UInt32 {
    get { parts.value.maximumQuarantined }
    set { parts.value.maximumQuarantined = newValue }
  }

  /// Whether conntrack entries of matched flows are deleted.
  public var flushesOffload: Bool {
    get { parts.value.flushesOffload }
    set { parts.value.flushesOffload = newValue }
  }

  /// The ports that are this home's where the WAN's IPv4 address is shared; nil: all.
  public var portSet: PortSet? {
    get { parts.value.portSet }
    set { parts.value.portSet = newValue }
  }

  /// The user to run as.
  public var user: Text {
    get { parts.value.user }
    set { parts.value.user = newValue }
  }

  /// The folder of the state file.
  public var state: Text {
    get { parts.value.state }
    set { parts.value.state = newValue }
  }

  /// The DHCP leases file; empty: none.
  public var leases: Text {
    get { parts.value.leases }
    set { parts.value.leases = newValue }
  }

  /// How much is logged.
  public var logLevel: LogLevel {
    get { parts.value.logLevel }
    set { parts.value.logLevel = newValue }
  }

  /// Ports on which the router serves DOTS, and those that it connects to for that.
  public var listenPorts: [UInt16] {
    get { parts.value.listenPorts }
    set { parts.value.listenPorts = newValue }
  }

  /// The resolvers that the router itself asks.
  public var resolvers: [IPAddress] {
    get { parts.value.resolvers }
    set { parts.value.resolvers = newValue }
  }

  /// What devices in quarantine may reach, but for names of the garden.
  public var quarantine: QuarantineAccess {
    get { parts.value.quarantine }
    set { parts.value.quarantine = newValue }
  }

  /// How often an owner may release a device from the page.
  public var releases: UInt32 {
    get { parts.value.releases }
    set { parts.value.releases = newValue }
  }

  /// The file with makers' names by hardware address; empty: none.
  public var vendors: Text {
    get { parts.value.vendors }
    set { parts.value.vendors = newValue }
  }

  /// Who may ask.
  public var clients: [ClientSettings] {
    get { parts.value.clients }
    set { parts.value.clients = newValue }
  }

  /// Which action requests get; the first match wins.
  public var policies: [PolicySettings] {
    get { parts.value.policies }
    set { parts.value.policies = newValue }
  }

  /// What no request can touch.
  public var protections: [ProtectSettings] {
    get { parts.value.protections }
    set { parts.value.protections = newValue }
  }
}

extension CoreSettings {
  package struct Parts: Hashable, Sendable {
    package var wan: [Text] = []
    package var lan: [Text] = []
    package var action = Action.block
    package var limit: UInt64 = 125_000
    package var askTimeout: UInt32 = 600
    package var askDefaultsToBlock = true
    package var terminating: UInt32 = 120
    package var conflict = ConflictPolicy.accept
    package var maximumQuarantined: UInt32 = 8
    package var flushesOffload = false
    package var portSet: PortSet?
    package var user: Text = "cordon"
    package var state: Text = "/var/lib/cordon"
    package var leases: Text = ""
    package var logLevel = LogLevel.info
    package var listenPorts: [UInt16] = []
    package var resolvers: [IPAddress] = []
    package var quarantine = QuarantineAccess(portalPort: 8646)
    package var releases: UInt32 = 2
    package var vendors: Text = ""
    package var clients: [ClientSettings] = []
    package var policies: [PolicySettings] = []
    package var protections: [ProtectSettings] = []
  }
}
