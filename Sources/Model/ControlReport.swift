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
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

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
    parts = Behind(
      Parts(
        client: client,
        peer: peer,
        peerPort: peerPort,
        role: role,
        transport: transport,
        state: state,
        since: since
      )
    )
  }
}

extension SessionSummary {
  /// The `client` section that it belongs to; empty when none names its peer.
  public var client: Text {
    get { parts.value.client }
    set { parts.value.client = newValue }
  }

  /// The peer's address.
  public var peer: IPAddress {
    get { parts.value.peer }
    set { parts.value.peer = newValue }
  }

  /// The peer's port.
  public var peerPort: UInt16 {
    get { parts.value.peerPort }
    set { parts.value.peerPort = newValue }
  }

  /// Who opened it.
  public var role: SessionRole {
    get { parts.value.role }
    set { parts.value.role = newValue }
  }

  /// What carries it.
  public var transport: Transport {
    get { parts.value.transport }
    set { parts.value.transport = newValue }
  }

  /// How far it is.
  public var state: SessionState {
    get { parts.value.state }
    set { parts.value.state = newValue }
  }

  /// Since when it is in that state.
  public var since: UnixTime {
    get { parts.value.since }
    set { parts.value.since = newValue }
  }
}

extension SessionSummary {
  package struct Parts: Hashable, Sendable {
    package var client: Text
    package var peer: IPAddress
    package var peerPort: UInt16
    package var role: SessionRole
    package var transport: Transport
    package var state: SessionState
    package var since: UnixTime
  }
}

/// How the router is, as `cordonctl status` shows it.
public struct StatusReport: Hashable, Sendable {
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

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
    parts = Behind(
      Parts(
        software: software,
        uptime: uptime,
        sessions: sessions,
        mitigations: mitigations,
        quarantined: quarantined,
        isKernelInSync: isKernelInSync,
        certificateExpires: certificateExpires
      )
    )
  }
}

extension StatusReport {
  /// Name and version of the program.
  public var software: Text {
    get { parts.value.software }
    set { parts.value.software = newValue }
  }

  /// How long core has been running.
  public var uptime: Span {
    get { parts.value.uptime }
    set { parts.value.uptime = newValue }
  }

  /// Sessions with clients.
  public var sessions: [SessionSummary] {
    get { parts.value.sessions }
    set { parts.value.sessions = newValue }
  }

  /// How many mitigations there are.
  public var mitigations: UInt32 {
    get { parts.value.mitigations }
    set { parts.value.mitigations = newValue }
  }

  /// How many devices are in quarantine.
  public var quarantined: UInt32 {
    get { parts.value.quarantined }
    set { parts.value.quarantined = newValue }
  }

  /// Whether the kernel holds what it should.
  public var isKernelInSync: Bool {
    get { parts.value.isKernelInSync }
    set { parts.value.isKernelInSync = newValue }
  }

  /// When the router's certificate expires; nil without one.
  public var certificateExpires: UnixTime? {
    get { parts.value.certificateExpires }
    set { parts.value.certificateExpires = newValue }
  }
}

extension StatusReport {
  package struct Parts: Hashable, Sendable {
    package var software: Text
    package var uptime: Span
    package var sessions: [SessionSummary]
    package var mitigations: UInt32
    package var quarantined: UInt32
    package var isKernelInSync: Bool
    package var certificateExpires: UnixTime?
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
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

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
    parts = Behind(
      Parts(
        id: id,
        client: client,
        cuid: cuid,
        mid: mid,
        status: status,
        action: action,
        scope: scope,
        lifetime: lifetime,
        remaining: remaining,
        start: start,
        dropped: dropped,
        devices: devices,
        conflict: conflict
      )
    )
  }
}

extension MitigationSummary {
  /// Its number in this router.
  public var id: MitigationID {
    get { parts.value.id }
    set { parts.value.id = newValue }
  }

  /// The `client` section of its client.
  public var client: Text {
    get { parts.value.client }
    set { parts.value.client = newValue }
  }

  /// The client's identifier.
  public var cuid: Text {
    get { parts.value.cuid }
    set { parts.value.cuid = newValue }
  }

  /// The client's number for it.
  public var mid: UInt32 {
    get { parts.value.mid }
    set { parts.value.mid = newValue }
  }

  /// Its status.
  public var status: MitigationStatus {
    get { parts.value.status }
    set { parts.value.status = newValue }
  }

  /// What is done with what matches.
  public var action: Action {
    get { parts.value.action }
    set { parts.value.action = newValue }
  }

  /// What the client asked for.
  public var scope: MitigationScope {
    get { parts.value.scope }
    set { parts.value.scope = newValue }
  }

  /// The lifetime that was granted.
  public var lifetime: Lifetime {
    get { parts.value.lifetime }
    set { parts.value.lifetime = newValue }
  }

  /// What is left of it.
  public var remaining: Lifetime {
    get { parts.value.remaining }
    set { parts.value.remaining = newValue }
  }

  /// Since when it is enforced; nil while it is not.
  public var start: UnixTime? {
    get { parts.value.start }
    set { parts.value.start = newValue }
  }

  /// What matched its rules; nil when not measured.
  public var dropped: DropCounters? {
    get { parts.value.dropped }
    set { parts.value.dropped = newValue }
  }

  /// Devices that it concerns.
  public var devices: [DeviceMatch] {
    get { parts.value.devices }
    set { parts.value.devices = newValue }
  }

  /// The conflict that it is in.
  public var conflict: ConflictInformation? {
    get { parts.value.conflict }
    set { parts.value.conflict = newValue }
  }
}

extension MitigationSummary {
  package struct Parts: Hashable, Sendable {
    package var id: MitigationID
    package var client: Text
    package var cuid: Text
    package var mid: UInt32
    package var status: MitigationStatus
    package var action: Action
    package var scope: MitigationScope
    package var lifetime: Lifetime
    package var remaining: Lifetime
    package var start: UnixTime?
    package var dropped: DropCounters?
    package var devices: [DeviceMatch]
    package var conflict: ConflictInformation?
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
