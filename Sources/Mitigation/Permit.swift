import Bytes
import Model

/// What policy makes of a scope: the rule that may be installed for it, and the devices behind it.
struct Permit: Equatable, Sendable {
  /// Behind one reference, so that a copy is one word.
  private var parts: Behind<Parts>

  init(action: Action, verdict: RuleVerdict, sources: [RuleSource], targets: [Prefix]) {
    parts = Behind(
      Parts(
        verdict: verdict,
        action: action,
        chosen: action,
        sources: sources,
        targets: targets
      )
    )
  }

  /// Whether there is a rule: not when quarantine does all that it would.
  var hasRule: Bool { !sources.isEmpty && !targets.isEmpty }

  /// The rule of the mitigation `id` for `scope`, where there is one.
  func rule(id: MitigationID, scope: MitigationScope) -> Rule? {
    guard hasRule else { return nil }
    let hasPorts = !isLookedThrough || sources.contains { $0.isTranslated }
    return Rule(
      id: id,
      sources: sources,
      targets: targets,
      protocols: scope.targetProtocols,
      sourcePorts: hasPorts ? scope.sourcePortRanges : [],
      hasTranslatedPorts: isLookedThrough,
      targetPorts: scope.targetPortRanges,
      icmpTypes: scope.sourceICMPTypeRanges,
      verdict: verdict
    )
  }

  /// The devices to put into quarantine, each once.
  var quarantined: [MACAddress] {
    var macs: [MACAddress] = []
    guard action == .quarantine else { return macs }
    for device in devices where !macs.contains(device.mac) { macs.append(device.mac) }
    return macs
  }
}

extension Permit {
  var action: Action {
    get { parts.value.action }
    set { parts.value.action = newValue }
  }

  var verdict: RuleVerdict {
    get { parts.value.verdict }
    set { parts.value.verdict = newValue }
  }

  var sources: [RuleSource] {
    get { parts.value.sources }
    set { parts.value.sources = newValue }
  }

  var targets: [Prefix] {
    get { parts.value.targets }
    set { parts.value.targets = newValue }
  }

  /// Addresses of the request that mean one device each.
  ///
  /// With `quarantine`, what is put there; else those whose other addresses the rule follows.
  var devices: [DeviceAddress] {
    get { parts.value.devices }
    set { parts.value.devices = newValue }
  }

  /// What was decided before devices were found, which may have changed that.
  var chosen: Action { isHiding ? parts.value.chosen : action }

  /// Whether a device was found that is left alone until its owner agrees.
  var awaitsConsent: Bool {
    for device in found where device.consent == .awaited { return true }
    return false
  }

  /// The owner agrees to all of it, where it was asked about.
  mutating func agree() {
    guard action == .ask else { return }
    parts.value.action = .block
    parts.value.chosen = .block
    for index in found.indices { parts.value.found[index].consent = .given }
  }

  /// The owner agrees to the devices that were left alone.
  mutating func admit() {
    // What each of them gets, whatever the others get.
    let own: Action = chosen == .ask ? .block : chosen
    for index in found.indices where found[index].consent == .awaited {
      let device = found[index]
      parts.value.found[index].consent = .given
      sources.append(.inside(Prefix(host: device.address)))
      if own == .quarantine, let mac = device.mac {
        devices.append(DeviceAddress(device.address, mac))
      }
    }
    guard own != action else { return }
    parts.value.action = own.joined(with: action)
    verdict = .drop
  }

  /// Whether a source stands for the router's public IPv4 address, behind which devices hide.
  var isHiding: Bool {
    get { parts.value.isHiding }
    set { parts.value.isHiding = newValue }
  }

  /// The devices that were found there, but for those that no request may touch.
  var found: [FoundDevice] {
    get { parts.value.found }
    set { parts.value.found = newValue }
  }

  /// Whether those devices stand in the place of the public address.
  var isLookedThrough: Bool {
    get { parts.value.isLookedThrough }
    set { parts.value.isLookedThrough = newValue }
  }
}

extension Permit {
  fileprivate struct Parts: Equatable, Sendable {
    var verdict: RuleVerdict
    var action: Action
    var chosen: Action
    var isHiding = false
    var isLookedThrough = false
    var sources: [RuleSource]
    var targets: [Prefix]
    var devices: [DeviceAddress] = []
    var found: [FoundDevice] = []
  }
}

/// Decides whether a client may have a scope, by settings and home alone: no mitigation counts here.
///
/// Everything that the wire format's reader checked and that would do harm is checked again, since
/// that reader runs in a room that may have been taken over.
final class PermitOffice {
  let settings: CoreSettings
  let home: Home
  let client: ClientSettings
  let role: SessionRole
  let macOf: (IPAddress) -> MACAddress?
  let addressesOf: (MACAddress) -> [IPAddress]
  /// Devices that their owner has released from this mitigation.
  let spared: [MACAddress]
  /// The devices that were found behind the public address; nil: they are to be looked for now.
  let found: [FoundDevice]?
  let flows: (FlowWatch) -> Void
  /// Devices that were found for what the request takes the place of.
  var earlier: [FoundDevice] = []
  /// Whether there is room for the devices in place of the public address.
  var hasRoom = true

  init(
    settings: CoreSettings,
    home: Home,
    client: ClientSettings,
    role: SessionRole,
    macOf: @escaping (IPAddress) -> MACAddress?,
    addressesOf: @escaping (MACAddress) -> [IPAddress] = { _ in [] },
    spared: [MACAddress] = [],
    found: [FoundDevice]? = [],
    flows: @escaping (FlowWatch) -> Void = { _ in }
  ) {
    self.settings = settings
    self.home = home
    self.client = client
    self.role = role
    self.macOf = macOf
    self.addressesOf = addressesOf
    self.spared = spared
    self.found = found
    self.flows = flows
  }

  /// The permit for `scope`; the first fault decides, in the order meaning, policy, protection.
  ///
  /// With `chosen`, that action holds whatever the settings say now.
  func permit(
    for scope: MitigationScope,
    taking chosen: Action? = nil
  ) throws(Refusal) -> Permit {
    try checkForm(of: scope)
    let policy = settings.policy(for: scope, of: client, macOf: macOf)
    let action = try action(for: scope, policy: policy)
    for target in scope.targetPrefixes { try check(target: target) }
    let sources = try sources(of: scope)
    try checkBreadth(of: scope, sources: sources)
    let unprotected = try withoutProtected(sources, scope: scope)
    var permit = Permit(
      action: chosen ?? action,
      verdict: .drop,
      sources: unprotected.sources,
      targets: unprotected.targets
    )
    permit.devices = devices(of: scope, sources: permit.sources, named: policy?.namedDevice)
    try lookThrough(&permit, scope: scope, policy: policy)
    if permit.action == .quarantine { try settle(&permit, scope: scope) }
    follow(&permit, scope: scope)
    permit.verdict = permit.action.verdict(limit: settings.limit)
    return permit
  }

  private func checkForm(of scope: MitigationScope) throws(Refusal) {
    guard scope.isBounded else { throw Refusal(.tooManyElements) }
    if role == .callHome {
      if scope.sourcePrefixes.isEmpty { throw Refusal(.sourceRequired) }
      if scope.targetPrefixes.isEmpty { throw Refusal(.targetPrefixRequired) }
      if !scope.triggerMitigation { throw Refusal(.triggerRequired) }
    } else if !scope.targetFQDNs.isEmpty || !scope.targetURIs.isEmpty {
      // Resolving them takes a resolver that hides and proves the answers (RFC 9132, Section 11).
      throw Refusal(.namesNotSupported)
    }
    // Aliases come with the data channel; none exists without it.
    if !scope.aliasNames.isEmpty { throw Refusal(.unknownAlias) }
    if scope.targetPrefixes.isEmpty { throw Refusal(.targetPrefixRequired) }
    if !scope.sourcePrefixes.isEmpty, !scope.hasCommonFamily { throw Refusal(.noCommonFamily) }
  }

  func action(
    for scope: MitigationScope,
    policy: PolicySettings?
  ) throws(Refusal) -> Action {
    guard let requested = scope.requestedAction else {
      return policy?.action ?? settings.action
    }
    guard client.may.contains(requested) else { throw Refusal(.actionNotAllowed) }
    return requested.action
  }

  /// Refuses a target that the client may not name, or that nothing of the home reaches through the
  /// router (RFC 9066, Section 5.3.1).
  private func check(target: Prefix) throws(Refusal) {
    guard client.targets.isEmpty || target.lies(in: client.targets) else {
      throw Refusal(.targetOutsideDomain)
    }
    if target.isEverything { return }
    let isOwn =
      target.isHost
      && (home.wanAddresses.contains(target.address) || home.lanAddresses.contains(target.address))
    if isOwn || target.overlaps(any: SpecialBlocks.unroutable) { throw Refusal(.targetNotRoutable) }
    if client.mayNameInternal { return }
    if target.overlaps(any: SpecialBlocks.inside) || target.lies(in: home.lanPrefixes) {
      throw Refusal(.targetNotRoutable)
    }
  }

  /// What the sources are to the router; the router's own are left out, since no rule can match them.
  private func sources(of scope: MitigationScope) throws(Refusal) -> [RuleSource] {
    if scope.sourcePrefixes.isEmpty { return [.any] }
    var sources: [RuleSource] = []
    for prefix in scope.sourcePrefixes {
      if let source = try source(prefix, ports: scope.sourcePortRanges), !sources.contains(source) {
        sources.append(source)
      }
    }
    if sources.isEmpty { throw protectedTraffic }
    // Beside IPv6 sources a wide source has to say that it is of IPv4.
    if scope.sourcePrefixes.contains(where: { $0.family == .v6 }) {
      return sources.map { $0 == .any ? .anyInsideV4 : $0 }
    }
    return sources
  }

  private func source(_ prefix: Prefix, ports: [PortRange]) throws(Refusal) -> RuleSource? {
    if prefix.isHost, home.wanAddresses.contains(prefix.address) {
      // IPv6 isn't translated: what bears the router's address is the router's own.
      if prefix.family == .v6 { return nil }
      // Other homes have the other ports (RFC 9066, Section 5.3.2).
      if let own = settings.portSet, ports.isEmpty || !ports.allSatisfy(own.contains) {
        throw Refusal(.portsNotOfThisHome)
      }
      return ports.isEmpty ? .any : .translated(prefix.address)
    }
    // Asked before whether it is ours: the answer must not tell how the home numbers its devices.
    let isInside = prefix.lies(in: SpecialBlocks.inside) || prefix.lies(in: SpecialBlocks.linkLocal)
    if isInside, !client.mayNameInternal { throw Refusal(.sourceInsideOnly) }
    guard !prefix.isEverything, prefix.lies(in: home.lanPrefixes) else {
      throw Refusal(.sourceNotOfThisHome)
    }
    if prefix.family == .v4, !client.mayNameInternal { throw Refusal(.sourceInsideOnly) }
    if prefix.isHost, home.lanAddresses.contains(prefix.address) { return nil }
    return .inside(prefix)
  }

  /// Refuses all traffic as target unless each source is one that the home can do without.
  ///
  /// Without a source, a block around a network of the home means what comes in to it as well.
  private func checkBreadth(
    of scope: MitigationScope,
    sources: [RuleSource]
  ) throws(Refusal) {
    for target in scope.targetPrefixes where target.isEverything {
      if scope.sourcePrefixes.isEmpty { throw Refusal(.targetEverything) }
      // All traffic of a whole network of the home would silence the home.
      for source in scope.sourcePrefixes where home.lanPrefixes.contains(where: source.contains) {
        throw Refusal(.targetEverything)
      }
      // A wide source stems from the home's one public IPv4 address and means every device.
      if target.family == .v4, sources.contains(.any) || sources.contains(.anyInsideV4) {
        throw Refusal(.targetEverything)
      }
    }
    guard scope.sourcePrefixes.isEmpty else { return }
    for target in scope.targetPrefixes where home.lanPrefixes.contains(where: target.contains) {
      throw Refusal(.targetEverything)
    }
  }
}

extension RuleSource {
  fileprivate static var anyInsideV4: RuleSource {
    let address = IPAddress(v4: 0)
    return .inside(Prefix(address, length: 0) ?? Prefix(host: address))
  }
}

extension Action {
  /// The strictest of two, where one rule is for both.
  func joined(with other: Action) -> Action {
    if self == other { return self }
    return self == .quarantine || other == .quarantine ? .quarantine : .block
  }

  func verdict(limit: UInt64) -> RuleVerdict {
    switch self {
    case .limit: .limit(bytesPerSecond: limit)
    case .observe: .count
    case .block, .quarantine, .ask: .drop
    }
  }
}

extension MitigationScope {
  /// Whether it is as small as memory allows; a message of the usual size always is.
  fileprivate var isBounded: Bool {
    let names = targetFQDNs + targetURIs + aliasNames
    var bytes = 0
    for name in names { bytes += name.count }
    let entries =
      targetPrefixes.count + targetPortRanges.count + targetProtocols.count + names.count
      + sourcePrefixes.count + sourcePortRanges.count + sourceICMPTypeRanges.count
    return entries <= Limits.scopeEntries && bytes <= Limits.nameBytes
  }

  fileprivate var hasCommonFamily: Bool {
    for source in sourcePrefixes {
      for target in targetPrefixes where source.family == target.family { return true }
    }
    return false
  }
}
