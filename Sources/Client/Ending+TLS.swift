import Bytes
import TLS

extension Ending {
  /// What the end of a handshake means.
  init(_ failure: HandshakeFailure, at address: IPAddress) {
    switch failure {
    case .alert: self = .denied(failure.text)
    case .deadline, .disconnected:
      self = .unreachable("no session with \(address): \(failure)")
    case .certificate(let fault):
      self = .failed("the server's certificate isn't good: \(fault)")
    default: self = .failed("no session with \(address): \(failure)")
    }
  }

  /// What the end of a session means that still was needed.
  init(_ reason: CloseReason) {
    switch reason {
    case .alert: self = .denied(reason.text)
    default: self = .failed("the session ended too early: " + reason.text)
    }
  }
}

extension TLSError {
  /// What has to be put right.
  var words: Text {
    switch self {
    case .certificateUnreadable: "the file of --certificate holds no certificate in PEM"
    case .privateKeyUnreadable: "the file of --key holds no key in PEM without a password"
    case .privateKeyMismatch: "the key of --key isn't that of the certificate"
    case .trustUnreadable: "the file of --trust holds no certificate in PEM"
    case .revocationsUnreadable: "the revocation lists can't be read"
    case .presharedKeyUnusable:
      "a key of 16 to 128 bytes is needed, and an identity of at most 128"
    case .library(let reason): "OpenSSL refused: reason \(reason)"
    }
  }
}
