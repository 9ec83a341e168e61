import Bytes
import CBOR
import Model

/// What `cordond-tls` is told of the settings.
public struct TLSSettings: Hashable, Sendable, CBORCoded {
  /// How much is logged.
  public var logLevel = LogLevel.info
  /// The name that its certificate must carry.
  public var name: Text
  /// Certificates are checked at this time when the clock shows an earlier one.
  public var timeFloor = UnixTime(seconds: 0)

  /// The defaults.
  public init(name: Text) { self.name = name }

  /// An array of the properties in their order.
  public var cbor: CBORValue { .array([logLevel.cbor, name.cbor, timeFloor.cbor]) }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    let level: LogLevel = try fields.next()
    self.init(name: try fields.name())
    logLevel = level
    timeFloor = try fields.next()
    try fields.end()
  }
}

/// What `cordond-tls` tells the portal; one end of a stream comes with each message.
public enum RelayMessage: Hashable, LinkMessage {
  /// What comes over the stream is what this peer sent to this address of the router, without TLS.
  case connection(peer: IPAddress, local: IPAddress)

  private static let kind: UInt8 = 1

  /// The kind and both addresses.
  public var elements: [CBORValue] {
    switch self {
    case .connection(let peer, let local): [Self.kind.cbor, peer.cbor, local.cbor]
    }
  }

  /// The message whose fields these are.
  public init(kind: UInt8, fields: inout Fields) throws(LinkError) {
    guard kind == Self.kind else { throw .unknownKind }
    self = .connection(peer: try fields.next(), local: try fields.next())
  }
}
