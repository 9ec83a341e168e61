import Bytes
import CBOR
import Model

/// A bound socket that the launcher gives to the signal front.
public struct Listener: Hashable, Sendable, CBORCoded {
  /// The address that it is bound to; `::` or `0.0.0.0` for all of its family.
  public var address: IPAddress
  /// The port.
  public var port: UInt16
  /// What it carries.
  public var transport: Transport

  /// A listener of these parts.
  public init(address: IPAddress, port: UInt16, transport: Transport) {
    self.address = address
    self.port = port
    self.transport = transport
  }

  /// An array of the properties in their order.
  public var cbor: CBORValue { .array([address.cbor, port.cbor, transport.cbor]) }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      address: try fields.next(),
      port: try fields.next(),
      transport: try fields.next()
    )
    try fields.end()
  }
}

/// What the signal front is told of the settings.
public struct SignalSettings: Hashable, Sendable, CBORCoded {
  /// The most listeners: each is a descriptor.
  public static let maximumListeners = 32

  /// How much is logged.
  public var logLevel = LogLevel.info
  /// The bound sockets, in the order of their descriptors.
  public var listeners: [Listener] = []
  /// Certificates are checked at this time when the clock shows an earlier one.
  public var timeFloor = UnixTime(seconds: 0)
  /// At most so many sessions at a time.
  public var maximumSessions: UInt32 = 64

  /// The defaults.
  public init() {}

  /// An array of the properties in their order.
  public var cbor: CBORValue {
    .array([logLevel.cbor, listeners.cbor, timeFloor.cbor, maximumSessions.cbor])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    logLevel = try fields.next()
    listeners = try fields.list(limit: Self.maximumListeners)
    timeFloor = try fields.next()
    maximumSessions = try fields.next()
    try fields.end()
  }
}

/// What the router proves itself with, and whom it trusts: PEM as it stands in the files.
public struct Credentials: Hashable, Sendable {
  /// The router's certificate and those between it and the authority.
  public var certificate: [UInt8] = []
  /// The key of the certificate.
  public var key: [UInt8] = []
  /// The authorities that clients' certificates come from.
  public var trust: [UInt8] = []
  /// Revocation lists; empty: revocation isn't checked.
  public var revocations: [UInt8] = []

  /// None.
  public init() {}

  /// One of the four by its kind.
  public subscript(kind: CredentialKind) -> [UInt8] {
    get {
      switch kind {
      case .certificate: certificate
      case .key: key
      case .trust: trust
      case .revocations: revocations
      }
    }
    set {
      switch kind {
      case .certificate: certificate = newValue
      case .key: key = newValue
      case .trust: trust = newValue
      case .revocations: revocations = newValue
      }
    }
  }
}

/// Which credential it is.
public enum CredentialKind: UInt8, Hashable, Sendable, CaseIterable, CBORCoded {
  case certificate = 1
  case key = 2
  case trust = 3
  case revocations = 4
}

/// What the launcher tells the signal front: settings, credentials and descriptors.
///
/// At the start and at each reload comes `settings`, then the credentials, then `complete`.
///
/// Indirect: a copy is then one reference, not code for each list of each case.
public indirect enum SignalSetup: Hashable, LinkMessage {
  /// Whom to become, and the settings.
  case settings(RoomUser, SignalSettings)
  /// The next bytes of a credential.
  case credential(CredentialKind, [UInt8])
  /// The settings are complete.
  case complete
  /// A new end of the door to `cordond-core` comes with this message; the old one is dead.
  case coreDoor

  /// The kinds in this direction.
  public enum Kind: UInt8, CaseIterable, Sendable {
    case settings = 1
    case credential = 2
    case complete = 3
    case coreDoor = 4
  }

  /// How many bytes of a credential pass at a time.
  static let partLength = 16_000

  /// The kind of this message.
  public var kind: Kind {
    switch self {
    case .settings: .settings
    case .credential: .credential
    case .complete: .complete
    case .coreDoor: .coreDoor
    }
  }

  /// The kind and what it carries.
  public var elements: [CBORValue] {
    let kind = kind.rawValue.cbor
    return switch self {
    case .settings(let user, let settings): [kind, user.cbor, settings.cbor]
    case .credential(let which, let part): [kind, which.cbor, .bytes(part)]
    case .complete, .coreDoor: [kind]
    }
  }

  /// The message whose fields these are.
  public init(kind: UInt8, fields: inout Fields) throws(LinkError) {
    guard let kind = Kind(rawValue: kind) else { throw .unknownKind }
    switch kind {
    case .settings: self = .settings(try fields.next(), try fields.next())
    case .credential:
      self = .credential(try fields.next(), try fields.bytes(limit: Self.partLength))
    case .complete: self = .complete
    case .coreDoor: self = .coreDoor
    }
  }

  /// All messages that tell `settings` and `credentials`, in their order.
  public static func messages(
    _ user: RoomUser,
    _ settings: SignalSettings,
    _ credentials: Credentials
  ) -> [SignalSetup] {
    var messages: [SignalSetup] = [.settings(user, settings)]
    for kind in CredentialKind.allCases {
      var rest = credentials[kind][...]
      while !rest.isEmpty {
        messages.append(.credential(kind, [UInt8](rest.prefix(partLength))))
        rest = rest.dropFirst(partLength)
      }
    }
    return messages + [.complete]
  }
}

/// Puts the parts of the signal front's settings together.
public struct SignalSettingsAssembly: Sendable {
  /// All that the signal front is told.
  public struct Complete: Hashable, Sendable {
    /// Whom to become.
    public let user: RoomUser
    /// The settings.
    public let settings: SignalSettings
    /// The credentials.
    public let credentials: Credentials
  }

  private var head: (user: RoomUser, settings: SignalSettings)?
  private var credentials = Credentials()

  /// Nothing has come yet.
  public init() {}

  /// Takes a message; answers the settings when it completes them.
  ///
  /// Throws when it is out of order. Descriptors are no part of the settings and are not taken here.
  public mutating func receive(_ message: SignalSetup) throws(LinkError) -> Complete? {
    if case .settings(let user, let settings) = message {
      head = (user, settings)
      credentials = Credentials()
      return nil
    }
    guard let head else { throw .malformed }
    switch message {
    case .credential(let kind, let part):
      guard credentials[kind].count + part.count <= LinkLimits.credential else { throw .tooLarge }
      credentials[kind] += part
      return nil
    case .complete:
      defer { self = SignalSettingsAssembly() }
      return Complete(user: head.user, settings: head.settings, credentials: credentials)
    case .settings, .coreDoor: throw .malformed
    }
  }
}
