import Bytes
import CBOR
import Model

/// One entry of `scope`, in whatever message: only what is set is there (RFC 9132, Section 4.4).
public struct MitigationEntry: Hashable, Sendable {
  private struct Parts: Hashable, Sendable {
    var mid: UInt32?
    var scope = MitigationScope()
    var lifetime: Lifetime?
    var attackStatus: AttackStatus?
    var start: UnixTime?
    var status: MitigationStatus?
    var dropped: DropCounters?
    var conflict: ConflictInformation?
    var conflictACLs: [ACLReference] = []
  }

  private var parts = Behind(Parts())

  /// An entry without any attribute.
  public init() {}
}

extension MitigationEntry {
  /// The mitigation's number; only in responses.
  public var mid: UInt32? {
    get { parts.value.mid }
    set { parts.value.mid = newValue }
  }

  /// What is asked for; without any attribute in most responses.
  public var scope: MitigationScope {
    get { parts.value.scope }
    set { parts.value.scope = newValue }
  }

  /// What is asked for, granted or left.
  public var lifetime: Lifetime? {
    get { parts.value.lifetime }
    set { parts.value.lifetime = newValue }
  }

  /// How the attack goes on; only in efficacy updates.
  public var attackStatus: AttackStatus? {
    get { parts.value.attackStatus }
    set { parts.value.attackStatus = newValue }
  }

  /// When the mitigation began; only in responses, like all that follows.
  public var start: UnixTime? {
    get { parts.value.start }
    set { parts.value.start = newValue }
  }

  /// How it stands.
  public var status: MitigationStatus? {
    get { parts.value.status }
    set { parts.value.status = newValue }
  }

  /// What was dropped; of counters that the peer left out the value is 0.
  public var dropped: DropCounters? {
    get { parts.value.dropped }
    set { parts.value.dropped = newValue }
  }

  /// The conflict that it is in.
  public var conflict: ConflictInformation? {
    get { parts.value.conflict }
    set { parts.value.conflict = newValue }
  }

  /// The ACLs that it is in conflict with: a part of the conflict's scope.
  public var conflictACLs: [ACLReference] {
    get { parts.value.conflictACLs }
    set { parts.value.conflictACLs = newValue }
  }
}

extension MitigationEntry {
  private static let requestKeys = MitigationScope.keys + [Key.lifetime, Key.attackStatus]

  private static let responseKeys =
    MitigationScope.keys + [
      Key.mid, Key.lifetime, Key.mitigationStart, Key.status, Key.conflictInformation,
      Key.bytesDropped, Key.bytesPerSecondDropped, Key.packetsDropped, Key.packetsPerSecondDropped,
    ]

  /// Reads and checks the entry of a request; an efficacy update has an attack-status, no other
  /// request has one, and it alone may leave out the lifetime (RFC 9132, Section 4.4.3).
  init(
    request value: CBORValue,
    role: SessionRole,
    isEfficacyUpdate: Bool
  ) throws(PeerError) {
    let attributes = try Attributes(value, under: Key.scope, allowed: Self.requestKeys)
    self.init()
    scope = try MitigationScope(attributes)
    lifetime = try Self.lifetime(attributes)
    attackStatus = try Self.attackStatus(attributes)
    if lifetime == .seconds(0) { throw PeerError(.lifetimeZero) }
    if isEfficacyUpdate {
      guard attackStatus != nil else { throw PeerError(.attackStatusMissing) }
    } else {
      guard attackStatus == nil else { throw PeerError(.attackStatusMisplaced) }
      guard lifetime != nil else { throw PeerError(.missingKey, Key.lifetime) }
    }
    try scope.validate(role: role)
    if let action = attributes[Key.action], scope.requestedAction == nil {
      throw PeerError(.unknownAction, action.unsigned)
    }
  }

  /// Reads an entry of a response or notification.
  init(response value: CBORValue) throws(PeerError) {
    let attributes = try Attributes(value, under: Key.scope, allowed: Self.responseKeys)
    self.init()
    mid = try attributes.unsigned(Key.mid)
    scope = try MitigationScope(attributes)
    lifetime = try Self.lifetime(attributes)
    start = try attributes.unsigned(Key.mitigationStart).map { UnixTime(seconds: $0) }
    if let number = try attributes.unsigned(Key.status, as: UInt8.self) {
      guard let status = MitigationStatus(rawValue: number) else {
        throw PeerError(.valueOutOfRange, Key.status)
      }
      self.status = status
    }
    if let value = attributes[Key.conflictInformation] {
      let conflict = try ConflictInformation.read(value)
      self.conflict = conflict.information
      conflictACLs = conflict.acls
    }
    dropped = try Self.dropped(attributes)
  }

  /// The entry as a map.
  var value: CBORValue {
    var entries: [CBOREntry] = []
    entries.add(Key.mid, mid)
    scope.write(to: &entries)
    switch lifetime {
    case .seconds(let seconds): entries.add(Key.lifetime, seconds)
    case .indefinite: entries.add(Key.lifetime, .integer(-1))
    case nil: break
    }
    entries.add(Key.mitigationStart, start?.seconds)
    entries.add(Key.status, status?.rawValue)
    entries.add(Key.conflictInformation, conflict?.value(acls: conflictACLs))
    entries.add(Key.bytesDropped, dropped?.bytes)
    entries.add(Key.bytesPerSecondDropped, dropped?.bytesPerSecond)
    entries.add(Key.packetsDropped, dropped?.packets)
    entries.add(Key.packetsPerSecondDropped, dropped?.packetsPerSecond)
    entries.add(Key.attackStatus, attackStatus?.rawValue)
    return .map(entries)
  }

  private static func lifetime(_ attributes: Attributes) throws(PeerError) -> Lifetime? {
    guard let value = attributes[Key.lifetime] else { return nil }
    if case .negative(let magnitude) = value {
      guard magnitude == 0 else { throw PeerError(.lifetimeNegative) }
      return .indefinite
    }
    return .seconds(try Attributes.unsigned(value, Key.lifetime))
  }

  private static func attackStatus(_ attributes: Attributes) throws(PeerError) -> AttackStatus? {
    guard let number = try attributes.unsigned(Key.attackStatus, as: UInt8.self) else {
      return nil
    }
    guard let status = AttackStatus(rawValue: number) else {
      throw PeerError(.valueOutOfRange, Key.attackStatus)
    }
    return status
  }

  private static func dropped(_ attributes: Attributes) throws(PeerError) -> DropCounters? {
    let bytes: UInt64? = try attributes.unsigned(Key.bytesDropped)
    let bytesPerSecond: UInt64? = try attributes.unsigned(Key.bytesPerSecondDropped)
    let packets: UInt64? = try attributes.unsigned(Key.packetsDropped)
    let packetsPerSecond: UInt64? = try attributes.unsigned(Key.packetsPerSecondDropped)
    guard bytes != nil || bytesPerSecond != nil || packets != nil || packetsPerSecond != nil
    else { return nil }
    return DropCounters(
      packets: packets ?? 0,
      bytes: bytes ?? 0,
      packetsPerSecond: packetsPerSecond ?? 0,
      bytesPerSecond: bytesPerSecond ?? 0
    )
  }
}
