import Bytes
import Model

/// How fast packets of one kind may come from one device in quarantine.
struct Pace {
  var set: Text
  /// Packets a second.
  var rate: UInt32
  /// Packets at once.
  var burst: UInt32

  /// What is refused anyhow: beyond it, before connection tracking sees it.
  static let flood = Pace(set: "q_flood", rate: 500, burst: 500)
  /// The page's connections, beside those that begin; so many carry megabytes.
  static let page = Pace(set: "q_page", rate: 2000, burst: 2000)
  /// DNS and NTP to the router: a page of many names, but no flood through the resolver.
  static let names = Pace(set: "q_names", rate: 20, burst: 100)
  /// DHCP, DHCPv6 and neighbour discovery: a flood of them is one like any other.
  static let needs = Pace(set: "q_need", rate: 20, burst: 100)
  /// New connections to the page and the API.
  static let connections = Pace(set: "q_new", rate: 50, burst: 200)
  /// TCP resets that are sent; each costs as much as two packets forwarded.
  static let resets = Pace(set: "q_rst", rate: 100, burst: 50)
  /// ICMP errors that are sent.
  static let refusals = Pace(set: "q_icmp", rate: 20, burst: 20)

  /// Rules that do `verdict` with packets that keep the pace.
  ///
  /// A hardware address that isn't in quarantine, but uses an address that is, is any stranger: all of
  /// them share one pace, or made-up ones would fill the set.
  func rules(_ verdict: Expression, of matches: [Expression] = []) -> [[Expression]] {
    let map = Shape.hardware.map
    let head = matches + Match.hardware
    let tail: [Expression] = [
      .isWithinPace(set: set, register: 0, perSecond: rate, burst: burst), verdict,
    ]
    let stranger: [Expression] = [
      .isNotIn(set: map, register: 0), .mask(register: 0, [0, 0, 0, 0, 0, 0]),
    ]
    return [head + [.isIn(set: map, register: 0)] + tail, head + stranger + tail]
  }
}

// MARK: Sets

extension Skeleton {
  /// The keys of devices in quarantine: by hardware address, by address.
  private var devices: [Shape] { shapes.filter { $0.lane.kind == .device } }

  /// The sets of quarantine but for the devices; none while there is no device.
  var quarantineSets: [DesiredSet] {
    guard !devices.isEmpty else { return [] }
    var sets: [DesiredSet] = []
    for family in [IPAddress.Family.v4, .v6] {
      let blocks = policy.access.garden.filter { $0.family == family }.ordered()
      guard !blocks.isEmpty else { continue }
      let key = [KeyField.address(family)]
      sets.append(DesiredSet(name: family.garden, key: key, content: .blocks, blocks: blocks))
    }
    for pace in [Pace.flood, .page, .names, .needs, .connections, .resets, .refusals] {
      sets.append(DesiredSet(name: pace.set, key: [.hardware], content: .paces))
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
  private static let tcp: UInt8 = 6
  private static let udp: UInt8 = 17
  private static let web: UInt16 = 80
  private static let https: UInt16 = 443

  /// The chains of quarantine, each after those it goes to.
  ///
  /// Four hooks lead packets of these devices, and no others, to a chain each:
  ///
  ///     q_raw  prerouting  before connection tracking: what comes too fast is lost
  ///     q_nat  prerouting  80 is redirected to the page; for all of the home, the API's 443
  ///     q_in   input       what is needed of the router passes, its other services are refused
  ///     q_fwd  forward     exemptions and the garden pass, all else is refused, running or new
  var quarantineChains: [Chain] {
    let devices = devices
    if devices.isEmpty && !policy.servesAPI { return [] }
    var chains: [Chain] = []
    func add(_ name: Text, _ rules: [[Expression]]) {
      chains.append(Chain(name: name, attachment: nil, rules: rules))
    }
    func hook(_ name: Text, _ attachment: Attachment, _ rules: [[Expression]], to chain: Text) {
      let entries = devices.map { shape in
        shape.loading + [.isIn(set: shape.map, register: 0), .goTo(chain)]
      }
      chains.append(Chain(name: name, attachment: attachment, rules: rules + entries))
    }
    if !devices.isEmpty {
      chains += exemptions
      add("q_count", devices.map { $0.loading + [.countByMap($0.map, register: 0), .comeBack] })
      add("q_lost", [[.jump("q_count")], [.drop]])
      add("q_refuse", refusal)
      add("q_need", Pace.needs.rules(.accept) + [[.goTo("q_lost")]])
      add("q_name", Pace.names.rules(.accept) + [[.goTo("q_lost")]])
      add("q_page", pageTraffic)
      add("q_any", arrivals)
      hook("q_raw", .afterRawPrerouting, [], to: "q_any")
      add("q_new", Pace.connections.rules(.accept) + [[.goTo("q_refuse")]])
      add("q_self", services)
      hook("q_in", .earlyInput, [], to: "q_self")
      add("q_dev", [[.jump(Protection.Side.quarantined.chain)], [.goTo("q_refuse")]])
      hook("q_fwd", .earlyForward, [], to: "q_dev")
      add("q_web", redirection)
    }
    hook("q_nat", .translatingPrerouting, interception, to: "q_web")
    return chains
  }

  /// What passes before anything is counted or refused: exempted traffic, the garden over https.
  private var exemptions: [Chain] {
    var chains = policy.protection.chains(.quarantined)
    for set in quarantineSets where set.content == .blocks {
      let family: IPAddress.Family = set.name == IPAddress.Family.v4.garden ? .v4 : .v6
      chains[chains.count - 1].rules.append(
        Match.family(family) + [HeaderField.target(family).loaded(0)]
          + [.isIn(set: set.name, register: 0)] + Match.port(Self.tcp, Self.https) + [.accept]
      )
    }
    return chains
  }

  /// Counted, and told quickly while that isn't too much to tell.
  private var refusal: [[Expression]] {
    let tcp = Match.transport(Self.tcp)
    return [[.jump("q_count")]] + Pace.resets.rules(.reject(resets: true), of: tcp) + [
      tcp + [.drop]
    ]
      + Pace.refusals.rules(.reject(resets: false)) + [[.drop]]
  }

  /// Without these a device has no address and no router: DHCP, DHCPv6, neighbour discovery.
  private var needs: [[Expression]] {
    [
      Match.port(Self.udp, 67), Match.port(Self.udp, 547),
      Match.transport(58) + Match.icmpTypes(133, 136),
    ]
  }

  /// Beginnings are never lost; what follows them has a pace of its own, so that no flood elsewhere
  /// stops it.
  private var pageTraffic: [[Expression]] {
    // FIN, SYN, RST and ACK: SYN alone.
    let flags = HeaderField(header: .transport, offset: 13, length: 1).loaded(0)
    let begins: [Expression] = [flags, .mask(register: 0, [0x17]), .equals(register: 0, [0x02])]
    return [begins + [.accept]] + Pace.page.rules(.accept) + [[.goTo("q_lost")]]
  }

  /// The ports of the page and the API.
  private var doors: [UInt16] {
    ([policy.access.portalPort] + (policy.access.apiPort.map { [$0] } ?? [])).distinct()
  }

  /// DNS and NTP.
  private var names: [[Expression]] {
    [Match.port(Self.udp, 53), Match.port(Self.tcp, 53), Match.port(Self.udp, 123)]
  }

  private var arrivals: [[Expression]] {
    let exempt: [[Expression]] = [[.jump(Protection.Side.quarantined.chain)]]
    let needs = needs.map { $0 + [.goTo("q_need")] }
    let page = ([Self.web, Self.https] + doors).distinct().map {
      Match.port(Self.tcp, $0) + [.goTo("q_page")]
    }
    let names = names.map { $0 + Match.isLocal() + [.goTo("q_name")] }
    return exempt + needs + page + names + Pace.flood.rules(.accept) + [[.goTo("q_lost")]]
  }

  private var services: [[Expression]] {
    // Errors that connections to the page need: too big, unreachable, time exceeded.
    let errors = [
      Match.transport(58) + Match.icmpTypes(1, 4), Match.transport(1) + Match.icmpTypes(3, 3),
      Match.transport(1) + Match.icmpTypes(11, 12),
    ]
    var rules: [[Expression]] = [[.jump(Protection.Side.quarantined.chain)]]
    rules += (needs + errors + names).map { $0 + [.accept] }
    for port in doors {
      // By state, not by flags: else packets of no connection would each begin to be tracked.
      let new: [Expression] = [
        .connectionState(register: 0), .equals(register: 0, Match.inHostOrder(8)), .goTo("q_new"),
      ]
      rules += [Match.port(Self.tcp, port) + new, Match.port(Self.tcp, port) + [.accept]]
    }
    return rules + [[.goTo("q_refuse")]]
  }

  private var redirection: [[Expression]] {
    [
      [.jump(Protection.Side.quarantined.chain)],
      Match.port(Self.tcp, Self.web) + [.redirect(port: policy.access.portalPort)],
    ]
  }

  /// The API: 443 of an address that the router has on the very interface of the home by which the
  /// packet came; so neither foreign hosts nor what comes from outside.
  private var interception: [[Expression]] {
    guard let port = policy.access.apiPort else { return [] }
    return policy.lan.map { name in
      let bytes = name.bytes.prefix(16)
      let padded = bytes + [UInt8](repeating: 0, count: 16 - bytes.count)
      return [.meta(.inputName, register: 0), .equals(register: 0, [UInt8](padded))]
        + Match.port(Self.tcp, Self.https) + Match.isLocal(onInput: true)
        + [.redirect(port: port)]
    }
  }
}

extension Attachment {
  /// After mitigations, so that what they stop counts for them.
  static let afterRawPrerouting = Attachment(hook: .prerouting, priority: -299)
  /// Before others redirect: the first translation holds.
  static let translatingPrerouting = Attachment(
    hook: .prerouting,
    priority: -105,
    translates: true
  )
  /// Before any chain that accepts what runs already.
  static let earlyInput = Attachment(hook: .input, priority: -10)
  /// Before any chain that accepts what runs already.
  static let earlyForward = Attachment(hook: .forward, priority: -10)
}
