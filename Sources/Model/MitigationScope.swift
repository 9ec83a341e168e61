import Bytes

/// What a client asks to have stopped: the one entry of `scope` in a mitigation request
/// (RFC 9132, Section 4.4.1.1; source attributes: RFC 9066, Section 5.3.1).
///
/// Lists keep the order of the request, because a retrieval gives them back in it. An empty list is
/// an absent attribute: present but empty ones are refused before a scope is made.
public struct MitigationScope: Hashable, Sendable {
  /// Behind one reference: nine lists side by side would make each copy of whatever holds a scope
  /// nine copies, and the code of the copies a good part of the program.
  package var attributes = Behind(Parts())

  /// A scope without any attribute.
  public init() {}
}

extension MitigationScope {
  /// Addresses under attack: the victims, outside the home.
  public var targetPrefixes: [Prefix] {
    get { attributes.value.targetPrefixes }
    set { attributes.value.targetPrefixes = newValue }
  }

  /// Ports under attack.
  public var targetPortRanges: [PortRange] {
    get { attributes.value.targetPortRanges }
    set { attributes.value.targetPortRanges = newValue }
  }

  /// IP protocol numbers; empty means any.
  public var targetProtocols: [UInt8] {
    get { attributes.value.targetProtocols }
    set { attributes.value.targetProtocols = newValue }
  }

  /// Names under attack; for diagnostics in Call Home, never resolved there.
  public var targetFQDNs: [Text] {
    get { attributes.value.targetFQDNs }
    set { attributes.value.targetFQDNs = newValue }
  }

  /// URIs under attack; as names.
  public var targetURIs: [Text] {
    get { attributes.value.targetURIs }
    set { attributes.value.targetURIs = newValue }
  }

  /// Names of targets agreed on before.
  public var aliasNames: [Text] {
    get { attributes.value.aliasNames }
    set { attributes.value.aliasNames = newValue }
  }

  /// Addresses that attack: the devices of this home.
  public var sourcePrefixes: [Prefix] {
    get { attributes.value.sourcePrefixes }
    set { attributes.value.sourcePrefixes = newValue }
  }

  /// Ports that attack.
  public var sourcePortRanges: [PortRange] {
    get { attributes.value.sourcePortRanges }
    set { attributes.value.sourcePortRanges = newValue }
  }

  /// ICMP or ICMPv6 types of the attack, by the family of the target.
  public var sourceICMPTypeRanges: [ICMPTypeRange] {
    get { attributes.value.sourceICMPTypeRanges }
    set { attributes.value.sourceICMPTypeRanges = newValue }
  }

  /// False: enforce only when the signal channel is lost.
  public var triggerMitigation: Bool {
    get { attributes.value.triggerMitigation }
    set { attributes.value.triggerMitigation = newValue }
  }

  /// The vendor attribute `cordon:action`; nil when the client leaves the choice to policy.
  public var requestedAction: RequestedAction? {
    get { attributes.value.requestedAction }
    set { attributes.value.requestedAction = newValue }
  }
}

extension MitigationScope {
  package struct Parts: Hashable, Sendable {
    package var targetPrefixes: [Prefix] = []
    package var targetPortRanges: [PortRange] = []
    package var targetProtocols: [UInt8] = []
    package var targetFQDNs: [Text] = []
    package var targetURIs: [Text] = []
    package var aliasNames: [Text] = []
    package var sourcePrefixes: [Prefix] = []
    package var sourcePortRanges: [PortRange] = []
    package var sourceICMPTypeRanges: [ICMPTypeRange] = []
    package var triggerMitigation = true
    package var requestedAction: RequestedAction?
  }
}

/// What a client may ask for with the vendor attribute `cordon:action` (CBOR key 49152).
public enum RequestedAction: UInt8, Hashable, Sendable, CaseIterable {
  case block = 1
  case limit = 2
  case quarantine = 3
}

/// What is done with matching traffic.
public enum Action: UInt8, Hashable, Sendable, CaseIterable {
  /// Drop it.
  case block = 1
  /// Let a configured rate pass and drop the rest.
  case limit = 2
  /// Cut the device off behind the page that helps its owner.
  case quarantine = 3
  /// Ask the owner first.
  case ask = 4
  /// Count it and drop nothing.
  case observe = 5
}

/// What the client says of the attack in an efficacy update (RFC 9132, Section 4.4.3).
public enum AttackStatus: UInt8, Hashable, Sendable {
  case underAttack = 1
  case attackSuccessfullyMitigated = 2
}
