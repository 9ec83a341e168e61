import Bytes
import Model

/// Traffic that no rule can touch, beside what always is protected.
public struct Protection: Hashable, Sendable {
  /// The other end of a DOTS session that the router itself opened.
  public struct Peer: Hashable, Comparable, Sendable {
    /// Its address.
    public var address: IPAddress
    /// Its port.
    public var port: UInt16

    /// The peer at this address and port.
    public init(address: IPAddress, port: UInt16) {
      self.address = address
      self.port = port
    }

    /// By address, then by port.
    public static func < (left: Peer, right: Peer) -> Bool {
      (left.address, left.port) < (right.address, right.port)
    }
  }

  /// UDP and TCP ports on which the router serves DOTS.
  public var listenPorts: [UInt16]
  /// The resolvers that the router itself asks; NTP to them is protected too.
  public var resolvers: [IPAddress]
  /// Sessions that the router itself opened.
  public var sessions: [Peer]
  /// What the settings exempt.
  public var sections: [ProtectSettings]

  /// Protection of these.
  public init(
    listenPorts: [UInt16] = [],
    resolvers: [IPAddress] = [],
    sessions: [Peer] = [],
    sections: [ProtectSettings] = []
  ) {
    self.listenPorts = listenPorts
    self.resolvers = resolvers
    self.sessions = sessions
    self.sections = sections
  }
}

/// A chain that depends on shapes and protection, not on one mitigation.
struct Chain: Equatable {
  var name: Text
  var attachment: Attachment?
  var rules: [[Expression]]
}

extension Protection {
  /// Where protected traffic is told apart: before translation, after it, or for devices in
  /// quarantine.
  enum Side {
    case inside
    case translated
    case quarantined

    var chain: Text {
      switch self {
      case .inside: "protect"
      case .translated: "protect_nat"
      case .quarantined: "q_exempt"
      }
    }

    var stage: Text {
      switch self {
      case .inside: "p"
      case .translated: "pn"
      case .quarantined: "pq"
      }
    }

    func source(_ family: IPAddress.Family) -> Expression {
      self == .translated
        ? .originalSource(family, register: 0) : HeaderField.source(family).loaded(0)
    }
  }

  /// The name of the chain with what the router itself sends.
  static let ownChain: Text = "own"

  /// The chain that lanes of this side jump to first, after the chains that it jumps to.
  ///
  /// Inside, whatever goes to the router itself, to broadcast or to multicast addresses is accepted:
  /// DHCP, DHCPv6, neighbour discovery, DNS and NTP to the router. Their ports and types alone don't
  /// protect, or an infected device would flood from them.
  ///
  /// A section that names devices by address alone, and no traffic, exempts none in quarantine: whoever
  /// takes that address would be free.
  func chains(_ side: Side) -> [Chain] {
    var rules: [[Expression]] = []
    switch side {
    case .inside: rules.append(Self.toLocal())
    case .quarantined: break
    case .translated:
      rules.append(
        [
          .meta(.inputInterface, register: 0), .equals(register: 0, [0, 0, 0, 0]),
          .jump(Self.ownChain),
        ]
      )
    }
    var chains: [Chain] = []
    for (index, section) in sections.enumerated() {
      if side == .quarantined, section.isByAddressAlone { continue }
      let stages = Self.stages(section, side)
      for number in stages.indices {
        let next = side.stage + Text(decimal: index) + "_" + Text(decimal: number + 1)
        let verdict: Expression = number + 1 == stages.count ? .accept : .jump(next)
        let matches = stages[number].map { $0 + [verdict] }
        if number == 0 {
          rules += matches
        } else {
          let name = side.stage + Text(decimal: index) + "_" + Text(decimal: number)
          chains.append(Chain(name: name, attachment: nil, rules: matches))
        }
      }
    }
    return chains + [Chain(name: side.chain, attachment: nil, rules: rules)]
  }

  /// RTN_LOCAL 2, RTN_BROADCAST 3, RTN_ANYCAST 4, RTN_MULTICAST 5: one range.
  ///
  /// Not a constant: arrays within a constant array crash the Embedded compiler (Swift 6.3.1).
  private static func toLocal() -> [Expression] {
    var lower: [UInt8] = []
    var upper: [UInt8] = []
    lower.append(bigEndian: UInt32(2))
    upper.append(bigEndian: UInt32(5))
    return [
      .destinationType(onInput: false, register: 0), .networkOrder(register: 0),
      .isWithin(register: 0, lower, upper), .accept,
    ]
  }

  /// One list of alternatives for each kind that the section has; a packet must match one of each.
  private static func stages(_ section: ProtectSettings, _ side: Side) -> [[[Expression]]] {
    let macs = section.macs.map { mac -> [Expression] in
      let field = HeaderField(header: .link, offset: 6, length: UInt32(mac.bytes.count))
      return [
        .meta(.inputType, register: 0), .equals(register: 0, Match.ethernet), field.loaded(0),
        .equals(register: 0, mac.bytes),
      ]
    }
    let sources = section.sources.map { Match.address(side.source($0.family), in: $0) }
    let prefixes = section.prefixes.map {
      Match.address(HeaderField.target($0.family).loaded(0), in: $0)
    }
    let ports =
      section.udpPorts.map { Match.transport(17) + Match.ports(.targetPort, $0) }
      + section.tcpPorts.map { Match.transport(6) + Match.ports(.targetPort, $0) }
    return [macs, sources, prefixes, ports].filter { !$0.isEmpty }
  }

  /// What the router itself sends and no rule of any source may stop: DOTS, neighbour discovery, DHCP,
  /// DHCPv6, DNS and NTP to the resolvers.
  func own() -> Chain {
    var rules: [[Expression]] = []
    for port in listenPorts.distinct() {
      for transport in Self.transports {
        rules.append(Match.transport(transport) + Match.ports(.sourcePort, PortRange(port)))
      }
    }
    for peer in sessions.distinct() {
      for transport in Self.transports {
        rules.append(Self.toward(peer.address, transport, peer.port))
      }
    }
    if let discovery = ICMPTypeRange(133, 137) {
      rules.append(Match.transport(58) + Match.icmpTypes(discovery))
    }
    for (source, target) in [(68, 67), (67, 68), (546, 547), (547, 546)] as [(UInt16, UInt16)] {
      rules.append(
        Match.transport(17) + Match.ports(.sourcePort, PortRange(source))
          + Match.ports(.targetPort, PortRange(target))
      )
    }
    for resolver in resolvers.distinct() {
      for transport in Self.transports { rules.append(Self.toward(resolver, transport, 53)) }
      rules.append(Self.toward(resolver, 17, 123))
    }
    return Chain(name: Self.ownChain, attachment: nil, rules: rules.map { $0 + [.accept] })
  }

  /// UDP and TCP.
  private static let transports: [UInt8] = [17, 6]

  private static func toward(
    _ address: IPAddress,
    _ transport: UInt8,
    _ port: UInt16
  ) -> [Expression] {
    Match.address(HeaderField.target(address.family).loaded(0), in: Prefix(host: address))
      + Match.transport(transport) + Match.ports(.targetPort, PortRange(port))
  }
}

extension ProtectSettings {
  /// Whether only the sender's address tells what is protected.
  fileprivate var isByAddressAlone: Bool {
    macs.isEmpty && prefixes.isEmpty && udpPorts.isEmpty && tcpPorts.isEmpty
  }
}
