import Bytes
import COpenSSL
import Foundation
import TestSupport
import Testing

@testable import TLS

extension LiveTests {
  @Suite struct TLSServerTests {
    private let authority: Authority
    private let credentials: Credentials
    private let clientCredentials: Credentials

    init() throws {
      let shared = try Shared.certificates.get()
      authority = shared.authority
      credentials = try authority.credentials(shared.server)
      clientCredentials = try authority.credentials(shared.client)
    }

    /// Lets a client offer these protocols (each behind its length); what was chosen, if a session began.
    private func offer(_ protocols: [UInt8], _ carrier: Carrier) throws -> (Ends, Peer) {
      let ends = try Ends(carrier, credentials)
      let peer = try ends.peer(ends.client(clientCredentials), relaxed: true)
      // An empty list: the client says nothing of protocols.
      SSL_set_alpn_protos(peer.connection.ssl, protocols, CUnsignedInt(protocols.count))
      ends.begin(peer)
      return (ends, peer)
    }

    @Test("TLS-16 coap is chosen wherever it stands in the offer", arguments: Carrier.streams)
    func coap(_ carrier: Carrier) throws {
      for offered in ["\u{4}coap", "\u{8}http/1.1\u{4}coap", "\u{4}coap\u{2}h2"] {
        let (ends, peer) = try offer([UInt8](offered.utf8), carrier)
        #expect(peer.established != nil && ends.sessions.count == 1)
        #expect(peer.connection.connection.hasCoAP)
      }
    }

    @Test(
      "TLS-16 an offer without coap gets the alert no_application_protocol",
      arguments: Carrier.streams
    )
    func otherProtocol(_ carrier: Carrier) throws {
      for offered in ["\u{2}h2", "\u{5}coaps", "\u{3}coa", "\u{8}xxx\u{4}coap"] {
        let (ends, peer) = try offer([UInt8](offered.utf8), carrier)
        #expect(peer.log == [.failed(.alert(120))])
        #expect(ends.refusals == [.protocolFault(reason: SSL_R_NO_APPLICATION_PROTOCOL)])
      }
    }

    @Test("TLS-16 a client that offers no protocol at all is served", arguments: Carrier.streams)
    func noProtocol(_ carrier: Carrier) throws {
      let (ends, peer) = try offer([], carrier)
      #expect(peer.established != nil && ends.sessions.count == 1)
    }

    @Test(
      "TLS-16 a client ends the session of a server that doesn't choose coap, unless told otherwise"
    )
    func unchosen() throws {
      let server = try StreamServer(credentials)
      for (isRelaxed, action) in [
        (
          false,
          ClientConnection.Action.failed(.protocolFault(reason: SSL_R_NO_APPLICATION_PROTOCOL))
        ),
        (true, nil),
      ] {
        let connection = try #require(server.connection())
        let client = try #require(
          ClientConnection(
            try Client(clientCredentials, over: .tcp),
            to: .name("router.example"),
            requiresCoAP: !isRelaxed,
            wall: UnixTime(seconds: UInt64(Date().timeIntervalSince1970))
          )
        )
        let wall = UnixTime(seconds: UInt64(Date().timeIntervalSince1970))
        var actions = client.start(now: instant(0), wall: wall)
        var log: [ClientConnection.Action] = []
        while !actions.isEmpty {
          for action in actions {
            if case .send(let bytes) = action {
              _ = connection.receive(bytes)
            } else {
              log.append(action)
            }
          }
          let answer = connection.takeOutput()
          actions = answer.isEmpty ? [] : client.received(answer, now: instant(0), wall: wall)
        }
        if let action {
          #expect(log == [action])
        } else {
          #expect(log.count == 1 && client.ticket == nil)
        }
        if isRelaxed, case .established = log[0] {} else { #expect(!isRelaxed) }
      }
    }

    @Test("TLS-01 an older version is refused with protocol_version")
    func old() throws {
      let ends = try Ends(.tls12, credentials)
      let client = try ends.client(clientCredentials)
      SSL_CTX_set_security_level(client.context.handle, 0)
      SSL_CTX_ctrl(client.context.handle, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_1_VERSION), nil)
      SSL_CTX_ctrl(client.context.handle, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_1_VERSION), nil)
      SSL_CTX_set_cipher_list(client.context.handle, "ALL:@SECLEVEL=0")
      let peer = try ends.connect(client)
      #expect(peer.failure == .alert(70))
      #expect(ends.refusals.count == 1)
    }

    private func stranger(_ port: UInt16, _ address: UInt32 = 0xC000_0201) -> PeerAddress {
      PeerAddress(remote: IPAddress(v4: address), remotePort: port, local: IPAddress(v4: 1))
    }

    private func server() throws -> TLSServer {
      try TLSServer(credentials: credentials, now: instant(0))
    }

    @Test("what is no TLS ends the connection")
    func nonsense() throws {
      let hellos: [[UInt8]] = [
        [UInt8]("GET / HTTP/1.1\r\n\r\n".utf8), [22, 3, 1, 0x40, 0], [22, 2, 1, 0, 5],
        [23, 3, 3, 0, 1, 1], [22, 3, 1, 0, 3, 1, 0, 0],
      ]
      for bytes in hellos {
        let server = try server()
        #expect(server.connected(stranger(1), now: instant(0)).isEmpty)
        let actions = server.received(bytes, from: stranger(1), now: instant(0), wall: wall)
        guard case .refused = try #require(actions.last) else {
          Issue.record("\(bytes)")
          return
        }
        #expect(server.halfOpenCount == 0 && server.handshakes.isEmpty)
      }
    }

    private var wall: UnixTime { UnixTime(seconds: UInt64(Date().timeIntervalSince1970)) }

    @Test(
      "what is damaged under way gets no session and leaves nothing behind",
      arguments: Carrier.streams
    )
    func damaged(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, credentials)
      let server = try #require(ends.server as? TLSServer)
      let client = try ends.client(clientCredentials)
      var random = SeededGenerator(seed: 9132)
      for port in UInt16(1)...200 {
        let peer = stranger(port)
        var hello = bytes(try ends.peer(client).connection.start(now: ends.now, wall: ends.wall))
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          let place = Int.random(in: 0..<hello.count, using: &random)
          hello[place] = UInt8.random(in: 0...255, using: &random)
        }
        _ = server.connected(peer, now: ends.now)
        _ = server.received(hello, from: peer, now: ends.now, wall: ends.wall)
        #expect(server.disconnected(peer).isEmpty && server.halfOpenCount == 0)
      }
      #expect(try ends.connect(client).established != nil)
    }

    @Test("A5 a ClientHello that announces 131 kB isn't let in, nor are its parts kept")
    func announced() throws {
      let server = try server()
      let before = try #require(heapInUse())
      for port in UInt16(1)...2 {
        _ = server.connected(stranger(port), now: instant(0))
        let record: [UInt8] = [22, 3, 1, 0, 8, 1, 2, 0, 0, 3, 3, 0, 0]
        let actions = server.received(record, from: stranger(port), now: instant(0), wall: wall)
        #expect(actions == [.refused(stranger(port), .notTLS)])
      }
      #expect(try #require(heapInUse()) - before < 20_000)
    }

    @Test("A5 nor a second ClientHello that the server asked for, behind a ChangeCipherSpec")
    func announcedLater() throws {
      var records = StreamRecords()
      let first = [22, 3, 1, 0, 8, 1, 0, 0, 4, 3, 3, 0, 0] as [UInt8]
      let change = [20, 3, 3, 0, 1, 1] as [UInt8]
      records.append(first + change + [22, 3, 3, 0, 4, 1, 2, 0, 0])
      #expect(records.next(isProtected: false) == .record(first))
      #expect(records.next(isProtected: false) == .record(change))
      #expect(records.next(isProtected: false) == .fault)
    }

    @Test("a message that goes on in the next record isn't taken for another")
    func fragments() throws {
      var records = StreamRecords()
      let first = [22, 3, 1, 0, 5, 1, 0, 0, 8, 3] as [UInt8]
      let second = [22, 3, 1, 0, 7, 1, 2, 3, 4, 5, 6, 7] as [UInt8]
      for byte in first.dropLast() {
        records.append([byte])
        #expect(records.next(isProtected: false) == .nothing)
      }
      records.append([first[first.count - 1]] + second + [1, 2])
      #expect(records.next(isProtected: false) == .record(first))
      #expect(records.next(isProtected: false) == .record(second))
      #expect(records.next(isProtected: false) == .nothing)
      #expect(records.takeRest() == [1, 2])
    }

    @Test("A6 a connection that says nothing is over after ten seconds")
    func deadline() throws {
      let server = try server()
      _ = server.connected(stranger(1), now: instant(0))
      #expect(server.nextTimeout == instant(10_000))
      #expect(server.timedOut(now: instant(9_999), wall: wall).isEmpty)
      let actions = server.timedOut(now: instant(10_000), wall: wall)
      #expect(actions == [.refused(stranger(1), .deadline)])
      #expect(server.nextTimeout == nil && server.handshakes.isEmpty)
    }

    @Test("A6 an address has two places among the half open, all strangers twelve")
    func places() throws {
      let server = try server()
      #expect(server.connected(stranger(1), now: instant(0)).isEmpty)
      #expect(server.connected(stranger(2), now: instant(0)).isEmpty)
      #expect(server.connected(stranger(3), now: instant(1)) == [.refused(stranger(3), .full)])
      let evicting = server.connected(stranger(3), now: instant(1001))
      #expect(evicting == [.refused(stranger(1), .evicted)])
      for number in UInt32(1)...20 {
        _ = server.connected(stranger(9, 0x0A00_0000 + number << 8), now: instant(1001))
      }
      #expect(server.halfOpenCount == 12 && server.handshakes.count == 12)
    }

    @Test(
      "TLS-13 a connection that ends without close_notify is a lost session",
      arguments: Carrier.streams
    )
    func lost(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, credentials)
      let peer = try ends.connect(ends.client(clientCredentials))
      let server = try #require(ends.server as? TLSServer)
      ends.perform(server.disconnected(peer.address))
      #expect(ends.closings == [.connectionLost] && ends.server.sessionCount == 0)
      ends.perform(peer.connection.disconnected(), of: peer)
      #expect(peer.end == .connectionLost)
      #expect(server.disconnected(peer.address).isEmpty)
      let half = try ends.peer(ends.client(clientCredentials))
      _ = half.connection.start(now: ends.now, wall: ends.wall)
      #expect(half.connection.disconnected() == [.failed(.disconnected)])
    }

    @Test("what is sent right behind the handshake is received", arguments: Carrier.streams)
    func atOnce(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, credentials)
      let server = try #require(ends.server as? TLSServer)
      let peer = try ends.peer(ends.client(clientCredentials))
      _ = server.connected(peer.address, now: ends.now)
      var toServer = bytes(peer.connection.start(now: ends.now, wall: ends.wall))
      var actions: [PeerServer.Action] = []
      while actions.allSatisfy({ if case .established = $0 { false } else { true } }) {
        actions = server.received(toServer, from: peer.address, now: ends.now, wall: ends.wall)
        let answer = actions.flatMap { action in
          if case .send(let bytes, _) = action { bytes } else { [UInt8]() }
        }
        toServer = bytes(peer.connection.received(answer, now: ends.now, wall: ends.wall))
        if let more = try? peer.connection.send([1, 2, 3]) { toServer += bytes(more) }
        try #require(!toServer.isEmpty || !actions.isEmpty)
      }
      if carrier == .tls12 {
        actions = server.received(toServer, from: peer.address, now: ends.now, wall: ends.wall)
      }
      let id = try #require(server.sessions.first?.id)
      #expect(actions.contains(.received(id, [1, 2, 3])))
    }

    private func bytes(_ actions: [ClientConnection.Action]) -> [UInt8] {
      actions.flatMap { if case .send(let bytes) = $0 { bytes } else { [UInt8]() } }
    }

    @Test("a client can't begin a second handshake in its session", arguments: [Carrier.tls12])
    func renegotiation(_ carrier: Carrier) throws {
      let ends = try Ends(carrier, credentials)
      let peer = try ends.connect(ends.client(clientCredentials))
      SSL_clear_options(peer.connection.ssl, UInt64(1) << 30)
      #expect(SSL_renegotiate(peer.connection.ssl) == 1)
      SSL_do_handshake(peer.connection.ssl)
      ERR_clear_error()
      // Its hello goes out with the next bytes; the answer is the alert no_renegotiation.
      ends.perform(peer.connection.received([], now: ends.now, wall: ends.wall), of: peer)
      for bytes in peer.connection.client.desk.takeDatagrams() {
        ends.perform(ends.receive(bytes, from: peer.address))
      }
      #expect(ends.sessions.count == 1 && ends.server.halfOpenCount == 0)
      #expect(peer.arrived.last?.first == 21)
    }

    @Test("G4 an idle session over a stream costs at most 50 kB", arguments: Carrier.streams)
    func idleMemory(_ carrier: Carrier) throws {
      let count = 300
      let ends = try Ends(carrier, credentials, limits: .init(sessions: count))
      let client = try ends.client(clientCredentials)
      try ends.connect(client)
      ends.forget()
      let before = try #require(heapInUse())
      for _ in 1..<count {
        try ends.connect(client)
        ends.forget()
        ends.now = ends.now + .milliseconds(10)
      }
      #expect(ends.server.sessionCount == count)
      let each = (try #require(heapInUse()) - before) / (count - 1)
      print("\(each) bytes for each idle session over \(carrier)")
      #expect(each <= 50_000)
    }
  }
}
