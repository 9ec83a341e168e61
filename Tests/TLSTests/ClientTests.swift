import Bytes
import COpenSSL
import Foundation
import Testing

@testable import TLS

extension LiveTests {
  @Suite struct ClientTests {
    private let authority: Authority
    private let server: Holder
    private let client: Holder
    private let serverCredentials: Credentials
    private let clientCredentials: Credentials

    init() throws {
      let shared = try Shared.certificates.get()
      authority = shared.authority
      server = shared.server
      client = shared.client
      serverCredentials = try authority.credentials(shared.server)
      clientCredentials = try authority.credentials(shared.client)
    }

    @Test(
      "TLS-02 TLS-11 both ends prove who they are; bytes go both ways",
      arguments: Carrier.allCases
    )
    func both(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, serverCredentials)
      let peer = try ends.connect(ends.client(clientCredentials))
      let established = try #require(peer.established)
      #expect(established.identity.names == ["router.example"] + ["router.example"])
      #expect(!established.isResumed && peer.connection.nextTimeout == nil)
      let session = try #require(ends.sessions.first)
      #expect(
        ends.identities[0].names == ["dots.isp.example", "second.isp.example", "dots-client"]
      )
      try ends.send([1, 2, 3], from: peer)
      #expect(ends.log.last == .received(session, [1, 2, 3]))
      try ends.send([4, 5], on: session)
      #expect(peer.log.last == .received([4, 5]))
    }

    @Test("a stream that comes byte by byte is the same stream", arguments: Carrier.streams)
    func bytewise(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, serverCredentials)
      ends.portion = 1
      let peer = try ends.connect(ends.client(clientCredentials))
      let session = try #require(ends.sessions.first)
      try ends.send([1, 2, 3], from: peer)
      #expect(ends.log.last == .received(session, [1, 2, 3]))
      try ends.send([4], on: session)
      #expect(peer.received == [4])
    }

    @Test("40,000 bytes go over a stream at once, both ways", arguments: Carrier.streams)
    func long(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, serverCredentials)
      let peer = try ends.connect(ends.client(clientCredentials))
      let bytes = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
      try ends.send(bytes, from: peer)
      let received = ends.log.flatMap { action in
        if case .received(_, let bytes) = action { bytes } else { [UInt8]() }
      }
      #expect(received == bytes)
      try ends.send(bytes, on: ends.sessions[0])
      #expect(peer.received == bytes)
    }

    @Test("TLS-06 a ticket resumes the session, again and again", arguments: Carrier.allCases)
    func resumption(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, serverCredentials)
      let client = try ends.client(clientCredentials)
      var peer = try ends.connect(client)
      for _ in 0..<3 {
        let ticket = try #require(peer.connection.ticket)
        peer = try ends.connect(client, ticket: ticket)
        #expect(peer.established?.isResumed == true)
      }
      #expect(Set(ends.identities).count == 1 && ends.sessions.count == 4)
      try ends.send([7], from: peer)
      #expect(ends.log.last == .received(ends.sessions[3], [7]))
    }

    @Test(
      "TLS-06 a server's intermediate is remembered with the ticket",
      arguments: Carrier.allCases
    )
    func intermediate(_ carrier: Carrier) throws {
      let issuer = try authority.issue("between", extensions: "intermediate")
      let leaf = try authority.issue("below", by: "between", extensions: "server")
      var credentials = try authority.credentials(leaf)
      credentials.certificateChain += try authority.bytes(issuer.certificate)
      let ends = try Ends(carrier, credentials)
      let client = try ends.client(clientCredentials)
      var peer = try ends.connect(client)
      for _ in 0..<2 {
        peer = try ends.connect(client, ticket: try #require(peer.connection.ticket))
        #expect(peer.established?.isResumed == true)
        #expect(peer.connection.fault(under: client, wall: ends.wall) == nil)
      }
    }

    @Test(
      "what is no ticket, or another server's, means a full handshake",
      arguments: Carrier.allCases
    )
    func badTicket(_ carrier: Carrier) throws {
      let other = try Ends(carrier, serverCredentials)
      let foreign = try #require(
        try other.connect(other.client(clientCredentials)).connection.ticket
      )
      let ends = try Ends(carrier, serverCredentials)
      let client = try ends.client(clientCredentials)
      for ticket in [foreign, [1, 2, 3], [UInt8](foreign.dropLast()), foreign + [0]] {
        let peer = try ends.connect(client, ticket: ticket)
        #expect(peer.established?.isResumed == false)
      }
    }

    @Test("TLS-12 tickets allow no early data")
    func earlyData() throws {
      let ends = try Ends(.tls13, serverCredentials)
      let client = try ends.client(clientCredentials)
      let ticket = try #require(try ends.connect(client).connection.ticket)
      var next: UnsafePointer<UInt8>?
      ticket.withUnsafeBufferPointer { buffer in
        next = buffer.baseAddress
        let session = d2i_SSL_SESSION(nil, &next, buffer.count)
        #expect(SSL_SESSION_get_max_early_data(session) == 0)
        #expect(SSL_SESSION_has_ticket(session) == 1)
        SSL_SESSION_free(session)
      }
    }

    @Test(
      "TLS-09 a server's certificate that isn't good ends the handshake",
      arguments: Carrier.allCases
    )
    func badServer(_ carrier: Carrier) throws {
      let past = ("200101000000Z", "210101000000Z")
      let future = ("400101000000Z", "410101000000Z")
      let cases: [(Holder, ServerName, CertificateFault, UInt8)] = [
        (server, .name("other.example"), .wrongName, 42),
        (server, .name("uter.example"), .wrongName, 42),
        (server, .address(IPAddress(v4: 0x7F00_0002)), .wrongAddress, 42),
        (try authority.issue("s1", extensions: "server", dates: past), router, .expired, 45),
        (try authority.issue("s2", extensions: "server", dates: future), router, .notYetValid, 42),
        (try authority.issue("s3", by: "other", extensions: "server"), router, .unknownIssuer, 48),
        (client, .name("dots.isp.example"), .wrongPurpose, 43),
        // The common name is the name, but it doesn't count.
        (
          try authority.issue("nameless.example", extensions: "nameless"),
          .name("nameless.example"), .wrongName, 42
        ),
        (
          try authority.issue("s4", extensions: "partial"), router, .wrongName, 42
        ),
      ]
      for (holder, name, fault, alert) in cases {
        let ends = try Ends(carrier, authority.credentials(holder))
        let peer = try ends.connect(ends.client(clientCredentials), to: name)
        #expect(peer.log == [.failed(.certificate(fault))])
        #expect(ends.refusals == [.alert(alert)], "\(fault)")
        #expect(ends.server.sessionCount == 0 && ends.server.halfOpenCount == 0)
      }
    }

    private var router: ServerName { .name("router.example") }

    @Test("TLS-09 a name in any case, a whole label's wildcard and an address are found")
    func goodServer() throws {
      let wildcard = try authority.issue("wild", extensions: "wildcard")
      let cases: [(Holder, ServerName)] = [
        (server, .name("Router.Example")), (server, .address(IPAddress(v4: 0x7F00_0001))),
        (wildcard, .name("dots.isp.example")),
      ]
      for (holder, name) in cases {
        let ends = try Ends(.datagrams, authority.credentials(holder))
        #expect(try ends.connect(ends.client(clientCredentials), to: name).established != nil)
      }
      let ends = try Ends(.datagrams, authority.credentials(wildcard))
      let peer = try ends.connect(ends.client(clientCredentials), to: .name("a.b.isp.example"))
      #expect(peer.failure == .certificate(.wrongName))
    }

    @Test("TLS-10 a name is told to the server, an address isn't; a server minds neither")
    func serverName() throws {
      for carrier in Carrier.allCases {
        let ends = try Ends(carrier, serverCredentials)
        let client = try ends.client(clientCredentials)
        let name = [UInt8]("router.example".utf8)
        #expect(try ends.connect(client).sent[0].contains(subsequence: name))
        let address = ServerName.address(IPAddress(v4: 0x7F00_0001))
        let peer = try ends.connect(client, to: address)
        // The extension server_name (RFC 6066, Section 3) has type 0: no name, no extension.
        #expect(!peer.sent[0].contains(subsequence: [UInt8]("127.0.0.1".utf8)))
        #expect(peer.established != nil)
      }
    }

    @Test("a name with a NUL, or none, is no name")
    func badName() throws {
      let client = try Client(clientCredentials, over: .udp)
      for name: Text in ["", "router.example\0.evil"] {
        #expect(ClientConnection(client, to: .name(name), wall: UnixTime(seconds: 0)) == nil)
      }
    }

    @Test(
      "TLS-03 A8 a client without a good certificate gets its alert",
      arguments: Carrier.allCases
    )
    func badClient(_ carrier: Carrier) throws {
      let past = ("200101000000Z", "210101000000Z")
      let cases: [(Holder?, HandshakeFailure, UInt8)] = [
        (nil, .noCertificate, carrier == .tls13 ? 116 : 40),
        (try authority.issue("c1", dates: past), .certificate(.expired), 45),
        (try authority.issue("c2", by: "other"), .certificate(.unknownIssuer), 48),
        (try authority.issue("c3", extensions: "server"), .certificate(.wrongPurpose), 43),
      ]
      for (holder, failure, alert) in cases {
        let ends = try Ends(carrier, serverCredentials)
        var credentials = Credentials(trust: serverCredentials.trust)
        if let holder { credentials = try authority.credentials(holder) }
        let peer = try ends.connect(ends.client(credentials))
        #expect(ends.refusals == [failure] && ends.sessions.isEmpty)
        if carrier == .tls13 {
          #expect(peer.end == .alert(alert))
        } else {
          #expect(peer.log == [.failed(.alert(alert))])
        }
      }
    }

    @Test(
      "B8 a revoked client's session is cut at the reload, its ticket not taken",
      arguments: Carrier.allCases
    )
    func revokedClient(_ carrier: Carrier) throws {
      let authority = try Authority()
      let server = try authority.issue("server", extensions: "server")
      let bad = try authority.issue("bad")
      let ends = try Ends(
        carrier,
        authority.credentials(server, revocations: authority.revocations())
      )
      let client = try ends.client(authority.credentials(bad))
      let first = try ends.connect(client)
      let ticket = try #require(first.connection.ticket)
      let second = try ends.connect(client, ticket: ticket)
      #expect(second.established?.isResumed == true)
      try authority.revoke(bad)
      try ends.reload(authority.credentials(server, revocations: authority.revocations()))
      #expect(ends.closings == [.certificate(.revoked), .certificate(.revoked)])
      #expect(first.end == .closedByPeer && second.end == .closedByPeer)
      let third = try ends.connect(client, ticket: ticket)
      #expect(ends.refusals == [.certificate(.revoked)] && ends.server.sessionCount == 0)
      #expect(third.end == .alert(44) || third.failure == .alert(44))
    }

    @Test(
      "B8 a client's ticket isn't taken when the certificate's time is over",
      arguments: Carrier.allCases
    )
    func expiredClient(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, serverCredentials)
      let client = try ends.client(clientCredentials)
      let ticket = try #require(try ends.connect(client).connection.ticket)
      let peer = try ends.peer(client, ticket: ticket)
      if let server = ends.server as? TLSServer {
        _ = server.connected(peer.address, now: ends.now)
      }
      let start = peer.connection.start(now: ends.now, wall: ends.wall)
      ends.server.timeFloor = UnixTime(seconds: ends.wall.seconds + 40 * 86400)
      ends.perform(start, of: peer)
      #expect(ends.refusals == [.certificate(.expired)])
    }

    @Test(
      "B8 a client judges its server again: by new lists, and before it offers a ticket",
      arguments: Carrier.allCases
    )
    func revokedServer(_ carrier: Carrier) throws {
      let authority = try Authority()
      let server = try authority.issue("server", extensions: "server")
      let holder = try authority.issue("client")
      let ends = try Ends(carrier, authority.credentials(server))
      let old = try ends.client(authority.credentials(holder, revocations: authority.revocations()))
      let peer = try ends.connect(old)
      let ticket = try #require(peer.connection.ticket)
      #expect(peer.connection.fault(under: old, wall: ends.wall) == nil)
      try authority.revoke(server)
      let new = try ends.client(authority.credentials(holder, revocations: authority.revocations()))
      #expect(peer.connection.fault(under: new, wall: ends.wall) == .revoked)
      #expect(try ends.connect(new, ticket: ticket).failure == .certificate(.revoked))
      let other = ServerName.name("other.example")
      #expect(try ends.connect(old, to: other, ticket: ticket).failure == .certificate(.wrongName))
      let late = UnixTime(seconds: ends.wall.seconds + 40 * 86400)
      #expect(peer.connection.fault(under: old, wall: late) != nil)
    }

    @Test(
      "D1 before the time floor a client checks certificates at the floor",
      arguments: Carrier.allCases
    )
    func timeFloor(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, serverCredentials)
      ends.server.timeFloor = ends.wall
      let client = try ends.client(clientCredentials)
      let present = ends.wall
      ends.wall = UnixTime(seconds: 1000)
      #expect(try ends.connect(client).failure == .certificate(.notYetValid))
      client.timeFloor = present
      #expect(try ends.connect(client).established != nil)
    }

    @Test("TLS-13 a close_notify ends the session on both sides", arguments: Carrier.allCases)
    func closing(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, serverCredentials)
      let client = try ends.client(clientCredentials)
      let first = try ends.connect(client)
      ends.perform(first.connection.close(), of: first)
      #expect(ends.closings == [.closedByPeer] && first.end == nil)
      #expect(throws: SendFailure.unknownSession) { _ = try first.connection.send([1]) }
      let second = try ends.connect(client)
      ends.perform(ends.server.close(ends.sessions[1]))
      #expect(second.end == .closedByPeer && ends.server.sessionCount == 0)
      #expect(second.connection.close().isEmpty)
      let third = try ends.connect(client, ticket: try #require(second.connection.ticket))
      #expect(third.established?.isResumed == true)
    }

    @Test("TLS-13 forged datagrams leave a client's session unharmed")
    func forged() throws {
      let ends = try Ends(.datagrams, serverCredentials)
      let peer = try ends.connect(ends.client(clientCredentials))
      let old = peer.arrived
      for round in UInt8(0)..<50 {
        for type in UInt8(20)...23 {
          for epoch in UInt8(0)...2 {
            let junk = [UInt8](repeating: round, count: 40)
            let header: [UInt8] = [type, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 1, round, 0, 40]
            ends.perform(
              peer.connection.received(header + junk, now: ends.now, wall: ends.wall),
              of: peer
            )
          }
        }
      }
      for datagram in old {
        ends.perform(peer.connection.received(datagram, now: ends.now, wall: ends.wall), of: peer)
      }
      #expect(peer.log.count == 1)
      try ends.send([9], on: ends.sessions[0])
      #expect(peer.received == [9])
    }

    @Test("MTU-01 a client's datagrams fit the least path; a longer one is refused")
    func datagramLength() throws {
      let ends = try Ends(.datagrams, serverCredentials)
      let peer = try ends.connect(ends.client(clientCredentials))
      let limit = peer.connection.maximumPayload
      #expect(limit == 1232 - 13 - 24)
      try ends.send([UInt8](repeating: 1, count: limit), from: peer)
      #expect(throws: SendFailure.tooLong(limit: limit)) {
        try ends.send([UInt8](repeating: 1, count: limit + 1), from: peer)
      }
      #expect(peer.sent.allSatisfy { $0.count <= 1232 })
    }

    @Test("HE-05 a flight that gets no answer is repeated after one second and then after two")
    func repetition() throws {
      let ends = try Ends(.datagrams, serverCredentials)
      let peer = try ends.peer(ends.client(clientCredentials))
      let first = peer.connection.start(now: instant(0), wall: ends.wall)
      let due = try #require(peer.connection.nextTimeout)
      #expect((1...1000).contains(due.milliseconds))
      #expect(peer.connection.timedOut(now: instant(1)).isEmpty)
      Thread.sleep(forTimeInterval: 1.1)
      let again = peer.connection.timedOut(now: due)
      #expect(first.count == 1 && again.count == 1)
      let next = try #require(peer.connection.nextTimeout)
      #expect((1001...2000).contains((next - due).milliseconds))
      ends.perform(again, of: peer)
      #expect(peer.established != nil && peer.connection.nextTimeout == nil)
    }

    @Test("each unusable part of a client's credentials is told by its name")
    func unusable() throws {
      let cases: [(TLSError, WritableKeyPath<Credentials, [UInt8]>, [UInt8])] = [
        (.certificateUnreadable, \.certificateChain, [1]),
        (.privateKeyUnreadable, \.privateKey, []),
        (.trustUnreadable, \.trust, []),
      ]
      for (error, part, bytes) in cases {
        var credentials = clientCredentials
        credentials[keyPath: part] = bytes
        #expect(throws: error) { _ = try Client(credentials, over: .tcp) }
      }
    }
  }
}

extension [UInt8] {
  func contains(subsequence: [UInt8]) -> Bool {
    indices.contains { self[$0...].starts(with: subsequence) }
  }
}

extension ClientConnection {
  /// The client's `SSL`, for tests that bend it.
  var ssl: OpaquePointer { connection.ssl }
}
