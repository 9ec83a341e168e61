import Bytes
import Link
import Linux
import Netlink

/// Why core can't start or go on: this side's fault, for the log and the launcher.
indirect enum CoreFault: Error, CustomTextConvertible {
  /// Started by somebody else than the launcher, or the launcher went away.
  case noSettings
  /// The launcher sent what is no message.
  case link(LinkError)
  /// The system refused; what was tried.
  case system(StaticString, SystemError)
  /// The kernel's firewall refused; what was tried.
  case kernel(StaticString, KernelError)

  var text: Text {
    switch self {
    case .noSettings: "no settings came over descriptor 3; cordond starts this program"
    case .link: "a message from cordond can't be read"
    case .system(let attempt, let error): "can't \(attempt): \(error)"
    case .kernel(let attempt, let error): "can't \(attempt): \(error)"
    }
  }
}
