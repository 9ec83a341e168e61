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
