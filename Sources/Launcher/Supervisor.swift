import Bytes
import Configuration
import Link
import Linux
import Model

/// Starts the rooms, keeps them running and connected, and stops them.
final class Supervisor {
  private enum Token {
    static let signals: UInt64 = 0
    static let core: UInt64 = 1
    static let signalFront: UInt64 = 2
  }

  /// How long rooms may take to stop before they are ended.
  private static let patience = Span.seconds(5)
  /// Reports of a room between looks at everything else; it has three to make in its life.
  private static let reportsPerTurn = 16

  private let path: Text
  private let premises: Premises
  private var settings: Settings
  private var log: Log
  private let manager: ServiceManager
  private let poller: Poller
  private let signals: SignalReader
  private let core: Room
  /// Absent when nothing listens.
  private let signalFront: Room?
  private var listener: PacketListener?
  private var nextAliveAt: Instant?

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
    do {
      poller = try Poller()
      signals = try SignalReader([.terminate, .interrupt, .hangUp, .child])
      try poller.add(signals.descriptor, token: Token.signals)
    } catch { throw .system(error) }
    core = Room(
      "cordond-core",
      token: Token.core,
      descriptors: [],
      messages: try preparation.coreMessages(premises.coreUser),
      poller: poller
    )
    let messages = try preparation.signalMessages(premises.signalUser, premises.listeners)
    signalFront =
      premises.listeners.isEmpty
      ? nil
      : Room(
        "cordond-signal",
        token: Token.signalFront,
        descriptors: [premises.emptyRoot] + premises.sockets.map { $0.descriptor },
        messages: messages,
        poller: poller
      )
  }

  private var rooms: [Room] { signalFront.map { [core, $0] } ?? [core] }

  /// Runs until told to stop; throws when the rooms don't get ready the first time.
  func run() throws(StartFault) {
    defer { stop() }
    for room in rooms { try start(room) }
    while try step() {
      if listener == nil, rooms.allSatisfy({ $0.isReady }) { try finishStart() }
    }
  }

  private func start(_ room: Room) throws(StartFault) {
    do { try room.start(now: Clock.now) } catch {
      guard listener != nil else { throw .room(room.name, error.text) }
      log.error("cannot start \(room.name): \(error)")
      room.hasEnded(now: Clock.now)
    }
  }

  /// Every room is ready: opens the control socket, last, and gives up what is needed no more.
  private func finishStart() throws(StartFault) {
    do { listener = try PacketListener(path: premises.control, mode: 0o660) } catch {
      throw .control(premises.control, error)
    }
    connect()
    giveControl()
    let kept: [Capability] = [
      .changeOwner, .kill, .setGroup, .setUser, .administerNetwork, .changeRoot,
    ]
    do {
      try Confinement(user: nil, keeping: kept, endsWithParent: false).enter()
    } catch { throw .system(error) }
    nextAliveAt = Clock.now
    manager.isReady()
    log.info("version \(Software.version) is ready")
  }

  /// Waits for one thing to happen and deals with it; false when told to stop.
  private func step() throws(StartFault) -> Bool {
    let events: [Poller.Event]
    do { events = try poller.wait(timeout: nextWaking) } catch { throw .system(error) }
    for event in events {
      guard event.token == Token.signals else {
        for room in rooms where room.token == event.token {
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
        guard !wasReady, listener != nil else { continue }
        connect()
        if room === core { giveControl() }
        log.info("\(room.name) is ready again")
      case .failed(let why):
        guard listener != nil else { throw .room(room.name, why) }
        log.error("\(room.name): \(why)")
      case .refused(let why):
        log.error("\(room.name) keeps its old settings: \(why)")
      case nil: return
      }
    }
  }

  /// Gives both rooms new ends of the door between them.
  private func connect() {
    guard let signalFront, signalFront.isReady, core.isReady,
      let (first, second) = try? PacketSocket.pair(),
      let toCore = try? CoreSetup.door(.signal).encoded(),
      let toSignal = try? SignalSetup.coreDoor.encoded()
    else { return }
    core.send(toCore, passing: first.descriptor)
    signalFront.send(toSignal, passing: second.descriptor)
  }

  private func giveControl() {
    guard let listener, let message = try? CoreSetup.door(.control).encoded() else { return }
    core.send(message, passing: listener.descriptor)
  }

  private func reap() throws(StartFault) {
    while let (process, ending) = (try? Process.reap()).flatMap({ $0 }) {
      for room in rooms where room.process == process {
        room.isGone()
        // What it said last tells why.
        try listen(to: room)
        guard listener != nil else { throw .room(room.name, ending.text) }
        log.warning("\(room.name) \(ending); starting it again")
        room.hasEnded(now: Clock.now)
      }
    }
  }

  private func lookAtClock(_ now: Instant) throws(StartFault) {
    for room in rooms {
      if let startsAt = room.startsAt, startsAt <= now { try start(room) }
      if let limit = room.mustBeReadyBy, limit <= now {
        guard listener != nil else { throw .room(room.name, "it does not get ready") }
        room.abandon()
      }
    }
    if let interval = manager.watchdogInterval, let moment = nextAliveAt, moment <= now {
      manager.isAlive()
      nextAliveAt = now + interval
    }
  }

  private var nextWaking: Span? {
    var moments = rooms.flatMap { [$0.startsAt, $0.mustBeReadyBy] }
    if manager.watchdogInterval != nil { moments.append(nextAliveAt) }
    return moments.compactMap { $0 }.min().map { $0 - Clock.now }
  }

  private func reload() {
    manager.isReloading()
    defer { manager.isReady() }
    do throws(StartFault) {
      var new = try Preparation(path)
      if new.settings.keepPremises(of: settings) {
        log.warning("listen, users, state and control stay as they were until a restart")
      }
      let forSignal = try new.signalMessages(premises.signalUser, premises.listeners)
      core.messages = try new.coreMessages(premises.coreUser)
      signalFront?.messages = forSignal
      settings = new.settings
    } catch {
      log.error("the settings stay as they were: \(error)")
      return
    }
    log.level = settings.core.logLevel
    for room in rooms { room.sendSettings() }
    log.info("the settings were read again")
  }

  /// Stops the rooms; rules stay in the kernel until their timeouts, so that a restart or an upgrade
  /// frees no attacker.
  private func stop() {
    manager.isStopping()
    if listener != nil { try? File.remove(premises.control) }
    for signal in [Signal.terminate, .kill] {
      for room in rooms { room.stop(signal) }
      let deadline = Clock.now + Self.patience
      while rooms.contains(where: { $0.process != nil }), Clock.now < deadline {
        guard (try? poller.wait(timeout: deadline - Clock.now)) != nil else { return }
        while (try? signals.next()) != nil {}
        while let (process, _) = (try? Process.reap()).flatMap({ $0 }) {
          for room in rooms where room.process == process { room.hasEnded(now: Clock.now) }
        }
        for room in rooms { while room.nextReport() != nil {} }
      }
    }
  }
}

extension Settings {
  /// Takes over what can't change while cordond runs; answers whether that was different.
  fileprivate mutating func keepPremises(of other: Settings) -> Bool {
    let wanted = self
    listen = other.listen
    users = other.users
    control = other.control
    core.listenPorts = other.core.listenPorts
    core.user = other.core.user
    core.state = other.core.state
    return self != wanted
  }
}
