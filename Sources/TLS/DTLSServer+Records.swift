import Bytes

extension DTLSServer {
  /// A ClientHello came that isn't part of the handshake under way.
  func received(
    _ hello: ClientHello,
    in records: [Record],
    from peer: PeerAddress,
    now: Instant
  ) -> [Action] {
    // The ClientHello that began the session, replayed or late: an answer could only confuse.
    guard session(with: peer)?.clientRandom != hello.random else { return [] }
    guard hello.messageSequence > 0 else {
      return verify(hello, recordLength: records.first?.bytes.count ?? 0, from: peer, now: now)
    }
    // An answer with another number would lead to a ClientHello with a number that OpenSSL doesn't
    // expect: a client whose cookie is too old begins anew by itself.
    guard hello.messageSequence == 1,
      gate.accepts(hello.cookie, for: peer, random: hello.random)
    else { return [] }
    return begin(hello, with: records, from: peer, now: now)
  }

  /// Answers a ClientHello with a cookie and remembers nothing of it.
  private func verify(
    _ hello: ClientHello,
    recordLength: Int,
    from peer: PeerAddress,
    now: Instant
  ) -> [Action] {
    let session = self.session(with: peer)
    if let last = session?.answeredHelloAt, now - last < Self.helloAnswerInterval {
      return []
    }
    // The budget comes before the cookie: what isn't answered in a flood isn't worth a hash.
    let length = ClientHello.verifyRequestLength
    guard length * 10 <= recordLength * Self.amplificationTenths,
      budget.take(length, isKnown: known.contains(peer.remote), now: now)
    else { return [] }
    session?.answeredHelloAt = now
    let cookie = gate.cookie(for: peer, random: hello.random)
    return [.send(hello.verifyRequest(cookie: cookie), to: peer)]
  }

  /// The peer proved its address: the first memory that it costs.
  private func begin(
    _ hello: ClientHello,
    with records: [Record],
    from peer: PeerAddress,
    now: Instant
  ) -> [Action] {
    guard let first = records.first else { return [] }
    end(peer)
    var actions: [Action] = []
    switch halfOpen.admit(peer, isKnown: known.contains(peer.remote), now: now) {
    case .refused: return []
    case .admitted: break
    case .admittedInstead(let other):
      end(other)
      actions.append(.refused(other, .evicted))
    }
    guard
      let connection = Connection(
        context: context,
        desk: desk,
        cookie: hello.cookie,
        datagramLimit: limits.datagram
      ), connection.listen(to: first)
    else {
      end(peer)
      return actions
    }
    let handshake = Handshake(connection, with: peer, clientRandom: hello.random)
    handshakes.append(handshake)
    actions += progressed(connection.accept(nil), of: handshake)
    return actions + take(records.dropFirst(), from: peer)
  }

  /// Hands records to the handshake or the session that they are for; drops the others silently.
  func take(_ records: ArraySlice<Record>, from peer: PeerAddress) -> [Action] {
    var actions: [Action] = []
    for record in records {
      if record.epoch == Record.protected, let session = self.session(with: peer) {
        actions += take(record, in: session)
      }
      if let handshake = self.handshake(with: peer) { actions += take(record, in: handshake) }
    }
    return actions
  }

  private func take(_ record: Record, in handshake: Handshake) -> [Action] {
    let isFinished =
      record.epoch == Record.protected && record.type == Record.ContentType.handshake
      && handshake.connection.expectsFinished
    guard isFinished || HandshakeFilter.admits(record) else { return [] }
    return progressed(handshake.connection.accept(record), of: handshake)
  }

  private func progressed(
    _ progress: Connection.Progress,
    of handshake: Handshake
  ) -> [Action] {
    let peer = handshake.peer
    var actions = sent(to: peer)
    switch progress {
    case .pending: break
    case .failed(let failure):
      end(peer)
      actions.append(.refused(peer, failure))
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
      return sent(to: peer) + [.refused(peer, .noCertificate)]
    }
    if !handshake.connection.isOf(context),
      let fault = handshake.connection.verifyPeer(with: context)
    {
      handshake.connection.shutdown()
      return sent(to: peer) + [.refused(peer, .certificate(fault))]
    }
    var actions: [Action] = []
    if let old = session(with: peer) {
      forget(old)
      actions.append(.closed(old.id, .replaced))
    } else if sessions.count >= limits.sessions {
      actions += makeRoom(for: identity.publicKeyDigest)
    }
    let id = nextSession()
    sessions.append(
      Session(id, of: handshake, client: identity.publicKeyDigest, heard: nextHeard())
    )
    known.authenticated(from: peer.remote)
    return actions + [.established(id, identity, peer)]
  }

  private func take(_ record: Record, in session: Session) -> [Action] {
    let peer = session.peer
    let (messages, end) = session.connection.read(record)
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
