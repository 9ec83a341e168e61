import Bytes
import Configuration
import Link
import Linux
import Model

/// The settings file, and all that it names, as they are at the start or a reload.
struct Preparation {
  var settings: Settings
  let credentials: Credentials

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
    if let file = try? File.contents(of: "/etc/resolv.conf", limit: ResolverFile.largestFile) {
      settings.core.resolvers = ResolverFile.nameServers(file)
    }
    self.settings = settings
    credentials = try Self.credentials(settings)
  }

  private static func credentials(_ settings: Settings) throws(StartFault) -> Credentials {
    var credentials = Credentials()
    guard let identity = settings.identity else {
      guard settings.listen.isEmpty else { throw .identityMissing }
      return credentials
    }
    credentials.certificate = try credential(identity.certificate)
    credentials.key = try credential(identity.key)
    credentials.trust = try credential(identity.trust)
    if let list = identity.crl { credentials.revocations = try credential(list) }
    return credentials
  }

  /// The file at `path`, or the one of its name that the service manager hands over.
  private static func credential(_ path: Text) throws(StartFault) -> [UInt8] {
    var file = path
    if let folder = Environment.value(of: "CREDENTIALS_DIRECTORY") {
      let given = folder + "/" + path.lastComponent
      if File.exists(given) { file = given }
    }
    do { return try File.contents(of: file, limit: LinkLimits.credential) } catch {
      throw .credential(file, error)
    }
  }

  /// The settings of core as messages.
  func coreMessages(_ user: RoomUser) throws(StartFault) -> [[UInt8]] {
    try Self.encoded(CoreSetup.messages(user, settings.core))
  }

  /// The settings of the signal front as messages.
  func signalMessages(_ user: RoomUser, _ listeners: [Listener]) throws(StartFault) -> [[UInt8]] {
    var signal = SignalSettings()
    signal.logLevel = settings.core.logLevel
    signal.listeners = listeners
    // A clock that was lost shows a time before the program was made or anything was last saved.
    signal.timeFloor = max(
      File.modified("/proc/self/exe"),
      File.modified(settings.core.state)
    )
    return try Self.encoded(SignalSetup.messages(user, signal, credentials))
  }

  private static func encoded(_ messages: [some LinkMessage]) throws(StartFault) -> [[UInt8]] {
    var encoded: [[UInt8]] = []
    for message in messages {
      do { encoded.append(try message.encoded()) } catch { throw .sectionTooLarge }
    }
    return encoded
  }
}
