import Bytes
import Model

extension Settings {
  /// Takes over an `agent` section.
  mutating func applyAgent(_ section: Section) throws(SettingsError) {
    for entry in section.entries {
      switch entry.option {
      case .enabled: enabled = try entry.boolean()
      case .control: control = try entry.path(maximum: SettingsLimits.socketPath)
      case .signalUser: users.signal = try entry.user()
      case .portalUser: users.portal = try entry.user()
      case .tlsUser: users.tls = try entry.user()
      case .resolveUser: users.resolve = try entry.user()
      case .wan, .lan: try applyInterface(entry)
      default: try core.apply(entry)
      }
    }
  }

  private mutating func applyInterface(_ entry: Entry) throws(SettingsError) {
    let name = try entry.interface()
    let other = entry.option == .wan ? core.lan : core.wan
    if other.contains(name) {
      throw SettingsError(.interfaceOnBothSides(name), at: entry.valueLocation)
    }
    if entry.option == .wan {
      core.wan.append(name)
    } else {
      core.lan.append(name)
    }
  }
}

extension CoreSettings {
  /// Takes over one option of the `agent` section that is core's alone.
  fileprivate mutating func apply(_ entry: Entry) throws(SettingsError) {
    switch entry.option {
    case .action: action = try entry.action()
    case .limit: limit = try entry.rate()
    case .askTimeout: askTimeout = try entry.number(1...86_400)
    case .askDefault:
      askDefaultsToBlock = try entry.choice([("block", true), ("refuse", false)], .askDefault)
    // RFC 9132, Section 4.4.4: the active-but-terminating period is at most 300 seconds.
    case .terminating: terminating = try entry.number(0...300)
    case .conflict:
      conflict = try entry.choice([("accept", .accept), ("reject", .reject)], .conflict)
    // No more are remembered.
    case .maxQuarantined: maximumQuarantined = try entry.number(0...256)
    case .offload:
      flushesOffload = try entry.choice([("", false), ("flush", true)], .offload)
    case .portSet: portSet = try entry.portSet()
    case .user: user = try entry.user()
    case .state: state = try entry.path()
    case .leases: leases = try entry.optionalPath() ?? ""
    case .vendors: vendors = try entry.optionalPath() ?? ""
    case .logLevel:
      logLevel = try entry.choice(
        [("error", .error), ("warning", .warning), ("info", .info), ("debug", .debug)],
        .logLevel
      )
    default: break
    }
  }
}
