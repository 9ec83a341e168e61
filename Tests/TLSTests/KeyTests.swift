import Bytes
import COpenSSL
import Foundation
import Testing

@testable import TLS

extension LiveTests {
  @Suite struct KeyTests {
    private let authority: Authority
    private let server: Holder
    private let client: Holder
    private let key = PresharedKey(identity: "cpe-0001", key: [UInt8](1...32))
    private let other = PresharedKey(identity: "cpe-0002", key: [UInt8](repeating: 7, count: 16))

    init() throws {
      let shared = try Shared.certificates.get()
      authority = shared.authority
      server = shared.server
      client = shared.client
    }

    /// A server with a certificate and keys.
    private func both(_ keys: PresharedKey...) throws -> Credentials {
      var credentials = try authority.credentials(server)
      credentials.presharedKeys = keys
      return credentials
    }

    private func keys(_ keys: PresharedKey...) -> Credentials { Credentials(presharedKeys: keys) }

    @Test(
      "TLS-07 a pre-shared key proves both ends, without any certificate",
      arguments: Carrier.allCases
    )
    func alone(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, keys(other, key))
      let peer = try ends.connect(ends.client(keys(key)))
      #expect(peer.established?.identity == PeerIdentity(presharedKey: "cpe-0001"))
      #expect(peer.established?.isResumed == false)
      #expect(ends.identities == [PeerIdentity(presharedKey: "cpe-0001")])
      try ends.send([1, 2], from: peer)
      #expect(ends.log.last == .received(ends.sessions[0], [1, 2]))
      try ends.send([3], on: ends.sessions[0])
      #expect(peer.received == [3])
    }

    @Test("TLS-07 keys and certificates are served side by side", arguments: Carrier.allCases)
    func beside(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, both(key, other))
      let first = try ends.connect(ends.client(keys(other)))
      let second = try ends.connect(ends.client(authority.credentials(client)))
      #expect(first.established?.identity.names == ["cpe-0002"])
      #expect(second.established?.identity.names.first == "router.example")
      #expect(ends.identities[0] == PeerIdentity(presharedKey: "cpe-0002"))
      #expect(ends.identities[1].publicKeyDigest.count == 32)
    }

    @Test(
      "TLS-07 a client that has both is served by a server that has either",
      arguments: Carrier.allCases
    )
    func either(_ carrier: Carrier) throws {
      var credentials = try authority.credentials(client)
      credentials.presharedKeys = [key]
      for server in [try both(key), keys(key), try authority.credentials(server)] {
        let ends = try Ends(carrier, server)
        #expect(try ends.connect(ends.client(credentials)).established != nil)
        #expect(ends.sessions.count == 1)
      }
    }

    @Test("TLS-08 the best suite with forward secrecy is chosen")
    func suites() throws {
      for (carrier, suite) in [
        (Carrier.datagrams, "ECDHE-PSK-CHACHA20-POLY1305"),
        (.tls12, "ECDHE-PSK-CHACHA20-POLY1305"), (.tls13, "TLS_AES_128_GCM_SHA256"),
      ] {
        let ends = try Ends(carrier, both(key))
        let peer = try ends.connect(ends.client(keys(key)))
        let name = SSL_CIPHER_get_name(SSL_get_current_cipher(peer.connection.ssl))
        #expect(name.map { String(cString: $0) } == suite)
      }
    }

    @Test("TLS-07 A8 a stranger's identity fails as a wrong key does", arguments: Carrier.allCases)
    func noOracle(_ carrier: Carrier) throws {
      var outcomes: [[ClientConnection.Action]] = []
      var lengths: [[Int]] = []
      var refusals: [[HandshakeFailure]] = []
      let wrongKey = PresharedKey(identity: "cpe-0001", key: [UInt8](2...33))
      let stranger = PresharedKey(identity: "cpe-0009", key: [UInt8](2...33))
      for wrong in [wrongKey, stranger] {
        let ends = try Ends(carrier, both(key))
        let peer = try ends.connect(ends.client(keys(wrong)))
        ends.now = ends.now + .seconds(11)
        ends.perform(ends.server.timedOut(now: ends.now, wall: ends.wall))
        outcomes.append(peer.log)
        lengths.append(peer.arrived.map(\.count))
        refusals.append(ends.refusals)
        #expect(peer.established == nil && ends.sessions.isEmpty && ends.server.halfOpenCount == 0)
      }
      #expect(outcomes[0] == outcomes[1] && lengths[0] == lengths[1] && refusals[0] == refusals[1])
      #expect(refusals[0].count == 1)
      if carrier == .tls12 { #expect(outcomes[0] == [.failed(.alert(20))]) }
      if carrier == .tls13 { #expect(outcomes[0] == [.failed(.alert(47))]) }
    }

    @Test(
      "a client with a key only refuses a server with a certificate only",
      arguments: Carrier.allCases
    )
    func noCertificate(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, authority.credentials(server))
      let peer = try ends.connect(ends.client(keys(key)))
      #expect(peer.failure != nil && peer.established == nil && ends.sessions.isEmpty)
    }

    @Test("TLS-06 the session of a key is resumed by its ticket", arguments: Carrier.allCases)
    func resumption(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, both(key))
      let client = try ends.client(keys(key))
      var peer = try ends.connect(client)
      for _ in 0..<2 {
        peer = try ends.connect(client, ticket: try #require(peer.connection.ticket))
        #expect(peer.established?.isResumed == true)
        #expect(peer.established?.identity.names == ["cpe-0001"])
        #expect(peer.connection.fault(under: client, wall: ends.wall) == nil)
      }
      #expect(Set(ends.identities) == [PeerIdentity(presharedKey: "cpe-0001")])
      #expect(ends.sessions.count == 3)
    }

    @Test(
      "B8 a reload ends the sessions of keys that are gone or changed, and their tickets",
      arguments: Carrier.allCases
    )
    func reload(_ carrier: Carrier) throws {
      let changed = PresharedKey(identity: "cpe-0001", key: [UInt8](3...34))
      for credentials in [try both(changed, other), try both(other), keys(other)] {
        let ends = try Ends(carrier, both(key, other))
        let client = try ends.client(keys(key))
        let first = try ends.connect(client)
        let kept = try ends.connect(ends.client(keys(other)))
        let ticket = try #require(first.connection.ticket)
        try ends.reload(credentials)
        #expect(ends.closings == [.certificate(.keyChanged)])
        #expect(first.end == .closedByPeer && kept.end == nil)
        #expect(try ends.connect(client, ticket: ticket).established == nil)
        #expect(ends.server.sessionCount == 1)
        let again = try ends.connect(
          ends.client(keys(other)),
          ticket: try #require(kept.connection.ticket)
        )
        #expect(again.established?.isResumed == true)
      }
    }

    @Test("a client doesn't offer the ticket of another key", arguments: Carrier.allCases)
    func otherTicket(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, both(key, other))
      let client = try ends.client(keys(key))
      let first = try ends.connect(client)
      let ticket = try #require(first.connection.ticket)
      let changed = try ends.client(keys(other))
      #expect(try ends.connect(changed, ticket: ticket).established?.isResumed == false)
      #expect(ends.identities.last?.names == ["cpe-0002"])
      #expect(first.connection.fault(under: changed, wall: ends.wall) == .keyChanged)
      let certified = try ends.client(authority.credentials(self.client))
      #expect(try ends.connect(certified, ticket: ticket).established?.isResumed == false)
      #expect(ends.identities.last?.publicKeyDigest.count == 32)
    }

    @Test("a client of the other kind takes nobody's place but its own kind's")
    func places() throws {
      let ends = try Ends(.tls13, both(key, other), limits: .init(sessions: 2))
      let first = try ends.connect(ends.client(keys(key)))
      let second = try ends.connect(ends.client(keys(other)))
      let third = try ends.connect(ends.client(keys(key)))
      #expect(first.end == .closedByPeer && second.end == nil && third.end == nil)
      #expect(ends.closings == [.evicted])
    }

    @Test("where there is no room, who holds most sessions makes it, however lately it was heard")
    func fairness() throws {
      let third = PresharedKey(identity: "cpe-0003", key: [UInt8](repeating: 9, count: 16))
      let ends = try Ends(.tls13, both(key, other, third), limits: .init(sessions: 3))
      let quiet = try ends.connect(ends.client(keys(other)))
      let greedy = try ends.connect(ends.client(keys(key)))
      let greedier = try ends.connect(ends.client(keys(key)))
      let newcomer = try ends.connect(ends.client(keys(third)))
      #expect(quiet.end == nil && greedier.end == nil && newcomer.end == nil)
      #expect(greedy.end == .closedByPeer)
      #expect(ends.closings == [.evicted])
    }

    @Test("sessions that are over don't count for who held them")
    func endedSessions() throws {
      let third = PresharedKey(identity: "cpe-0003", key: [UInt8](repeating: 9, count: 16))
      let ends = try Ends(.tls13, both(key, other, third), limits: .init(sessions: 4))
      for _ in 0..<3 { _ = try ends.connect(ends.client(keys(key))) }
      for session in ends.sessions.dropFirst() { ends.perform(ends.server.close(session)) }
      let one = try ends.connect(ends.client(keys(other)))
      let two = try ends.connect(ends.client(keys(other)))
      let three = try ends.connect(ends.client(keys(third)))
      let four = try ends.connect(ends.client(authority.credentials(client)))
      #expect(one.end == .closedByPeer && two.end == nil && three.end == nil && four.end == nil)
      #expect(ends.closings == [.evicted])
    }

    @Test("a key or an identity of another length is refused")
    func lengths() throws {
      let bad = [
        PresharedKey(identity: "", key: key.key), PresharedKey(identity: "a\0b", key: key.key),
        PresharedKey(identity: Text([UInt8](repeating: 65, count: 129)), key: key.key),
        PresharedKey(identity: "a", key: [UInt8](repeating: 1, count: 15)),
        PresharedKey(identity: "a", key: [UInt8](repeating: 1, count: 129)),
      ]
      for key in bad {
        #expect(throws: TLSError.presharedKeyUnusable) { _ = try Ends(.tls13, keys(key)) }
        #expect(throws: TLSError.presharedKeyUnusable) { _ = try Client(keys(key), over: .udp) }
      }
      let longest = PresharedKey(
        identity: Text([UInt8](repeating: 65, count: 128)),
        key: [UInt8](repeating: 1, count: 128)
      )
      for carrier in Carrier.allCases {
        let ends = try Ends(carrier, keys(longest))
        #expect(try ends.connect(ends.client(keys(longest))).established != nil)
      }
    }
  }
}
