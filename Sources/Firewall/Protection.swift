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

  /// UDP and TCP ports on which the router serves DOTS, and those of others that it calls home to.
  public var listenPorts: [UInt16]
  /// The resolvers that the router itself asks; NTP to them is protected too.
  public var resolvers: [IPAddress]
  /// Sessions that the router itself opened.
  public var sessions: [Peer]
  /// The networks of the home: what comes from them doesn't stray.
  public var home: [Prefix]
  /// What the settings exempt.
  public var sections: [ProtectSettings]

  /// Protection of these.
  public init(
    listenPorts: [UInt16] = [],
    resolvers: [IPAddress] = [],
    sessions: [Peer] = [],
    home: [Prefix] = [],
    sections: [ProtectSettings] = []
  ) {
    self.listenPorts = listenPorts
    self.resolvers = resolvers
    self.sessions = sessions
    self.home = home
    self.sections = sections
  }
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

    /// The beginning of the names of chains that it jumps to.
    fileprivate var stage: StaticString {
      switch self {
      case .inside: "p"
      case .translated: "pn"
      case .quarantined: "pq"
      }
    }
  }

  /// The name of the chain with what the router itself sends.
  static let ownChain: Text = "own"

  /// The chain that lanes of this side jump to first, after the chains that it jumps to; see
  /// `Part.chains`.
  ///
  /// Inside, whatever goes to the router itself, to broadcast or to multicast addresses is accepted:
  /// DHCP, DHCPv6, neighbour discovery, DNS and NTP to the router. Their ports and types alone don't
  /// protect, or an infected device would flood from them.
  ///
  /// A section that names devices by address alone, and no traffic, exempts none in quarantine: whoever
  /// takes that address would be free.
  func chains(_ side: Side) -> Text {
    var chains: Text = ""
    var rules: Text = "\nchain \(side.chain)"
    switch side {
    case .inside: rules += "\nfib daddr type local-multicast accept"
    case .translated: rules += "\nmeta iif 0 jump \(Self.ownChain)"
    case .quarantined: break
    }
    for (index, section) in sections.enumerated() {
      if side == .quarantined, section.isByAddressAlone { continue }
      let stages = section.stages(side)
      for number in 0..<stages.count {
        let verdict: Text =
          number + 1 == stages.count ? "accept" : "jump \(side.stage)\(index)_\(number + 1)"
        var lines: Text = number == 0 ? "" : "\nchain \(side.stage)\(index)_\(number)"
        for match in stages[number] { lines += "\n\(match) \(verdict)" }
        if number == 0 { rules += lines } else { chains += lines }
      }
    }
    return chains + rules
  }

  /// What the router itself sends and no rule of any source may stop: DOTS, neighbour discovery, DHCP,
  /// DHCPv6, DNS and NTP to the resolvers.
  var own: Text {
    var rules: Text = "\nchain \(Self.ownChain)"
    for port in listenPorts.unique() {
      for end in ["sport", "dport"] as [StaticString] {
        rules += "\nudp \(end) \(port) accept\ntcp \(end) \(port) accept"
      }
    }
    for peers in sessions.map({ $0.address.accepted($0.port) }).distinct() { rules += peers }
    rules += """

      icmpv6 type 133-137 accept
      udp sport 68 udp dport 67 accept
      udp sport 67 udp dport 68 accept
      udp sport 546 udp dport 547 accept
      udp sport 547 udp dport 546 accept
      """
    for resolver in resolvers.unique() {
      rules += resolver.accepted(53)
      rules += "\n\(resolver.family.word) daddr \(resolver) udp dport 123 accept"
    }
    return rules
  }
}

extension IPAddress {
  /// Accepts what goes to this port of it, by UDP and TCP.
  fileprivate func accepted(_ port: UInt16) -> Text {
    let head: Text = "\(family.word) daddr \(self)"
    return "\n\(head) udp dport \(port) accept\n\(head) tcp dport \(port) accept"
  }
}

extension ProtectSettings {
  /// Whether only the sender's address tells what is protected.
  fileprivate var isByAddressAlone: Bool {
    macs.isEmpty && prefixes.isEmpty && udpPorts.isEmpty && tcpPorts.isEmpty
  }

  /// One list of alternatives for each kind that the section has; a packet must match one of each.
  fileprivate func stages(_ side: Protection.Side) -> [[Text]] {
    var stages: [[Text]] = []
    func add(_ matches: [Text]) {
      if !matches.isEmpty { stages.append(matches) }
    }
    let before: StaticString = side == .translated ? "ct original " : ""
    add(macs.map { "ether saddr \($0)" })
    add(sources.map { $0.matches("saddr", of: before) })
    add(prefixes.map { $0.matches("daddr") })
    add(udpPorts.map { "udp dport \($0)" as Text } + tcpPorts.map { "tcp dport \($0)" })
    return stages
  }
}
