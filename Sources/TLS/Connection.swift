import Bytes
import COpenSSL

/// The one owner of an `SSL`: one end of one connection.
///
/// Records go in one by one, or a stream's bytes as they come; what OpenSSL sends in return is picked up
/// at the desk. Between events it holds no record buffers, but for a record that came in part.
final class Connection {
  /// How far the handshake got.
  enum Progress: Equatable {
    case pending
    case finished
    case failed(HandshakeFailure)
  }

  /// OpenSSL's reasons from this on are alerts of the peer.
  private static let alertOffset: Int32 = 1000
  /// The longest plaintext of a record (RFC 5246, Section 6.2.1).
  static let maximumRecordPayload = 16384

  /// The `SSL`; for extensions of the connection alone.
  let ssl: OpaquePointer
  /// What it was begun with.
  let context: TLSContext
  let desk: Desk
  private let cookie: [UInt8]

  /// A server's end; nil when memory is short.
  ///
  /// Over datagrams it is for the client whose ClientHello holds `cookie`.
  init?(context: TLSContext, desk: Desk, cookie: [UInt8] = [], datagramLimit: Int?) {
    guard let ssl = cordon_ssl_new(context.handle, desk.method, desk.shared) else { return nil }
    self.ssl = ssl
    self.context = context
    self.desk = desk
    self.cookie = cookie
    SSL_set_accept_state(ssl)
    if let datagramLimit { SSL_ctrl(ssl, SSL_CTRL_SET_MTU, datagramLimit, nil) }
  }

  deinit { SSL_free(ssl) }

  /// Corresponds to `DTLSv1_listen`: takes over after the HelloVerifyRequest that the gate sent.
  func listen(to clientHello: Record) -> Bool {
    desk.expect(cookie: cookie)
    ERR_clear_error()
    defer { ERR_clear_error() }
    return desk.lending(clientHello.bytes) { cordon_listen(ssl) } == 1
  }

  /// Corresponds to `SSL_do_handshake`: goes on with one more record, or none.
  func handshake(_ record: [UInt8]) -> Progress {
    desk.expect(cookie: cookie)
    X509_VERIFY_PARAM_set_time(
      SSL_get0_param(ssl),
      Int(clamping: desk.verificationTime.seconds)
    )
    return withBuffers(record) {
      let result = SSL_do_handshake(ssl)
      if result == 1 { return .finished }
      return SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ ? .pending : .failed(failure())
    }
  }

  /// Whether the next message is the peer's Finished, the first of its protected records.
  ///
  /// OpenSSL would keep each record that comes earlier, with a buffer of 16 kB.
  var expectsFinished: Bool {
    let state = SSL_get_state(ssl)
    return state == TLS_ST_SR_CHANGE || state == TLS_ST_CR_CHANGE
  }

  /// Corresponds to `DTLSv1_handle_timeout`: repeats the last flight when it is time to; false when
  /// it was repeated often enough.
  func retransmit() -> Bool {
    withBuffers([]) { SSL_ctrl(ssl, DTLS_CTRL_HANDLE_TIMEOUT, 0, nil) >= 0 }
  }

  /// Corresponds to `SSL_read`: what the application sent in `bytes`, a record or a stream's, and why the
  /// session ended if it did.
  func read(_ bytes: [UInt8]) -> (messages: [[UInt8]], end: CloseReason?) {
    withBuffers(bytes) {
      var messages: [[UInt8]] = []
      while true {
        let count = SSL_read(ssl, desk.plaintext.baseAddress, CInt(desk.plaintext.count))
        if count > 0 {
          messages.append([UInt8](desk.plaintext.prefix(Int(count))))
          continue
        }
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return (messages, nil)
        case SSL_ERROR_ZERO_RETURN: return (messages, .closedByPeer)
        default: return (messages, closeReason())
        }
      }
    }
  }

  /// Corresponds to `SSL_write`: the application's bytes in one record.
  func write(_ bytes: [UInt8]) throws(SendFailure) {
    let limit = maximumPayload
    guard bytes.count <= limit else { throw SendFailure.tooLong(limit: limit) }
    guard !bytes.isEmpty else { return }
    let reason: Int32? = withBuffers([]) {
      SSL_write(ssl, bytes, CInt(bytes.count)) == CInt(bytes.count) ? nil : firstReason()
    }
    if let reason { throw SendFailure.library(reason: reason) }
  }

  /// Corresponds to `SSL_shutdown`: says close_notify.
  func shutdown() { withBuffers([]) { _ = SSL_shutdown(ssl) } }

  /// Corresponds to `DTLS_get_data_mtu`: the longest that `write` takes.
  var maximumPayload: Int {
    SSL_is_dtls(ssl) == 1 ? DTLS_get_data_mtu(ssl) : Self.maximumRecordPayload
  }

  /// Who the peer proved to be, as far as its own word goes: nil before the handshake is finished.
  var peerIdentity: PeerIdentity? {
    if let certificate = SSL_get0_peer_certificate(ssl) {
      return PeerIdentity(certificate: certificate)
    }
    var length = 0
    guard let proof = cordon_key_proof(SSL_get_session(ssl), &length) else { return nil }
    let identity = UnsafeBufferPointer(start: proof, count: length)
    return PeerIdentity(
      presharedKey: Text([UInt8](identity.dropFirst(Int(CORDON_TAG_LENGTH))))
    )
  }

  /// Checks a client's certificate again, with the trust and revocations of another context, or that
  /// the desk still has its key.
  func verifyPeer(with context: TLSContext) -> CertificateFault? {
    guard let certificate = SSL_get0_peer_certificate(ssl) else {
      return cordon_has_key(desk.shared, SSL_get_session(ssl)) == 1 ? nil : .keyChanged
    }
    let code = cordon_verify(context.handle, certificate, SSL_get_peer_cert_chain(ssl), nil)
    ERR_clear_error()
    return code == X509_V_OK ? nil : CertificateFault(code: code)
  }

  private func withBuffers<Result>(_ record: [UInt8], _ body: () -> Result) -> Result {
    ERR_clear_error()
    SSL_alloc_buffers(ssl)
    defer {
      SSL_free_buffers(ssl)
      ERR_clear_error()
    }
    return desk.lending(record, body)
  }

  private func failure() -> HandshakeFailure {
    let reason = firstReason()
    if let alert = Self.alert(reason) { return .alert(alert) }
    switch reason {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return .noCertificate
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return .certificate(
        CertificateFault(code: Int32(truncatingIfNeeded: SSL_get_verify_result(ssl)))
      )
    default: return .protocolFault(reason: reason)
    }
  }

  private func closeReason() -> CloseReason {
    let reason = firstReason()
    return Self.alert(reason).map { .alert($0) } ?? .protocolFault(reason: reason)
  }

  private static func alert(_ reason: Int32) -> UInt8? {
    reason >= alertOffset ? UInt8(exactly: reason - alertOffset) : nil
  }
}
