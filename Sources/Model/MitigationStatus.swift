import Bytes

/// The status of a mitigation (RFC 9132, Table 3).
public enum MitigationStatus: UInt8, Hashable, Sendable, CaseIterable {
  case attackMitigationInProgress = 1
  case attackSuccessfullyMitigated = 2
  case attackStopped = 3
  case attackExceededCapability = 4
  case dotsClientWithdrawnMitigation = 5
  case attackMitigationTerminated = 6
  case attackMitigationWithdrawn = 7
  case attackMitigationSignalLoss = 8
}

/// What matched a mitigation's rules since it became active.
public struct DropCounters: Hashable, Sendable {
  /// Packets.
  public var packets: UInt64
  /// Bytes of those packets, from the network header on.
  public var bytes: UInt64
  /// Packets per second, average since activation.
  public var packetsPerSecond: UInt64
  /// Bytes per second, average since activation.
  public var bytesPerSecond: UInt64

  /// Counters with these values; the rates default to 0.
  public init(
    packets: UInt64,
    bytes: UInt64,
    packetsPerSecond: UInt64 = 0,
    bytesPerSecond: UInt64 = 0
  ) {
    self.packets = packets
    self.bytes = bytes
    self.packetsPerSecond = packetsPerSecond
    self.bytesPerSecond = bytesPerSecond
  }
}

/// Whether a request in conflict is enforced (RFC 9132, Table 10).
public enum ConflictStatus: UInt8, Hashable, Sendable {
  case requestInactiveOtherActive = 1
  case requestActive = 2
  case allRequestsInactive = 3
}

/// Why a request is in conflict (RFC 9132, Table 11; RFC 9066, Table 3).
public enum ConflictCause: UInt8, Hashable, Sendable {
  case overlappingTargets = 1
  case conflictWithAcceptList = 2
  case cuidCollision = 3
  case requestRejectedLegitimateTraffic = 4
}

/// What two requests in conflict share (RFC 9132, Section 4.4.1.3).
public struct ConflictScope: Hashable, Sendable {
  /// Addresses that both name.
  public var targetPrefixes: [Prefix] = []
  /// Ports that both name; only together with addresses or names.
  public var targetPortRanges: [PortRange] = []
  /// Protocols that both name.
  public var targetProtocols: [UInt8] = []
  /// Names that both name.
  public var targetFQDNs: [Text] = []
  /// URIs that both name.
  public var targetURIs: [Text] = []
  /// Aliases that both name.
  public var aliasNames: [Text] = []
  /// The other request, when it is the same client's.
  public var mid: UInt32?

  /// A scope without any attribute.
  public init() {}
}

/// What a client is told of a conflict (RFC 9132, Section 4.4.1.3).
public struct ConflictInformation: Hashable, Sendable {
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

  /// Conflict information with this cause.
  @inline(never)
  public init(
    cause: ConflictCause,
    status: ConflictStatus? = nil,
    retryTimer: UInt32? = nil,
    scope: ConflictScope? = nil
  ) {
    parts = Behind(Parts(status: status, cause: cause, retryTimer: retryTimer, scope: scope))
  }
}

extension ConflictInformation {
  /// Whether the request is enforced; absent in refusals by cause 1 within a client, 3 and 4.
  public var status: ConflictStatus? {
    get { parts.value.status }
    set { parts.value.status = newValue }
  }

  /// Why.
  public var cause: ConflictCause {
    get { parts.value.cause }
    set { parts.value.cause = newValue }
  }

  /// Seconds until trying again makes sense; only for a request that was deactivated.
  public var retryTimer: UInt32? {
    get { parts.value.retryTimer }
    set { parts.value.retryTimer = newValue }
  }

  /// What is shared.
  public var scope: ConflictScope? {
    get { parts.value.scope }
    set { parts.value.scope = newValue }
  }
}

extension ConflictInformation {
  package struct Parts: Hashable, Sendable {
    package var status: ConflictStatus?
    package var cause: ConflictCause
    package var retryTimer: UInt32?
    package var scope: ConflictScope?
  }
}
