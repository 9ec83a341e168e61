import Bytes
import Foundation
import Testing

@testable import TLS

extension LiveTests {
  @Suite struct ProgramTests {
    private let authority: Authority
    private let client: Holder
    private let endpoint: Endpoint

    init() throws {
      let shared = try Shared.certificates.get()
      authority = shared.authority
      client = shared.client
      endpoint = try Endpoint(authority.credentials(shared.server))
    }

    private func openssl(
      _ endpoint: Endpoint,
      _ holder: Holder?,
      _ more: [String] = ["-dtls1_2"]
    ) throws -> Program {
      let identity = holder.map { ["-cert", $0.certificate, "-key", $0.key] } ?? []
      let root = authority.path("root.pem")
      return try Program(
        "/usr/bin/openssl",
        ["s_client", "-connect", "127.0.0.1:\(endpoint.port)", "-CAfile", root]
          + identity + more
      )
    }

    @Test("TLS-02 openssl s_client with a good certificate gets its bytes back")
    func good() throws {
      let program = try openssl(endpoint, client)
      #expect(endpoint.run { endpoint.sessions.count == 1 }.isDone)
      program.write("ping\n")
      #expect(endpoint.run { program.output.contains("ping") }.isDone)
      #expect(endpoint.received == [[UInt8]("ping\n".utf8)])
      #expect(program.output.contains("ECDHE-ECDSA-AES128-GCM-SHA256"))
      program.write("Q\n")
      #expect(endpoint.run { endpoint.server.sessionCount == 0 }.isDone)
    }

    @Test("TLS-03 A8 each bad certificate is refused with its reason and its alert")
    func bad() throws {
      let past = ("200101000000Z", "210101000000Z")
      let future = ("400101000000Z", "410101000000Z")
      let cases: [(Holder?, HandshakeFailure, String)] = [
        (nil, .noCertificate, "alert number 40"),
        (try authority.issue("old", dates: past), .certificate(.expired), "alert number 45"),
        (try authority.issue("new", dates: future), .certificate(.notYetValid), "alert number 42"),
        (
          try authority.issue("foreign", by: "other"), .certificate(.unknownIssuer),
          "alert number 48"
        ),
        (
          try authority.issue("wrong", extensions: "server"), .certificate(.wrongPurpose),
          "alert number 43"
        ),
      ]
      for (holder, failure, alert) in cases {
        let endpoint = try Endpoint(authority.credentials(Shared.certificates.get().server))
        let program = try openssl(endpoint, holder)
        #expect(endpoint.run { !program.isRunning }.isDone)
        #expect(endpoint.refusals == [failure])
        #expect(endpoint.sessions.isEmpty && endpoint.server.halfOpenCount == 0)
        #expect(program.output.contains(alert), "\(failure): \(program.output)")
      }
    }

    @Test("A8 reasons are told in words for the log")
    func words() {
      #expect(HandshakeFailure.certificate(.expired).description == "certificate has expired")
      #expect(
        HandshakeFailure.certificate(.unknownIssuer).description
          == "unable to get local issuer certificate"
      )
      #expect(HandshakeFailure.alert(48).description == "alert from the peer: unknown CA")
    }

    @Test("A8 a revoked certificate is refused, live and by ticket")
    func revoked() throws {
      let authority = try Authority()
      let server = try authority.issue("router", extensions: "server")
      let holder = try authority.issue("client")
      let endpoint = try Endpoint(
        authority.credentials(server, revocations: authority.revocations())
      )
      let session = authority.path("session")
      let first = try openssl(endpoint, holder, ["-dtls1_2", "-sess_out", session])
      #expect(endpoint.run { endpoint.sessions.count == 1 }.isDone)
      endpoint.run { FileManager.default.fileExists(atPath: session) }
      let second = try openssl(endpoint, holder, ["-dtls1_2", "-sess_in", session])
      #expect(endpoint.run { endpoint.sessions.count == 2 }.isDone)
      #expect(endpoint.run { second.output.contains("Reused, TLSv1.2") }.isDone)
      try authority.revoke(holder)
      let renewed = try authority.credentials(server, revocations: authority.revocations())
      endpoint.perform(try endpoint.server.reload(renewed, wall: Endpoint.wall))
      #expect(endpoint.server.sessionCount == 0)
      #expect(endpoint.run { !first.isRunning && !second.isRunning }.isDone)
      let third = try openssl(endpoint, holder, ["-dtls1_2", "-sess_in", session])
      #expect(endpoint.run { !third.isRunning }.isDone)
      #expect(endpoint.refusals == [.certificate(.revoked)])
      #expect(third.output.contains("alert number 44"))
    }

    @Test("TLS-01 DTLS 1.0 is refused with protocol_version")
    func version() throws {
      let program = try openssl(endpoint, client, ["-dtls1", "-cipher", "ALL:@SECLEVEL=0"])
      #expect(endpoint.run { !program.isRunning }.isDone)
      #expect(endpoint.sessions.isEmpty && endpoint.refusals.count == 1)
      #expect(program.output.contains("alert number 70"), "\(program.output)")
    }

    @Test("a client with an RSA certificate, X25519, ChaCha20 or CCM-8 is served")
    func algorithms() throws {
      let rsa = try authority.issue("rsa", rsa: true)
      #expect(try connects(rsa, []))
      #expect(try connects(client, ["-groups", "X25519:P-256"]))
      #expect(try connects(client, ["-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"]))
      #expect(try connects(client, ["-cipher", "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"]))
    }

    private func connects(_ holder: Holder, _ arguments: [String]) throws -> Bool {
      let before = endpoint.sessions.count
      let program = try openssl(endpoint, holder, ["-dtls1_2"] + arguments)
      endpoint.run { endpoint.sessions.count > before || !program.isRunning }
      return endpoint.sessions.count > before
    }

    @Test("TLS-08 a suite without forward secrecy or authentication of data is refused")
    func weakSuites() throws {
      #expect(try !connects(client, ["-cipher", "ECDHE-ECDSA-AES128-SHA"]))
      #expect(try !connects(client, ["-cipher", "AES128-GCM-SHA256"]))
    }

    @Test("a fragmented ClientHello is understood")
    func fragmented() throws {
      let names = (0..<12).map { "name-that-makes-the-hello-long-\($0)" }.joined(separator: ",")
      #expect(try connects(client, ["-mtu", "256", "-alpn", names]))
      let hellos = endpoint.arrived.filter { ClientHello.isFragment($0.datagram) }
      #expect(hellos.count >= 4, "the hello wasn't fragmented")
    }

    @Test("coap-client-openssl gets its answer")
    func coap() throws {
      endpoint.answer = { request in
        guard request.count >= 4 else { return nil }
        let token = Int(request[0] & 15)
        let content: [UInt8] = [0x60 | request[0] & 15, 0x45, request[2], request[3]]
        return content + request.dropFirst(4).prefix(token) + [0xFF] + [UInt8]("answered".utf8)
      }
      let program = try Program(
        "/usr/bin/coap-client-openssl",
        ["-c", client.certificate, "-j", client.key, "-R", authority.path("root.pem"), "-B", "20"]
          + ["coaps://127.0.0.1:\(endpoint.port)/x"]
      )
      #expect(endpoint.run { !program.isRunning }.isDone)
      #expect(program.output.contains("answered"), "\(program.output)")
    }

    /// Starts a client until one has its session within a second, at most five.
    ///
    /// A busy machine may take its time to start a program, but not again and again.
    private func quickClient(
      _ start: () throws -> Program,
      meanwhile: () -> Void = {}
    ) throws -> (program: Program, took: Double) {
      var attempts = 0
      while true {
        let before = endpoint.sessions.count
        let program = try start()
        let (isDone, took) = endpoint.run {
          meanwhile()
          return endpoint.sessions.count > before
        }
        attempts += 1
        if !isDone || took < 1 || attempts == 5 { return (program, took) }
      }
    }

    @Test("A7 a killed client connects again from the same port within a second")
    func samePort() throws {
      let port = String(20000 + Int.random(in: 0..<10000))
      var client = try openssl(endpoint, client, ["-dtls1_2", "-bind", "127.0.0.1:" + port])
      #expect(endpoint.run { endpoint.sessions.count == 1 }.isDone)
      let (second, took) = try quickClient {
        client.kill()
        client = try openssl(endpoint, self.client, ["-dtls1_2", "-bind", "127.0.0.1:" + port])
        return client
      }
      #expect(took < 1)
      for session in endpoint.sessions.dropLast() {
        #expect(endpoint.log.contains(.closed(session, .replaced)))
      }
      second.write("again\n")
      #expect(endpoint.run { second.output.contains("again") }.isDone)
    }

    @Test("A1 A4 a client connects within a second while 200 forged ClientHellos a second arrive")
    func flood() throws {
      var number: UInt32 = 0
      var next = Date()
      let forge = { [endpoint] in
        while next <= Date() {
          number += 1
          endpoint.spoof(clientHello(random: UInt8(number & 255)), from: 0x7F01_0000 + number)
          next = next.addingTimeInterval(0.005)
        }
      }
      #expect(
        endpoint.run {
          forge()
          return number >= 200
        }.isDone
      )
      #expect(endpoint.server.sessionCount == 0 && endpoint.server.halfOpenCount == 0)
      let (program, took) = try quickClient({ try openssl(endpoint, client) }, meanwhile: forge)
      #expect(took < 1)
      program.write("ping\n")
      #expect(
        endpoint.run {
          forge()
          return program.output.contains("ping")
        }.isDone
      )
      #expect(endpoint.log.allSatisfy { if case .refused = $0 { false } else { true } })
      #expect(
        endpoint.server.sessionCount == endpoint.sessions.count
          && endpoint.server.halfOpenCount == 0
      )
    }

    @Test("A7 TLS-05 a live client's recorded datagrams do nothing when they come again")
    func recorded() throws {
      let program = try openssl(endpoint, client)
      #expect(endpoint.run { endpoint.sessions.count == 1 }.isDone)
      program.write("once\n")
      #expect(endpoint.run { endpoint.received.count == 1 }.isDone)
      for (peer, datagram) in endpoint.arrived { endpoint.inject(datagram, from: peer) }
      #expect(endpoint.received.count == 1 && endpoint.sessions.count == 1)
      program.write("twice\n")
      #expect(endpoint.run { program.output.contains("twice") }.isDone)
    }
  }
}

extension ClientHello {
  /// Whether a datagram holds a part of a ClientHello.
  fileprivate static func isFragment(_ datagram: [UInt8]) -> Bool {
    guard let record = Record.all(in: datagram).first, record.epoch == 0, record.type == 22 else {
      return false
    }
    var cursor = ByteCursor([UInt8](record.fragment))
    guard let header = try? HandshakeHeader(parsing: &cursor), header.type == 1 else {
      return false
    }
    return header.body.count < header.messageLength
  }
}
