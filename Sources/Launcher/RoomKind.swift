import Bytes
import Configuration
import Link
import Model

/// The rooms in the order of their start; the raw value is the poller's number of a room's door.
enum RoomKind: UInt64, CaseIterable {
  case core = 1
  case signal = 2
  case portal = 3
  case tls = 4
  /// Runs for one question at a time, and is not started again.
  case resolve = 5

  /// The name of its executable.
  var program: Text {
    switch self {
    case .core: "cordond-core"
    case .signal: "cordond-signal"
    case .portal: "cordond-portal"
    case .tls: "cordond-tls"
    case .resolve: "cordond-resolve"
    }
  }

  /// The doors between rooms.
  static let doors: [(RoomKind, RoomKind)] = [(.core, .signal), (.core, .portal), (.portal, .tls)]

  /// Those that a room has no files for are without the system's.
  var hasEmptyRoot: Bool { self != .core && self != .resolve }

  /// Those that take connections on each `lan` interface.
  static let onLAN: [RoomKind] = [.portal, .tls]

  /// The user that the settings name for it.
  func user(_ settings: Settings) -> Text {
    switch self {
    case .core: settings.core.user
    case .signal: settings.users.signal
    case .portal: settings.users.portal
    case .tls: settings.users.tls
    case .resolve: settings.users.resolve
    }
  }

  /// Whether the settings ask for it as long as cordond runs.
  func isWanted(_ settings: Settings) -> Bool {
    switch self {
    case .core, .portal: true
    case .signal: !settings.listen.isEmpty || !settings.callHome.isEmpty
    case .tls: settings.quarantine.apiPort != nil
    case .resolve: false
    }
  }

  /// The port that it listens on towards the home.
  func port(_ settings: Settings) -> UInt16? {
    switch self {
    case .portal: settings.quarantine.portalPort
    case .tls: settings.quarantine.apiPort
    default: nil
    }
  }

  /// The message with which it takes a new end of its door to `other`.
  func door(to other: RoomKind) -> [UInt8]? {
    switch (self, other) {
    case (.core, .signal): try? CoreSetup.door(.signal).encoded()
    case (.core, .portal): try? CoreSetup.door(.portal).encoded()
    case (_, .core): try? FrontSetup.door(.core).encoded()
    case (_, .portal): try? FrontSetup.door(.portal).encoded()
    case (_, .tls): try? FrontSetup.door(.tls).encoded()
    default: nil
    }
  }
}
