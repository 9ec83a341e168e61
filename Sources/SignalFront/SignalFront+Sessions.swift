import Bytes
import CoAP
import DOTS
import Link
import Linux
import Model
import TLS

extension SignalFront {
  /// Does what the DTLS server of an entrance asks for.
  func perform(_ actions: [DTLSServer.Action], at entrance: Int) {
    for action in actions {
      switch action {
      case .send(let datagram, let peer):
        entrances[entrance].socket.send(
          datagram,
          to: Endpoint(peer.remote, port: peer.remotePort),
          from: peer.local
        )
      case .established(let tls, let identity, let peer):
        open(tls, identity, peer, at: entrance)
      case .received(let tls, let bytes):
        guard let id = entrances[entrance].sessions[tls] else { continue }
        let actions = sessions[id]?.layer.received(bytes, now: Clock.now) ?? []
        perform(actions, on: id)
      case .closed(let tls, let reason):
        guard let id = entrances[entrance].sessions.removeValue(forKey: tls) else { continue }
        logSession { "session \(id) is over: \(reason)" }
        forget(id)
      case .refused(let peer, let failure):
        logRefusal(of: peer, failure)
      }
    }
  }

  /// A client may come and go as often as it likes.
  private func logSession(_ line: () -> Text) {
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
    at entrance: Int
  ) {
    // Without randomness nothing could be sent safely: the client finds no answer and tries again.
    guard let seed = try? randomBytes(8) else { return }
    let id = nextSession()
    let announced = Session(
      id: id,
      peer: peer.remote,
      peerPort: peer.remotePort,
      local: peer.local,
      localPort: entrances[entrance].listener.port,
      transport: .udp,
      role: .base,
      identity: Model.PeerIdentity(
        names: identity.names,
        publicKeyDigest: identity.publicKeyDigest
      )
    )
    entrances[entrance].sessions[tls] = id
    sessions[id] = FrontSession(
      listener: entrance,
      tls: tls,
      announced: announced,
      layer: MessageLayer(seed: seed.reduce(0) { $0 << 8 | UInt64($1) })
    )
    let name = identity.names.first ?? "no name"
    logSession { "session \(id) with \(peer): \(name)" }
    announce(id)
  }

  private func forget(_ id: UInt32) {
    sessions[id] = nil
    for handle in questions.keys.ordered() where questions[handle]?.session == id {
      questions[handle] = nil
    }
    tellCore(.sessionClosed(id))
  }

  /// Does what the message layer of a session asks for.
  func perform(_ actions: [MessageAction], on id: UInt32) {
    for action in actions {
      switch action {
      case .send(let bytes): send(bytes, on: id)
      case .deliver(let exchange, let message): received(message, exchange, on: id)
      case .deliverResponse, .failed, .rejected, .close: break
      }
    }
  }

  private func send(_ bytes: [UInt8], on id: UInt32) {
    guard let session = sessions[id] else { return }
    do throws(SendFailure) {
      let actions = try entrances[session.listener].server.send(bytes, on: session.tls)
      perform(actions, at: session.listener)
    } catch {
      log.warning("session \(id): an answer of \(bytes.count) bytes could not be sent")
    }
  }

  /// A request that the message layer found well formed.
  private func received(_ message: CoAPMessage, _ exchange: ExchangeID, on id: UInt32) {
    let role = sessions[id]?.announced.role ?? .base
    do throws(PeerError) {
      switch try DOTSRequest(message, role: role) {
      case .mitigation(let request):
        switch request {
        case .mitigate(_, let scope, _, _) where !scope.fitsMessage,
          .mitigateNew(_, let scope, _) where !scope.fitsMessage:
          refuse(.tooManyValues, exchange, on: id)
        default: ask(request, exchange, on: id)
        }
      case .unmatched: leaveUnanswered(exchange, on: id)
      case .heartbeat, .retrieveConfiguration, .configure, .resetConfiguration:
        refuse(.resourceNotServed, exchange, on: id)
      }
    } catch {
      respond(DOTSResponse(error).message, to: exchange, on: id)
    }
  }

  private func refuse(_ fault: Fault, _ exchange: ExchangeID, on id: UInt32) {
    respond(DOTSResponse(PeerError(fault)).message, to: exchange, on: id)
  }

  func leaveUnanswered(_ exchange: ExchangeID, on id: UInt32) {
    let actions = sessions[id]?.layer.leaveUnanswered(exchange, now: Clock.now)
    perform(actions ?? [], on: id)
  }

  func respond(_ response: CoAPMessage, to exchange: ExchangeID, on id: UInt32) {
    let actions = sessions[id]?.layer.respond(to: exchange, with: response, now: Clock.now)
    perform(actions ?? [], on: id)
  }
}
