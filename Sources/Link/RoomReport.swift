import Bytes

/// The user that a room becomes.
public struct RoomUser: Hashable, Sendable, Coded {
  /// The user's number.
  public var user: UInt32
  /// The number of its group.
  public var group: UInt32

  /// A user with these numbers.
  public init(user: UInt32, group: UInt32) {
    self.user = user
    self.group = group
  }

  /// Root.
  public static var blank: RoomUser { RoomUser(user: 0, group: 0) }

  /// An array of both numbers.
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 2)
    user.code(&coder)
    group.code(&coder)
  }
}

/// An interface as the kernel knows it.
public struct Interface: Hashable, Sendable, Coded {
  /// Its name, as in the settings.
  public var name: Text
  /// The kernel's number of it: another one when it has gone and come back.
  public var number: UInt32

  /// An interface with this name and number.
  public init(_ name: Text, number: UInt32) {
    self.name = name
    self.number = number
  }

  /// No interface.
  public static var blank: Interface { Interface(.blank, number: 0) }

  /// An array of both.
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 2)
    coder.name(&name)
    number.code(&coder)
  }
}

/// What a room tells the launcher, the same on every door between the two.
///
/// Indirect: a copy is then one reference, not code for each list of each case.
public indirect enum RoomReport: Hashable, LinkMessage {
  /// It gave up its rights, has taken its settings and works.
  case ready
  /// It can't start, and ends; why.
  case failed(Text)
  /// It can't use the new settings and goes on with the old ones; why.
  case refused(Text)
  /// Core: which of the settings' `lan` interfaces are there; before `ready` and at each change.
  case interfaces([Interface])
  /// `cordond-tls`: until when its certificate is good; nil: it isn't good.
  case certificate(UnixTime?)
  /// `cordond-resolve`: where the name leads to; core: the router's addresses towards the ISP, at the
  /// start and at each change. Both in ascending order.
  case addresses([IPAddress])
  /// `cordond-signal`: it wants to know where this name leads to.
  case name(Text)
  /// Core: somebody asks at the control socket for the settings to be read again.
  case reload

  /// The kind of all; it stands behind those of the other direction.
  public static let kind: UInt8 = 8
  /// The most interfaces that are told.
  public static let maximumInterfaces = 64
  /// The most addresses of one name.
  public static let maximumAddresses = 64

  private enum Case: UInt8 {
    case ready = 1
    case failed = 2
    case refused = 3
    case interfaces = 4
    case certificate = 5
    case addresses = 6
    case name = 7
    case reload = 8
  }

  /// Writes the kind, the case and what it carries.
  public func write(to writer: inout ItemWriter) {
    writer.value(Self.kind)
    switch self {
    case .ready: writer.kind(Case.ready)
    case .failed(let why):
      writer.kind(Case.failed)
      Self.write(why, to: &writer)
    case .refused(let why):
      writer.kind(Case.refused)
      Self.write(why, to: &writer)
    case .interfaces(var present):
      writer.kind(Case.interfaces)
      writer.list(&present, limit: Self.maximumInterfaces)
    case .certificate(let expires):
      writer.kind(Case.certificate)
      writer.optional(expires)
    case .addresses(var found):
      writer.kind(Case.addresses)
      writer.list(&found, limit: Self.maximumAddresses)
    case .name(var name):
      writer.kind(Case.name)
      writer.name(&name)
    case .reload: writer.kind(Case.reload)
    }
  }

  /// Reads these.
  public init(from reader: inout ItemReader) {
    if reader.value() != Self.kind { reader.fail(.unknownKind) }
    switch Case(rawValue: reader.value()) {
    case .ready: self = .ready
    case .failed: self = .failed(reader.text(limit: LinkLimits.explanation))
    case .refused: self = .refused(reader.text(limit: LinkLimits.explanation))
    case .interfaces:
      var present: [Interface] = []
      reader.list(&present, limit: Self.maximumInterfaces)
      self = .interfaces(present)
    case .certificate: self = .certificate(reader.optional())
    case .addresses:
      var found: [IPAddress] = []
      reader.list(&found, limit: Self.maximumAddresses)
      self = .addresses(found)
    case .name: self = .name(reader.name())
    case .reload: self = .reload
    case nil:
      reader.fail()
      self = .ready
    }
  }

  private static func write(_ why: Text, to writer: inout ItemWriter) {
    var told = why
    if why.count > LinkLimits.explanation {
      told = .blank
      // A cut inside a character would make text that is no UTF-8; what follows ASCII is whole.
      for byte in why.bytes where told.count < LinkLimits.explanation {
        told.bytes.append(byte < 0x80 ? byte : 0x3F)
      }
    }
    writer.text(&told, limit: LinkLimits.explanation)
  }
}
