import Bytes
import Model

/// How fast packets of one kind may come from one device in quarantine, as rules say it.
private enum Pace {
  /// What is refused anyhow: beyond it, before connection tracking sees it.
  static let flood: StaticString = "update @q_flood limit rate 500/second burst 500 packets"
  /// The page's connections, beside those that begin; so many carry megabytes.
  static let page: StaticString = "update @q_page limit rate 2000/second burst 2000 packets"
  /// DNS and NTP to the router, by whichever address, or to all: a page of many names, but no flood
  /// through the resolver.
  static let names: StaticString = "update @q_names limit rate 20/second burst 100 packets"
  /// DHCP, DHCPv6 and neighbour discovery: a flood of them is one like any other.
  static let needs: StaticString = "update @q_need limit rate 20/second burst 100 packets"
  /// New connections to the page and the API.
  static let connections: StaticString = "update @q_new limit rate 50/second burst 200 packets"
  /// TCP resets that are sent; each costs as much as two packets forwarded.
  static let resets: StaticString = "update @q_rst limit rate 100/second burst 50 packets"
  /// ICMP errors that are sent.
  static let refusals: StaticString = "update @q_icmp limit rate 20/second burst 20 packets"

  /// The sets in which they stand.
  static var sets: Text { "q_flood q_page q_names q_need q_new q_rst q_icmp" }

  /// Two rules that do `verdict` with packets that `matches` names and that keep the pace.
  ///
  /// A hardware address that isn't in quarantine, but uses an address that is, is any stranger: all of
  /// them share one pace, or made-up ones would fill the set.
  static func rules(
    _ pace: StaticString,
    _ verdict: StaticString,
    of matches: StaticString = ""
  ) -> Text {
    """
    \(matches)ether saddr @qm \(pace) \(verdict)
    \(matches)ether saddr != @qm & 00:00:00:00:00:00 \(pace) \(verdict)
    """
  }
}

// MARK: Sets

extension Skeleton {
  /// The keys of devices in quarantine: by hardware address, by address.
  private var devices: [Shape] { shapes.filter { $0.lane.kind == .device } }

  /// The blocks of the garden of one family.
  private func garden(_ family: IPAddress.Family) -> [Prefix] {
    policy.access.garden.filter { $0.family == family }
  }

  /// The sets of quarantine but for the devices; none while there is no device.
  var quarantineSets: [Part] {
    guard !devices.isEmpty else { return [] }
    var sets: [Part] = []
    for family in [IPAddress.Family.v4, .v6] {
      let blocks = garden(family)
      if blocks.isEmpty { continue }
      sets.append(Part(set: family.garden, KeyType(family.field), .blocks, blocks: blocks))
    }
    for name in Pace.sets.split(0x20) {
      sets.append(Part(set: name, KeyType(.hardware), .paces))
    }
    return sets
  }
}

extension IPAddress.Family {
  /// The set of the blocks of the garden.
  fileprivate var garden: Text { self == .v4 ? "garden4" : "garden6" }
}

// MARK: Chains

extension Skeleton {
  /// The chains of quarantine, each after those it goes to.
  ///
  /// Four hooks lead packets of these devices, and no others, to a chain each:
  ///
  ///     q_raw  prerouting  before connection tracking: what comes too fast is lost
  ///     q_nat  prerouting  80 is redirected to the page; for all of the home, the API's 443
  ///     q_in   input       what is needed of the router passes, its other services are refused
  ///     q_fwd  forward     exemptions and the garden pass, all else is refused, running or new
  ///
  /// The first comes after mitigations, so that what they stop counts for them; the second before others
  /// redirect, for the first translation holds; the last two before any chain that accepts what runs
  /// already.
  var quarantineChains: Text {
    if devices.isEmpty && !policy.servesAPI { return "" }
    return """
      \(devices.isEmpty ? "" : deviceChains)
      chain q_nat nat prerouting -105\(interception)\(entries(to: "q_web"))
      """
  }

  /// The rules that lead packets of devices in quarantine to a chain.
  private func entries(to chain: StaticString) -> Text {
    var rules: Text = ""
    for shape in devices { rules += "\n\(shape.loading) @\(shape.map) goto \(chain)" }
    return rules
  }

  /// What is refused is counted, and told quickly while that isn't too much to tell.
  ///
  /// Of what goes to the page, beginnings, SYN alone of FIN, SYN, RST and ACK, are never lost; what
  /// follows them has a pace of its own, so that no flood elsewhere stops it.
  private var deviceChains: Text {
    """
    \(exemptions)
    chain q_count\(counting)
    chain q_lost
    jump q_count
    drop
    chain q_refuse
    jump q_count
    \(Pace.rules(Pace.resets, "reject with tcp reset", of: "meta l4proto 6 "))
    meta l4proto 6 drop
    \(Pace.rules(Pace.refusals, "reject with icmpx admin-prohibited"))
    drop
    chain q_need
    \(Pace.rules(Pace.needs, "accept"))
    goto q_lost
    chain q_name
    \(Pace.rules(Pace.names, "accept"))
    goto q_lost
    chain q_page
    @th,104,8 & 23 == 2 accept
    \(Pace.rules(Pace.page, "accept"))
    goto q_lost
    chain q_any
    jump q_exempt
    \(arrivals)
    \(Pace.rules(Pace.flood, "accept"))
    goto q_lost
    chain q_raw filter prerouting -299\(entries(to: "q_any"))
    chain q_new
    \(Pace.rules(Pace.connections, "accept"))
    goto q_refuse
    chain q_self
    jump q_exempt
    \(services)
    goto q_refuse
    chain q_in filter input -10\(entries(to: "q_self"))
    chain q_dev
    jump q_exempt
    goto q_refuse
    chain q_fwd filter forward -10\(entries(to: "q_dev"))
    chain q_web
    jump q_exempt
    tcp dport 80 redirect to :\(policy.access.portalPort)
    """
  }

  /// What passes before anything is counted or refused: exempted traffic, the garden over https.
  private var exemptions: Text {
    var chains = policy.protection.chains(.quarantined)
    for family in [IPAddress.Family.v4, .v6] where !garden(family).isEmpty {
      chains += "\n\(family.word) daddr @\(family.garden) tcp dport 443 accept"
    }
    return chains
  }

  private var counting: Text {
    var rules: Text = ""
    for shape in devices { rules += "\ncounter name \(shape.loading) map @\(shape.map) return" }
    return rules
  }

  /// Without these a device has no address and no router: DHCP, DHCPv6, neighbour discovery.
  private func needs(_ verdict: StaticString) -> Text {
    """
    udp dport 67 \(verdict)
    udp dport 547 \(verdict)
    icmpv6 type 133-136 \(verdict)
    """
  }

  /// DNS and NTP.
  private func names(_ verdict: StaticString) -> Text {
    """
    udp dport 53 \(verdict)
    tcp dport 53 \(verdict)
    udp dport 123 \(verdict)
    """
  }

  /// The ports of the page and the API, each once.
  private var doors: [UInt16] {
    ([policy.access.portalPort] + (policy.access.apiPort.map { [$0] } ?? [])).unique()
  }

  /// What may pass before it is known whether it will be refused.
  private var arrivals: Text {
    var rules = needs("goto q_need")
    for port in ([80, 443] + doors).unique() { rules += "\ntcp dport \(port) goto q_page" }
    return "\(rules)\n\(names("fib daddr type local-multicast goto q_name"))"
  }

  /// What the router answers.
  ///
  /// Of errors, those that connections to the page need: too big, unreachable, time exceeded. New
  /// connections are known by state, not by flags: else packets of no connection would each begin to
  /// be tracked.
  private var services: Text {
    var rules: Text = """
      \(needs("accept"))
      icmpv6 type 1-4 accept
      icmp type 3 accept
      icmp type 11-12 accept
      \(names("accept"))
      """
    for port in doors {
      rules += "\ntcp dport \(port) ct state new goto q_new\ntcp dport \(port) accept"
    }
    return rules
  }

  /// The API: 443 of an address that the router has on the very interface of the home by which the
  /// packet came; so neither foreign hosts nor what comes from outside.
  private var interception: Text {
    guard let port = policy.access.apiPort else { return "" }
    var rules: Text = ""
    for name in policy.lan {
      rules += "\nmeta iifname \(name) tcp dport 443"
      rules += " fib daddr . iif type local redirect to :\(port)"
    }
    return rules
  }
}
