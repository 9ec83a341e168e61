import Bytes

/// The name of one mitigation of one client: cuid and mid of the request's path
/// (RFC 9132, Section 4.4.1.1).
public struct MitigationName: Hashable, Sendable {
  /// The client's identifier: 1 to 64 bytes, compared exactly.
  public var cuid: Text
  /// The domain's identifier that a gateway added; ignored unless the peer is a trusted gateway.
  public var cdid: Text?
  /// The mitigation's number.
  public var mid: UInt32

  /// A name of these parts.
  public init(cuid: Text, cdid: Text? = nil, mid: UInt32) {
    self.cuid = cuid
    self.cdid = cdid
    self.mid = mid
  }
}

/// Which attributes a retrieval asks for: Uri-Query `c` (RFC 9132, Section 4.4.2, Table 2).
public enum ContentFilter: UInt8, Hashable, Sendable {
  /// `c`: what the client configured.
  case configuration = 1
  /// `n`: the state.
  case nonConfiguration = 2
  /// `a`: both.
  case all = 3
}

/// A valid request on `/mitigate`, before any policy looked at it.
///
/// Indirect: a copy is then one reference, not code for each list of each case.
public indirect enum MitigationRequest: Hashable, Sendable {
  /// PUT: mitigate this, or refresh. `lifetime` is absent only in an efficacy update.
  case mitigate(MitigationName, MitigationScope, lifetime: Lifetime?, efficacy: AttackStatus?)
  /// PUT with If-None-Match of a mitigation that must not exist yet (RFC 7252, Section 5.10.8.2).
  case mitigateNew(MitigationName, MitigationScope, lifetime: Lifetime)
  /// GET one (`mid` given) or all of a client.
  case retrieve(cuid: Text, cdid: Text?, mid: UInt32?, content: ContentFilter)
  /// DELETE.
  case withdraw(MitigationName)
}

/// What a request came to.
///
/// Indirect: a copy is then one reference, not code for each list of each case.
public indirect enum RequestOutcome: Hashable, Sendable {
  /// 2.01: a new mitigation that the kernel enforces. The status is told only where consent pends.
  case created(mid: UInt32, lifetime: Lifetime, status: MitigationStatus?, ConflictInformation?)
  /// 2.04: a refresh or an efficacy update.
  case changed(mid: UInt32, lifetime: Lifetime, ConflictInformation?)
  /// 2.05: one or all mitigations, by rising mid.
  case content([MitigationReport])
  /// 2.02, also for what is unknown.
  case deleted
  /// No answer at all: an efficacy update of an unknown mitigation (RFC 9132, Section 4.4.3).
  case ignored
  /// An error.
  case refused(Refusal)
}

/// One mitigation as a retrieval or a notification shows it (RFC 9132, Section 4.4.2).
public struct MitigationReport: Hashable, Sendable {
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

  /// A report of these parts.
  public init(
    mid: UInt32,
    scope: MitigationScope,
    remaining: Lifetime,
    status: MitigationStatus,
    start: UnixTime? = nil,
    dropped: DropCounters? = nil,
    conflict: ConflictInformation? = nil
  ) {
    parts = Behind(
      Parts(
        mid: mid,
        scope: scope,
        remaining: remaining,
        status: status,
        start: start,
        dropped: dropped,
        conflict: conflict
      )
    )
  }
}

extension MitigationReport {
  /// The mitigation's number.
  public var mid: UInt32 {
    get { parts.value.mid }
    set { parts.value.mid = newValue }
  }

  /// What the client asked for.
  public var scope: MitigationScope {
    get { parts.value.scope }
    set { parts.value.scope = newValue }
  }

  /// What is left of the lifetime, in seconds.
  public var remaining: Lifetime {
    get { parts.value.remaining }
    set { parts.value.remaining = newValue }
  }

  /// Its status.
  public var status: MitigationStatus {
    get { parts.value.status }
    set { parts.value.status = newValue }
  }

  /// When it became active; nil while it is not.
  public var start: UnixTime? {
    get { parts.value.start }
    set { parts.value.start = newValue }
  }

  /// What was dropped; nil when not measured.
  public var dropped: DropCounters? {
    get { parts.value.dropped }
    set { parts.value.dropped = newValue }
  }

  /// The conflict that it is in.
  public var conflict: ConflictInformation? {
    get { parts.value.conflict }
    set { parts.value.conflict = newValue }
  }
}

extension MitigationReport {
  package struct Parts: Hashable, Sendable {
    package var mid: UInt32
    package var scope: MitigationScope
    package var remaining: Lifetime
    package var status: MitigationStatus
    package var start: UnixTime?
    package var dropped: DropCounters?
    package var conflict: ConflictInformation?
  }
}

/// Why a request was refused by policy, state or the kernel.
///
/// The wire format's own errors are not here. `DOTS` maps each to its response code and diagnostic.
public enum RefusalReason: UInt8, Hashable, Sendable, CaseIterable {
  /// 4.01: authenticated, but no `client` section names this peer.
  case notEntitled = 1
  /// 4.03: the action is not in the client's `may`.
  case actionNotAllowed = 2
  /// 4.04: no such mitigation, or none at all, of this client.
  case unknownMitigation = 3
  /// 4.12: If-None-Match, and it exists.
  case alreadyExists = 4
  /// 4.00: the same mid with another scope.
  case differsFromStored = 5
  /// 4.00: a target outside what the client may name.
  case targetOutsideDomain = 6
  /// 4.00: a target that no packet of the home can reach through the router, or the home itself.
  case targetNotRoutable = 7
  /// 4.00: a source that is not of this home.
  case sourceNotOfThisHome = 8
  /// 4.00: a source visible only inside the home, and the client may not name those.
  case sourceInsideOnly = 9
  /// 4.00: all traffic as target without a source inside the home.
  case targetEverything = 10
  /// 4.00: no target and source are of the same family.
  case noCommonFamily = 11
  /// 4.00: names can't be resolved safely here, and nothing else was given.
  case namesNotSupported = 12
  /// 4.00: an alias that this client did not create.
  case unknownAlias = 13
  /// 4.00: Call Home without source-prefix.
  case sourceRequired = 14
  /// 4.00: Call Home without target-prefix.
  case targetPrefixRequired = 15
  /// 4.00: trigger-mitigation false in Call Home.
  case triggerRequired = 16
  /// 4.09: everything that it names is protected.
  case protectedTraffic = 17
  /// 4.09: overlaps a newer request of the same client.
  case overlapsNewerRequest = 18
  /// 4.09: overlaps another client's request.
  case overlapsOtherClient = 19
  /// 4.09: the cuid is in use by another identity.
  case cuidCollision = 20
  /// 5.03: the client's limit of mitigations.
  case tooManyMitigations = 21
  /// 5.03: the client's or the table's limit of kernel elements.
  case tooManyElements = 22
  /// 5.03: changes come too fast.
  case tooManyChanges = 23
  /// 5.03: too many devices are quarantined.
  case tooManyQuarantined = 24
  /// 5.03: the kernel has no room.
  case kernelFull = 25
  /// 5.00: the kernel refused.
  case kernelRefused = 26
  /// 5.03: the core can't be reached, or it restarts.
  case unavailable = 27
  /// 5.03: known, but what it needs isn't built into this version.
  case notSupported = 28
  /// 4.00: quarantine is asked for, and no source means one device.
  case sourceIsNoDevice = 29
  /// 5.03: quarantine is asked for, and the router doesn't know yet which device has the source.
  case unknownDevice = 30
  /// 4.09: the owner has released the device that the mitigation had put into quarantine.
  case releasedByOwner = 31
  /// 5.03: the client is sent to another server (RFC 9132, Section 4.6).
  case redirected = 32
  /// 4.00: the IPv4 address is shared with other homes, and the request names no port, or none of this
  /// home's.
  case portsNotOfThisHome = 33
}

/// A refusal and what goes with it.
public struct Refusal: Hashable, Sendable, Error {
  private struct Parts: Hashable, Sendable {
    var reason: RefusalReason
    var mid: UInt32?
    var retryAfter: UInt32?
    var conflict: ConflictInformation?
    var alternate: Text
  }

  private var parts: Behind<Parts>

  /// A refusal for this reason.
  ///
  /// Out of line, since there is one for each way in which a request can be wrong.
  @inline(never)
  public init(
    _ reason: RefusalReason,
    mid: UInt32? = nil,
    retryAfter: UInt32? = nil,
    conflict: ConflictInformation? = nil,
    alternate: Text = ""
  ) {
    parts = Behind(
      Parts(
        reason: reason,
        mid: mid,
        retryAfter: retryAfter,
        conflict: conflict,
        alternate: alternate
      )
    )
  }

  /// Why.
  public var reason: RefusalReason { parts.value.reason }

  /// The mitigation concerned, for bodies that carry it.
  public var mid: UInt32? {
    get { parts.value.mid }
    set { parts.value.mid = newValue }
  }

  /// Seconds to wait: Max-Age of a 5.03.
  public var retryAfter: UInt32? { parts.value.retryAfter }

  /// For 4.09.
  public var conflict: ConflictInformation? { parts.value.conflict }

  /// For `redirected`: the other server's name and its addresses, a space between; else empty.
  public var alternate: Text { parts.value.alternate }
}
