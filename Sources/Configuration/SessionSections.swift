import Bytes
import Model

extension IdentitySettings {
  /// Reads an `identity` section.
  init(_ section: Section) throws(SettingsError) {
    self.init()
    for entry in section.entries {
      switch entry.option {
      case .certificate: certificate = try entry.path()
      case .key: key = try entry.path()
      case .trust: trust = try entry.path()
      case .crl: crl = try entry.optionalPath()
      default: break
      }
    }
  }
}

extension PreSharedKeySettings {
  /// Reads a `psk` section.
  init(_ section: Section) throws(SettingsError) {
    try section.require(.identity)
    try section.require(.keyFile)
    self.init(section: section.name)
    for entry in section.entries {
      switch entry.option {
      // RFC 4279, Section 5.3: at least this length is supported.
      case .identity: identity = try entry.text(maximum: 128)
      case .keyFile: keyFile = try entry.path()
      default: break
      }
    }
  }
}

extension ListenSettings {
  /// Reads a `listen` section.
  init(_ section: Section) throws(SettingsError) {
    self.init(section: section.name)
    if section.entries.contains(where: { $0.option == .address }) { addresses = [] }
    if section.entries.contains(where: { $0.option == .transport }) { transports = [] }
    for entry in section.entries {
      switch entry.option {
      case .address:
        let address = try entry.address()
        if !addresses.contains(address) { addresses.append(address) }
      case .port: port = try entry.port()
      case .transport:
        let transport = try entry.transport()
        if !transports.contains(transport) { transports.append(transport) }
      default: break
      }
    }
  }
}

extension CallHomeSettings {
  /// Reads a `call_home` section.
  init(_ section: Section) throws(SettingsError) {
    try section.require(.host)
    try section.require(.port)
    self.init(section: section.name)
    for entry in section.entries {
      switch entry.option {
      case .host: host = try entry.host()
      case .name: name = try entry.host()
      case .port: port = try entry.port()
      case .transport:
        transport = try entry.choice(
          [("udp", .udp), ("tcp", .tcp), ("auto", .auto)],
          .callHomeTransport
        )
      case .redirectAllow: redirectDomains.append(try entry.host())
      default: break
      }
    }
    if name.isEmpty { name = host }
  }
}

extension DataChannelSettings {
  /// Reads a `data_channel` section.
  init(_ section: Section) throws(SettingsError) {
    self.init()
    for entry in section.entries where entry.option == .port { port = try entry.port() }
  }
}

extension QuarantineSettings {
  /// Reads a `quarantine` section.
  init(_ section: Section) throws(SettingsError) {
    self.init()
    for entry in section.entries {
      switch entry.option {
      // The launcher may not bind a lower one; the next one is the API's.
      case .portalPort: portalPort = UInt16(try entry.number(1024...65_534))
      case .name: name = try entry.host()
      case .garden: try applyGarden(entry)
      case .releases: releases = try entry.number(0...1000)
      case .helpdesk:
        helpdesk = entry.value.isEmpty ? "" : try entry.text(maximum: SettingsLimits.name)
      case .theme: theme = try entry.path()
      case .apiCertificate: apiCertificate = try entry.optionalPath()
      case .apiKey: apiKey = try entry.optionalPath()
      case .apiTrust: apiTrust = try entry.path()
      default: break
      }
    }
    if (apiCertificate == nil) != (apiKey == nil) {
      let missing: OptionName = apiKey == nil ? .apiKey : .apiCertificate
      throw SettingsError(.optionMissing(missing, in: .quarantine), at: section.location)
    }
    if apiCertificate != nil { try checkAPIName(section) }
  }

  /// The API's URI holds the name, stands in options of DHCP, and must fit them (RFC 8910,
  /// Section 2); an address has no certificate.
  private func checkAPIName(_ section: Section) throws(SettingsError) {
    try section.require(.name)
    guard let name, name.count <= Self.longestAPIName, IPAddress(parsing: name) == nil else {
      let entry = section.entries.first { $0.option == .name }
      throw SettingsError(
        .badValue(name ?? "", of: .name, expected: .hostName),
        at: entry?.valueLocation ?? section.location
      )
    }
  }

  private mutating func applyGarden(_ entry: Entry) throws(SettingsError) {
    if let prefix = Prefix(parsing: entry.value) {
      gardenPrefixes.append(prefix)
    } else {
      garden.append(try entry.host())
    }
    guard garden.count + gardenPrefixes.count <= Self.maximumGarden else {
      throw SettingsError(.tooManyOptions, at: entry.location)
    }
  }
}
