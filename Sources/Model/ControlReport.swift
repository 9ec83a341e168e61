import Bytes

/// How far a session is.
public enum SessionState: UInt8, Hashable, Sendable, CaseIterable {
  /// The router is connecting to the client.
  case connecting = 1
  /// Authenticated; requests are taken.
  case open = 2
}

/// A session as `cordonctl status` shows it.
public struct SessionSummary: Hashable, Sendable {
  /// The `client` section that it belongs to; empty when none names its peer.
  public var client: Text
  /// The peer's address.
  public var peer: IPAddress
  /// The peer's port.
  public var peerPort: UInt16
  /// Who opened it.
  public var role: SessionRole
  /// What carries it.
  public var transport: Transport
  /// How far it is.
  public var state: SessionState
  /// Since when it is in that state.
  public var since: UnixTime

  /// A summary of these parts.
  public init(
    client: Text,
    peer: IPAddress,
    peerPort: UInt16,
    role: SessionRole,
    transport: Transport,
    state: SessionState,
    since: UnixTime
  ) {
    self.client = client
    self.peer = peer
    self.peerPort = peerPort
    self.role = role
    self.transport = transport
    self.state = state
    self.since = since
  }
}

/// How the router is, as `cordonctl status` shows it.
public struct StatusReport: Hashable, Sendable {
  /// Name and version of the program.
  public var software: Text
  /// How long core has been running.
  public var uptime: Span
  /// Sessions with clients.
  public var sessions: [SessionSummary]
  /// How many mitigations there are.
  public var mitigations: UInt32
  /// How many devices are in quarantine.
  public var quarantined: UInt32
  /// Whether the kernel holds what it should.
  public var isKernelInSync: Bool
  /// When the router's certificate expires; nil without one.
  public var certificateExpires: UnixTime?

  /// A report of these parts.
  public init(
    software: Text,
    uptime: Span,
    sessions: [SessionSummary] = [],
    mitigations: UInt32 = 0,
    quarantined: UInt32 = 0,
    isKernelInSync: Bool,
    certificateExpires: UnixTime? = nil
  ) {
    self.software = software
    self.uptime = uptime
    self.sessions = sessions
    self.mitigations = mitigations
    self.quarantined = quarantined
    self.isKernelInSync = isKernelInSync
    self.certificateExpires = certificateExpires
  }
}

/// How core learnt that a device is the source of a mitigation's traffic.
public enum DeviceEvidence: UInt8, Hashable, Sendable, CaseIterable {
  /// The request named it.
  case request = 1
  /// A flow that was translated when the request came.
  case conntrack = 2
  /// A flow that began later.
  case event = 3
  /// A packet that a rule matched.
  case seen = 4
}

/// A device of the home that a mitigation concerns.
public struct DeviceMatch: Hashable, Sendable {
  /// Its hardware address, when known.
  public var mac: MACAddress?
  /// Its name, when known.
  public var name: Text?
  /// How it was found.
  public var found: DeviceEvidence

  /// A match of these parts.
  public init(mac: MACAddress?, name: Text?, found: DeviceEvidence) {
    self.mac = mac
    self.name = name
    self.found = found
  }
}

/// One mitigation as `cordonctl mitigations` and `cordonctl why` show it.
public struct MitigationSummary: Hashable, Sendable {
  /// Its number in this router.
  public var id: MitigationID
  /// The `client` section of its client.
  public var client: Text
  /// The client's identifier.
  public var cuid: Text
  /// The client's number for it.
  public var mid: UInt32
  /// Its status.
  public var status: MitigationStatus
  /// What is done with what matches.
  public var action: Action
  /// What the client asked for.
  public var scope: MitigationScope
  /// The lifetime that was granted.
  public var lifetime: Lifetime
  /// What is left of it.
  public var remaining: Lifetime
  /// Since when it is enforced; nil while it is not.
  public var start: UnixTime?
  /// What matched its rules; nil when not measured.
  public var dropped: DropCounters?
  /// Devices that it concerns.
  public var devices: [DeviceMatch]
  /// The conflict that it is in.
  public var conflict: ConflictInformation?

  /// A summary of these parts.
  public init(
    id: MitigationID,
    client: Text,
    cuid: Text,
    mid: UInt32,
    status: MitigationStatus,
    action: Action,
    scope: MitigationScope,
    lifetime: Lifetime,
    remaining: Lifetime,
    start: UnixTime? = nil,
    dropped: DropCounters? = nil,
    devices: [DeviceMatch] = [],
    conflict: ConflictInformation? = nil
  ) {
    self.id = id
    self.client = client
    self.cuid = cuid
    self.mid = mid
    self.status = status
    self.action = action
    self.scope = scope
    self.lifetime = lifetime
    self.remaining = remaining
    self.start = start
    self.dropped = dropped
    self.devices = devices
    self.conflict = conflict
  }
}

/// What holds for a device or an address.
public enum DeviceState: UInt8, Hashable, Sendable, CaseIterable {
  /// Nothing concerns it.
  case clear = 1
  /// Some of its traffic is stopped or limited.
  case blocked = 2
  /// It is in quarantine.
  case quarantined = 3
  /// It is protected from every request.
  case exempt = 4
}

/// What `cordonctl why` asks about.
public enum DeviceSubject: Hashable, Sendable {
  case address(IPAddress)
  case mac(MACAddress)
}

/// The answer to `cordonctl why`.
public struct WhyReport: Hashable, Sendable {
  /// What was asked about.
  public var subject: DeviceSubject
  /// What holds for it.
  public var state: DeviceState
  /// The mitigations that concern it, oldest first.
  public var mitigations: [MitigationSummary]

  /// A report of these parts.
  public init(subject: DeviceSubject, state: DeviceState, mitigations: [MitigationSummary]) {
    self.subject = subject
    self.state = state
    self.mitigations = mitigations
  }
}
