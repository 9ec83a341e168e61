import Bytes
import COpenSSL

/// The one owner of an `SSL_CTX`: what all connections of an end have in common.
final class TLSContext {
  /// Authenticated encryption with forward secrecy only.
  ///
  /// P-256 with AES-128-CCM-8 is what small CoAP
  /// clients must have (RFC 7252, Section 9.1.3.2), AES-128-GCM what all others have, ChaCha20 is for
  /// routers without AES in hardware.
  private static let cipherSuites: Text =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    + "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-CCM8"
  /// The same for pre-shared keys (RFC 9132, Section 7.1).
  ///
  /// OpenSSL has no ECDHE-PSK with AES-GCM. The last, with CBC, is for peers that have nothing else.
  private static let keySuites: Text =
    "ECDHE-PSK-CHACHA20-POLY1305:DHE-PSK-AES128-GCM-SHA256:ECDHE-PSK-AES128-CBC-SHA256"
  /// The suites of TLS 1.3 with SHA-256: pre-shared keys go with no other.
  private static let suites13: Text = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
  private static let groups: Text = "P-256:X25519"
  /// 112 bits: no RSA below 2048, no SHA-1 signatures.
  private static let securityLevel: CInt = 2
  private static let maximumChainDepth: CInt = 5
  /// The longest chain that a peer may send; the handshake filter is stricter.
  private static let maximumCertificateList = 8192
  /// Names of authorities in the CertificateRequest help clients that have several certificates; a
  /// whole web's worth of them would only lengthen it.
  private static let maximumNamedAuthorities = 8
  /// How long a ticket serves: no longer than the key that sealed it.
  private static let ticketLifetime = 86400
  /// Says which application a ticket is for; OpenSSL demands one when clients have certificates.
  private static let sessionContext: Text = "cordon dots"
  /// Key name, HMAC key, AES key.
  static let ticketKeyLength = 80

  /// The `SSL_CTX`.
  let handle: OpaquePointer
  /// The pre-shared keys for the desk, once the context is the present one.
  let keys: [UInt8]
  /// What the context points to; none for clients that prove nothing.
  private let desk: Desk?

  /// The one designated initialiser: others would be in every program, called or not.
  private init(_ handle: OpaquePointer, keys: [UInt8], desk: Desk?) {
    self.handle = handle
    self.keys = keys
    self.desk = desk
  }

  /// Makes a context for a server whose clients prove who they are or, without `ticketKeys`, for
  /// clients; no `datagramLimit` means streams.
  ///
  /// A server's tickets are sealed with `ticketKeys`, 80 secret bytes.
  convenience init(
    _ credentials: Credentials,
    ticketKeys: [UInt8]? = nil,
    desk: Desk,
    datagramLimit: Int?
  ) throws(TLSError) {
    let isStream = datagramLimit == nil
    let keys = try Self.entries(credentials)
    let hasKeys = !keys.isEmpty
    // A server shows a certificate, a client may do without; both trust authorities, unless keys do.
    let hasOwn = !credentials.certificateChain.isEmpty
    var shows = hasOwn
    var trusts = !credentials.trust.isEmpty || !hasKeys
    let method: OpaquePointer?
    if ticketKeys == nil {
      method = isStream ? TLS_client_method() : DTLS_client_method()
    } else {
      shows = hasOwn || !hasKeys
      trusts = shows
      method = isStream ? TLS_server_method() : DTLS_server_method()
    }
    self.init(try Self.make(method), keys: keys, desk: desk)
    try configure(datagramLimit: datagramLimit)
    try offer(certificates: trusts, keys: hasKeys)
    if let ticketKeys {
      cordon_prepare_server(handle, desk.shared, isStream ? 1 : 0)
      if hasKeys { cordon_accept_keys(handle) }
      let context = Self.sessionContext.bytes
      SSL_CTX_set_session_id_context(handle, context, CUnsignedInt(context.count))
      try set(ticketKeys: ticketKeys)
    } else {
      cordon_prepare_client(handle, desk.shared, hasKeys ? 1 : 0)
    }
    if shows {
      try use(chain: credentials.certificateChain)
      try use(privateKey: credentials.privateKey)
    }
    if trusts {
      try trust(credentials.trust)
      if let revocations = credentials.revocations { try revoke(revocations) }
    }
    ERR_clear_error()
  }

  /// Makes a context for TLS 1.2 and 1.3 on streams: clients prove nothing, no session is kept.
  convenience init(streamsOf credentials: Credentials) throws(TLSError) {
    self.init(try Self.make(TLS_server_method()), keys: [], desk: nil)
    cordon_prepare_stream_server(handle)
    SSL_CTX_set_security_level(handle, Self.securityLevel)
    SSL_CTX_ctrl(handle, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
    var groups = Self.groups.bytes.map { CChar(bitPattern: $0) } + [0]
    let suites = Self.words(Self.cipherSuites)
    guard SSL_CTX_ctrl(handle, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil) == 1,
      SSL_CTX_ctrl(handle, SSL_CTRL_SET_GROUPS_LIST, 0, &groups) == 1,
      SSL_CTX_set_cipher_list(handle, suites) == 1
    else { throw TLSError.library(reason: firstReason()) }
    try use(chain: credentials.certificateChain)
    try use(privateKey: credentials.privateKey)
    ERR_clear_error()
  }

  private static func make(_ method: OpaquePointer?) throws(TLSError) -> OpaquePointer {
    OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT), nil)
    ERR_clear_error()
    guard let handle = SSL_CTX_new(method) else { throw TLSError.library(reason: firstReason()) }
    return handle
  }

  private static func entries(_ credentials: Credentials) throws(TLSError) -> [UInt8] {
    var entries: [UInt8] = []
    for key in credentials.presharedKeys {
      guard let entry = key.entry else { throw TLSError.presharedKeyUnusable }
      entries += entry
    }
    return entries
  }

  deinit { SSL_CTX_free(handle) }

  /// When the time of our own certificate is over; nil when it can't be read.
  var certificateExpires: UnixTime? {
    SSL_CTX_get0_certificate(handle).flatMap { PeerIdentity.expiry(of: $0) }
  }

  /// Seals tickets with other keys from now on; older tickets lead to a full handshake.
  func set(ticketKeys: [UInt8]) throws(TLSError) {
    var keys = ticketKeys
    let isSet = SSL_CTX_ctrl(handle, SSL_CTRL_SET_TLSEXT_TICKET_KEYS, keys.count, &keys)
    guard isSet == 1 else { throw TLSError.library(reason: firstReason()) }
  }

  private func configure(datagramLimit: Int?) throws(TLSError) {
    SSL_CTX_set_security_level(handle, Self.securityLevel)
    SSL_CTX_set_verify(handle, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    SSL_CTX_set_verify_depth(handle, Self.maximumChainDepth)
    SSL_CTX_set_timeout(handle, Self.ticketLifetime)
    SSL_CTX_ctrl(handle, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
    SSL_CTX_ctrl(handle, SSL_CTRL_SET_MAX_CERT_LIST, Self.maximumCertificateList, nil)
    var groups = Self.groups.bytes + [0]
    let version = Int(datagramLimit == nil ? TLS1_2_VERSION : DTLS1_2_VERSION)
    guard SSL_CTX_ctrl(handle, SSL_CTRL_SET_MIN_PROTO_VERSION, version, nil) == 1,
      SSL_CTX_ctrl(handle, SSL_CTRL_SET_GROUPS_LIST, 0, &groups) == 1
    else { throw TLSError.library(reason: firstReason()) }
    guard let datagramLimit else { return }
    guard SSL_CTX_ctrl(handle, SSL_CTRL_SET_MAX_PROTO_VERSION, version, nil) == 1,
      SSL_CTX_ctrl(handle, SSL_CTRL_SET_MAX_SEND_FRAGMENT, datagramLimit, nil) == 1
    else { throw TLSError.library(reason: firstReason()) }
  }

  private func offer(certificates: Bool, keys: Bool) throws(TLSError) {
    var suites = certificates ? Self.cipherSuites : ""
    if certificates, keys { suites += ":" }
    if keys { suites += Self.keySuites }
    guard SSL_CTX_set_cipher_list(handle, Self.words(suites)) == 1,
      SSL_CTX_set_ciphersuites(handle, Self.words(Self.suites13)) == 1
    else { throw TLSError.library(reason: firstReason()) }
  }

  private static func words(_ text: Text) -> [CChar] {
    text.bytes.map { CChar(bitPattern: $0) } + [0]
  }

  private func use(chain: [UInt8]) throws(TLSError) {
    var isFirst = true
    let isRead = forEachPEM(chain, cordon_pem_certificate) { certificate in
      defer { isFirst = false }
      guard !isFirst else {
        defer { X509_free(certificate) }
        return SSL_CTX_use_certificate(handle, certificate) == 1
      }
      guard cordon_add_chain(handle, certificate) == 1 else {
        X509_free(certificate)
        return false
      }
      return true
    }
    guard isRead else { throw TLSError.certificateUnreadable }
  }

  private func use(privateKey: [UInt8]) throws(TLSError) {
    var key: OpaquePointer?
    withMemoryBIO(privateKey) { key = cordon_pem_key($0) }
    guard let key else { throw TLSError.privateKeyUnreadable }
    defer { EVP_PKEY_free(key) }
    guard SSL_CTX_use_PrivateKey(handle, key) == 1, SSL_CTX_check_private_key(handle) == 1 else {
      throw TLSError.privateKeyMismatch
    }
  }

  private func trust(_ certificates: [UInt8]) throws(TLSError) {
    let store = SSL_CTX_get_cert_store(handle)
    var named = 0
    let isRead = forEachPEM(certificates, cordon_pem_certificate) { certificate in
      defer { X509_free(certificate) }
      guard X509_STORE_add_cert(store, certificate) == 1 else { return false }
      named += 1
      return named > Self.maximumNamedAuthorities || SSL_CTX_add_client_CA(handle, certificate) == 1
    }
    guard isRead else { throw TLSError.trustUnreadable }
  }

  private func revoke(_ lists: [UInt8]) throws(TLSError) {
    let store = SSL_CTX_get_cert_store(handle)
    let isRead = forEachPEM(lists, cordon_pem_crl) { list in
      defer { X509_CRL_free(list) }
      return X509_STORE_add_crl(store, list) == 1
    }
    guard isRead, X509_STORE_set_flags(store, CUnsignedLong(X509_V_FLAG_CRL_CHECK)) == 1 else {
      throw TLSError.revocationsUnreadable
    }
  }
}

/// Calls `body`, which owns what it is given, for each object that `read` finds in `pem`; false when
/// there is none, one is damaged, or `body` refuses one.
func forEachPEM(
  _ pem: [UInt8],
  _ read: (OpaquePointer?) -> OpaquePointer?,
  _ body: (OpaquePointer) -> Bool
) -> Bool {
  var count = 0
  var isGood = true
  withMemoryBIO(pem) { bio in
    ERR_clear_error()
    while isGood, let object = read(bio) {
      isGood = body(object)
      count += 1
    }
    let isAtEnd = firstReason() == PEM_R_NO_START_LINE
    isGood = isGood && isAtEnd
    ERR_clear_error()
  }
  return isGood && count > 0
}

/// Corresponds to `BIO_new_mem_buf`: lets OpenSSL read `bytes` while `body` runs.
private func withMemoryBIO(_ bytes: [UInt8], _ body: (OpaquePointer) -> Void) {
  bytes.withUnsafeBytes { buffer in
    guard let base = buffer.baseAddress,
      let bio = BIO_new_mem_buf(base, CInt(clamping: buffer.count))
    else { return }
    body(bio)
    BIO_free(bio)
  }
}
