import Bytes
import Model

extension Settings {
  /// Reads a settings file in UCI syntax.
  ///
  /// The first thing wrong, in the file's order, is the error; what can only be seen of the whole
  /// file comes after. Every error is its author's.
  public init(parsing bytes: [UInt8]) throws(SettingsError) {
    self.init()
    guard bytes.count <= SettingsLimits.fileSize else {
      throw SettingsError(.fileTooLarge, at: SettingsLocation(line: 1, column: 1))
    }
    var reader = SectionReader(bytes)
    var sections: [Section] = []
    while let section = try reader.section() {
      try Self.checkUniqueness(of: section, among: sections)
      try apply(section)
      sections.append(section)
    }
    try finish(sections)
  }

  private static func checkUniqueness(
    of section: Section,
    among earlier: [Section]
  ) throws(SettingsError) {
    for other in earlier where other.kind == section.kind {
      if section.kind.isSingle {
        throw SettingsError(.duplicateSection(section.kind), at: section.location)
      }
      if !section.name.isEmpty, other.name == section.name {
        throw SettingsError(
          .duplicateSectionName(section.kind, section.name),
          at: section.nameLocation
        )
      }
    }
  }

  private mutating func apply(_ section: Section) throws(SettingsError) {
    switch section.kind {
    case .agent: try applyAgent(section)
    case .identity: identity = try IdentitySettings(section)
    case .psk: preSharedKeys.append(try PreSharedKeySettings(section))
    case .listen: listen.append(try listening(section))
    case .callHome: callHome.append(try CallHomeSettings(section))
    case .dataChannel:
      dataChannel = try DataChannelSettings(section)
      warnings.append(SettingsWarning(section.kind, at: section.location))
    case .client: core.clients.append(try client(section))
    case .policy: core.policies.append(try PolicySettings(section))
    case .protect: core.protections.append(try ProtectSettings(section))
    case .quarantine: quarantine = try QuarantineSettings(section)
    }
  }

  /// Checks what needs the whole file, and fills what depends on it.
  private mutating func finish(_ sections: [Section]) throws(SettingsError) {
    guard let agent = sections.first(where: { $0.kind == .agent }) else {
      throw SettingsError(.agentMissing, at: SettingsLocation(line: 1, column: 1))
    }
    if enabled {
      try agent.require(.wan)
      try agent.require(.lan)
    }
    for section in sections where section.kind == .policy {
      for entry in section.entries where entry.option == .client {
        guard core.clients.contains(where: { $0.section == entry.value }) else {
          throw SettingsError(.unknownClient(entry.value), at: entry.valueLocation)
        }
      }
    }
    core.releases = quarantine.releases
    core.quarantine = QuarantineAccess(
      portalPort: quarantine.portalPort,
      apiPort: quarantine.apiPort,
      garden: quarantine.gardenPrefixes.unique()
    )
    if identity == nil, preSharedKeys.isEmpty { identity = IdentitySettings() }
    tellPorts()
  }

  /// Fills `core.listenPorts`.
  public mutating func tellPorts() {
    core.listenPorts = (listen.map { $0.port } + callHome.map { $0.port }).unique()
  }

  private func client(_ section: Section) throws(SettingsError) -> ClientSettings {
    let client = try ClientSettings(section)
    for other in core.clients where other.name.asciiLowercased == client.name.asciiLowercased {
      let entry = section.entries.first { $0.option == .name }
      throw SettingsError(
        .duplicateClient(client.name),
        at: entry?.valueLocation ?? section.location
      )
    }
    return client
  }

  private func listening(_ section: Section) throws(SettingsError) -> ListenSettings {
    let new = try ListenSettings(section)
    for other in listen where other.port == new.port {
      if other.addresses.contains(where: { new.addresses.contains($0) }),
        other.transports.contains(where: { new.transports.contains($0) })
      {
        throw SettingsError(.listensTwice, at: section.location)
      }
    }
    return new
  }
}
