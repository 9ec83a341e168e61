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
    var actions: [Action] = []
    guard admit(peer, &actions, now: now) else { return [] }
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
    actions += progressed(connection.handshake([]), of: handshake)
    return actions + take(records.dropFirst(), from: peer)
  }

  /// Hands records to the handshake or the session that they are for; drops the others silently.
  func take(_ records: ArraySlice<Record>, from peer: PeerAddress) -> [Action] {
    var actions: [Action] = []
    for record in records {
      if record.epoch == Record.protected, let session = self.session(with: peer) {
        actions += take(record.bytes, in: session)
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
    return progressed(handshake.connection.handshake(record.bytes), of: handshake)
  }
}
