import Bytes
import Model

extension ClientSettings {
  /// Reads a `client` section.
  init(_ section: Section) throws(SettingsError) {
    if section.name.isEmpty { throw SettingsError(.nameMissing(.client), at: section.location) }
    try section.require(.name)
    self.init(section: section.name, name: "")
    if section.entries.contains(where: { $0.option == .may }) { may = [] }
    for entry in section.entries {
      switch entry.option {
      case .name: name = try entry.text(maximum: SettingsLimits.name)
      case .pin: pin = try entry.optionalDigest()
      case .may:
        let action: RequestedAction = try entry.choice(
          [("block", .block), ("limit", .limit), ("quarantine", .quarantine)],
          .requestedAction
        )
        if !may.contains(action) { may.append(action) }
      case .target: targets.append(try entry.prefix())
      case .internal: mayNameInternal = try entry.boolean()
      case .overlap:
        overlap = try entry.choice([("scope", .scope), ("target", .target)], .overlap)
      case .gateway: isGateway = try entry.boolean()
      case .maxMitigations: maximumMitigations = try entry.number(1...65_536)
      case .maxElements: maximumElements = try entry.number(1...1_048_576)
      case .maxRate: maximumRate = try entry.number(0...1_000_000)
      // A lifetime is a signed 32-bit number on the wire (RFC 9132, Section 4.4.1.1).
      case .maxLifetime: maximumLifetime = try entry.number(1...2_147_483_647)
      case .altServer: alternateServer = try entry.alternateServer()
      default: break
      }
    }
  }
}

extension PolicySettings {
  /// Reads a `policy` section.
  init(_ section: Section) throws(SettingsError) {
    try section.require(.action)
    self.init(section: section.name, action: .block)
    for entry in section.entries {
      switch entry.option {
      case .mac: mac = try entry.macPrefix()
      case .source: source = try entry.prefix()
      case .client: client = try entry.text(maximum: SettingsLimits.name)
      case .action: action = try entry.action()
      default: break
      }
    }
  }
}

extension ProtectSettings {
  /// Reads a `protect` section.
  init(_ section: Section) throws(SettingsError) {
    self.init(section: section.name)
    for entry in section.entries {
      switch entry.option {
      case .mac: macs.append(try entry.macPrefix())
      case .source: sources.append(try entry.prefix())
      case .prefix: prefixes.append(try entry.prefix())
      case .udp: udpPorts.append(try entry.portRange())
      case .tcp: tcpPorts.append(try entry.portRange())
      default: break
      }
    }
    if macs.isEmpty, sources.isEmpty, prefixes.isEmpty {
      throw SettingsError(.protectsTooMuch, at: section.location)
    }
    if !udpPorts.isEmpty, !tcpPorts.isEmpty {
      throw SettingsError(.protectsNothing, at: section.location)
    }
  }
}
