import Bytes
import COpenSSL
import Testing

@testable import TLS

/// A TLS client of OpenSSL without a socket, to be fed a server's bytes.
private final class StreamClient {
  private let context: OpaquePointer
  private let ssl: OpaquePointer
  private let input: OpaquePointer
  private let output: OpaquePointer

  init(version: Int32) throws {
    context = try #require(SSL_CTX_new(TLS_client_method()))
    SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(version), nil)
    SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil)
    var input: OpaquePointer?
    var output: OpaquePointer?
    ssl = try #require(cordon_stream_new(context, &input, &output))
    self.input = try #require(input)
    self.output = try #require(output)
    SSL_set_connect_state(ssl)
  }

  deinit {
    SSL_free(ssl)
    SSL_CTX_free(context)
  }

  var isConnected: Bool { SSL_is_init_finished(ssl) == 1 }

  /// Takes bytes of the server; answers with what it sends.
  func step(_ bytes: [UInt8]) -> [UInt8] {
    _ = BIO_write(input, bytes, CInt(bytes.count))
    SSL_do_handshake(ssl)
    return sent()
  }

  func write(_ bytes: [UInt8]) -> [UInt8] {
    SSL_write(ssl, bytes, CInt(bytes.count))
    return sent()
  }

  func read(_ bytes: [UInt8]) -> [UInt8] {
    _ = BIO_write(input, bytes, CInt(bytes.count))
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = SSL_read(ssl, &buffer, CInt(buffer.count))
    ERR_clear_error()
    return [UInt8](buffer.prefix(Int(max(0, count))))
  }

  private func sent() -> [UInt8] {
    ERR_clear_error()
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = BIO_read(output, &buffer, CInt(buffer.count))
    return [UInt8](buffer.prefix(Int(max(0, count))))
  }
}

extension LiveTests {
  @Suite struct StreamTests {
    private let authority: Authority
    private let holder: Holder
    private let server: StreamServer

    init() throws {
      authority = try Shared.certificates.get().authority
      holder = try authority.issue("router.example", extensions: "server")
      server = try StreamServer(authority.credentials(holder))
    }

    private func handshake(_ client: StreamClient, _ connection: StreamConnection) {
      var bytes = client.step([])
      for _ in 0..<4 where !bytes.isEmpty {
        #expect(!connection.receive(bytes).isOver)
        bytes = client.step(connection.takeOutput())
      }
      _ = connection.receive(bytes)
    }

    @Test(
      "TLS 1.2 and 1.3 clients say something and get an answer, up to its end",
      arguments: [TLS1_2_VERSION, TLS1_3_VERSION]
    )
    func versions(_ version: Int32) throws {
      let client = try StreamClient(version: version)
      let connection = try #require(server.connection())
      handshake(client, connection)
      #expect(client.isConnected)
      #expect(connection.receive(client.write([1, 2, 3])) == .init(bytes: [1, 2, 3]))
      let long = [UInt8](repeating: 9, count: 10_000)
      #expect(connection.send(long))
      #expect(client.read(connection.takeOutput()) == long)
      connection.close()
      #expect(!connection.takeOutput().isEmpty)
    }

    @Test("an older version gets no connection")
    func old() throws {
      let client = try StreamClient(version: TLS1_1_VERSION)
      let connection = try #require(server.connection())
      let hello = client.step([])
      if !hello.isEmpty { #expect(connection.receive(hello).isOver) }
      #expect(!client.isConnected)
    }

    @Test("bytes that are no TLS end the connection")
    func nonsense() throws {
      let connection = try #require(server.connection())
      #expect(connection.receive([UInt8]("GET / HTTP/1.1\r\n\r\n".utf8)).isOver)
    }

    @Test("before the handshake nothing can be sent")
    func early() throws {
      let connection = try #require(server.connection())
      #expect(!connection.send([1]))
    }

    private func fault(
      _ holder: Holder,
      trust: String = "root.pem",
      name: Text = "router.example",
      at moment: UnixTime? = nil
    ) throws -> CertificateFault? {
      var credentials = try authority.credentials(holder)
      credentials.trust = try authority.bytes(trust)
      let server = try StreamServer(credentials)
      let expires = try #require(server.certificateExpires)
      return server.fault(for: name, at: moment ?? UnixTime(seconds: expires.seconds - 3600))
    }

    @Test("CAP-08 a certificate of a trusted authority is good for its name, until it ends")
    func good() throws {
      #expect(try fault(holder) == nil)
      let expires = try #require(server.certificateExpires)
      #expect(try fault(holder, at: UnixTime(seconds: expires.seconds + 10)) == .expired)
      #expect(try fault(holder, at: UnixTime(seconds: 1_500_000_000)) == .notYetValid)
    }

    @Test("CAP-06 CAP-08 no other name, no other authority, no certificate for clients will do")
    func bad() throws {
      #expect(try fault(holder, name: "other.example") != nil)
      #expect(try fault(holder, trust: "other.pem") == .unknownIssuer)
      let client = try authority.issue("client.example", extensions: "client")
      #expect(try fault(client, name: "dots.isp.example") == .wrongPurpose)
    }

    @Test("trust that holds no certificate, and a key of another, are refused")
    func unusable() throws {
      var credentials = try authority.credentials(holder)
      credentials.trust = []
      #expect(throws: TLSError.trustUnreadable) { try StreamServer(credentials) }
      let other = try authority.issue("another.example", extensions: "server")
      credentials = try authority.credentials(holder)
      credentials.privateKey = try authority.bytes(other.key)
      #expect(throws: TLSError.privateKeyMismatch) { try StreamServer(credentials) }
    }
  }
}
