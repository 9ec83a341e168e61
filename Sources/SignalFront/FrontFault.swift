import Bytes
import Link
import Linux
import TLS

/// Why the front can't start or go on: this side's fault, for the log and the launcher.
indirect enum FrontFault: Error, CustomTextConvertible {
  /// Started by somebody else than the launcher, or the launcher went away.
  case noSettings
  /// The launcher or core sent what is no message.
  case link(LinkError)
  /// Core closed its door, and nobody gave a new one.
  case coreLost
  /// The kernel refused; what was tried.
  case system(StaticString, SystemError)
  /// The credentials can't serve.
  case credentials(TLSError)

  var text: Text {
    switch self {
    case .noSettings: "no settings came over descriptor 3; cordond starts this program"
    case .link: "a message from another room can't be read"
    case .coreLost: "the door to core stays closed; starting anew"
    case .system(let attempt, let error): "can't \(attempt): \(error)"
    case .credentials(let error): "can't use the credentials: \(Self.text(error))"
    }
  }

  static func text(_ error: TLSError) -> Text {
    switch error {
    case .certificateUnreadable: "`certificate` holds no PEM certificate"
    case .privateKeyUnreadable: "`key` holds no PEM key, or an encrypted one"
    case .privateKeyMismatch: "`key` is not the key of `certificate`"
    case .trustUnreadable: "`trust` holds no PEM certificate"
    case .revocationsUnreadable: "`crl` holds no PEM revocation list"
    case .presharedKeyUnusable: "a `psk` has no identity of 1 to 128 bytes, or no key of 16 to 128"
    case .library(let reason): "OpenSSL reason \(reason)"
    }
  }
}
