import Bytes
import COpenSSL
import Foundation
import Testing

@testable import TLS

extension LiveTests {
  @Suite struct SessionTests {
    private let authority: Authority
    private let client: Holder
    private let credentials: Credentials

    init() throws {
      let shared = try Shared.certificates.get()
      authority = shared.authority
      client = shared.client
      credentials = try authority.credentials(shared.server)
    }

    @Test("TLS-11 a client with a good certificate is established under its names and key")
    func identity() throws {
      let wire = try Wire(credentials)
      let client = try TestClient(client)
      wire.connect(client)
      guard case .established(_, let identity, let peer) = try #require(wire.log.first) else {
        Issue.record("no session")
        return
      }
      #expect(client.isConnected)
      #expect(peer == client.address)
      #expect(identity.names == ["dots.isp.example", "second.isp.example", "dots-client"])
      #expect(identity.publicKeyDigest.count == 32)
      let days = (identity.certificateExpires.seconds - wire.wall.seconds) / 86400
      #expect(days == 29 || days == 30)
    }

    @Test("application datagrams go both ways, one by one")
    func datagrams() throws {
      let wire = try Wire(credentials)
      let client = try TestClient(client)
      let session = try #require(wire.connect(client))
      wire.deliver(client.write([1, 2, 3]), from: client)
      #expect(wire.log.last == .received(session, [1, 2, 3]))
      let answers = wire.take(try wire.server.send([4, 5], on: session), for: client.address)
      #expect(try client.read(#require(answers.first)) == [4, 5])
      #expect(answers.count == 1)
    }

    @Test("MTU-01 the longest application datagram fits, one byte more is refused")
    func longest() throws {
      let wire = try Wire(credentials)
      let session = try #require(wire.connect(try TestClient(client)))
      let limit = try #require(wire.server.maximumPayload(of: session))
      #expect(limit == 1232 - 13 - 24)
      let fits = try wire.server.send([UInt8](repeating: 1, count: limit), on: session)
      guard case .send(let datagram, _) = try #require(fits.first) else { return }
      #expect(datagram.count <= 1232)
      #expect(throws: SendFailure.tooLong(limit: limit)) {
        _ = try wire.server.send([UInt8](repeating: 1, count: limit + 1), on: session)
      }
      #expect(wire.sent.allSatisfy { $0.count <= 1232 })
    }

    @Test("A1 ClientHellos without a good cookie leave nothing behind")
    func stateless() throws {
      let wire = try Wire(credentials)
      for number in UInt32(0)..<1000 {
        let peer = PeerAddress(
          remote: IPAddress(v4: 0x0A00_0000 + number),
          remotePort: 1,
          local: IPAddress(v4: 1)
        )
        wire.receive(clientHello(), from: peer)
        wire.receive(
          clientHello(cookie: [UInt8](repeating: 1, count: 17), sequence: 1),
          from: peer
        )
        wire.receive([UInt8](repeating: 22, count: 100), from: peer)
      }
      #expect(wire.server.sessionCount == 0)
      #expect(wire.server.halfOpenCount == 0)
      #expect(wire.server.nextTimeout == nil)
      #expect(wire.server.handshakes.isEmpty && wire.log.isEmpty)
      #expect(!wire.sent.isEmpty && wire.sent.count < 100)
    }

    @Test("what an unknown peer sends instead of a ClientHello isn't answered")
    func silence() throws {
      let wire = try Wire(credentials)
      let alert: [UInt8] = [21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 40]
      let data: [UInt8] = [23, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 1, 0, 2, 2, 40]
      for datagram in [alert, data, [], [22], [UInt8](repeating: 0, count: 2000)] {
        #expect(wire.receive(datagram, from: TLSTests.client).isEmpty)
      }
    }

    @Test("A6 a handshake that stalls is over after ten seconds")
    func deadline() throws {
      let wire = try Wire(credentials)
      let client = try TestClient(client)
      for datagram in wire.helloWithCookie(client) { wire.receive(datagram, from: client.address) }
      #expect(wire.server.halfOpenCount == 1)
      #expect(wire.server.nextTimeout == instant(1100))
      wire.take(wire.server.timedOut(now: instant(10_999), wall: wire.wall), for: client.address)
      #expect(wire.server.halfOpenCount == 1)
      wire.take(wire.server.timedOut(now: instant(11_000), wall: wire.wall), for: client.address)
      #expect(wire.refusals == [.deadline])
      #expect(wire.server.halfOpenCount == 0)
      #expect(wire.server.nextTimeout == nil)
    }

    @Test("a flight that was lost is sent again")
    func retransmission() throws {
      let wire = try Wire(credentials)
      let client = try TestClient(client)
      let first = wire.helloWithCookie(client).flatMap { wire.receive($0, from: client.address) }
      #expect(!first.isEmpty)
      Thread.sleep(forTimeInterval: 1.1)
      let again = wire.take(
        wire.server.timedOut(now: instant(2100), wall: wire.wall),
        for: client.address
      )
      for datagram in again { wire.deliver(client.step(datagram), from: client) }
      #expect(client.isConnected)
      #expect(wire.sessions.count == 1)
    }

    @Test("beyond the limit a client takes the place of its own session heard from longest ago")
    func sessionLimit() throws {
      let wire = try Wire(credentials, limits: .init(sessions: 2))
      let first = try TestClient(client, port: 1)
      wire.connect(first)
      wire.connect(try TestClient(client, port: 2))
      wire.deliver(first.write([7]), from: first)
      wire.connect(try TestClient(client, port: 3))
      #expect(wire.server.sessionCount == 2)
      #expect(wire.log.contains(.closed(wire.sessions[1], .evicted)))
      wire.deliver(first.write([8]), from: first)
      #expect(wire.log.last == .received(wire.sessions[0], [8]))
    }

    @Test("dead sessions without number lock nobody out")
    func deadSessions() throws {
      let wire = try Wire(credentials, limits: .init(sessions: 2))
      for port in UInt16(1)...9 { wire.connect(try TestClient(client, port: port)) }
      #expect(wire.sessions.count == 9)
      #expect(wire.refusals == [])
      #expect(wire.server.sessionCount == 2)
    }

    @Test("A7 a client that starts anew from the same port replaces its session at the end")
    func restart() throws {
      let wire = try Wire(credentials)
      let old = try #require(wire.connect(try TestClient(client)))
      let second = try TestClient(client)
      let flight = wire.helloWithCookie(second)
      #expect(wire.server.sessionCount == 1)
      wire.log = []
      wire.deliver(flight, from: second)
      #expect(wire.log.first == .closed(old, .replaced))
      let new = try #require(wire.sessions.last)
      #expect(wire.server.sessionCount == 1)
      wire.deliver(second.write([7]), from: second)
      #expect(wire.log.last == .received(new, [7]))
      #expect(throws: SendFailure.unknownSession) { _ = try wire.server.send([1], on: old) }
    }

    @Test("A7 a new handshake that stalls leaves the old session as it was")
    func stalledRestart() throws {
      let wire = try Wire(credentials)
      let first = try TestClient(client)
      let session = try #require(wire.connect(first))
      let second = try TestClient(client)
      for datagram in wire.helloWithCookie(second) { wire.receive(datagram, from: second.address) }
      #expect(wire.server.halfOpenCount == 1)
      wire.deliver(first.write([1]), from: first)
      #expect(wire.log.last == .received(session, [1]))
      wire.take(wire.server.timedOut(now: instant(20_000), wall: wire.wall), for: first.address)
      wire.deliver(first.write([2]), from: first)
      #expect(wire.log.last == .received(session, [2]))
    }

    @Test("A7 TLS-13 forged packets leave a live session unharmed")
    func forged() throws {
      let wire = try Wire(credentials)
      let client = try TestClient(client)
      let session = try #require(wire.connect(client))
      let ends = wire.arrived
      for round in UInt8(0)..<100 {
        let header: [UInt8] = [0xFE, 0xFD]
        wire.receive(clientHello(random: round), from: client.address)
        wire.receive(
          [21] + header + [0, 0, 0, 0, 0, 0, 0, round, 0, 2, 2, 40],
          from: client.address
        )
        wire.receive([20] + header + [0, 0, 0, 0, 0, 0, 0, round, 0, 1, 1], from: client.address)
        for type in UInt8(20)...23 {
          let junk = [UInt8](repeating: round, count: 40)
          wire.receive(
            [type] + header + [0, 1, 0, 0, 0, 0, 1, round, 0, 40] + junk,
            from: client.address
          )
          wire.receive(
            [type] + header + [0, 1, 255, 255, 255, 255, 255, round, 0, 40] + junk,
            from: client.address
          )
          wire.receive(
            [type] + header + [0, 2, 0, 0, 0, 0, 1, round, 0, 40] + junk,
            from: client.address
          )
        }
      }
      for datagram in ends { wire.receive(datagram, from: client.address) }
      #expect(wire.log.count == 1)
      wire.deliver(client.write([8]), from: client)
      #expect(wire.log.last == .received(session, [8]))
    }

    @Test("a live peer gets one HelloVerifyRequest a second at most")
    func answersToLivePeer() throws {
      let wire = try Wire(credentials)
      let client = try TestClient(client)
      wire.connect(client)
      let answers = (0..<50).map { step in
        wire.now = wire.now + .milliseconds(100)
        return wire.receive(clientHello(random: UInt8(step)), from: client.address).count
      }
      #expect(answers.reduce(0, +) == 5)
    }

    @Test("TLS-05 a replayed record is dropped")
    func replay() throws {
      let wire = try Wire(credentials)
      let client = try TestClient(client)
      let session = try #require(wire.connect(client))
      let datagrams = client.write([1])
      for _ in 0..<3 { for datagram in datagrams { wire.receive(datagram, from: client.address) } }
      #expect(wire.log.filter { $0 == .received(session, [1]) }.count == 1)
    }

    @Test("TLS-13 a close_notify ends the session and is answered")
    func closing() throws {
      let wire = try Wire(credentials)
      let client = try TestClient(client)
      let session = try #require(wire.connect(client))
      let sentBefore = wire.sent.count
      for datagram in client.shutdown() { wire.receive(datagram, from: client.address) }
      #expect(wire.log.last == .closed(session, .closedByPeer))
      #expect(wire.sent.count == sentBefore + 1)
      #expect(wire.server.sessionCount == 0)
    }

    @Test("TLS-06 a session is resumed by its ticket, under the same identity")
    func resumption() throws {
      let wire = try Wire(credentials)
      let first = try TestClient(client)
      wire.connect(first)
      let second = try TestClient(client, port: 2)
      second.resume(first)
      wire.connect(second)
      #expect(second.isResumed && second.isConnected)
      let identities = wire.log.compactMap { action -> PeerIdentity? in
        if case .established(_, let identity, _) = action { identity } else { nil }
      }
      #expect(identities.count == 2 && identities[0] == identities[1])
    }

    @Test("a ticket sealed with yesterday's key means a full handshake")
    func oldTicketKey() throws {
      let wire = try Wire(credentials)
      let first = try TestClient(client)
      wire.connect(first)
      wire.now = wire.now + .seconds(86400)
      let second = try TestClient(client, port: 2)
      second.resume(first)
      wire.connect(second)
      #expect(!second.isResumed && second.isConnected)
    }

    @Test("a client whose intermediate isn't trusted is served, but not by its ticket")
    func intermediate() throws {
      let shared = try Shared.certificates.get()
      let issuer = try authority.issue("issuer", extensions: "intermediate")
      let leaf = try authority.issue("leaf", by: "issuer")
      let chain = try authority.bytes(leaf.certificate) + authority.bytes(issuer.certificate)
      let holder = Holder(certificate: authority.path("chain.pem"), key: leaf.key)
      try Data(chain).write(to: URL(fileURLWithPath: holder.certificate))
      for isTrusted in [false, true] {
        var credentials = try authority.credentials(shared.server)
        if isTrusted { credentials.trust += try authority.bytes(issuer.certificate) }
        let wire = try Wire(credentials)
        let first = try TestClient(holder)
        wire.connect(first)
        let second = try TestClient(holder, port: 2)
        second.resume(first)
        wire.connect(second)
        #expect(wire.sessions.count == 2)
        #expect(second.isResumed == isTrusted)
      }
    }

    @Test("a ticket of another server means a full handshake")
    func foreignTicket() throws {
      let first = try TestClient(client)
      try Wire(credentials).connect(first)
      let second = try TestClient(client, port: 2)
      second.resume(first)
      let wire = try Wire(credentials)
      wire.connect(second)
      #expect(!second.isResumed && second.isConnected)
    }

    @Test("A8 a ticket isn't taken once its certificate's time is over")
    func expiredTicket() throws {
      let wire = try Wire(credentials)
      let first = try TestClient(client)
      wire.connect(first)
      wire.wall = UnixTime(seconds: wire.wall.seconds + 40 * 86400)
      let second = try TestClient(client, port: 2)
      second.resume(first)
      wire.connect(second)
      #expect(!second.isResumed)
      #expect(wire.refusals == [.certificate(.expired)])
    }

    @Test("D1 before the time floor certificates are checked at the floor")
    func timeFloor() throws {
      let wire = try Wire(credentials)
      let present = wire.wall
      wire.wall = UnixTime(seconds: 1000)
      wire.connect(try TestClient(client, port: 1))
      #expect(wire.refusals == [.certificate(.notYetValid)])
      wire.server.timeFloor = present
      wire.connect(try TestClient(client, port: 2))
      #expect(wire.sessions.count == 1)
    }

    @Test("B8 after a reload a revoked client's session is cut and its ticket refused")
    func revocation() throws {
      let authority = try Authority()
      let server = try authority.issue("server", extensions: "server")
      let good = try authority.issue("good")
      let bad = try authority.issue("bad")
      let wire = try Wire(authority.credentials(server, revocations: try authority.revocations()))
      let kept = try #require(wire.connect(try TestClient(good, port: 1)))
      let first = try TestClient(bad, port: 2)
      let cut = try #require(wire.connect(first))
      try authority.revoke(bad)
      let renewed = try authority.credentials(server, revocations: try authority.revocations())
      wire.log = []
      let goodbye = wire.take(try wire.server.reload(renewed, wall: wire.wall), for: first.address)
      #expect(wire.log == [.closed(cut, .certificate(.revoked))])
      #expect(goodbye.count == 1)
      let second = try TestClient(bad, port: 3)
      second.resume(first)
      wire.connect(second)
      #expect(!second.isResumed)
      #expect(wire.refusals == [.certificate(.revoked)])
      #expect(try !wire.server.send([1], on: kept).isEmpty)
    }

    @Test("B8 a handshake under way at a reload is judged by the new credentials")
    func reloadDuringHandshake() throws {
      let authority = try Authority()
      let server = try authority.issue("server", extensions: "server")
      let holders = [try authority.issue("good"), try authority.issue("bad")]
      let wire = try Wire(authority.credentials(server))
      let clients = try holders.map { try TestClient($0, port: $0.key == holders[0].key ? 1 : 2) }
      let flights = clients.map { client in
        wire.helloWithCookie(client).flatMap { wire.receive($0, from: client.address) }
          .flatMap { client.step($0) }
      }
      try authority.revoke(holders[1])
      let renewed = try authority.credentials(server, revocations: authority.revocations())
      wire.take(try wire.server.reload(renewed, wall: wire.wall), for: clients[0].address)
      for (client, flight) in zip(clients, flights) { wire.deliver(flight, from: client) }
      #expect(wire.sessions.count == 1 && clients[0].isConnected)
      #expect(wire.refusals == [.certificate(.revoked)])
      #expect(wire.server.sessionCount == 1 && wire.server.halfOpenCount == 0)
    }

    @Test("a ticket outlives a reload that keeps its certificate good")
    func ticketAfterReload() throws {
      let wire = try Wire(credentials)
      let first = try TestClient(client, port: 1)
      wire.connect(first)
      wire.take(try wire.server.reload(credentials, wall: wire.wall), for: first.address)
      let second = try TestClient(client, port: 2)
      second.resume(first)
      wire.connect(second)
      #expect(second.isResumed)
    }

    @Test("a reload with unusable credentials changes nothing")
    func failedReload() throws {
      let wire = try Wire(credentials)
      let session = try #require(wire.connect(try TestClient(client)))
      var bad = credentials
      bad.trust = []
      #expect(throws: TLSError.trustUnreadable) {
        _ = try wire.server.reload(bad, wall: wire.wall)
      }
      #expect(try !wire.server.send([1], on: session).isEmpty)
    }
  }
}

extension LiveTests {
  @Suite struct CredentialsTests {
    @Test("each unusable part of the credentials is told by its name")
    func unusable() throws {
      let shared = try Shared.certificates.get()
      let good = try shared.authority.credentials(shared.server)
      let otherKey = try shared.authority.bytes(shared.client.key)
      let damaged = [UInt8]("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
      let cases: [(TLSError, WritableKeyPath<Credentials, [UInt8]>, [UInt8])] = [
        (.certificateUnreadable, \.certificateChain, []),
        (.certificateUnreadable, \.certificateChain, good.certificateChain + damaged),
        (.privateKeyUnreadable, \.privateKey, good.certificateChain),
        (.privateKeyMismatch, \.privateKey, otherKey),
        (.trustUnreadable, \.trust, []),
        (.trustUnreadable, \.trust, good.trust + damaged),
      ]
      for (error, part, bytes) in cases {
        var credentials = good
        credentials[keyPath: part] = bytes
        #expect(throws: error) { _ = try Wire(credentials) }
      }
      var credentials = good
      credentials.revocations = good.trust
      #expect(throws: TLSError.revocationsUnreadable) { _ = try Wire(credentials) }
    }
  }
}
