import Bytes
import CoAP
import Linux
import Model
import Report
import TLS

/// Holds the sessions of many routers, and puts to them what comes over the control socket.
final class Service {
  /// As many sessions as there may be at a time.
  private static let maximumSessions = 2048
  private static let signalToken: UInt64 = 0
  private static let listenerToken: UInt64 = 1
  private static let firstControl: UInt64 = 16
  private static let firstVisitor: UInt64 = 1 << 32
  /// So many may give orders at a time; others are sent away.
  private static let maximumControls = 256
  /// Orders of one between looks at everything else.
  private static let ordersPerTurn = 16
  /// From a connection that couldn't be taken to the next, when descriptors are short.
  private static let pause = Span.seconds(1)

  private let path: Text
  private let cuid: Text
  private let patience: Span
  private let poller: Poller
  private let signals: SignalReader
  private let listener: PacketListener
  private let reception: Reception
  private var routers: [Reception.Visitor: Router] = [:]
  private var controls: [UInt64: PacketSocket] = [:]
  private var lastControl = firstControl
  private var lastWatch: UInt64 = 0
  private var lastSID = UInt32(truncatingIfNeeded: Clock.wall.seconds)
  private var lines = LineBudget()
  /// When connections are taken again at the control socket; nil: they are.
  private var resumes: Instant?

  init(
    _ listening: Listening,
    control path: Text,
    _ credentials: Credentials,
    cuid: Text
  ) throws(Ending) {
    self.path = path
    self.cuid = cuid
    patience = listening.patience ?? Call.usualPatience
    let problem: Text = "can't serve at \(path): "
    // What listens would go on without its socket.
    if (try? PacketSocket.connect(to: path)) != nil {
      throw .failed(problem + "another service does")
    }
    do throws(SystemError) {
      poller = try Poller()
      signals = try SignalReader([.interrupt, .terminate, .hangUp])
      try poller.add(signals.descriptor, token: Self.signalToken)
    } catch { throw .failed(problem + error.text) }
    reception = try Reception(
      at: listening.place,
      over: listening.transports,
      credentials,
      sessions: Self.maximumSessions,
      poller: poller,
      firstToken: Self.firstVisitor
    )
    do throws(SystemError) {
      listener = try PacketListener(path: path, mode: 0o600)
      try poller.add(listener.descriptor, token: Self.listenerToken)
    } catch { throw .failed(problem + error.text) }
  }

  /// Serves until it is told to stop.
  func run() -> Ending {
    SignalReader.ignoreBrokenPipes()
    // Each router over TCP is a descriptor; the usual limit is half of what there may be.
    allowDescriptors(Self.maximumSessions * 2)
    var isStopping = false
    while !isStopping {
      do throws(SystemError) { isStopping = try !step() } catch { return .failed(error.text) }
    }
    for visitor in routers.keys { reception.close(visitor) }
    try? File.remove(path)
    return .done
  }

  private func step() throws(SystemError) -> Bool {
    var due = [reception.nextTimeout, resumes].compactMap { $0 }.min()
    for router in routers.values {
      if let moment = router.due { due = due.map { min($0, moment) } ?? moment }
    }
    for event in try poller.wait(timeout: due.map { max($0 - Clock.now, .zero) }) {
      switch event.token {
      case Self.signalToken: if try signals.next() != nil { return false }
      case Self.listenerToken: accept()
      case ..<Self.firstVisitor: serveControl(event)
      default: take(reception.ready(event))
      }
    }
    let now = Clock.now
    take(reception.timedOut(now: now))
    if let due = resumes, due <= now { takeConnections(true) }
    for router in routers.values {
      guard let due = router.due, due <= now else { continue }
      perform(router.conversation.timedOut(now: now), of: router)
    }
    return true
  }
}

// MARK: Routers

extension Service {
  private func take(_ events: [Reception.Event]) {
    for event in events {
      switch event {
      case .established(let visitor, let identity, let peer, let transport):
        begin(visitor, identity, peer, transport)
      case .received(let visitor, let bytes):
        guard let router = routers[visitor] else { continue }
        perform(router.conversation.received(bytes, now: Clock.now), of: router)
      case .closed(let visitor, let reason): end(visitor, reason.text)
      case .refused(let peer, let failure): say("refused \(peer): \(failure)")
      }
    }
  }

  private func begin(
    _ visitor: Reception.Visitor,
    _ identity: TLS.PeerIdentity,
    _ peer: PeerAddress,
    _ transport: Transport
  ) {
    guard let layer = try? SessionLayer(reception, visitor), let seed = try? randomNumber() else {
      reception.close(visitor)
      return
    }
    let router = Router(
      visitor,
      names: identity.names,
      peer: peer,
      transport: transport,
      conversation: Conversation(over: layer, seed: seed, patience: patience, now: Clock.now)
    )
    // A router has one session: who calls again has lost the last, or left it.
    // One without a name can't be told from others.
    for other in routers.values where other.names == router.names && !router.names.isEmpty {
      reception.close(other.visitor)
      end(other.visitor, "replaced by a new one")
    }
    routers[visitor] = router
    say("session with \(router.name) at \(peer)")
    perform(router.conversation.begin(now: Clock.now), of: router)
    // First of all (RFC 9066, Section 5.2.1).
    router.errands.append(Router.Errand(.retrieveConfiguration))
    goOn(router)
  }

  private func end(_ visitor: Reception.Visitor, _ reason: Text) {
    guard let router = routers.removeValue(forKey: visitor) else { return }
    say("session with \(router.name) is over: \(reason)")
    for errand in router.errands + router.watches {
      answer(errand, .failed("the session ended: " + reason))
    }
  }

  /// Gives a router the next of what is to be asked.
  private func goOn(_ router: Router) {
    router.note()
    guard !router.isBusy, let errand = router.errands.first else { return }
    router.isBusy = true
    lastSID &+= 1
    let actions = router.conversation.ask(
      errand.command,
      cuid: cuid,
      sid: lastSID,
      now: Clock.now
    )
    perform(actions, of: router)
  }

  private func perform(_ actions: [Conversation.Action], of router: Router) {
    for action in actions {
      switch action {
      case .send(let bytes): take(reception.send(bytes, to: router.visitor))
      case .tell(let answer): if let errand = router.errands.first { tell(answer, to: errand) }
      case .observed(let number, let answer):
        for errand in router.watches where errand.watch == number { tell(answer, to: errand) }
      case .unobserved(let number, let ending):
        for errand in router.watches where errand.watch == number { answer(errand, ending) }
        router.watches.removeAll { $0.watch == number }
      case .end(let ending):
        if router.isBusy {
          router.isBusy = false
          answer(router.errands.removeFirst(), ending)
        }
        if router.conversation.isOver {
          reception.close(router.visitor)
          end(router.visitor, ending.text)
        } else {
          goOn(router)
        }
      }
    }
    router.note()
  }

  private func say(_ line: Text) {
    guard lines.allows(now: Clock.now) else { return }
    // Names of certificates are the routers' words.
    StandardStream.error.write("cordon-client: " + line.printable + "\n")
  }
}

// MARK: Control

extension Service {
  private func accept() {
    while true {
      let accepted: PacketSocket?
      do { accepted = try listener.accept() } catch {
        takeConnections(false)
        return
      }
      guard let socket = accepted else { return }
      lastControl += 1
      guard controls.count < Self.maximumControls else { continue }
      guard (try? socket.watch(with: poller, token: lastControl)) != nil else { continue }
      controls[lastControl] = socket
    }
  }

  private func takeConnections(_ isWatching: Bool) {
    resumes = isWatching ? nil : Clock.now + Self.pause
    let token = Self.listenerToken
    try? poller.change(listener.descriptor, token: token, reading: isWatching, writing: false)
  }

  private func serveControl(_ event: Poller.Event) {
    guard let socket = controls[event.token] else { return }
    do throws(SystemError) {
      if event.isWritable { try socket.flush() }
      for _ in 0..<Self.ordersPerTurn {
        switch try socket.receive() {
        case .nothing: return
        case .closed:
          drop(event.token)
          return
        case .message(let bytes, _): received(bytes, event.token)
        }
      }
    } catch { drop(event.token) }
  }

  /// Who gave orders has gone, or doesn't read: nothing is watched for them any more, and what they
  /// asked for isn't begun.
  private func drop(_ control: UInt64) {
    guard controls.removeValue(forKey: control) != nil else { return }
    for router in routers.values {
      let watches = router.watches.filter { $0.control == control }
      router.watches.removeAll { $0.control == control }
      let first = router.isBusy ? 1 : 0
      router.errands =
        router.errands.prefix(first)
        + router.errands.dropFirst(first).filter { $0.control != control }
      for errand in watches {
        perform(router.conversation.unwatch(errand.watch, now: Clock.now), of: router)
      }
    }
  }

  private func received(_ bytes: [UInt8], _ control: UInt64) {
    var errand = Router.Errand(.heartbeat)
    errand.control = control
    let order: Order
    do throws(Mistake) { order = try Order(ControlPacket.words(bytes)) } catch {
      answer(errand, .failed(error.text))
      return
    }
    errand.isJSON = order.isJSON
    guard case .command(let command) = order.task else {
      let sessions = routers.values.map { $0.report }.sorted { $0.router.bytes.precedes($1) }
      tell(.sessions(sessions), to: errand)
      answer(errand, .done)
      return
    }
    errand.command = command
    let meant = routers.values.filter { order.router.map($0.isCalled) ?? true }
    guard let router = meant.first, meant.count == 1 else {
      let reason: Text =
        meant.isEmpty
        ? "no such router has a session"
        : order.router == nil ? "--router is needed" : "several routers have this name"
      answer(errand, meant.isEmpty ? .unreachable(reason) : .failed(reason))
      return
    }
    if command.isWatching {
      lastWatch += 1
      errand.watch = lastWatch
      router.watches.append(errand)
      let actions = router.conversation.watch(command, cuid: cuid, as: lastWatch, now: Clock.now)
      perform(actions, of: router)
      return
    }
    guard router.errands.count < Router.maximumErrands else {
      answer(errand, .failed("too much is asked of this router already"))
      return
    }
    router.errands.append(errand)
    goOn(router)
  }

  private func tell(_ answer: ClientAnswer, to errand: Router.Errand) {
    let style = TextStyle(isColoured: false, now: Clock.wall)
    send(errand, ControlPacket.output(errand.isJSON ? answer.jsonLine : answer.text(style)))
  }

  private func answer(_ errand: Router.Errand, _ ending: Ending) {
    if errand.isJSON { send(errand, ControlPacket.output(ending.jsonLine)) }
    send(errand, [ControlPacket.end(ending)])
  }

  private func send(_ errand: Router.Errand, _ packets: [[UInt8]]) {
    guard let control = errand.control, let socket = controls[control] else { return }
    for packet in packets where (try? socket.send(packet)) == nil { drop(control) }
  }
}
