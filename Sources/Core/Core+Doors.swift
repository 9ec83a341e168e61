import Bytes
import Firewall
import Link
import Linux
import Mitigation
import Model
import Netlink

// MARK: The launcher

extension Core {
  /// Tells the launcher something.
  func report(_ report: RoomReport) throws(CoreFault) {
    let bytes: [UInt8]
    do { bytes = try report.encoded() } catch { throw .link(error) }
    do { try launcher.send(bytes) } catch { throw .system("reach cordond", error) }
  }

  /// Takes what the launcher sent; false when it is gone.
  func serveLauncher() throws(CoreFault) -> Bool {
    while true {
      let received: Received
      do { received = try launcher.receive() } catch { throw .system("reach cordond", error) }
      switch received {
      case .nothing: return true
      case .closed: return false
      case .message(let bytes, let descriptor):
        let message: CoreSetup
        do { message = try CoreSetup(parsing: bytes) } catch { throw .link(error) }
        try take(message, descriptor)
      }
    }
  }

  private func take(_ message: CoreSetup, _ descriptor: FileDescriptor?) throws(CoreFault) {
    switch message {
    case .door(.signal):
      if let descriptor { connectSignal(PacketSocket(adopting: descriptor)) }
    case .door(.portal):
      if let descriptor { connectPortal(PacketSocket(adopting: descriptor)) }
    case .garden(let addresses):
      guard addresses != garden else { break }
      garden = addresses
      openGarden(Clock.now)
    case .door(.control):
      if let descriptor { listen(PacketListener(adopting: descriptor)) }
    case .settings, .client, .policy, .protection, .complete:
      let user: RoomUser?
      do { user = try assembly.receive(message) } catch { throw .link(error) }
      if user != nil { reload(assembly.settings) }
    }
  }

  /// New settings: what they no longer allow ends.
  private func reload(_ settings: CoreSettings) {
    let now = Clock.now
    log.level = settings.logLevel
    guard
      let changes = engine.reconfigured(settings, now: now, surroundings: surroundings())
    else { return }
    protect(now)
    openGarden(now)
    carryOut(changes, now: now)
    flowsReadAt = now
    homeReadAt = now
    neighboursReadAt = now
    settingsChanged()
    log.info("settings read again")
  }

  /// Protects what settings and home say.
  func protect(_ now: Instant) {
    do throws(KernelFault) { try kernel.protect(protection, now: now) } catch {
      log.error("the kernel refused a change: \(error)")
      repairAt = now
    }
  }

  var protection: Protection {
    var protection = Protection(engine.settings)
    protection.home = engine.home.lanPrefixes.filter { $0.family == .v4 }
    return protection
  }

  /// Tells what the settings ask for that there isn't.
  func settingsChanged() {
    if !names.configure(engine.settings) {
      log.warning("can't use the makers' table \(engine.settings.vendors)")
    }
  }

  /// What devices in quarantine may reach now.
  var access: QuarantineAccess {
    var access = engine.settings.quarantine
    access.garden = (access.garden + garden.map { Prefix(host: $0) }).unique()
    return access
  }

  private func openGarden(_ now: Instant) {
    do throws(KernelFault) {
      try kernel.open(access, lan: engine.settings.lan, now: now)
    } catch {
      log.error("the kernel refused a change: \(error)")
      repairAt = now
    }
  }

  /// Tells the launcher which interfaces of the home are there, when others are.
  func reportInterfaces() throws(CoreFault) {
    let present = kernel.interfaces(named: engine.settings.lan)
    guard present != interfaces else { return }
    try report(.interfaces([Interface](present.prefix(RoomReport.maximumInterfaces))))
    interfaces = present
    warnOfBridges()
  }

  /// Tells when the rules for routed packets see what a bridge of the home passes on as well: what one
  /// device sends another.
  private func warnOfBridges() {
    var isBridge = false
    for interface in interfaces {
      if File.exists("/sys/class/net/" + interface.name + "/bridge") { isBridge = true }
    }
    guard isBridge else { return }
    // Missing without the module that has them; they begin with a digit.
    for family: Text in ["ip", "ip6"] {
      let path = "/proc/sys/net/bridge/bridge-nf-call-" + family + "tables"
      guard let value = try? File.contents(of: path, limit: 16), value.first == 0x31 else {
        continue
      }
      log.warning("\(path) is 1: rules apply within the home too, and cost its traffic time; set 0")
      return
    }
  }

  /// Tells the launcher, for those who call home, which addresses the router has towards the ISP, when
  /// they are others: none while the line is down, whatever mitigations go by.
  func reportAddresses() throws(CoreFault) {
    let found = kernel.reachable(over: engine.settings.wan)
    let addresses = [IPAddress](found.prefix(RoomReport.maximumAddresses))
    guard addresses != reachable else { return }
    try report(.addresses(addresses))
    reachable = addresses
  }
}

// MARK: Control

extension Core {
  /// Administrators at a time; one more waits.
  private static let maximumControls = 8

  private func listen(_ socket: PacketListener) {
    if let listener { try? poller.remove(listener.descriptor) }
    listener = nil
    do { try poller.add(socket.descriptor, token: Token.listener) } catch {
      log.error("can't watch the control socket: \(error)")
      return
    }
    listener = socket
  }

  func acceptControl() {
    guard let listener, let accepted = try? listener.accept() else { return }
    // Dropping it closes it: cordonctl tries again.
    guard controls.count < Self.maximumControls else { return }
    lastControl += 1
    do { try accepted.watch(with: poller, token: lastControl) } catch { return }
    controls.append(Control(token: lastControl, socket: accepted))
  }

  func serveControl(_ event: Poller.Event) {
    guard let control = control(event.token) else { return }
    do throws(SystemError) {
      if event.isWritable { try control.flush() }
      while true {
        switch try control.receive() {
        case .nothing: return
        case .closed:
          close(event.token)
          return
        case .message(let bytes, _):
          let command = try? ControlCommand(parsing: bytes)
          let answers = command.map { replies(to: $0) } ?? [.end(.usage, "no such command")]
          for answer in answers {
            guard let message = try? answer.encoded() else { continue }
            try control.send(message)
          }
        }
      }
    } catch { close(event.token) }
  }

  private func control(_ token: UInt64) -> PacketSocket? {
    controls.first { $0.token == token }?.socket
  }

  private func close(_ token: UInt64) {
    guard let control = control(token) else { return }
    controls.removeAll { $0.token == token }
    try? poller.remove(control.descriptor)
  }

  private func replies(to command: ControlCommand) -> [ControlReply] {
    let now = Clock.now
    advance(to: now)
    readCounters(now)
    switch command {
    case .devices: return devices(now).map { .device($0) } + [.end(.done, "")]
    case .quarantine(let mac): return [quarantine(mac, now: now)]
    case .release(let mac): return [release(mac, now: now)]
    case .code(let mac): return [code(for: mac, now: now)]
    case .consent(let id, let isGiven): return [consent(isGiven, to: id, now: now)]
    case .reload:
      do { try report(.reload) } catch { return [.end(.failed, error.text)] }
      return [.end(.done, "")]
    case .status: return [.status(status(now)), .end(.done, "")]
    case .mitigations:
      let neighbours = neighbours()
      names.refresh(now: now, wall: Clock.wall)
      let summaries = engine.mitigations(now: now).map { summary(of: $0, among: neighbours) }
      return summaries.map { .mitigation($0.fittingMessage) } + [.end(.done, "")]
    case .why(let subject):
      let neighbours = neighbours()
      names.refresh(now: now, wall: Clock.wall)
      let mac: MACAddress?
      let addresses: [IPAddress]
      switch subject {
      case .address(let address):
        mac = device(at: address, among: neighbours)
        addresses = [address]
      case .mac(let asked):
        mac = asked
        addresses = self.addresses(of: asked, among: neighbours)
      }
      let found = engine.why(addresses, mac: mac, now: now)
        .map { summary(of: $0, among: neighbours) }
      return [.why(subject, state(of: mac, addresses, isBlocked: found.contains { $0.isEnforced }))]
        + found.map { .mitigation($0.fittingMessage) } + [.end(.done, "")]
    }
  }

  private func status(_ now: Instant) -> StatusReport {
    let summaries = sessions.map { known in
      let session = known.session
      return SessionSummary(
        client: engine.client(for: session)?.section ?? "",
        peer: session.peer,
        peerPort: session.peerPort,
        role: session.role,
        transport: session.transport,
        state: .open,
        since: known.since
      )
    }
    return StatusReport(
      software: "cordon " + Software.version,
      uptime: now - startedAt,
      sessions: [SessionSummary](summaries.prefix(StatusReport.maximumSessions)),
      mitigations: UInt32(clamping: engine.count),
      quarantined: UInt32(clamping: engine.quarantinedCount),
      isKernelInSync: kernel.isInSync && repairAt == nil,
      certificateExpires: certificateExpires
    )
  }

  private func summary(
    of overview: MitigationOverview,
    among neighbours: [DeviceAddress]
  ) -> MitigationSummary {
    MitigationSummary(
      id: overview.id,
      client: overview.client,
      cuid: overview.name.cuid,
      mid: overview.name.mid,
      status: overview.status,
      action: overview.action,
      scope: overview.scope,
      lifetime: .seconds(overview.granted),
      remaining: .seconds(overview.remaining),
      dropped: overview.matched,
      devices: devices(of: overview, among: neighbours),
      conflict: overview.conflict
    )
  }

  /// The devices that a request named by their addresses, as far as they are known.
  private func devices(
    of overview: MitigationOverview,
    among neighbours: [DeviceAddress]
  ) -> [DeviceMatch] {
    var macs = overview.devices.map { $0.value }
    for neighbour in neighbours
    where overview.scope.sourcePrefixes.contains(where: { $0.contains(neighbour.address) }) {
      macs.append(neighbour.mac.value)
    }
    var devices: [DeviceMatch] = []
    for device in overview.found {
      devices.append(match(device.mac, [device.address], device.evidence))
    }
    for value in macs.distinct() {
      let mac = MACAddress(value)
      var isFound = false
      for device in overview.found where device.mac == mac { isFound = true }
      if !isFound { devices.append(match(mac, addresses(of: mac, among: neighbours), .request)) }
    }
    return devices
  }

  private func match(
    _ mac: MACAddress?,
    _ addresses: [IPAddress],
    _ evidence: DeviceEvidence
  ) -> DeviceMatch {
    let name = mac.map { names.name(of: $0, addresses) } ?? ""
    return DeviceMatch(mac: mac, name: name.isEmpty ? nil : name, found: evidence)
  }
}

extension MitigationSummary {
  /// Whether anything is done for it.
  fileprivate var isEnforced: Bool {
    action != .ask && status != .attackMitigationSignalLoss && status != .attackMitigationWithdrawn
  }
}
