import Bytes

extension PeerServer {
  /// Gives a peer that proved its address a place among the half open if there is one; tells whose it
  /// was.
  ///
  /// Who has failed too often gets none, unless clients are known to come from there: a neighbour must
  /// not lock them out.
  func admit(_ peer: PeerAddress, _ actions: inout [Action], now: Instant) -> Bool {
    end(peer)
    let isKnown = known.contains(peer.remote)
    if !isKnown, failures.refuses(peer, now: now) { return false }
    switch halfOpen.admit(peer, isKnown: isKnown, now: now) {
    case .refused: return false
    case .admitted: return true
    case .admittedInstead(let other):
      end(other)
      actions.append(.refused(other, .evicted))
      return true
    }
  }

  /// Goes on where a handshake got to.
  func progressed(
    _ progress: Connection.Progress,
    of handshake: Handshake
  ) -> [Action] {
    let peer = handshake.peer
    var actions = sent(to: peer)
    switch progress {
    case .pending: break
    case .failed(let failure):
      end(peer)
      actions.append(failed(peer, failure))
    case .finished:
      end(peer)
      actions += established(handshake)
    }
    return actions
  }

  private func established(_ handshake: Handshake) -> [Action] {
    let peer = handshake.peer
    guard let identity = handshake.connection.peerIdentity else {
      handshake.connection.shutdown()
      return sent(to: peer) + [failed(peer, .noCertificate)]
    }
    let connection = handshake.connection
    // A certificate was judged by the credentials of the beginning, a key's owner by nobody else.
    if connection.context !== context || identity.publicKeyDigest.isEmpty,
      let fault = connection.verifyPeer(with: context)
    {
      connection.shutdown()
      return sent(to: peer) + [failed(peer, .certificate(fault))]
    }
    var actions: [Action] = []
    if let old = session(with: peer) {
      forget(old)
      actions.append(.closed(old.id, .replaced))
    } else if sessions.count >= limits.sessions {
      actions += makeRoom(for: identity.mark)
    }
    let id = nextSession()
    add(Session(id, of: handshake, client: identity.mark, heard: nextHeard()))
    known.authenticated(from: peer.remote)
    failures.authenticated(peer)
    return actions + [.established(id, identity, peer)]
  }

  /// Hands a session what its peer sent: a record, or a stream's bytes.
  func take(_ bytes: [UInt8], in session: Session) -> [Action] {
    let peer = session.peer
    let (messages, end) = session.connection.read(bytes)
    var actions = sent(to: peer)
    if !messages.isEmpty { session.heard = nextHeard() }
    actions += messages.map { .received(session.id, $0) }
    guard let end else { return actions }
    if end == .closedByPeer {
      session.connection.shutdown()
      actions += sent(to: peer)
    }
    forget(session)
    return actions + [.closed(session.id, end)]
  }
}
