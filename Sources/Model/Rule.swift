import Bytes

/// The number of a mitigation in this router, and of what the kernel holds for it; never 0, not used
/// again while the kernel's table lives.
public struct MitigationID: Hashable, Comparable, Sendable {
  /// The number.
  public let value: UInt32

  /// The id with this number.
  public init(_ value: UInt32) { self.value = value }

  /// Older is smaller.
  public static func < (left: MitigationID, right: MitigationID) -> Bool {
    left.value < right.value
  }
}

extension MitigationID: CustomTextConvertible {
  /// The number.
  public var text: Text { Text(decimal: value) }
}

/// What the firewall does with packets that a rule matches.
public enum RuleVerdict: Hashable, Sendable {
  /// Count and drop.
  case drop
  /// Let this many bytes a second pass, count and drop the rest.
  case limit(bytesPerSecond: UInt64)
  /// Count only.
  case count
}

/// Where a packet that a rule names comes from, as the router sees it.
public enum RuleSource: Hashable, Sendable {
  /// Any source: devices of the home and the router itself.
  case any
  /// A source inside the home, as it is before translation.
  case inside(Prefix)
  /// The router's own WAN address and a translated source port: matched after translation.
  case translated(IPAddress)
}

/// What a mitigation wants of the firewall: the product of sources, targets, protocols and ports.
///
/// Addresses, ports and protocols are already checked against policy. A family pairs only with
/// itself. Empty lists mean any.
public struct Rule: Hashable, Sendable {
  /// The mitigation; one counter of the kernel belongs to it.
  public var id: MitigationID
  /// Where packets come from; at least one.
  public var sources: [RuleSource]
  /// Where packets go: at least one block; 0.0.0.0/0 and ::/0 mean any.
  public var targets: [Prefix]
  /// IP protocols; empty: any.
  public var protocols: [UInt8]
  /// Source ports; empty: any.
  public var sourcePorts: [PortRange]
  /// Target ports; empty: any.
  public var targetPorts: [PortRange]
  /// ICMP types, applied to packets of ICMP and ICMPv6; empty: any.
  public var icmpTypes: [ICMPTypeRange]
  /// What happens to a packet that matches.
  public var verdict: RuleVerdict
  /// What the kernel keeps for core beside the counter: at most 256 bytes.
  public var journal: [UInt8]

  /// A rule of these parts.
  public init(
    id: MitigationID,
    sources: [RuleSource],
    targets: [Prefix],
    protocols: [UInt8] = [],
    sourcePorts: [PortRange] = [],
    targetPorts: [PortRange] = [],
    icmpTypes: [ICMPTypeRange] = [],
    verdict: RuleVerdict = .drop,
    journal: [UInt8] = []
  ) {
    self.id = id
    self.sources = sources
    self.targets = targets
    self.protocols = protocols
    self.sourcePorts = sourcePorts
    self.targetPorts = targetPorts
    self.icmpTypes = icmpTypes
    self.verdict = verdict
    self.journal = journal
  }
}

/// One step of what the firewall should hold.
///
/// Indirect: a copy is then one reference, not code for each list of each case.
public indirect enum RuleChange: Hashable, Sendable {
  /// Enforce the rule for at most `remaining`, nil for no end; the firewall caps each timeout.
  case install(Rule, remaining: Span?)
  /// From now on at most `remaining` more; nil for no end.
  case renew(MitigationID, remaining: Span?)
  /// Stop enforcing it.
  case remove(MitigationID)
  /// Keep the device in quarantine for at most `remaining` from now on, nil for no end; the firewall
  /// caps each timeout. One that is there already keeps its counter.
  case quarantine(Quarantine, remaining: Span?)
  /// End the device's quarantine.
  case release(MACAddress)
}
