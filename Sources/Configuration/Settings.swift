import Bytes
import Model

/// Everything that the settings file says, with the defaults for what it does not say.
public struct Settings: Hashable, Sendable {
  /// Whether Cordon is to run at all.
  public var enabled = true
  /// What core is told: interfaces, actions, clients, policies, protections, its user, state folder
  /// and log level.
  ///
  /// `listenPorts` is filled from `listen` and `call_home`, `quarantine` and `releases` from the section quarantine;
  /// `resolvers` is empty, the file does not say them.
  public var core = CoreSettings()
  /// The users of the other rooms.
  public var users = UserSettings()
  /// The path of the control socket, at most 107 bytes.
  public var control: Text = "/run/cordon/control"
  /// The router's own certificate; nil when only pre-shared keys are configured.
  public var identity: IdentitySettings?
  /// Pre-shared keys.
  public var preSharedKeys: [PreSharedKeySettings] = []
  /// Where clients connect to; empty: nowhere.
  public var listen: [ListenSettings] = []
  /// Clients that the router connects to.
  public var callHome: [CallHomeSettings] = []
  /// The data channel; nil when it is off.
  public var dataChannel: DataChannelSettings?
  /// The quarantine's page.
  public var quarantine = QuarantineSettings()
  /// What the file asks for and this version does not do, in the file's order.
  public var warnings: [SettingsWarning] = []

  /// The defaults; core's own know no file of leases or makers.
  init() {
    core.leases = "/var/lib/misc/dnsmasq.leases"
    core.vendors = "/usr/share/cordon/vendors"
  }
}

/// The users that the rooms beside core run as.
public struct UserSettings: Hashable, Sendable {
  /// The signal front's.
  public var signal: Text = "cordon-signal"
  /// The portal's.
  public var portal: Text = "cordon-portal"
  /// That of the front which ends TLS for the portal's API.
  public var tls: Text = "cordon-tls"
  /// The resolver's.
  public var resolve: Text = "cordon-resolve"

  /// The defaults.
  init() {}
}

/// An `identity` section: files of the router's certificate, all absolute paths.
public struct IdentitySettings: Hashable, Sendable {
  /// The certificate and what chains it to its root, PEM.
  public var certificate: Text = "/etc/cordon/cpe.crt"
  /// Its private key, PEM.
  public var key: Text = "/etc/cordon/cpe.key"
  /// The certificates that clients' certificates must chain to, PEM.
  public var trust: Text = "/etc/cordon/isp-ca.crt"
  /// Revoked certificates, PEM; nil: not checked.
  public var crl: Text?

  /// The defaults.
  init() {}
}

/// A `psk` section: a pre-shared key.
public struct PreSharedKeySettings: Hashable, Sendable {
  /// The section's name; may be empty.
  public var section: Text
  /// The identity that goes with the key: at most 128 bytes.
  public var identity: Text = ""
  /// The file that holds the key.
  public var keyFile: Text = ""
}

/// A `listen` section: where clients connect to.
public struct ListenSettings: Hashable, Sendable {
  /// The section's name; may be empty.
  public var section: Text
  /// Local addresses, at least one; `::` stands for all addresses of both families.
  public var addresses = [IPAddress(v6High: 0, low: 0)]
  /// The port.
  public var port: UInt16 = 4646
  /// What is listened for, at least one; without repetition.
  public var transports: [Transport] = [.udp, .tcp]
}

/// How the router connects to a client.
public enum CallHomeTransport: UInt8, Hashable, Sendable {
  case udp = 1
  case tcp = 2
  /// Whichever works, UDP preferred (RFC 9066, Section 5.2.1).
  case auto = 3
}

/// A `call_home` section: a client that the router connects to (RFC 9066).
public struct CallHomeSettings: Hashable, Sendable {
  /// The section's name; may be empty.
  public var section: Text
  /// The client's name or address.
  public var host: Text = ""
  /// The name that its certificate must carry.
  public var name: Text = ""
  /// Its port.
  public var port: UInt16 = 0
  /// What is used.
  public var transport = CallHomeTransport.udp
  /// Domains that a redirect may name.
  public var redirectDomains: [Text] = []
}

/// A `data_channel` section (RFC 8783).
public struct DataChannelSettings: Hashable, Sendable {
  /// The port.
  public var port: UInt16 = 8443
}

/// A `quarantine` section: the page that helps a device's owner.
public struct QuarantineSettings: Hashable, Sendable {
  /// The port of the page.
  public var portalPort: UInt16 = 8646
  /// The name in the page's URL; nil: the router's address is used.
  public var name: Text?
  /// Names that a quarantined device may reach.
  public var garden: [Text] = []
  /// Blocks of addresses that a quarantined device may reach.
  public var gardenPrefixes: [Prefix] = []
  /// How often an owner may release a device.
  public var releases: UInt32 = 2
  /// How the helpdesk is reached, as a URI; empty: not said.
  public var helpdesk: Text = ""
  /// The folder of the page's own looks.
  public var theme: Text = "/etc/cordon/theme"
  /// The certificate of the API (RFC 8908); with `apiKey`, or neither.
  public var apiCertificate: Text?
  /// Its private key.
  public var apiKey: Text?
  /// The authorities one of which must have issued the certificate: devices trust it.
  public var apiTrust: Text = "/etc/ssl/certs/ca-certificates.crt"

  /// What is let through: each name is looked up every few minutes, each block is a kernel element.
  static let maximumGarden = 64
  /// With `https://` and `/captive-portal/api` around it the name must fit an option of DHCP, whose
  /// length is one byte.
  static let longestAPIName = 228

  /// The defaults.
  init() {}

  /// The port to which https of the router's own addresses is redirected; nil without an API.
  public var apiPort: UInt16? {
    if apiCertificate == nil { return nil }
    return portalPort == .max ? portalPort - 1 : portalPort + 1
  }
}
