import Bytes
import Model

/// What a descriptor that core gets is.
public enum CoreDoor: UInt8, Hashable, Sendable, CaseIterable, Coded {
  /// An end of the door to `cordond-signal`; the old one is dead.
  case signal = 1
  /// An end of the door to `cordond-portal`; the old one is dead.
  case portal = 2
  /// The listening control socket.
  case control = 3

  /// The door to the signal front.
  public static var blank: CoreDoor { .signal }
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

  /// Writes the kind and what it carries.
  public func write(to writer: inout ItemWriter) {
    switch self {
    case .settings(let user, let settings):
      writer.kind(Kind.settings)
      writer.value(user)
      writer.value(settings)
    case .client(let section):
      writer.kind(Kind.client)
      writer.value(section)
    case .policy(let section):
      writer.kind(Kind.policy)
      writer.value(section)
    case .protection(let section):
      writer.kind(Kind.protection)
      writer.value(section)
    case .complete: writer.kind(Kind.complete)
    case .door(let room):
      writer.kind(Kind.door)
      writer.value(room)
    case .garden(var addresses):
      writer.kind(Kind.garden)
      writer.list(&addresses, limit: Self.maximumGarden)
    }
  }

  /// Reads the kind and what it carries.
  public init(from reader: inout ItemReader) {
    switch Kind(rawValue: reader.value()) {
    case .settings: self = .settings(reader.value(), reader.value())
    case .client: self = .client(reader.value())
    case .policy: self = .policy(reader.value())
    case .protection: self = .protection(reader.value())
    case .complete: self = .complete
    case .door: self = .door(reader.value())
    case .garden:
      var addresses: [IPAddress] = []
      reader.list(&addresses, limit: Self.maximumGarden)
      self = .garden(addresses)
    case nil:
      reader.fail(.unknownKind)
      self = .complete
    }
  }

  /// All messages that tell `settings`, in their order.
  public static func messages(
    _ user: RoomUser,
    _ settings: CoreSettings
  ) throws(LinkError) -> [[UInt8]] {
    var messages: [[UInt8]] = []
    try messages.append(.settings(user, settings))
    for section in settings.clients { try messages.append(.client(section)) }
    for section in settings.policies { try messages.append(.policy(section)) }
    for section in settings.protections { try messages.append(.protection(section)) }
    try messages.append(.complete)
    return messages
  }
}

extension [[UInt8]] {
  @inline(never)
  fileprivate mutating func append(_ message: CoreSetup) throws(LinkError) {
    append(try message.encoded())
  }
}

/// Puts the parts of core's settings together.
public struct CoreSettingsAssembly: Sendable {
  /// The most sections of each kind.
  public static let maximumSections = 1024

  /// What has been told; all of it once `receive` gave the user.
  public private(set) var settings = CoreSettings()
  private var user: RoomUser?

  /// Nothing has come yet.
  public init() {}

  /// Takes a message; gives whom to become when it completes the settings.
  ///
  /// Throws when it is out of order. Descriptors are no part of the settings and are not taken here.
  public mutating func receive(_ message: CoreSetup) throws(LinkError) -> RoomUser? {
    if case .settings(let user, let told) = message {
      self.user = user
      settings = told
      return nil
    }
    guard let user else { throw .malformed }
    switch message {
    case .client(let section):
      try Self.hasRoom(settings.clients.count)
      settings.clients.append(section)
    case .policy(let section):
      try Self.hasRoom(settings.policies.count)
      settings.policies.append(section)
    case .protection(let section):
      try Self.hasRoom(settings.protections.count)
      settings.protections.append(section)
    case .complete:
      self.user = nil
      return user
    case .settings, .door, .garden: throw .malformed
    }
    return nil
  }

  private static func hasRoom(_ count: Int) throws(LinkError) {
    if count >= maximumSections { throw .tooLarge }
  }
}
