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
  /// Of IPv4, whatever no device of the home can send honestly: sources outside the home's networks, and
  /// the router itself.
  case stray

  /// Whether it is matched after translation.
  public var isTranslated: Bool { if case .translated = self { true } else { false } }
}

/// What a mitigation wants of the firewall: the product of sources, targets, protocols and ports.
///
/// Addresses, ports and protocols are already checked against policy. A family pairs only with
/// itself. Empty lists mean any.
public struct Rule: Hashable, Sendable {
  /// Behind one reference, so that a copy is one word.
  private var parts: Behind<Parts>

  /// A rule of these parts.
  public init(
    id: MitigationID,
    sources: [RuleSource],
    targets: [Prefix],
    protocols: [UInt8] = [],
    sourcePorts: [PortRange] = [],
    hasTranslatedPorts: Bool = false,
    targetPorts: [PortRange] = [],
    icmpTypes: [ICMPTypeRange] = [],
    verdict: RuleVerdict = .drop,
    journal: [UInt8] = []
  ) {
    parts = Behind(
      Parts(
        id: id,
        sources: sources,
        targets: targets,
        protocols: protocols,
        sourcePorts: sourcePorts,
        hasTranslatedPorts: hasTranslatedPorts,
        targetPorts: targetPorts,
        icmpTypes: icmpTypes,
        verdict: verdict,
        journal: journal
      )
    )
  }
}

extension Rule {
  /// The mitigation; one counter of the kernel belongs to it.
  public var id: MitigationID {
    get { parts.value.id }
    set { parts.value.id = newValue }
  }

  /// Where packets come from; at least one.
  public var sources: [RuleSource] {
    get { parts.value.sources }
    set { parts.value.sources = newValue }
  }

  /// Where packets go: at least one block; 0.0.0.0/0 and ::/0 mean any.
  public var targets: [Prefix] {
    get { parts.value.targets }
    set { parts.value.targets = newValue }
  }

  /// IP protocols; empty: any.
  public var protocols: [UInt8] {
    get { parts.value.protocols }
    set { parts.value.protocols = newValue }
  }

  /// Source ports; empty: any.
  public var sourcePorts: [PortRange] {
    get { parts.value.sourcePorts }
    set { parts.value.sourcePorts = newValue }
  }

  /// Whether source ports are those after translation, and so no condition on other sources.
  public var hasTranslatedPorts: Bool {
    get { parts.value.hasTranslatedPorts }
    set { parts.value.hasTranslatedPorts = newValue }
  }

  /// Target ports; empty: any.
  public var targetPorts: [PortRange] {
    get { parts.value.targetPorts }
    set { parts.value.targetPorts = newValue }
  }

  /// ICMP types, applied to packets of ICMP and ICMPv6; empty: any.
  public var icmpTypes: [ICMPTypeRange] {
    get { parts.value.icmpTypes }
    set { parts.value.icmpTypes = newValue }
  }

  /// What happens to a packet that matches.
  public var verdict: RuleVerdict {
    get { parts.value.verdict }
    set { parts.value.verdict = newValue }
  }

  /// What the kernel keeps for core beside the counter: at most 256 bytes.
  public var journal: [UInt8] {
    get { parts.value.journal }
    set { parts.value.journal = newValue }
  }
}

extension Rule {
  fileprivate struct Parts: Hashable, Sendable {
    var id: MitigationID
    var sources: [RuleSource]
    var targets: [Prefix]
    var protocols: [UInt8]
    var sourcePorts: [PortRange]
    var hasTranslatedPorts: Bool
    var targetPorts: [PortRange]
    var icmpTypes: [ICMPTypeRange]
    var verdict: RuleVerdict
    var journal: [UInt8]
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
