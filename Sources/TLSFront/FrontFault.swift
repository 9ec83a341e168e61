import Bytes
import Link
import Linux
import TLS

/// Why the front can't start or go on: this side's fault, for the log and the launcher.
indirect enum FrontFault: Error {
  /// Started by somebody else than the launcher, or the launcher went away.
  case noSettings
  /// The launcher sent what is no message.
  case link(LinkError)
  /// The credentials can't serve.
  case credentials(TLSError)
  /// The kernel refused; what was tried.
  case system(StaticString, SystemError)

  var text: Text {
    switch self {
    case .noSettings: "no settings came over descriptor 3; cordond starts this program"
    case .link: "a message from another room can't be read"
    case .credentials(let error): "can't use the credentials: \(Self.words(error))"
    case .system(let attempt, let error): "can't \(attempt): \(error)"
    }
  }

  private static func words(_ error: TLSError) -> Text {
    switch error {
    case .certificateUnreadable: "`api_certificate` holds no PEM certificate"
    case .privateKeyUnreadable: "`api_key` holds no PEM key, or an encrypted one"
    case .privateKeyMismatch: "`api_key` is not the key of `api_certificate`"
    case .trustUnreadable, .revocationsUnreadable, .presharedKeyUnusable:
      "`api_trust` holds no PEM certificate"
    case .library(let reason): "OpenSSL reason \(reason)"
    }
  }
}
