import Bytes
import CoAP
import DOTS
import Dial
import Link
import Linux
import Model
import TLS

extension SignalFront {
  /// Does what the (D)TLS server of an entrance asks for.
  func perform(_ actions: [PeerServer.Action], at index: Int) {
    let entrance = entrances[index]
    for action in actions {
      switch action {
      case .send(let bytes, let peer):
        if case .datagrams(let socket, _) = entrance.path {
          let remote = Endpoint(peer.remote, port: peer.remotePort)
          socket.send(bytes, to: remote, from: peer.local)
        } else {
          send(bytes, to: peer, at: index)
        }
      case .established(let tls, let identity, let peer):
        open(tls, identity, peer, at: index)
      case .received(let tls, let bytes):
        guard let session = session(tls, at: index) else { continue }
        let now = Clock.now
        session.heartbeats.received(now: now)
        perform(session.layer.received(bytes, now: now), on: session)
      case .closed(let tls, let reason):
        guard let session = session(tls, at: index) else { continue }
        logSession { "session \(session.id) is over: \(reason)" }
        forget(session)
        tellCore(over(session, reason))
        finish(session.peer, at: index)
      case .refused(let peer, let failure):
        logRefusal(of: peer, failure)
        finish(peer, at: index)
      }
    }
  }

  /// What core is told of a session's end: who didn't close it, and doesn't come back, was lost.
  private func over(_ session: FrontSession, _ reason: CloseReason) -> SignalMessage {
    switch reason {
    case .connectionLost, .evicted, .protocolFault:
      guard let left = session.heartbeats.patienceLeft(now: Clock.now) else { break }
      let seconds = left.milliseconds / 1000 + 1
      return .sessionLost(session.id, patience: UInt32(clamping: seconds))
    default: break
    }
    return .sessionClosed(session.id)
  }

  /// A client may come and go as often as it likes.
  func logSession(_ line: () -> Text) {
    guard sessionLines.allows(now: Clock.now) else { return }
    let missing = sessionLines.takeSuppressed()
    if missing > 0 { log.info("\(missing) more lines about sessions were not logged") }
    log.info(line())
  }

  private func logRefusal(of peer: PeerAddress, _ failure: HandshakeFailure) {
    guard budget.allows(now: Clock.now) else { return }
    let missing = budget.takeSuppressed()
    if missing > 0 { log.warning("\(missing) more refusals were not logged") }
    log.warning("refused \(peer): \(failure)")
  }

  private func open(
    _ tls: SessionID,
    _ identity: TLS.PeerIdentity,
    _ peer: PeerAddress,
    at index: Int
  ) {
    // Without randomness nothing could be sent safely: the client finds no answer and tries again.
    guard let seed = randomNumber() else { return }
    let entrance = entrances[index]
    let layer = entrance.layer(of: tls, seed: seed)
    open(identity, peer, entrance.listener, layer, entrance: index, tls: tls)
  }

  /// A session begins, at an entrance or because the router called; `own` is the router's end of it.
  func open(
    _ identity: TLS.PeerIdentity,
    _ peer: PeerAddress,
    _ own: Listener,
    _ layer: SessionLayer,
    entrance: Int = -1,
    tls: SessionID = SessionID(number: 0),
    dialled: Attempt? = nil
  ) {
    let id = nextSession()
    let announced = Session(
      id: id,
      peer: peer.remote,
      peerPort: peer.remotePort,
      local: peer.local,
      localPort: own.port,
      transport: own.transport,
      role: dialled == nil ? .base : .callHome,
      identity: Model.PeerIdentity(
        names: identity.names,
        publicKeyDigest: identity.publicKeyDigest
      )
    )
    let session = FrontSession(
      id,
      entrance: entrance,
      tls: tls,
      dialled: dialled,
      announced: announced,
      layer: layer,
      now: Clock.now
    )
    sessions.append(session)
    let name = identity.names.first ?? "no name"
    logSession { "session \(id) with \(peer): \(name)" }
    announce(session)
    perform(layer.opened(now: Clock.now), on: session)
  }

  /// A random number; nil when the kernel has none.
  func randomNumber() -> UInt64? {
    (try? randomBytes(8)).map { $0.reduce(0) { $0 << 8 | UInt64($1) } }
  }

  private func session(_ tls: SessionID, at entrance: Int) -> FrontSession? {
    for session in sessions where session.tls == tls && session.entrance == entrance {
      return session
    }
    return nil
  }

  func forget(_ session: FrontSession) {
    sessions.removeAll { $0 === session }
    questions.removeAll { $0.session === session }
  }

  /// Ends a session from this side; with `isLost` its client's requests that wait for that begin.
  func close(_ session: FrontSession, isLost: Bool) {
    guard self.session(session.id) != nil else { return }
    forget(session)
    tellCore(isLost ? .sessionLost(session.id, patience: 0) : .sessionClosed(session.id))
    if let attempt = session.dialled {
      attempt.close()
      hungUp(attempt)
      return
    }
    let entrance = entrances[session.entrance]
    perform(entrance.server.close(session.tls), at: session.entrance)
    finish(session.peer, at: session.entrance)
  }

  /// Does what the message layer of a session asks for.
  func perform(_ actions: [MessageAction], on session: FrontSession) {
    for action in actions {
      switch action {
      case .send(let bytes): send(bytes, on: session)
      case .deliver(let exchange, let message): received(message, exchange, on: session)
      case .deliverResponse(let exchange, let response):
        if exchange == session.heartbeat { session.heartbeats.answered(now: Clock.now) }
        if response.code == .hopLimitReached {
          logSession { "session \(session.id): a gateway ends a loop" }
        }
      case .failed, .rejected: break
      case .close(let end):
        logSession { "session \(session.id) is over: \(end.text)" }
        close(session, isLost: false)
      }
    }
  }

  /// Does what the heartbeats of a session ask for.
  func perform(_ actions: [HeartbeatClock.Action], on session: FrontSession) {
    for action in actions {
      switch action {
      case .send(let heartbeat): send(heartbeat, on: session)
      case .peerSaturated:
        logSession { "session \(session.id): the peer is heard and doesn't answer" }
      case .silent: doubt(session)
      case .lost:
        logSession { "session \(session.id) is lost: nothing was heard" }
        close(session, isLost: true)
      }
    }
  }

  private func send(_ heartbeat: Heartbeat, on session: FrontSession) {
    // Those of a router follow one another faster than answers may come.
    if let last = session.heartbeat, session.dialled == nil { session.layer.forget(last) }
    session.heartbeat = nil
    // So few are awaited that there is room for what else is asked.
    let patience = session.heartbeats.interval
    do throws(SendRefusal) {
      let sent = try session.layer.send(
        heartbeat.message,
        confirmable: false,
        patience: patience,
        now: Clock.now
      )
      session.heartbeat = sent.exchange
      perform(sent.actions, on: session)
    } catch {
      // The next one is due soon.
    }
  }

  private func send(_ bytes: [UInt8], on session: FrontSession) {
    if let attempt = session.dialled {
      send(bytes, through: attempt)
      return
    }
    do throws(SendFailure) {
      let actions = try entrances[session.entrance].send(bytes, on: session.tls)
      perform(actions, at: session.entrance)
    } catch {
      log.warning("session \(session.id): \(bytes.count) bytes could not be sent")
    }
  }
}

extension FrontSession {
  /// The address of the peer, as TLS knows it.
  var peer: PeerAddress {
    PeerAddress(
      remote: announced.peer,
      remotePort: announced.peerPort,
      local: announced.local
    )
  }
}

extension StreamEnd {
  /// English for a log line; what the peer says isn't repeated.
  fileprivate var text: Text {
    switch self {
    case .released: "released by the client"
    case .aborted: "aborted by the client"
    case .refused(let fault): fault.text
    }
  }
}
