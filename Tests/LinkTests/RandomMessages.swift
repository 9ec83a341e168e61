import Bytes
import Link
import Model
import Testing

extension RandomValues {
  mutating func transport() -> Transport { flag() ? .udp : .tcp }

  mutating func session() -> Session {
    let isV4 = flag()
    func address(_ values: inout RandomValues) -> IPAddress {
      while true {
        let address = values.address()
        if (address.family == .v4) == isV4 { return address }
      }
    }
    return Session(
      id: number(0...(.max)),
      peer: address(&self),
      peerPort: number(0...(.max)),
      local: address(&self),
      localPort: number(0...(.max)),
      transport: transport(),
      role: flag() ? .base : .callHome,
      identity: PeerIdentity(
        names: list { $0.text(1...255) },
        publicKeyDigest: flag() ? [] : bytes(32...32)
      )
    )
  }

  mutating func signalMessage() throws -> SignalMessage {
    switch number(0...4) {
    case 0: .sessionOpened(session())
    case 1: .sessionClosed(number(0...(.max)))
    case 3: .sessionLost(number(0...(.max)), patience: number(0...(.max)))
    case 2: .identity(certificateExpires: time())
    default:
      .request(
        session: number(0...(.max)),
        handle: number(0...(.max)),
        deadline: Instant(milliseconds: number(0...(.max))),
        try request()
      )
    }
  }

  mutating func coreMessage() throws -> CoreMessage {
    switch number(0...3) {
    case 0:
      return .standing(session: number(0...(.max)), isClient: flag(), isMitigating: flag())
    case 1:
      return .ended(
        session: number(0...(.max)),
        cuid: text(1...64),
        cdid: maybe { $0.text(0...64) },
        try report()
      )
    default: break
    }
    let outcome = try outcome()
    var more = false
    if case .content = outcome { more = flag() }
    return .reply(handle: number(0...(.max)), outcome, more: more)
  }

  mutating func user() -> RoomUser {
    RoomUser(user: number(0...(.max)), group: number(0...(.max)))
  }

  mutating func action() throws -> Action { try one(of: Action.allCases) }

  mutating func client() throws -> ClientSettings {
    var client = ClientSettings(section: text(), name: text())
    client.pin = maybe { $0.bytes(32...32) }
    client.may = try list(0...3) { try $0.one(of: RequestedAction.allCases) }
    client.targets = try list { try $0.prefix() }
    client.mayNameInternal = flag()
    client.overlap = flag() ? .scope : .target
    client.isGateway = flag()
    client.maximumMitigations = number(0...(.max))
    client.maximumElements = number(0...(.max))
    client.maximumRate = number(0...(.max))
    client.maximumLifetime = number(0...(.max))
    client.alternateServer = text(0...20)
    return client
  }

  mutating func macPrefix() throws -> MACPrefix { try #require(MACPrefix(bytes: bytes(1...6))) }

  mutating func policy() throws -> PolicySettings {
    var policy = PolicySettings(section: text(), action: try action())
    policy.mac = try maybe { try $0.macPrefix() }
    policy.source = try maybe { try $0.prefix() }
    policy.client = maybe { $0.text() }
    return policy
  }

  mutating func protection() throws -> ProtectSettings {
    var protection = ProtectSettings(section: text(0...9))
    protection.macs = try list { try $0.macPrefix() }
    protection.sources = try list { try $0.prefix() }
    protection.prefixes = try list { try $0.prefix() }
    protection.udpPorts = try list { try $0.ports() }
    protection.tcpPorts = try list { try $0.ports() }
    return protection
  }

  /// Settings without their lists of sections.
  mutating func coreSettings() throws -> CoreSettings {
    var settings = CoreSettings()
    settings.wan = list { $0.text(1...15) }
    settings.lan = list { $0.text(1...15) }
    settings.action = try action()
    settings.limit = number(0...(.max))
    settings.askTimeout = number(0...(.max))
    settings.askDefaultsToBlock = flag()
    settings.terminating = number(0...(.max))
    settings.conflict = flag() ? .accept : .reject
    settings.maximumQuarantined = number(0...(.max))
    settings.flushesOffload = flag()
    settings.portSet = try maybe { try $0.portSet() }
    settings.user = text()
    settings.state = text(1...1024)
    settings.leases = text(0...1024)
    settings.logLevel = try one(of: [.error, .warning, .info, .debug])
    settings.listenPorts = list { $0.number(1...(.max)) }
    settings.resolvers = list { $0.address() }
    settings.quarantine = QuarantineAccess(
      portalPort: number(0...(.max)),
      apiPort: maybe { $0.number(0...(.max)) },
      garden: try list { try $0.prefix() }
    )
    settings.releases = number(0...(.max))
    settings.vendors = text(0...4096)
    return settings
  }

  mutating func coreSetup() throws -> CoreSetup {
    switch number(0...6) {
    case 0: .settings(user(), try coreSettings())
    case 1: .client(try client())
    case 2: .policy(try policy())
    case 3: .protection(try protection())
    case 4: .complete
    case 5: .door(try one(of: CoreDoor.allCases))
    default: .garden(list { $0.address() })
    }
  }

  mutating func signalSettings() throws -> SignalSettings {
    var settings = SignalSettings()
    settings.logLevel = try one(of: [.error, .warning, .info, .debug])
    settings.callHomes = list { values in
      CallHomePeer(
        section: values.text(0...9),
        host: values.text(),
        name: values.text(),
        port: values.number(0...(.max)),
        transports: values.list(0...2) { $0.transport() },
        redirectDomains: values.list { $0.text() }
      )
    }
    settings.listeners = list {
      Listener(address: $0.address(), port: $0.number(0...(.max)), transport: $0.transport())
    }
    settings.timeFloor = time()
    settings.maximumSessions = number(0...(.max))
    settings.presharedKeys = list(0...3) {
      SignalKey(identity: $0.text(1...99), key: $0.bytes(0...128))
    }
    return settings
  }

  mutating func frontSetup() throws -> FrontSetup {
    switch number(0...5) {
    case 0: .settings(user(), try signalSettings().encoded())
    case 4: .addresses(text(0...99), try AddressList(list(0...64) { $0.address() }).encoded())
    case 1: .part(try one(of: FileKind.allCases), bytes(0...999))
    case 2: .complete
    case 3: .listener(text(1...9))
    default: .door(try one(of: RoomName.allCases))
    }
  }

  mutating func roomReport() -> RoomReport {
    switch number(0...7) {
    case 0: .ready
    case 6: .reload
    case 5: .name(text(1...99))
    case 1: .failed(text(0...1024))
    case 2: .interfaces(list(0...4) { Interface($0.text(1...9), number: $0.number(0...(.max))) })
    case 3: .certificate(flag() ? UnixTime(seconds: number(0...(.max))) : nil)
    case 4: .addresses(list(0...16) { $0.address() })
    default: .refused(text(0...1024))
    }
  }

  mutating func subject() -> DeviceSubject {
    flag() ? .address(address()) : .mac(MACAddress(number(0...(.max))))
  }

  mutating func command() -> ControlCommand {
    switch number(0...5) {
    case 0: .status
    case 5: .reload
    case 1: .mitigations
    case 2, 3: deviceCommand()
    default: .why(subject())
    }
  }

  mutating func status() -> StatusReport {
    StatusReport(
      software: text(),
      uptime: .milliseconds(number(0...Int64.max)),
      sessions: list {
        SessionSummary(
          client: $0.text(0...20),
          peer: $0.address(),
          peerPort: $0.number(0...(.max)),
          role: $0.flag() ? .base : .callHome,
          transport: $0.transport(),
          state: $0.flag() ? .connecting : .open,
          since: $0.time()
        )
      },
      mitigations: number(0...(.max)),
      quarantined: number(0...(.max)),
      isKernelInSync: flag(),
      certificateExpires: maybe { $0.time() }
    )
  }

  mutating func summary() throws -> MitigationSummary {
    MitigationSummary(
      id: MitigationID(number(1...(.max))),
      client: text(),
      cuid: text(),
      mid: number(0...(.max)),
      status: try one(of: MitigationStatus.allCases),
      action: try action(),
      scope: try scope(),
      lifetime: lifetime(),
      remaining: lifetime(),
      start: maybe { $0.time() },
      dropped: maybe { $0.counters() },
      devices: try list {
        DeviceMatch(
          mac: $0.maybe { MACAddress($0.number(0...(.max))) },
          name: $0.maybe { $0.text(1...63) },
          found: try $0.one(of: DeviceEvidence.allCases)
        )
      },
      conflict: try maybe { try $0.conflict() }
    )
  }

  mutating func controlReply() throws -> ControlReply {
    switch number(0...4) {
    case 0: .status(status())
    case 1: .mitigation(try summary())
    case 3: .device(try deviceSummary())
    case 2: .why(subject(), try one(of: DeviceState.allCases))
    default: .end(try one(of: ControlOutcome.allCases), text(0...1024))
    }
  }
}
