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

/// What a room tells the launcher, the same on every door between the two.
public enum RoomReport: Hashable, LinkMessage {
  /// It gave up its rights, has taken its settings and works.
  case ready
  /// It can't start, and ends; why.
  case failed(Text)
  /// It can't use the new settings and goes on with the old ones; why.
  case refused(Text)

  /// The kind of all three; it stands behind those of the other direction.
  public static let kind: UInt8 = 8

  private enum Case: UInt8, CBORCoded {
    case ready = 1
    case failed = 2
    case refused = 3
  }

  /// The kind, the case and the explanation.
  public var elements: [CBORValue] {
    switch self {
    case .ready: [Self.kind.cbor, Case.ready.cbor, Text("").cbor]
    case .failed(let why): [Self.kind.cbor, Case.failed.cbor, Self.shortened(why)]
    case .refused(let why): [Self.kind.cbor, Case.refused.cbor, Self.shortened(why)]
    }
  }

  /// The report whose fields these are.
  public init(kind: UInt8, fields: inout Fields) throws(LinkError) {
    guard kind == Self.kind else { throw .unknownKind }
    let choice: Case = try fields.next()
    let why = try fields.text(limit: LinkLimits.explanation)
    switch choice {
    case .ready:
      guard why.isEmpty else { throw .malformed }
      self = .ready
    case .failed: self = .failed(why)
    case .refused: self = .refused(why)
    }
  }

  private static func shortened(_ text: Text) -> CBORValue {
    guard text.count > LinkLimits.explanation else { return text.cbor }
    // A cut inside a character would make text that is no UTF-8; what follows ASCII is whole.
    let ascii = text.bytes.prefix(LinkLimits.explanation).map { $0 < 0x80 ? $0 : 0x3F }
    return .text(Text(ascii))
  }
}
