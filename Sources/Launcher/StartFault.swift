import Bytes
import Configuration
import Link
import Linux
import Model

/// Why cordond can't start, or can't use new settings.
indirect enum StartFault: Error, CustomTextConvertible {
  case notRoot
  case settingsFile(Text, SystemError)
  case settings(Text, SettingsError)
  case identityMissing
  case credential(Text, SystemError)
  case keyLength(Text)
  case folder(Text, SystemError)
  case listen(Listener, SystemError)
  case control(Text, SystemError)
  case sectionTooLarge
  case room(Text, Text)
  case system(SystemError)

  /// The exit status that belongs to it.
  var status: Int32 {
    switch self {
    case .settings, .settingsFile, .sectionTooLarge: 2
    default: 1
    }
  }

  /// One line: what was tried, what came back, what to check.
  var text: Text {
    switch self {
    case .notRoot: "must be started as root: it gives its rights away to the rooms itself"
    case .settingsFile(let path, let error): "cannot read the settings \(path): \(error)"
    case .settings(let path, let error): "\(path):\(error)"
    case .identityMissing: "there is a section listen but no section identity to prove itself with"
    case .credential(let path, let error):
      "cannot read \(path): \(error); see the settings that name it"
    case .keyLength(let path): "\(path) must hold a key of 16 to 128 bytes; see section psk"
    case .folder(let path, let error):
      "cannot make the folder \(path): \(error); the folder above must be there"
    case .listen(let local, let error):
      """
      cannot listen on \(local.address) \(Self.name(of: local.transport)) port \(local.port): \(error); \
      see section listen, and whether another program has the port
      """
    case .control(let path, let error): "cannot make the control socket \(path): \(error)"
    case .sectionTooLarge: "a section of the settings is larger than 16 KiB"
    case .room(let name, let why): "\(name) did not start: \(why)"
    case .system(let error): "the system refused: \(error)"
    }
  }

  private static func name(of transport: Transport) -> Text {
    switch transport {
    case .udp: "UDP"
    case .tcp: "TCP"
    }
  }
}
