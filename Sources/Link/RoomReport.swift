import Bytes
import CBOR

/// The user that a room becomes.
public struct RoomUser: Hashable, Sendable, CBORCoded {
  /// The user's number.
  public let user: UInt32
  /// The number of its group.
  public let group: UInt32

  /// A user with these numbers.
  public init(user: UInt32, group: UInt32) {
    self.user = user
    self.group = group
  }

  /// An array of both numbers.
  public var cbor: CBORValue { .array([user.cbor, group.cbor]) }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(user: try fields.next(), group: try fields.next())
    try fields.end()
  }
}

/// An interface as the kernel knows it.
public struct Interface: Hashable, Sendable, CBORCoded {
  /// Its name, as in the settings.
  public var name: Text
  /// The kernel's number of it: another one when it has gone and come back.
  public var number: UInt32

  /// An interface with this name and number.
  public init(_ name: Text, number: UInt32) {
    self.name = name
    self.number = number
  }

  /// An array of both.
  public var cbor: CBORValue { .array([name.cbor, number.cbor]) }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(try fields.name(), number: try fields.next())
    try fields.end()
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
  /// `cordond-resolve`: where the name leads to, in ascending order.
  case addresses([IPAddress])

  /// The kind of all; it stands behind those of the other direction.
  public static let kind: UInt8 = 8
  /// The most interfaces that are told.
  public static let maximumInterfaces = 64
  /// The most addresses of one name.
  public static let maximumAddresses = 16

  private enum Case: UInt8, CBORCoded {
    case ready = 1
    case failed = 2
    case refused = 3
    case interfaces = 4
    case certificate = 5
    case addresses = 6
  }

  /// The kind, the case and what it carries.
  public var elements: [CBORValue] {
    let (choice, content): (Case, CBORValue) =
      switch self {
      case .ready: (.ready, Text("").cbor)
      case .failed(let why): (.failed, Self.shortened(why))
      case .refused(let why): (.refused, Self.shortened(why))
      case .interfaces(let present): (.interfaces, present.cbor)
      case .certificate(let expires): (.certificate, expires.cbor)
      case .addresses(let found): (.addresses, found.cbor)
      }
    return [Self.kind.cbor, choice.cbor, content]
  }

  /// The report whose fields these are.
  public init(kind: UInt8, fields: inout Fields) throws(LinkError) {
    guard kind == Self.kind else { throw .unknownKind }
    let choice: Case = try fields.next()
    switch choice {
    case .ready:
      guard try fields.text().isEmpty else { throw .malformed }
      self = .ready
    case .failed: self = .failed(try fields.text(limit: LinkLimits.explanation))
    case .refused: self = .refused(try fields.text(limit: LinkLimits.explanation))
    case .interfaces: self = .interfaces(try fields.list(limit: Self.maximumInterfaces))
    case .certificate: self = .certificate(try fields.optional())
    case .addresses: self = .addresses(try fields.list(limit: Self.maximumAddresses))
    }
  }

  private static func shortened(_ text: Text) -> CBORValue {
    guard text.count > LinkLimits.explanation else { return text.cbor }
    // A cut inside a character would make text that is no UTF-8; what follows ASCII is whole.
    let ascii = text.bytes.prefix(LinkLimits.explanation).map { $0 < 0x80 ? $0 : 0x3F }
    return .text(Text(ascii))
  }
}
