import Bytes
import Foundation
import Model
import Testing

@testable import TLS

extension LiveTests {
  /// The programs of OpenSSL and libcoap at the other end.
  @Suite struct OtherEndTests {
    private let authority: Authority
    private let server: Holder
    private let client: Holder
    private let key = PresharedKey(identity: "cpe-0001", key: [UInt8](1...16))
    private let hexadecimalKey = "0102030405060708090a0b0c0d0e0f10"

    init() throws {
      let shared = try Shared.certificates.get()
      authority = shared.authority
      server = shared.server
      client = shared.client
    }

    private func openssl(_ arguments: [String]) throws -> Program {
      try Program("/usr/bin/openssl", arguments)
    }

    private func call(_ port: UInt16, _ holder: Holder?, _ more: [String]) throws -> Program {
      let identity = holder.map { ["-cert", $0.certificate, "-key", $0.key] } ?? []
      let root = authority.path("root.pem")
      return try openssl(
        ["s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", root] + identity + more
      )
    }

    @Test(
      "TLS-02 TLS-16 openssl s_client gets its bytes back over TLS",
      arguments: ["-tls1_2", "-tls1_3"]
    )
    func good(_ version: String) throws {
      let endpoint = try StreamEndpoint(authority.credentials(server))
      let program = try call(endpoint.port, client, [version, "-alpn", "h2,coap"])
      #expect(endpoint.run(20) { endpoint.sessions.count == 1 })
      program.write("ping\n")
      #expect(endpoint.run(20) { program.output.contains("ping") })
      #expect(program.output.contains("ALPN protocol: coap"))
      #expect(program.output.contains("Verify return code: 0 (ok)"))
      program.write("Q\n")
      #expect(endpoint.run(20) { endpoint.server.sessionCount == 0 })
      #expect(endpoint.log.last == .closed(endpoint.sessions[0], .closedByPeer))
    }

    @Test(
      "TLS-16 openssl s_client with other protocols is refused, with none served",
      arguments: ["-tls1_2", "-tls1_3"]
    )
    func protocols(_ version: String) throws {
      let endpoint = try StreamEndpoint(authority.credentials(server))
      let other = try call(endpoint.port, client, [version, "-alpn", "h2"])
      #expect(endpoint.run(20) { !other.isRunning })
      #expect(other.output.contains("alert number 120") && endpoint.refusals.count == 1)
      let silent = try call(endpoint.port, client, [version])
      #expect(endpoint.run(20) { endpoint.sessions.count == 1 && silent.isRunning })
    }

    @Test("TLS-01 TLS-03 A8 bad clients get their alerts", arguments: ["-tls1_2", "-tls1_3"])
    func bad(_ version: String) throws {
      let cases: [(Holder?, HandshakeFailure, String)] = [
        (nil, .noCertificate, version == "-tls1_3" ? "alert number 116" : "alert number 40"),
        (try authority.issue("f1", by: "other"), .certificate(.unknownIssuer), "alert number 48"),
      ]
      for (holder, failure, alert) in cases {
        let endpoint = try StreamEndpoint(authority.credentials(server))
        let program = try call(endpoint.port, holder, [version])
        #expect(endpoint.run(20) { !program.isRunning })
        #expect(endpoint.refusals == [failure] && endpoint.sessions.isEmpty)
        #expect(program.output.contains(alert), "\(program.output)")
      }
    }

    @Test(
      "TLS-06 TLS-12 B8 a ticket is taken until its certificate is revoked",
      arguments: ["-tls1_2", "-tls1_3"]
    )
    func tickets(_ version: String) throws {
      let authority = try Authority()
      let server = try authority.issue("router", extensions: "server")
      let holder = try authority.issue("client")
      let endpoint = try StreamEndpoint(
        authority.credentials(server, revocations: authority.revocations())
      )
      func call(_ more: [String]) throws -> Program {
        let root = authority.path("root.pem")
        let identity = ["-cert", holder.certificate, "-key", holder.key, "-CAfile", root]
        return try openssl(
          ["s_client", "-connect", "127.0.0.1:\(endpoint.port)", version] + identity + more
        )
      }
      let session = authority.path("session")
      let first = try call(["-sess_out", session])
      #expect(endpoint.run(20) { endpoint.sessions.count == 1 })
      #expect(endpoint.run(20) { FileManager.default.fileExists(atPath: session) })
      let second = try call(["-sess_in", session])
      #expect(
        endpoint.run(20) { endpoint.sessions.count == 2 && second.output.contains("Reused, ") }
      )
      try authority.revoke(holder)
      let renewed = try authority.credentials(server, revocations: authority.revocations())
      endpoint.perform(try endpoint.server.reload(renewed, wall: Endpoint.wall))
      #expect(endpoint.server.sessionCount == 0)
      #expect(endpoint.run(20) { !first.isRunning })
      // The program writes what it says when it ends.
      #expect(version == "-tls1_2" || first.output.contains("Max Early Data: 0"))
      let third = try call(["-sess_in", session])
      #expect(endpoint.run(20) { !third.isRunning })
      #expect(endpoint.refusals == [.certificate(.revoked)])
      #expect(third.output.contains("alert number 44"))
    }

    @Test("TLS-07 TLS-08 openssl s_client proves a pre-shared key with each suite that is allowed")
    func suites() throws {
      let arguments = ["-psk_identity", "cpe-0001", "-psk", hexadecimalKey]
      var credentials = try authority.credentials(server)
      credentials.presharedKeys = [key]
      let cases = [
        ("ECDHE-PSK-CHACHA20-POLY1305", true), ("DHE-PSK-AES128-GCM-SHA256", true),
        ("ECDHE-PSK-AES128-CBC-SHA256", true), ("PSK-AES128-GCM-SHA256", false),
        ("PSK-AES128-CCM8:@SECLEVEL=0", false), ("DHE-PSK-AES128-CCM8:@SECLEVEL=0", false),
        ("RSA-PSK-AES128-GCM-SHA256", false), ("ECDHE-PSK-NULL-SHA256:@SECLEVEL=0", false),
      ]
      for (suite, isAllowed) in cases {
        let datagrams = try Endpoint(credentials)
        let first = try call(datagrams.port, nil, ["-dtls1_2", "-cipher", suite] + arguments)
        datagrams.run(20) { !datagrams.sessions.isEmpty || !first.isRunning }
        #expect(datagrams.sessions.count == (isAllowed ? 1 : 0), "\(suite): \(first.output)")
        let streams = try StreamEndpoint(credentials)
        let second = try call(streams.port, nil, ["-tls1_2", "-cipher", suite] + arguments)
        streams.run(20) { !streams.sessions.isEmpty || !second.isRunning }
        #expect(streams.sessions.count == (isAllowed ? 1 : 0), "\(suite): \(second.output)")
      }
      let streams = try StreamEndpoint(credentials)
      let program = try call(streams.port, nil, ["-tls1_3"] + arguments)
      #expect(streams.run(20) { !streams.sessions.isEmpty && program.isRunning })
      #expect(streams.identities == [PeerIdentity(presharedKey: "cpe-0001")])
    }

    @Test("TLS-07 coap-client-openssl gets its answer with a pre-shared key")
    func coap() throws {
      let endpoint = try Endpoint(Credentials(presharedKeys: [key]))
      endpoint.answer = { request in
        guard request.count >= 4 else { return nil }
        let token = Int(request[0] & 15)
        let content: [UInt8] = [0x60 | request[0] & 15, 0x45, request[2], request[3]]
        return content + request.dropFirst(4).prefix(token) + [0xFF] + [UInt8]("answered".utf8)
      }
      let text = String(decoding: [UInt8](repeating: 0x6B, count: 16), as: UTF8.self)
      let textKey = PresharedKey(identity: "cpe-0001", key: [UInt8](text.utf8))
      endpoint.perform(
        try endpoint.server.reload(Credentials(presharedKeys: [textKey]), wall: Endpoint.wall)
      )
      let program = try Program(
        "/usr/bin/coap-client-openssl",
        ["-u", "cpe-0001", "-k", text, "-B", "4", "coaps://127.0.0.1:\(endpoint.port)/x"]
      )
      #expect(endpoint.run(20) { !program.isRunning }.isDone)
      #expect(program.output.contains("answered"), "\(program.output)")
    }

    /// Starts openssl s_server for these arguments, and a client's end that calls it.
    private func answer(
      _ version: String,
      _ credentials: Credentials,
      _ arguments: [String],
      ticket: [UInt8] = [],
      on port: UInt16? = nil
    ) throws -> (Program?, Caller, UInt16) {
      let transport: Transport = version == "-dtls1_2" ? .udp : .tcp
      var program: Program?
      let number = port ?? freePort(transport)
      if port == nil {
        program = try openssl(["s_server", "-accept", "127.0.0.1:\(number)", version] + arguments)
        if transport == .udp { Thread.sleep(forTimeInterval: 0.5) }
      }
      let connection = try #require(
        ClientConnection(
          try Client(credentials, over: transport),
          to: .name("router.example"),
          ticket: ticket,
          wall: Endpoint.wall
        )
      )
      return (program, try Caller(connection, over: transport, port: number), number)
    }

    private func identity(_ holder: Holder) -> [String] {
      ["-cert", holder.certificate, "-key", holder.key]
    }

    @Test(
      "TLS-09 TLS-16 openssl s_server is called, with a cookie over datagrams, and answers",
      arguments: ["-dtls1_2", "-tls1_2", "-tls1_3"]
    )
    func call(_ version: String) throws {
      var arguments = identity(server) + ["-Verify", "1", "-CAfile", authority.path("root.pem")]
      arguments += version == "-dtls1_2" ? ["-listen"] : ["-alpn", "coap"]
      let (program, caller, _) = try answer(version, authority.credentials(client), arguments)
      #expect(caller.run(20) { caller.established != nil })
      #expect(caller.established?.identity.names.first == "router.example")
      caller.perform(try caller.connection.send([UInt8]("ping\n".utf8)))
      #expect(caller.run(20) { program?.output.contains("ping") == true })
      program?.write("pong\n")
      #expect(caller.run(20) { caller.received == [UInt8]("pong\n".utf8) })
      #expect(program?.output.contains("dots-client") == true)
    }

    @Test(
      "TLS-09 an openssl s_server with another name is refused with an alert",
      arguments: ["-dtls1_2", "-tls1_3"]
    )
    func otherName(_ version: String) throws {
      let holder = try authority.issue("wildcard", extensions: "wildcard")
      let (program, caller, _) = try answer(
        version,
        authority.credentials(client),
        identity(holder) + (version == "-dtls1_2" ? [] : ["-alpn", "coap"])
      )
      #expect(caller.run(20) { !caller.log.isEmpty })
      #expect(caller.log == [.failed(.certificate(.wrongName))])
      #expect(caller.run(20) { program?.output.contains("alert bad certificate") == true })
    }

    @Test(
      "TLS-16 an openssl s_server without protocols is left",
      arguments: ["-tls1_2", "-tls1_3"]
    )
    func noProtocol(_ version: String) throws {
      let (program, caller, _) = try answer(
        version,
        authority.credentials(client),
        identity(server)
      )
      #expect(caller.run(20) { !caller.log.isEmpty })
      #expect(program != nil)
      try #require(caller.log.count == 1)
      guard case .failed(.protocolFault) = caller.log[0] else {
        Issue.record("\(caller.log)")
        return
      }
    }

    @Test("TLS-06 a session with openssl s_server is resumed", arguments: ["-tls1_2", "-tls1_3"])
    func resumed(_ version: String) throws {
      let arguments = identity(server) + ["-alpn", "coap", "-no_cache"]
      let (program, first, port) = try answer(version, authority.credentials(client), arguments)
      #expect(first.run(20) { first.connection.ticket != nil })
      let ticket = try #require(first.connection.ticket)
      first.perform(first.connection.close())
      let (_, second, _) = try answer(
        version,
        authority.credentials(client),
        arguments,
        ticket: ticket,
        on: port
      )
      #expect(second.run(20) { second.established != nil })
      #expect(second.established?.isResumed == true && program?.isRunning == true)
    }

    @Test(
      "TLS-07 openssl s_server is called with a pre-shared key",
      arguments: ["-dtls1_2", "-tls1_2", "-tls1_3"]
    )
    func key(_ version: String) throws {
      var arguments = ["-nocert", "-psk_identity", "cpe-0001", "-psk", hexadecimalKey]
      arguments += version == "-dtls1_2" ? ["-listen"] : ["-alpn", "coap"]
      // Its TLS 1.3 takes no key with the suites that it prefers.
      if version == "-tls1_3" { arguments += ["-ciphersuites", "TLS_AES_128_GCM_SHA256"] }
      let (program, caller, _) = try answer(version, Credentials(presharedKeys: [key]), arguments)
      #expect(
        caller.run(20) { caller.established != nil },
        "\(caller.log) \(program?.output ?? "")"
      )
      #expect(caller.established?.identity == PeerIdentity(presharedKey: "cpe-0001"))
      program?.write("pong\n")
      #expect(caller.run(20) { caller.received == [UInt8]("pong\n".utf8) })
    }
  }
}
