import Bytes

/// The types of sections that the settings file may hold.
public enum SectionKind: UInt8, Hashable, Sendable, CaseIterable {
  case agent
  case identity
  case psk
  case listen
  case callHome
  case dataChannel
  case client
  case policy
  case protect
  case quarantine

  /// How the file spells it.
  public var name: StaticString {
    switch self {
    case .agent: "agent"
    case .identity: "identity"
    case .psk: "psk"
    case .listen: "listen"
    case .callHome: "call_home"
    case .dataChannel: "data_channel"
    case .client: "client"
    case .policy: "policy"
    case .protect: "protect"
    case .quarantine: "quarantine"
    }
  }

  /// Whether the file may hold no more than one of it.
  var isSingle: Bool {
    switch self {
    case .agent, .identity, .dataChannel, .quarantine: true
    case .psk, .listen, .callHome, .client, .policy, .protect: false
    }
  }
}

/// The names of all options, whatever section they belong to.
public enum OptionName: UInt8, Hashable, Sendable, CaseIterable {
  case action
  case address
  case altServer
  case apiCertificate
  case apiKey
  case apiTrust
  case askDefault
  case askTimeout
  case certificate
  case client
  case conflict
  case control
  case crl
  case enabled
  case garden
  case gateway
  case helpdesk
  case host
  case identity
  case `internal`
  case key
  case keyFile
  case lan
  case leases
  case limit
  case logLevel
  case mac
  case maxElements
  case maxLifetime
  case maxMitigations
  case maxQuarantined
  case maxRate
  case may
  case name
  case offload
  case overlap
  case pin
  case port
  case portalPort
  case portalUser
  case portSet
  case prefix
  case redirectAllow
  case releases
  case resolveUser
  case signalUser
  case source
  case state
  case target
  case tcp
  case terminating
  case theme
  case tlsUser
  case transport
  case trust
  case udp
  case user
  case vendors
  case wan

  /// How the file spells it.
  public var name: StaticString {
    switch self {
    case .action: "action"
    case .address: "address"
    case .altServer: "alt_server"
    case .apiCertificate: "api_certificate"
    case .apiKey: "api_key"
    case .apiTrust: "api_trust"
    case .askDefault: "ask_default"
    case .askTimeout: "ask_timeout"
    case .certificate: "certificate"
    case .client: "client"
    case .conflict: "conflict"
    case .control: "control"
    case .crl: "crl"
    case .enabled: "enabled"
    case .garden: "garden"
    case .gateway: "gateway"
    case .helpdesk: "helpdesk"
    case .host: "host"
    case .identity: "identity"
    case .internal: "internal"
    case .key: "key"
    case .keyFile: "key_file"
    case .lan: "lan"
    case .leases: "leases"
    case .limit: "limit"
    case .logLevel: "log_level"
    case .mac: "mac"
    case .maxElements: "max_elements"
    case .maxLifetime: "max_lifetime"
    case .maxMitigations: "max_mitigations"
    case .maxQuarantined: "max_quarantined"
    case .maxRate: "max_rate"
    case .may: "may"
    case .name: "name"
    case .offload: "offload"
    case .overlap: "overlap"
    case .pin: "pin"
    case .port: "port"
    case .portalPort: "portal_port"
    case .portalUser: "portal_user"
    case .portSet: "port_set"
    case .prefix: "prefix"
    case .redirectAllow: "redirect_allow"
    case .releases: "releases"
    case .resolveUser: "resolve_user"
    case .signalUser: "signal_user"
    case .source: "source"
    case .state: "state"
    case .target: "target"
    case .tcp: "tcp"
    case .terminating: "terminating"
    case .theme: "theme"
    case .tlsUser: "tls_user"
    case .transport: "transport"
    case .trust: "trust"
    case .udp: "udp"
    case .user: "user"
    case .vendors: "vendors"
    case .wan: "wan"
    }
  }
}

/// Which keyword an option is written with.
enum OptionShape: UInt8 {
  /// `option`, once.
  case single
  /// `list`, any number of times.
  case list
  /// `option` once, or `list`: the values of one kind are alternatives.
  case either
}

extension SectionKind {
  /// How `option` is written in a section of this kind; nil when it knows no such option.
  func shape(of option: OptionName) -> OptionShape? {
    switch self {
    case .agent: agentShape(of: option)
    case .identity: [.certificate, .key, .trust, .crl].contains(option) ? .single : nil
    case .psk: [.identity, .keyFile].contains(option) ? .single : nil
    case .listen: listenShape(of: option)
    case .callHome: callHomeShape(of: option)
    case .dataChannel: option == .port ? .single : nil
    case .client: clientShape(of: option)
    case .policy: [.mac, .source, .client, .action].contains(option) ? .single : nil
    case .protect: [.mac, .source, .udp, .tcp, .prefix].contains(option) ? .either : nil
    case .quarantine: quarantineShape(of: option)
    }
  }

  private func agentShape(of option: OptionName) -> OptionShape? {
    switch option {
    case .wan, .lan: .list
    case .enabled, .action, .limit, .askTimeout, .askDefault, .terminating, .conflict,
      .maxQuarantined, .offload, .portSet, .user, .signalUser, .portalUser, .tlsUser, .resolveUser,
      .state,
      .control, .leases, .logLevel, .vendors:
      .single
    default: nil
    }
  }

  private func listenShape(of option: OptionName) -> OptionShape? {
    switch option {
    case .address: .either
    case .port: .single
    case .transport: .list
    default: nil
    }
  }

  private func callHomeShape(of option: OptionName) -> OptionShape? {
    switch option {
    case .redirectAllow: .list
    case .host, .name, .port, .transport: .single
    default: nil
    }
  }

  private func clientShape(of option: OptionName) -> OptionShape? {
    switch option {
    case .may, .target: .list
    case .name, .pin, .internal, .overlap, .gateway, .maxMitigations, .maxElements, .maxRate,
      .maxLifetime, .altServer:
      .single
    default: nil
    }
  }

  private func quarantineShape(of option: OptionName) -> OptionShape? {
    switch option {
    case .garden: .list
    case .portalPort, .name, .releases, .helpdesk, .theme, .apiCertificate, .apiKey, .apiTrust:
      .single
    default: nil
    }
  }
}

extension SectionKind {
  /// The kind that the file spells so.
  init?(parsing text: Text) {
    guard let kind = Self.allCases.first(where: { text.matches($0.name) }) else { return nil }
    self = kind
  }
}

extension OptionName {
  /// The option that the file spells so.
  init?(parsing text: Text) {
    guard let option = Self.allCases.first(where: { text.matches($0.name) }) else { return nil }
    self = option
  }
}

extension Text {
  /// Whether these are the bytes of `literal`.
  func matches(_ literal: StaticString) -> Bool {
    literal.withUTF8Buffer { $0.elementsEqual(bytes) }
  }
}
