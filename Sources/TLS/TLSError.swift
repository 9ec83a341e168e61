import Bytes
import COpenSSL

/// Why credentials can't serve, or OpenSSL can't: our side's fault, to be logged.
public enum TLSError: Error, Equatable, Sendable {
  /// The certificate chain is no PEM, or empty.
  case certificateUnreadable
  /// The private key is no PEM, is encrypted, or is absent.
  case privateKeyUnreadable
  /// The private key belongs to another certificate.
  case privateKeyMismatch
  /// The trusted certificates are no PEM, or there are none.
  case trustUnreadable
  /// The revocation lists are no PEM, or there are none.
  case revocationsUnreadable
  /// A pre-shared key is too short or too long, or its identity is.
  case presharedKeyUnusable
  /// OpenSSL refused something else; an OpenSSL reason code.
  case library(reason: Int32)
}

/// The result of checking a certificate, or what stands for it, that wasn't good: an `X509_V_ERR` code of
/// OpenSSL.
public struct CertificateFault: Error, Equatable, Sendable, CustomTextConvertible {
  /// The code, for example 10 for an expired certificate.
  public let code: Int32

  /// The fault with this code.
  public init(code: Int32) { self.code = code }

  /// The certificate's time is over.
  public static let expired = CertificateFault(code: X509_V_ERR_CERT_HAS_EXPIRED)
  /// The certificate's time hasn't begun.
  public static let notYetValid = CertificateFault(code: X509_V_ERR_CERT_NOT_YET_VALID)
  /// The certificate is on a revocation list.
  public static let revoked = CertificateFault(code: X509_V_ERR_CERT_REVOKED)
  /// No trusted certificate issued it.
  public static let unknownIssuer = CertificateFault(
    code: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
  )
  /// It isn't for this kind of peer.
  public static let wrongPurpose = CertificateFault(code: X509_V_ERR_INVALID_PURPOSE)

  /// It is another server's: the name isn't in it.
  public static let wrongName = CertificateFault(code: X509_V_ERR_HOSTNAME_MISMATCH)
  /// It is another server's: the address isn't in it.
  public static let wrongAddress = CertificateFault(code: X509_V_ERR_IP_ADDRESS_MISMATCH)
  /// Instead of a certificate there was a pre-shared key, which is gone or another now.
  public static let keyChanged = CertificateFault(code: X509_V_ERR_APPLICATION_VERIFICATION)

  /// OpenSSL's text for a log line.
  public var text: Text {
    self == .keyChanged ? "pre-shared key is gone or changed" : codeText
  }

  private var codeText: Text { words(X509_verify_cert_error_string(Int(code))) }
}

/// Why a handshake ended without a session: the peer's fault, to be logged.
public enum HandshakeFailure: Error, Equatable, Sendable {
  /// The peer proved nothing.
  case noCertificate
  /// The peer's certificate isn't good.
  case certificate(CertificateFault)
  /// The peer ended it with this alert (RFC 5246, Section 7.2).
  case alert(UInt8)
  /// The peer broke the protocol or offers nothing that we accept; an OpenSSL reason code.
  case protocolFault(reason: Int32)
  /// What came on the stream is no TLS, or too long for it.
  case notTLS
  /// It didn't finish in time.
  case deadline
  /// It made room for another.
  case evicted
  /// Too many are under way.
  case full
  /// It failed too often lately.
  case failedOften
  /// The stream under it ended.
  case disconnected
}

extension HandshakeFailure: CustomTextConvertible {
  /// English for a log line.
  public var text: Text {
    switch self {
    case .noCertificate: "no certificate"
    case .certificate(let fault): fault.text
    case .alert(let number):
      "alert from the peer: \(words(SSL_alert_desc_string_long(CInt(number))))"
    case .protocolFault(let reason): reasonText(reason)
    case .notTLS: "no TLS"
    case .deadline: "handshake not finished in time"
    case .evicted: "handshake made room for another"
    case .full: "too many handshakes under way"
    case .failedOften: "too many failed handshakes"
    case .disconnected: "connection ended during the handshake"
    }
  }
}

/// Why a session ended.
public enum CloseReason: Equatable, Sendable {
  /// The peer closed it (close_notify).
  case closedByPeer
  /// The client started anew from the same address and port.
  case replaced
  /// It made room for another session.
  case evicted
  /// The peer's certificate, or key, isn't good under the new credentials.
  case certificate(CertificateFault)
  /// The peer sent this fatal alert.
  case alert(UInt8)
  /// An authenticated record broke the protocol; an OpenSSL reason code.
  case protocolFault(reason: Int32)
  /// The stream under it ended without a close_notify.
  case connectionLost
}

extension CloseReason: CustomTextConvertible {
  /// English for a log line.
  public var text: Text {
    switch self {
    case .closedByPeer: "closed by the peer"
    case .replaced: "replaced by a new session of the same client"
    case .evicted: "made room for a newer session"
    case .certificate(let fault): fault.text
    case .alert(let number):
      "alert from the peer: \(words(SSL_alert_desc_string_long(CInt(number))))"
    case .protocolFault(let reason): reasonText(reason)
    case .connectionLost: "connection lost"
    }
  }
}

/// Why nothing was sent on a session.
public enum SendFailure: Error, Equatable, Sendable {
  /// There is no such session (any more).
  case unknownSession
  /// The bytes don't fit one datagram; the most that does.
  case tooLong(limit: Int)
  /// OpenSSL refused; an OpenSSL reason code.
  case library(reason: Int32)
}

/// What the error queue of OpenSSL says first, as a reason code; 0 when it says nothing.
func firstReason() -> Int32 { Int32(ERR_GET_REASON(ERR_peek_error())) }

private func reasonText(_ reason: Int32) -> Text {
  let packed = CUnsignedLong(ERR_LIB_SSL) << 23 | CUnsignedLong(UInt32(bitPattern: reason))
  guard let pointer = ERR_reason_error_string(packed) else { return "OpenSSL reason \(reason)" }
  return Text(cString: pointer)
}

private func words(_ pointer: UnsafePointer<CChar>?) -> Text {
  pointer.map { Text(cString: $0) } ?? "unknown"
}
