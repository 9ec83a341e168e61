import Bytes
import Configuration
import Link
import Linux
import Model

/// Starts the rooms, keeps them running and connected, and stops them.
final class Supervisor {
  /// The poller's number of the signals; doors have those of their `RoomKind`.
  private static let signalsToken: UInt64 = 0
  /// How long rooms may take to stop before they are ended.
  private static let patience = Span.seconds(5)
  /// Reports of a room between looks at everything else; it has few to make.
  private static let reportsPerTurn = 16

  private let path: Text
  let premises: Premises
  var settings: Settings
  var log: Log
  private let manager: ServiceManager
  let poller: Poller
  private let signals: SignalReader
  /// Those that always run.
  let rooms: [Room]
  /// The one that runs for a question.
  let resolver: Room
  private var listener: PacketListener?
  private var nextAliveAt: Instant?

  var garden = GardenNames()
  /// The name that is being looked up.
  var asked: Text?
  /// The names that signal wants to have looked up, the next first.
  var wanted: [Text] = []
  /// The router's addresses towards the ISP, as core told them last.
  var wan: [IPAddress] = []
  /// The `lan` interfaces that are there, and the sockets on them.
  var sockets = LANSockets()
  var option: CaptivePortalOption

  init(
    path: Text,
    preparation: Preparation,
    premises: Premises,
    manager: ServiceManager,
    log: Log
  ) throws(StartFault) {
    self.path = path
    self.premises = premises
    self.manager = manager
    self.log = log
    settings = preparation.settings
    option = CaptivePortalOption(folder: premises.control.folder)
    do {
      poller = try Poller()
      signals = try SignalReader([.terminate, .interrupt, .hangUp, .child])
      try poller.add(signals.descriptor, token: Self.signalsToken)
    } catch { throw .system(error) }
    var rooms: [Room] = []
    for kind in RoomKind.allCases where kind.isWanted(settings) {
      let messages = try preparation.messages(for: kind, premises)
      let given = premises.descriptors(for: kind)
      rooms.append(Room(kind, descriptors: given, messages: messages, poller: poller))
    }
    self.rooms = rooms
    resolver = Room(.resolve, descriptors: [], messages: [], poller: poller)
  }

  private var everyRoom: [Room] { rooms + [resolver] }

  /// The room of this kind while it runs and is ready.
  func ready(_ kind: RoomKind) -> Room? { rooms.first { $0.kind == kind && $0.isReady } }

  /// Whether all rooms were ready once.
  var isRunning: Bool { listener != nil }

  /// Runs until told to stop; throws when the rooms don't get ready the first time.
  func run() throws(StartFault) {
    defer { stop() }
    for room in rooms { try start(room) }
    while try step() {
      if !isRunning, rooms.allSatisfy({ $0.isReady }) { try finishStart() }
    }
  }

  private func start(_ room: Room) throws(StartFault) {
    do { try room.start(now: Clock.now) } catch {
      guard isRunning else { throw .room(room.name, error.text) }
      log.error("cannot start \(room.name): \(error)")
      room.hasEnded(now: Clock.now)
    }
  }

  /// Every room is ready: opens the control socket, last, and gives up what is needed no more.
  private func finishStart() throws(StartFault) {
    do { listener = try PacketListener(path: premises.control, mode: 0o660) } catch {
      throw .control(premises.control, error)
    }
    for room in rooms { connect(room, isFirst: true) }
    let kept: [Capability] = [
      .changeOwner, .kill, .setGroup, .setUser, .administerNetwork, .changeRoot,
    ]
    do {
      try Confinement(user: nil, keeping: kept, endsWithParent: false).enter()
    } catch { throw .system(error) }
    garden.replace(settings.quarantine.garden, now: Clock.now)
    nextAliveAt = Clock.now
    manager.isReady()
    log.info("version \(Software.version) is ready")
  }

  /// Waits for one thing to happen and deals with it; false when told to stop.
  private func step() throws(StartFault) -> Bool {
    let events: [Poller.Event]
    do { events = try poller.wait(timeout: nextWaking) } catch { throw .system(error) }
    for event in events {
      guard event.token == Self.signalsToken else {
        for room in everyRoom where room.kind.rawValue == event.token {
          if event.isWritable { room.flush() }
          try listen(to: room)
        }
        continue
      }
      while let signal = try? signals.next() {
        switch signal {
        case .terminate, .interrupt, .kill: return false
        case .hangUp: reload()
        case .child: try reap()
        }
      }
    }
    try lookAtClock(Clock.now)
    return true
  }

  private func listen(to room: Room) throws(StartFault) {
    // Bounded: a room that talks without end must not keep the others waiting.
    for _ in 0..<Self.reportsPerTurn {
      let wasReady = room.isReady
      switch room.nextReport() {
      case .ready:
        guard !wasReady, isRunning else { continue }
        connect(room, isFirst: false)
        log.info("\(room.name) is ready again")
      case .failed(let why):
        guard isRunning else { throw .room(room.name, why) }
        log.error("\(room.name): \(why)")
      case .refused(let why): log.error("\(room.name) keeps its old settings: \(why)")
      // Each means something from one room alone.
      case .interfaces(let present): if room.kind == .core { changed(present) }
      case .certificate(let expires): if room.kind == .tls { tell(expires) }
      case .addresses(let found):
        if room === resolver { answered(found) }
        if room.kind == .core {
          wan = found
          tellSignal("", wan)
          // With another line come other resolvers, which are protected.
          if isRunning, Preparation.resolvers != settings.core.resolvers { reload() }
        }
      case .name(let name): if room.kind == .signal { want(name) }
      case .reload: if room.kind == .core, isRunning { reload() }
      case nil: return
      }
    }
  }

  /// Gives a room that has become ready new ends of its doors, and all else that it needs.
  ///
  /// At the start each door is given once, when the later of its rooms comes.
  private func connect(_ room: Room, isFirst: Bool) {
    for (one, other) in RoomKind.doors where room.kind == other || room.kind == one && !isFirst {
      guard let one = ready(one), let other = ready(other),
        let (first, second) = try? PacketSocket.pair(),
        let toOne = one.kind.door(to: other.kind), let toOther = other.kind.door(to: one.kind)
      else { continue }
      one.send(toOne, passing: first.descriptor)
      other.send(toOther, passing: second.descriptor)
    }
    if RoomKind.onLAN.contains(room.kind) { giveSockets(to: room) }
    if room.kind == .signal, !wan.isEmpty { tellSignal("", wan) }
    guard room.kind == .core else { return }
    if let listener, let message = try? CoreSetup.door(.control).encoded() {
      room.send(message, passing: listener.descriptor)
    }
    tellGarden()
  }

  private func reap() throws(StartFault) {
    while let (process, ending) = (try? Process.reap()).flatMap({ $0 }) {
      for room in everyRoom where room.process == process {
        room.isGone()
        // What it said last tells why.
        try listen(to: room)
        let now = Clock.now
        room.hasEnded(now: now)
        if room === resolver {
          answered(nil)
          continue
        }
        guard isRunning else { throw .room(room.name, ending.text) }
        log.warning("\(room.name) \(ending); starting it again")
        if room.kind == .tls { tell(nil) }
      }
    }
  }

  private func lookAtClock(_ now: Instant) throws(StartFault) {
    for room in everyRoom {
      if let startsAt = room.startsAt, startsAt <= now { try start(room) }
      if let limit = room.mustBeReadyBy, limit <= now {
        guard isRunning else { throw .room(room.name, "it does not get ready") }
        room.abandon()
      }
    }
    ask(now)
    if let interval = manager.watchdogInterval, let moment = nextAliveAt, moment <= now {
      manager.isAlive()
      nextAliveAt = now + interval
    }
  }

  private var nextWaking: Span? {
    var moments = everyRoom.flatMap { [$0.startsAt, $0.mustBeReadyBy] }
    // Until the last question's process has ended none can be asked.
    if resolver.process == nil {
      moments.append(garden.due)
      if isRunning, !wanted.isEmpty { moments.append(Clock.now) }
    }
    if manager.watchdogInterval != nil { moments.append(nextAliveAt) }
    return moments.compactMap { $0 }.min().map { $0 - Clock.now }
  }

  private func reload() {
    manager.isReloading()
    defer { manager.isReady() }
    do throws(StartFault) {
      var new = try Preparation(path)
      for warning in new.settings.warnings { log.warning("\(path):\(warning)") }
      guard new.settings.enabled else {
        log.warning("option enabled is 0: the settings stay as they were until a restart")
        return
      }
      if new.settings.keepPremises(of: settings) {
        log.warning(
          """
          listen, users, state, control, and whether there is call_home or an API stay as they \
          were until a restart
          """
        )
      }
      var messages: [[[UInt8]]] = []
      for room in rooms { messages.append(try new.messages(for: room.kind, premises)) }
      for (room, message) in zip(rooms, messages) { room.messages = message }
      settings = new.settings
    } catch {
      log.error("the settings stay as they were: \(error)")
      return
    }
    log.level = settings.core.logLevel
    for room in rooms { room.sendSettings() }
    rebind()
    garden.replace(settings.quarantine.garden, now: Clock.now)
    tellGarden()
    log.info("the settings were read again")
  }

  /// Stops the rooms; rules stay in the kernel until their timeouts, so that a restart or an upgrade
  /// frees no attacker.
  private func stop() {
    manager.isStopping()
    if isRunning { try? File.remove(premises.control) }
    tell(nil)
    for signal in [Signal.terminate, .kill] {
      for room in everyRoom { room.stop(signal) }
      let deadline = Clock.now + Self.patience
      while everyRoom.contains(where: { $0.process != nil }), Clock.now < deadline {
        guard (try? poller.wait(timeout: deadline - Clock.now)) != nil else { return }
        while (try? signals.next()) != nil {}
        while let (process, _) = (try? Process.reap()).flatMap({ $0 }) {
          for room in everyRoom where room.process == process { room.hasEnded(now: Clock.now) }
        }
        for room in everyRoom { while room.nextReport() != nil {} }
      }
    }
  }
}

extension Settings {
  /// Takes over what can't change while cordond runs; answers whether that was different.
  mutating func keepPremises(of other: Settings) -> Bool {
    var isDifferent =
      listen != other.listen || users != other.users || control != other.control
      || core.user != other.core.user || core.state != other.core.state
    listen = other.listen
    // There is no room that could call.
    if listen.isEmpty, other.callHome.isEmpty, !callHome.isEmpty {
      callHome = []
      isDifferent = true
    }
    users = other.users
    control = other.control
    tellPorts()
    core.user = other.core.user
    core.state = other.core.state
    if (quarantine.apiCertificate == nil) != (other.quarantine.apiCertificate == nil) {
      quarantine.apiCertificate = other.quarantine.apiCertificate
      quarantine.apiKey = other.quarantine.apiKey
      quarantine.name = other.quarantine.name
      core.quarantine.apiPort = quarantine.apiPort
      isDifferent = true
    }
    return isDifferent
  }
}
