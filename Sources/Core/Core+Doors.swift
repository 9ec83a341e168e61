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
    case .door(.portal), .garden: break
    case .door(.control):
      if let descriptor { listen(PacketListener(adopting: descriptor)) }
    case .settings, .client, .policy, .protection, .complete:
      let complete: (user: RoomUser, settings: CoreSettings)?
      do { complete = try assembly.receive(message) } catch { throw .link(error) }
      if let complete { reload(complete.settings) }
    }
  }

  /// New settings: what they no longer allow ends.
  private func reload(_ settings: CoreSettings) {
    let now = Clock.now
    log.level = settings.logLevel
    guard
      let changes = engine.reconfigured(settings, now: now, surroundings: surroundings())
    else { return }
    do throws(KernelFault) { try kernel.protect(Protection(settings), now: now) } catch {
      log.error("the kernel refused a change: \(error)")
      repairAt = now
    }
    carryOut(changes, now: now)
    homeReadAt = now
    log.info("settings read again")
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
    controls[lastControl] = accepted
  }

  func serveControl(_ event: Poller.Event) {
    guard let control = controls[event.token] else { return }
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

  private func close(_ token: UInt64) {
    if let control = controls.removeValue(forKey: token) {
      try? poller.remove(control.descriptor)
    }
  }

  private func replies(to command: ControlCommand) -> [ControlReply] {
    let now = Clock.now
    advance(to: now)
    readCounters(now)
    switch command {
    case .devices, .quarantine, .release, .code: return [.end(.usage, "no such command")]
    case .status: return [.status(status(now)), .end(.done, "")]
    case .mitigations:
      let neighbours = kernel.neighbours()
      let summaries = engine.mitigations(now: now).map { summary(of: $0, among: neighbours) }
      return summaries.map { .mitigation($0.fittingMessage) } + [.end(.done, "")]
    case .why(let subject):
      let neighbours = kernel.neighbours()
      let addresses = addresses(of: subject, among: neighbours)
      var found: [MitigationSummary] = []
      for address in addresses {
        for overview in engine.why(address, now: now)
        where !found.contains(where: { $0.id == overview.id }) {
          found.append(summary(of: overview, among: neighbours))
        }
      }
      let state: DeviceState = found.isEmpty ? .clear : .blocked
      return [.why(subject, state)] + found.map { .mitigation($0.fittingMessage) }
        + [.end(.done, "")]
    }
  }

  private func status(_ now: Instant) -> StatusReport {
    let summaries = sessions.values.ordered { $0.session.id < $1.session.id }.map { known in
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
      isKernelInSync: kernel.isInSync && repairAt == nil,
      certificateExpires: certificateExpires
    )
  }

  private func summary(
    of overview: MitigationOverview,
    among neighbours: [Neighbour]
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
      devices: devices(of: overview.scope, among: neighbours),
      conflict: overview.conflict
    )
  }

  /// The devices that a request named by their addresses, as far as the kernel knows them.
  private func devices(of scope: MitigationScope, among neighbours: [Neighbour]) -> [DeviceMatch] {
    var macs: [MACAddress] = []
    for neighbour in neighbours
    where engine.settings.lan.contains(neighbour.interface)
      && scope.sourcePrefixes.contains(where: { $0.contains(neighbour.address) })
      && !macs.contains(neighbour.mac)
    { macs.append(neighbour.mac) }
    return macs.ordered { $0.value < $1.value }.map {
      DeviceMatch(mac: $0, name: nil, found: .request)
    }
  }

  private func addresses(
    of subject: DeviceSubject,
    among neighbours: [Neighbour]
  ) -> [IPAddress] {
    switch subject {
    case .address(let address): return [address]
    case .mac(let mac):
      return neighbours.filter { $0.mac == mac }.map { $0.address }.ordered()
    }
  }
}
