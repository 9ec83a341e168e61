import Bytes

/// Which file's content it is that a front is given.
public enum FileKind: UInt8, Hashable, Sendable, CaseIterable, Coded {
  /// The router's certificate and those between it and the authority, PEM.
  case certificate = 1
  /// The key of the certificate, PEM.
  case key = 2
  /// The authorities that certificates come from, PEM.
  case trust = 3
  /// Revocation lists, PEM; empty: revocation isn't checked.
  case revocations = 4
  /// The page's own texts and colours.
  case theme = 5
  /// The logo of the page, SVG or PNG.
  case logo = 6

  /// The certificate.
  public static var blank: FileKind { .certificate }
}

/// What stands in the files that a front needs: itself it can open none.
public struct RoomFiles: Hashable, Sendable {
  private var contents = [[UInt8]](repeating: [], count: FileKind.allCases.count)

  /// All empty.
  public init() {}

  /// The content of one; empty when there is none.
  public subscript(kind: FileKind) -> [UInt8] {
    get { contents[Int(kind.rawValue) - 1] }
    set { contents[Int(kind.rawValue) - 1] = newValue }
  }
}

/// Who is at the other end of a front's door.
public enum RoomName: UInt8, Hashable, Sendable, CaseIterable, Coded {
  case core = 1
  case portal = 2
  case tls = 3

  /// Core.
  public static var blank: RoomName { .core }
}

/// What the launcher tells a front: settings, files and descriptors.
///
/// At the start and at each reload comes `settings`, then the files, then `complete`. What the
/// settings are depends on the front: `SignalSettings`, `PortalSetup`, `TLSSettings` or
/// `ResolverSettings`, encoded.
///
/// Indirect: a copy is then one reference, not code for each list of each case.
public indirect enum FrontSetup: Hashable, LinkMessage {
  /// Whom to become, and the settings, encoded.
  case settings(RoomUser, [UInt8])
  /// The next bytes of a file.
  case part(FileKind, [UInt8])
  /// The settings are complete.
  case complete
  /// A new end of the door to that room comes with this message; the old one is dead.
  case door(RoomName)
  /// The socket that listens on that interface comes with this message, in place of the one before;
  /// when none comes, the interface is gone.
  case listener(Text)
  /// Where the name leads to that was asked for, nowhere when it could not be looked up; or, with an
  /// empty name, which addresses the router has towards the ISP now: an `AddressList`, encoded.
  case addresses(Text, [UInt8])

  /// The kinds in this direction.
  public enum Kind: UInt8, CaseIterable, Sendable {
    case settings = 1
    case part = 2
    case complete = 3
    case door = 4
    case listener = 5
    case addresses = 6
  }

  /// How many bytes of a file pass at a time.
  static let partLength = 16_000

  /// Writes the kind and what it carries; the settings and a part of a file as byte strings.
  public func write(to writer: inout ItemWriter) {
    switch self {
    case .settings(let user, var settings):
      writer.kind(Kind.settings)
      writer.value(user)
      writer.bytes(&settings, limit: LinkLimits.message)
    case .part(let file, var part):
      writer.kind(Kind.part)
      writer.value(file)
      writer.bytes(&part, limit: Self.partLength)
    case .complete: writer.kind(Kind.complete)
    case .door(let room):
      writer.kind(Kind.door)
      writer.value(room)
    case .listener(var interface):
      writer.kind(Kind.listener)
      writer.name(&interface)
    case .addresses(var name, var addresses):
      writer.kind(Kind.addresses)
      writer.text(&name)
      writer.bytes(&addresses, limit: LinkLimits.message)
    }
  }

  /// Reads the kind and what it carries.
  public init(from reader: inout ItemReader) {
    switch Kind(rawValue: reader.value()) {
    case .settings: self = .settings(reader.value(), reader.bytes(limit: LinkLimits.message))
    case .part: self = .part(reader.value(), reader.bytes(limit: Self.partLength))
    case .complete: self = .complete
    case .door: self = .door(reader.value())
    case .listener: self = .listener(reader.name())
    case .addresses:
      self = .addresses(
        reader.text(limit: LinkLimits.text),
        reader.bytes(limit: LinkLimits.message)
      )
    case nil:
      reader.fail(.unknownKind)
      self = .complete
    }
  }

  /// All messages that tell the encoded `settings` and `files`, in their order.
  public static func messages(
    _ user: RoomUser,
    _ settings: [UInt8],
    _ files: RoomFiles
  ) throws(LinkError) -> [[UInt8]] {
    var messages: [[UInt8]] = []
    try messages.append(.settings(user, settings))
    for kind in FileKind.allCases {
      let file = files[kind]
      var start = 0
      while start < file.count {
        let end = min(start + partLength, file.count)
        try messages.append(.part(kind, [UInt8](file[start..<end])))
        start = end
      }
    }
    try messages.append(.complete)
    return messages
  }
}

extension [[UInt8]] {
  @inline(never)
  fileprivate mutating func append(_ message: FrontSetup) throws(LinkError) {
    append(try message.encoded())
  }
}

/// Puts the parts of a front's settings together.
public struct FrontAssembly: Sendable {
  /// All that the front is told.
  public struct Complete: Hashable, Sendable {
    /// Whom to become.
    public let user: RoomUser
    /// The settings, encoded.
    public let settings: [UInt8]
    /// The files.
    public let files: RoomFiles
  }

  private var head: (user: RoomUser, settings: [UInt8])?
  private var files = RoomFiles()

  /// Nothing has come yet.
  public init() {}

  /// Takes a message; answers the settings when it completes them.
  ///
  /// Throws when it is out of order. Descriptors are no part of the settings and are not taken here.
  public mutating func receive(_ message: FrontSetup) throws(LinkError) -> Complete? {
    if case .settings(let user, let settings) = message {
      head = (user, settings)
      files = RoomFiles()
      return nil
    }
    guard let head else { throw .malformed }
    switch message {
    case .part(let kind, let part):
      guard files[kind].count + part.count <= LinkLimits.credential else { throw .tooLarge }
      files[kind] += part
      return nil
    case .complete:
      defer { self = FrontAssembly() }
      return Complete(user: head.user, settings: head.settings, files: files)
    case .settings, .door, .listener, .addresses: throw .malformed
    }
  }
}
