import Bytes
import CBOR
import Model

/// What a descriptor that core gets is.
public enum CoreDoor: UInt8, Hashable, Sendable, CaseIterable, CBORCoded {
  /// An end of the door to `cordond-signal`; the old one is dead.
  case signal = 1
  /// An end of the door to `cordond-portal`; the old one is dead.
  case portal = 2
  /// The listening control socket.
  case control = 3
}

/// What the launcher tells core: settings, in parts that fit, and descriptors.
///
/// At the start and at each reload comes `settings`, then each section, then `complete`.
///
/// Indirect: a copy is then one reference, not code for each list of each case.
public indirect enum CoreSetup: Hashable, LinkMessage {
  /// Whom to become, and the settings without their lists of sections.
  case settings(RoomUser, CoreSettings)
  /// A `client` section.
  case client(ClientSettings)
  /// A `policy` section; their order counts.
  case policy(PolicySettings)
  /// A `protect` section.
  case protection(ProtectSettings)
  /// The settings are complete.
  case complete
  /// This descriptor comes with this message.
  case door(CoreDoor)
  /// Where names of the garden lead to now: all addresses, in ascending order.
  case garden([IPAddress])

  /// The kinds in this direction.
  public enum Kind: UInt8, CaseIterable, Sendable {
    case settings = 1
    case client = 2
    case policy = 3
    case protection = 4
    case complete = 5
    case door = 6
    case garden = 7
  }

  /// The most addresses of the garden that are told.
  public static let maximumGarden = 512

  /// The kind of this message.
  public var kind: Kind {
    switch self {
    case .settings: .settings
    case .client: .client
    case .policy: .policy
    case .protection: .protection
    case .complete: .complete
    case .door: .door
    case .garden: .garden
    }
  }

  /// The kind and what it carries.
  public var elements: [CBORValue] {
    let kind = kind.rawValue.cbor
    return switch self {
    case .settings(let user, let settings): [kind, user.cbor, settings.cbor]
    case .client(let section): [kind, section.cbor]
    case .policy(let section): [kind, section.cbor]
    case .protection(let section): [kind, section.cbor]
    case .door(let room): [kind, room.cbor]
    case .garden(let addresses): [kind, addresses.cbor]
    case .complete: [kind]
    }
  }

  /// The message whose fields these are.
  public init(kind: UInt8, fields: inout Fields) throws(LinkError) {
    guard let kind = Kind(rawValue: kind) else { throw .unknownKind }
    switch kind {
    case .settings: self = .settings(try fields.next(), try fields.next())
    case .client: self = .client(try fields.next())
    case .policy: self = .policy(try fields.next())
    case .protection: self = .protection(try fields.next())
    case .complete: self = .complete
    case .door: self = .door(try fields.next())
    case .garden: self = .garden(try fields.list(limit: Self.maximumGarden))
    }
  }

  /// All messages that tell `settings`, in their order.
  public static func messages(_ user: RoomUser, _ settings: CoreSettings) -> [CoreSetup] {
    var general = settings
    general.clients = []
    general.policies = []
    general.protections = []
    return [.settings(user, general)] + settings.clients.map { .client($0) }
      + settings.policies.map { .policy($0) } + settings.protections.map { .protection($0) }
      + [.complete]
  }
}

/// Puts the parts of core's settings together.
public struct CoreSettingsAssembly: Sendable {
  /// The most sections of each kind.
  public static let maximumSections = 1024

  private var parts: (user: RoomUser, settings: CoreSettings)?

  /// Nothing has come yet.
  public init() {}

  /// Takes a message; answers the settings when it completes them.
  ///
  /// Throws when it is out of order. Descriptors are no part of the settings and are not taken here.
  public mutating func receive(
    _ message: CoreSetup
  ) throws(LinkError) -> (user: RoomUser, settings: CoreSettings)? {
    if case .settings(let user, let settings) = message {
      parts = (user, settings)
      return nil
    }
    guard let (user, told) = parts else { throw .malformed }
    var settings = told
    switch message {
    case .client(let section): settings.clients.append(section)
    case .policy(let section): settings.policies.append(section)
    case .protection(let section): settings.protections.append(section)
    case .complete:
      parts = nil
      return (user, settings)
    case .settings, .door, .garden: throw .malformed
    }
    let longest = max(
      settings.clients.count,
      settings.policies.count,
      settings.protections.count
    )
    guard longest <= Self.maximumSections else { throw .tooLarge }
    parts = (user, settings)
    return nil
  }
}
