import Bytes
import Mitigation
import Model
import Testing

/// A home with one public IPv4 address, a delegated IPv6 prefix, and two `client` sections.
enum Fixture {
  static let client: Text = "telemetry.isp.example"
  static let other: Text = "other.isp.example"
  static let cuid: Text = "dz6pHjaADkaFTbjr0JGBpw"
  static let wan = address("203.0.113.77")
  static let victim = prefix("198.51.100.7/32")
  static let victim6 = prefix("2001:db8:ffff::7/128")
  static let device6 = prefix("2001:db8:1::10/128")
  static let start = Instant(milliseconds: 1_000_000)
  static let wall = UnixTime(seconds: 1_780_000_000)

  static var home: Home {
    Home(
      wanAddresses: [wan, address("2001:db8:aaaa::1")],
      lanPrefixes: [prefix("192.168.1.0/24"), prefix("2001:db8:1::/64"), prefix("fe80::/64")],
      lanAddresses: [address("192.168.1.1"), address("2001:db8:1::1")]
    )
  }

  static var settings: CoreSettings {
    var settings = CoreSettings()
    var client = ClientSettings(section: "telemetry", name: client)
    client.maximumRate = 0
    var other = ClientSettings(section: "other", name: other)
    other.maximumRate = 0
    settings.clients = [client, other]
    return settings
  }

  static func prefix(_ text: Text) -> Prefix {
    Prefix(parsing: text) ?? Prefix(host: IPAddress(v4: 0))
  }

  static func address(_ text: Text) -> IPAddress {
    IPAddress(parsing: text) ?? IPAddress(v4: 0)
  }

  static func session(_ name: Text = client, role: SessionRole = .callHome) -> Session {
    Session(
      id: 1,
      peer: address("192.0.2.1"),
      peerPort: 4646,
      local: wan,
      localPort: 4646,
      transport: .udp,
      role: role,
      identity: PeerIdentity(names: [name], publicKeyDigest: [UInt8](repeating: 7, count: 32))
    )
  }

  static func scope(
    from sources: [Text] = ["2001:db8:1::10"],
    to targets: [Text] = ["2001:db8:ffff::7"],
    ports: [UInt16] = []
  ) -> MitigationScope {
    var scope = MitigationScope()
    scope.sourcePrefixes = sources.map { prefix($0) }
    scope.targetPrefixes = targets.map { prefix($0) }
    scope.sourcePortRanges = ports.map { PortRange($0) }
    return scope
  }
}

/// An engine with its session, clock and kernel, as the caller would have them.
struct Desk {
  var engine: MitigationEngine
  var now = Fixture.start
  var role = SessionRole.callHome
  var client = Fixture.client
  var cuid = Fixture.cuid
  var surroundings = Surroundings()
  /// What the kernel holds: the remaining time of each rule.
  var kernel: [MitigationID: Rule] = [:]
  /// The devices in quarantine, and when the kernel frees them.
  var confined: [MACAddress: Quarantine] = [:]
  var ends: [MACAddress: Instant] = [:]
  /// The last batch.
  var changes: [RuleChange] = []
  /// What the kernel answers: nil when it agrees.
  var isKernelFull: Bool?

  init(_ settings: CoreSettings = Fixture.settings, home: Home = Fixture.home) {
    engine = MitigationEngine(settings: settings, home: home)
  }

  /// A desk whose settings are the usual ones after `change`.
  init(_ change: (inout CoreSettings) -> Void) {
    var settings = Fixture.settings
    change(&settings)
    self.init(settings)
  }

  mutating func ask(_ request: MitigationRequest) -> RequestOutcome {
    let decision = engine.received(
      request,
      from: Fixture.session(client, role: role),
      now: now,
      wall: Fixture.wall,
      surroundings: surroundings
    )
    changes = []
    guard case .enforce(let batch) = decision else {
      if case .answer(let outcome) = decision { return outcome }
      return .ignored
    }
    changes = batch
    if let isKernelFull { return engine.refusedByKernel(isFull: isKernelFull) }
    commit(batch)
    return engine.enforced()
  }

  mutating func commit(_ batch: [RuleChange]) {
    for change in batch {
      switch change {
      case .install(let rule, _): kernel[rule.id] = rule
      case .remove(let id): kernel[id] = nil
      case .renew: break
      case .quarantine(let quarantine, let remaining):
        confined[quarantine.mac] = quarantine
        ends[quarantine.mac] = remaining.map { now + $0 }
      case .release(let mac):
        confined[mac] = nil
        ends[mac] = nil
      }
    }
  }

  @discardableResult
  mutating func put(
    _ mid: UInt32 = 1,
    _ scope: MitigationScope = Fixture.scope(),
    lifetime: Lifetime? = .seconds(3600),
    efficacy: AttackStatus? = nil
  ) -> RequestOutcome {
    let name = MitigationName(cuid: cuid, mid: mid)
    return ask(.mitigate(name, scope, lifetime: lifetime, efficacy: efficacy))
  }

  mutating func show(_ mid: UInt32? = nil) -> RequestOutcome {
    ask(.retrieve(cuid: cuid, cdid: nil, mid: mid, content: .all))
  }

  @discardableResult
  mutating func delete(_ mid: UInt32 = 1) -> RequestOutcome {
    ask(.withdraw(MitigationName(cuid: cuid, mid: mid)))
  }

  /// Lets time pass, and does what falls due by then.
  @discardableResult
  mutating func pass(_ seconds: Int64) -> [RuleChange] {
    now = now + .seconds(seconds)
    let batch = engine.advanced(to: now)
    commit(batch)
    return batch
  }

  /// The reason for which a request for `scope` is refused; nil when it is not.
  mutating func reason(_ scope: MitigationScope, mid: UInt32 = 1) -> RefusalReason? {
    put(mid, scope).refusal?.reason
  }

  /// The one report about `mid`.
  mutating func report(_ mid: UInt32 = 1) -> MitigationReport? {
    guard case .content(let reports) = show(mid) else { return nil }
    return reports.first
  }

  mutating func status(_ mid: UInt32 = 1) -> MitigationStatus? { report(mid)?.status }

  /// The mids in the kernel, by rising id.
  var enforcedMids: [UInt32] {
    engine.mitigations(now: now).filter { kernel[$0.id] != nil }.map { $0.name.mid }
  }
}

extension RequestOutcome {
  var refusal: Refusal? {
    guard case .refused(let refusal) = self else { return nil }
    return refusal
  }

  var isCreated: Bool {
    guard case .created = self else { return false }
    return true
  }

  var isChanged: Bool {
    guard case .changed = self else { return false }
    return true
  }

  var conflict: ConflictInformation? {
    switch self {
    case .created(_, _, _, let conflict): conflict
    case .changed(_, _, let conflict): conflict
    case .refused(let refusal): refusal.conflict
    default: nil
    }
  }

  var lifetime: Lifetime? {
    switch self {
    case .created(_, let lifetime, _, _): lifetime
    case .changed(_, let lifetime, _): lifetime
    default: nil
    }
  }
}
