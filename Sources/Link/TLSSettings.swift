import Bytes
import Model

/// What `cordond-tls` is told of the settings.
public struct TLSSettings: Hashable, Coded, LinkMessage {
  /// How much is logged.
  public var logLevel = LogLevel.info
  /// The name that its certificate must carry.
  public var name: Text
  /// Certificates are checked at this time when the clock shows an earlier one.
  public var timeFloor = UnixTime(seconds: 0)

  /// The defaults.
  public init(name: Text) { self.name = name }

  /// Without a name.
  public static var blank: TLSSettings { TLSSettings(name: .blank) }

  /// The properties in their order.
  public mutating func code(_ coder: inout some Coder) {
    logLevel.code(&coder)
    coder.name(&name)
    timeFloor.code(&coder)
  }
}

/// What `cordond-tls` tells the portal; one end of a stream comes with each message.
public enum RelayMessage: Hashable, LinkMessage {
  /// What comes over the stream is what this peer sent to this address of the router, without TLS.
  case connection(peer: IPAddress, local: IPAddress)

  private static let kind: UInt8 = 1

  /// Writes the kind and both addresses.
  public func write(to writer: inout ItemWriter) {
    switch self {
    case .connection(let peer, let local):
      writer.value(Self.kind)
      writer.value(peer)
      writer.value(local)
    }
  }

  /// Reads these.
  public init(from reader: inout ItemReader) {
    if reader.value() != Self.kind { reader.fail(.unknownKind) }
    self = .connection(peer: reader.value(), local: reader.value())
  }
}
