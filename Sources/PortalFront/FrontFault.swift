import Bytes
import Link
import Linux

/// Why the portal can't start or go on: this side's fault, for the log and the launcher.
indirect enum FrontFault: Error {
  /// Started by somebody else than the launcher, or the launcher went away.
  case noSettings
  /// The launcher sent what is no message.
  case link(LinkError)
  /// Core closed its door, and nobody gave a new one.
  case coreLost
  /// The kernel refused; what was tried.
  case system(StaticString, SystemError)

  var text: Text {
    switch self {
    case .noSettings: "no settings came over descriptor 3; cordond starts this program"
    case .link: "a message from another room can't be read"
    case .coreLost: "the door to core stays closed; starting anew"
    case .system(let attempt, let error): "can't \(attempt): \(error)"
    }
  }
}
