import Bytes
import Model

/// How fast packets of one kind may come from one device in quarantine, as rules say it.
private enum Pace {
  /// What is refused anyhow: beyond it, before connection tracking sees it.
  static let flood: StaticString = "update @q_flood limit rate 500/second burst 500 packets"
  /// The page's connections, beside those that begin; so many carry megabytes.
  static let page: StaticString = "update @q_page limit rate 2000/second burst 2000 packets"
  /// DNS and NTP to the router: a page of many names, but no flood through the resolver.
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
  var quarantineChains: [Part] {
    let devices = devices
    if devices.isEmpty && !policy.servesAPI { return [] }
    var chains: [Part] = []
    func add(_ name: Text, _ rules: Text) {
      chains.append(Part(chain: name, rules: rules.split(0x0A)))
    }
    func hook(_ name: Text, _ attachment: Attachment, _ rules: [Text] = [], to chain: Text) {
      let entries = devices.map { "\($0.loading) @\($0.map) goto \(chain)" as Text }
      chains.append(Part(chain: name, attachment, rules: rules + entries))
    }
    if !devices.isEmpty {
      chains = exemptions
      let counting = devices.map { "counter name \($0.loading) map @\($0.map) return" as Text }
      chains.append(Part(chain: "q_count", rules: counting))
      add("q_lost", "jump q_count\ndrop")
      add("q_refuse", refusal)
      add("q_need", "\(Pace.rules(Pace.needs, "accept"))\ngoto q_lost")
      add("q_name", "\(Pace.rules(Pace.names, "accept"))\ngoto q_lost")
      add("q_page", pageTraffic)
      add("q_any", arrivals)
      hook("q_raw", .afterRawPrerouting, to: "q_any")
      add("q_new", "\(Pace.rules(Pace.connections, "accept"))\ngoto q_refuse")
      add("q_self", services)
      hook("q_in", .earlyInput, to: "q_self")
      add("q_dev", "jump q_exempt\ngoto q_refuse")
      hook("q_fwd", .earlyForward, to: "q_dev")
      add("q_web", "jump q_exempt\ntcp dport 80 redirect to :\(policy.access.portalPort)")
    }
    hook("q_nat", .translatingPrerouting, interception, to: "q_web")
    return chains
  }

  /// What passes before anything is counted or refused: exempted traffic, the garden over https.
  private var exemptions: [Part] {
    var rules: [Text] = []
    for family in [IPAddress.Family.v4, .v6] where !garden(family).isEmpty {
      rules.append("\(family.word) daddr @\(family.garden) tcp dport 443 accept")
    }
    return policy.protection.chains(.quarantined, and: rules)
  }

  /// Counted, and told quickly while that isn't too much to tell.
  private var refusal: Text {
    """
    jump q_count
    \(Pace.rules(Pace.resets, "reject with tcp reset", of: "meta l4proto 6 "))
    meta l4proto 6 drop
    \(Pace.rules(Pace.refusals, "reject with icmpx admin-prohibited"))
    drop
    """
  }

  /// Exempted traffic, and what a device needs to have an address and a router: DHCP, DHCPv6,
  /// neighbour discovery.
  private func needs(_ verdict: StaticString) -> Text {
    """
    jump q_exempt
    udp dport 67 \(verdict)
    udp dport 547 \(verdict)
    icmpv6 type 133-136 \(verdict)
    """
  }

  /// Beginnings, SYN alone of FIN, SYN, RST and ACK, are never lost; what follows them has a pace of its
  /// own, so that no flood elsewhere stops it.
  private var pageTraffic: Text {
    """
    @th,104,8 & 23 == 2 accept
    \(Pace.rules(Pace.page, "accept"))
    goto q_lost
    """
  }

  /// The ports of the page and the API, each once.
  private var doors: [UInt16] {
    let page = policy.access.portalPort
    let api = policy.access.apiPort ?? page
    return api == page ? [page] : [min(page, api), max(page, api)]
  }

  /// The page; DNS and NTP.
  private var arrivals: Text {
    var rules = needs("goto q_need")
    for port in ([80, 443] + doors).distinct() { rules += "\ntcp dport \(port) goto q_page" }
    return """
      \(rules)
      udp dport 53 fib daddr type local goto q_name
      tcp dport 53 fib daddr type local goto q_name
      udp dport 123 fib daddr type local goto q_name
      \(Pace.rules(Pace.flood, "accept"))
      goto q_lost
      """
  }

  /// Of errors, those that connections to the page need: too big, unreachable, time exceeded.
  ///
  /// New connections are known by state, not by flags: else packets of no connection would each begin to
  /// be tracked.
  private var services: Text {
    var rules: Text = """
      \(needs("accept"))
      icmpv6 type 1-4 accept
      icmp type 3 accept
      icmp type 11-12 accept
      udp dport 53 accept
      tcp dport 53 accept
      udp dport 123 accept
      """
    for port in doors {
      rules += "\ntcp dport \(port) ct state new goto q_new\ntcp dport \(port) accept"
    }
    return rules + "\ngoto q_refuse"
  }

  /// The API: 443 of an address that the router has on the very interface of the home by which the
  /// packet came; so neither foreign hosts nor what comes from outside.
  private var interception: [Text] {
    guard let port = policy.access.apiPort else { return [] }
    return policy.lan.map { name in
      "meta iifname \(name) tcp dport 443 fib daddr . iif type local redirect to :\(port)"
    }
  }
}

extension Attachment {
  /// After mitigations, so that what they stop counts for them.
  fileprivate static let afterRawPrerouting = Attachment(hook: .prerouting, priority: -299)
  /// Before others redirect: the first translation holds.
  fileprivate static let translatingPrerouting = Attachment(
    hook: .prerouting,
    priority: -105,
    translates: true
  )
  /// Before any chain that accepts what runs already.
  fileprivate static let earlyInput = Attachment(hook: .input, priority: -10)
  /// Before any chain that accepts what runs already.
  fileprivate static let earlyForward = Attachment(hook: .forward, priority: -10)
}
