import Bytes
import Configuration
import Link
import Linux
import Model

/// The settings file, and all that it names, as they are at the start or a reload.
struct Preparation {
  var settings: Settings
  private let signalFiles: RoomFiles
  private let presharedKeys: [SignalKey]
  private let portalFiles: RoomFiles
  private let tlsFiles: RoomFiles

  /// OpenWrt's place for settings where it is there, else everyone else's.
  static var usualFile: Text {
    File.exists("/etc/config/cordon") ? "/etc/config/cordon" : "/etc/cordon/cordon.conf"
  }

  /// Reads the settings alone.
  static func settings(_ path: Text) throws(StartFault) -> Settings {
    let bytes: [UInt8]
    do { bytes = try File.contents(of: path, limit: SettingsLimits.fileSize) } catch {
      throw .settingsFile(path, error)
    }
    do { return try Settings(parsing: bytes) } catch { throw .settings(path, error) }
  }

  init(_ path: Text) throws(StartFault) {
    var settings = try Self.settings(path)
    settings.core.resolvers = Self.resolvers
    self.settings = settings
    signalFiles = try Self.credentials(settings)
    presharedKeys = try Self.presharedKeys(settings)
    portalFiles = Self.theme(settings.quarantine.theme)
    tlsFiles = try Self.apiCredentials(settings.quarantine)
  }

  /// The name servers that the router itself asks now.
  static var resolvers: [IPAddress] {
    ResolverFile.nameServers { try? File.contents(of: $0, limit: ResolverFile.largestFile) }
  }

  private static func credentials(_ settings: Settings) throws(StartFault) -> RoomFiles {
    var files = RoomFiles()
    guard let identity = settings.identity else {
      guard !RoomKind.signal.isWanted(settings) || !settings.preSharedKeys.isEmpty else {
        throw .identityMissing
      }
      return files
    }
    files[.certificate] = try credential(identity.certificate)
    files[.key] = try credential(identity.key)
    files[.trust] = try credential(identity.trust)
    if let list = identity.crl { files[.revocations] = try credential(list) }
    return files
  }

  /// The keys of all `psk` sections: what stands in each one's file, without white space around it.
  private static func presharedKeys(_ settings: Settings) throws(StartFault) -> [SignalKey] {
    var keys: [SignalKey] = []
    for section in settings.preSharedKeys {
      var key = try credential(section.keyFile)
      while let last = key.last, last <= 0x20 { key.removeLast() }
      while let first = key.first, first <= 0x20 { key.removeFirst() }
      guard (16...SignalKey.maximumLength).contains(key.count) else {
        throw .keyLength(section.keyFile)
      }
      keys.append(SignalKey(identity: section.identity, key: key))
    }
    return keys
  }

  private static func apiCredentials(
    _ settings: QuarantineSettings
  ) throws(StartFault) -> RoomFiles {
    var files = RoomFiles()
    guard let certificate = settings.apiCertificate, let key = settings.apiKey else { return files }
    files[.certificate] = try credential(certificate)
    files[.key] = try credential(key)
    files[.trust] = try credential(settings.apiTrust)
    return files
  }

  /// The looks of the page: each file from the owner's folder, else from the packager's; none is
  /// needed.
  private static func theme(_ folder: Text) -> RoomFiles {
    func first(_ names: [Text]) -> [UInt8] {
      for folder in [folder, "/usr/share/cordon/theme"] {
        for name in names {
          let path = folder + "/" + name
          if let file = try? File.contents(of: path, limit: largestThemeFile) { return file }
        }
      }
      return []
    }
    var files = RoomFiles()
    files[.theme] = first(["theme.txt"])
    files[.logo] = first(["logo.svg", "logo.png"])
    return files
  }

  /// What the page takes of one of its own files.
  private static let largestThemeFile = 16_384

  /// The file at `path` or, where there is none that can be read, the one of its name that the service
  /// manager hands over: a copy of the start, which no reload renews.
  private static func credential(_ path: Text) throws(StartFault) -> [UInt8] {
    do { return try File.contents(of: path, limit: LinkLimits.credential) } catch {
      if let folder = Environment.value(of: "CREDENTIALS_DIRECTORY"),
        let given = try? File.contents(
          of: folder + "/" + path.lastComponent,
          limit: LinkLimits.credential
        )
      {
        return given
      }
      throw .credential(path, error)
    }
  }

  /// The settings of a room as messages.
  func messages(for kind: RoomKind, _ premises: Premises) throws(StartFault) -> [[UInt8]] {
    do { return try linked(for: kind, premises) } catch { throw .sectionTooLarge }
  }

  private func linked(for kind: RoomKind, _ premises: Premises) throws(LinkError) -> [[UInt8]] {
    let user = premises.user(of: kind)
    let core = settings.core
    switch kind {
    case .core: return try CoreSetup.messages(user, core)
    case .signal:
      var signal = SignalSettings()
      signal.logLevel = core.logLevel
      signal.listeners = premises.listeners
      signal.timeFloor = timeFloor
      signal.presharedKeys = presharedKeys
      signal.callHomes = settings.callHome.map { CallHomePeer($0) }
      return try FrontSetup.messages(user, signal.encoded(), signalFiles)
    case .portal:
      let setup = PortalSetup(logLevel: core.logLevel, portal: portalSettings)
      return try FrontSetup.messages(user, setup.encoded(), portalFiles)
    case .tls:
      var tls = TLSSettings(name: settings.quarantine.name ?? "")
      tls.logLevel = core.logLevel
      tls.timeFloor = timeFloor
      return try FrontSetup.messages(user, tls.encoded(), tlsFiles)
    case .resolve: return []
    }
  }

  /// The question for `cordond-resolve`.
  static func question(_ name: Text, _ premises: Premises) -> [[UInt8]] {
    guard let settings = try? ResolverSettings(name: name).encoded() else { return [] }
    let user = premises.user(of: .resolve)
    return (try? FrontSetup.messages(user, settings, RoomFiles())) ?? []
  }

  private var portalSettings: PortalSettings {
    let quarantine = settings.quarantine
    var portal = PortalSettings()
    portal.port = quarantine.portalPort
    portal.name = quarantine.name
    portal.apiName = quarantine.apiPort == nil ? nil : quarantine.name
    portal.helpdesk = quarantine.helpdesk
    portal.garden = quarantine.garden
    return portal
  }

  /// A clock that was lost shows a time before the program was made.
  ///
  /// Then it is later than when anything was last saved, too; a clock that shows more is believed: a
  /// file that was saved while it was years ahead must not make all certificates seem too old.
  private var timeFloor: UnixTime {
    let made = File.modified("/proc/self/exe")
    return Clock.wall < made ? max(made, File.modified(settings.core.state)) : made
  }
}

extension CallHomePeer {
  fileprivate init(_ section: CallHomeSettings) {
    let transports: [Transport] =
      switch section.transport {
      case .udp: [.udp]
      case .tcp: [.tcp]
      case .auto: [.udp, .tcp]
      }
    self.init(
      section: section.section,
      host: section.host,
      name: section.name,
      port: section.port,
      transports: transports,
      redirectDomains: section.redirectDomains
    )
  }
}
