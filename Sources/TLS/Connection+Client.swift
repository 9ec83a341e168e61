import Bytes
import COpenSSL

extension Connection {
  /// The name of the protocol (RFC 8323, Section 8.2).
  private static var coap: [UInt8] { ("coap" as Text).bytes }

  /// A client's end, on its way to `server`; nil when memory is short or the name has a NUL.
  ///
  /// A function, because an initialiser that calls another would hold its code once more.
  static func client(
    _ context: TLSContext,
    desk: Desk,
    server: ServerName,
    datagramLimit: Int?
  ) -> Connection? {
    guard let connection = Connection(context: context, desk: desk, datagramLimit: datagramLimit)
    else { return nil }
    let ssl = connection.ssl
    SSL_set_connect_state(ssl)
    let isSet: CInt
    switch server {
    case .name(let name):
      guard !name.isEmpty, !name.bytes.contains(0) else { return nil }
      isSet = cordon_expect_server(ssl, name.bytes.map { CChar(bitPattern: $0) } + [0], nil, 0)
    case .address(let address):
      isSet = cordon_expect_server(ssl, nil, address.bytes, address.bytes.count)
    }
    guard isSet == 1 else { return nil }
    if datagramLimit == nil {
      let protocols = [UInt8(coap.count)] + coap
      guard SSL_set_alpn_protos(ssl, protocols, CUnsignedInt(protocols.count)) == 0 else {
        return nil
      }
    }
    return connection
  }

  /// When the last flight is to be repeated; nil: it isn't.
  func flightDue(now: Instant) -> Instant? {
    let left = cordon_flight_due(ssl)
    return left < 0 ? nil : now + .milliseconds(left)
  }

  /// Whether the server chose to speak CoAP (RFC 8323, Section 8.2).
  var hasCoAP: Bool {
    var chosen: UnsafePointer<UInt8>?
    var length: CUnsignedInt = 0
    SSL_get0_alpn_selected(ssl, &chosen, &length)
    return [UInt8](UnsafeBufferPointer(start: chosen, count: Int(length))) == Self.coap
  }

  /// Whether the server took the ticket; to be asked when the handshake is just finished.
  var isResumed: Bool {
    // With a pre-shared key OpenSSL calls every session of TLS 1.3 a resumed one.
    SSL_session_reused(ssl) == 1 && SSL_SESSION_has_ticket(SSL_get_session(ssl)) == 1
  }

  /// Who the server proved to be: without a certificate it proved that it has our key.
  var serverIdentity: PeerIdentity? {
    guard SSL_get0_peer_certificate(ssl) != nil || cordon_note_own_key(ssl) == 1 else { return nil }
    return peerIdentity
  }

  /// The session for a later connection, with what it takes to check its server again.
  func ticket(_ chain: CertificateChain?) -> [UInt8]? {
    guard let session = cordon_resumable(ssl) else { return nil }
    let certificates = SSL_get_peer_cert_chain(ssl) ?? chain?.stack
    let length = cordon_ticket(session, certificates, nil)
    guard length > 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(length))
    let written = cordon_ticket(session, certificates, &bytes)
    ERR_clear_error()
    return written == length ? bytes : nil
  }

  /// Offers the session of a ticket, if its server would be good now; what came with it.
  func resume(_ ticket: [UInt8]) -> CertificateChain? {
    defer { ERR_clear_error() }
    return cordon_resume(ssl, ticket, ticket.count).map { CertificateChain($0) }
  }

  /// Checks the server's certificate again, by the credentials of `client`, or that it has the key.
  func verifyServer(under client: Client, _ chain: CertificateChain?) -> CertificateFault? {
    guard let certificate = SSL_get0_peer_certificate(ssl) else {
      return cordon_has_key(client.desk.shared, SSL_get_session(ssl)) == 1 ? nil : .keyChanged
    }
    let code = cordon_verify(
      client.context.handle,
      certificate,
      SSL_get_peer_cert_chain(ssl) ?? chain?.stack,
      SSL_get0_param(ssl)
    )
    ERR_clear_error()
    return code == X509_V_OK ? nil : CertificateFault(code: code)
  }
}

/// The one owner of a `STACK_OF(X509)`.
final class CertificateChain {
  let stack: OpaquePointer

  init(_ stack: OpaquePointer) { self.stack = stack }

  deinit { cordon_chain_free(stack) }
}
