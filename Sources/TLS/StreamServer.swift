import Bytes
import COpenSSL

/// The server's end of TLS 1.2 and 1.3 connections over streams, without the sockets.
///
/// Clients prove nothing: it is for a page that anybody in the home may see.
public final class StreamServer {
  private let context: TLSContext
  /// Those of the trusted authorities that could have issued the server's own certificate.
  private let trust: OpaquePointer

  /// Takes the server's certificate and key; `trust` are the authorities that its clients trust.
  ///
  /// Throws when the credentials can't be used.
  public init(_ credentials: Credentials) throws(TLSError) {
    context = try TLSContext(streamsOf: credentials)
    guard let trust = X509_STORE_new() else { throw TLSError.library(reason: firstReason()) }
    self.trust = trust
    let handle = context.handle
    // A whole web's worth of authorities would cost a megabyte, and two of them can matter.
    let isRead = forEachPEM(credentials.trust, cordon_pem_certificate) { certificate in
      defer { X509_free(certificate) }
      return cordon_names_issuer(handle, certificate) == 0
        || X509_STORE_add_cert(trust, certificate) == 1
    }
    guard isRead else { throw TLSError.trustUnreadable }
  }

  deinit { X509_STORE_free(trust) }

  /// When the time of the server's own certificate is over; nil when it can't be read.
  public var certificateExpires: UnixTime? { context.certificateExpires }

  /// Why clients don't accept the server's certificate for `name` at that time; nil: they do.
  public func fault(for name: Text, at wall: UnixTime) -> CertificateFault? {
    let characters = name.bytes.map { CChar(bitPattern: $0) }
    let moment = Int(clamping: wall.seconds)
    let code = cordon_verify_own(context.handle, trust, characters, characters.count, moment)
    ERR_clear_error()
    return code == X509_V_OK ? nil : CertificateFault(code: code)
  }

  /// A new connection; nil when memory is short.
  public func connection() -> StreamConnection? { StreamConnection(context) }
}

/// The one owner of an `SSL` on a stream.
public final class StreamConnection {
  private let ssl: OpaquePointer
  private let context: TLSContext
  /// Memory BIOs that the `SSL` owns.
  private let input: OpaquePointer
  private let output: OpaquePointer

  init?(_ context: TLSContext) {
    var input: OpaquePointer?
    var output: OpaquePointer?
    guard let ssl = cordon_stream_new(context.handle, &input, &output), let input, let output else {
      return nil
    }
    self.ssl = ssl
    self.context = context
    self.input = input
    self.output = output
  }

  deinit { SSL_free(ssl) }

  /// What the peer's bytes came to.
  public struct Received: Equatable, Sendable {
    /// What they said, without TLS.
    public var bytes: [UInt8] = []
    /// Whether nothing more comes: the peer closed the connection, or broke the protocol.
    public var isOver = false
  }

  /// Takes the peer's next bytes.
  ///
  /// What is to be sent in return waits in `takeOutput`.
  public func receive(_ bytes: [UInt8]) -> Received {
    ERR_clear_error()
    defer { ERR_clear_error() }
    var received = Received()
    guard BIO_write(input, bytes, CInt(clamping: bytes.count)) == CInt(clamping: bytes.count) else {
      received.isOver = true
      return received
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.portion) { buffer in
      while true {
        // The handshake goes on by itself.
        let count = SSL_read(ssl, buffer.baseAddress, CInt(buffer.count))
        if count > 0 {
          received.bytes += UnsafeBufferPointer(rebasing: buffer[..<Int(count)])
          continue
        }
        let error = SSL_get_error(ssl, count)
        received.isOver = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE
        return
      }
    }
    return received
  }

  /// Sends bytes to the peer; false when the connection is broken, or not yet made.
  public func send(_ bytes: [UInt8]) -> Bool {
    ERR_clear_error()
    defer { ERR_clear_error() }
    return bytes.isEmpty || SSL_write(ssl, bytes, CInt(clamping: bytes.count)) > 0
  }

  /// Says that nothing more is sent.
  public func close() {
    ERR_clear_error()
    SSL_shutdown(ssl)
    ERR_clear_error()
  }

  /// What is to be sent to the peer.
  public func takeOutput() -> [UInt8] {
    var bytes: [UInt8] = []
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.portion) { buffer in
      while true {
        let count = BIO_read(output, buffer.baseAddress, CInt(buffer.count))
        guard count > 0 else { return }
        bytes += UnsafeBufferPointer(rebasing: buffer[..<Int(count)])
      }
    }
    return bytes
  }

  /// How many bytes are copied at a time.
  private static let portion = 4096
}
