import Bytes
import COpenSSL

@testable import TLS

/// A DTLS client of OpenSSL without a socket, to be fed a server's datagrams.
final class TestClient {
  private let desk: Desk
  private let context: OpaquePointer
  private let ssl: OpaquePointer
  let address: PeerAddress

  init(_ holder: Holder?, port: UInt16 = 40000, remote: IPAddress = IPAddress(v4: 0xC000_0201))
    throws
  {
    desk = try Desk()
    context = try requireValue(SSL_CTX_new(DTLS_client_method()))
    if let holder {
      SSL_CTX_use_certificate_chain_file(context, holder.certificate)
      SSL_CTX_use_PrivateKey_file(context, holder.key, SSL_FILETYPE_PEM)
    }
    ssl = try requireValue(cordon_ssl_new(context, desk.method, desk.shared))
    SSL_set_connect_state(ssl)
    SSL_ctrl(ssl, SSL_CTRL_SET_MTU, 1232, nil)
    SSL_set_options(ssl, 1 << 12)
    address = PeerAddress(remote: remote, remotePort: port, local: IPAddress(v4: 0xC000_0202))
  }

  deinit {
    SSL_free(ssl)
    SSL_CTX_free(context)
  }

  var isConnected: Bool { SSL_is_init_finished(ssl) == 1 }

  /// Whether the server took the ticket.
  var isResumed: Bool { SSL_session_reused(ssl) == 1 }

  /// The first flight.
  func start() -> [[UInt8]] { step([]) }

  /// Takes one datagram; answers with what it sends.
  func step(_ datagram: [UInt8]) -> [[UInt8]] {
    desk.lending(datagram) { _ = SSL_do_handshake(ssl) }
    ERR_clear_error()
    return desk.takeDatagrams()
  }

  /// Seals one application datagram.
  func write(_ bytes: [UInt8]) -> [[UInt8]] {
    SSL_write(ssl, bytes, CInt(bytes.count))
    return desk.takeDatagrams()
  }

  /// Opens one datagram of the server; nil when there is no application data in it.
  func read(_ datagram: [UInt8]) -> [UInt8]? {
    let count = desk.lending(datagram) { SSL_read(ssl, desk.plaintext.baseAddress, 16384) }
    ERR_clear_error()
    return count > 0 ? [UInt8](desk.plaintext.prefix(Int(count))) : nil
  }

  /// Says close_notify.
  func shutdown() -> [[UInt8]] {
    SSL_shutdown(ssl)
    return desk.takeDatagrams()
  }

  /// Begins with the ticket of another client's session.
  func resume(_ other: TestClient) {
    let session = SSL_get1_session(other.ssl)
    SSL_set_session(ssl, session)
    SSL_SESSION_free(session)
  }
}

private struct Missing: Error {}

private func requireValue<Value>(_ value: Value?) throws -> Value {
  guard let value else { throw Missing() }
  return value
}
