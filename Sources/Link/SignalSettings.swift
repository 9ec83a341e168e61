import Bytes
import Model

/// A bound socket that the launcher gives to the signal front.
public struct Listener: Hashable, Sendable, Coded {
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

  /// No listener.
  public static var blank: Listener { Listener(address: .blank, port: 0, transport: .blank) }

  /// An array of the properties in their order.
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 3)
    address.code(&coder)
    port.code(&coder)
    transport.code(&coder)
  }
}

/// A pre-shared key and who has it.
public struct SignalKey: Hashable, Sendable, Coded {
  /// The longest key, in bytes.
  public static let maximumLength = 128

  /// The peer's identity.
  public var identity: Text
  /// The key.
  public var key: [UInt8]

  /// A key of these parts.
  public init(identity: Text, key: [UInt8]) {
    self.identity = identity
    self.key = key
  }

  /// No key.
  public static var blank: SignalKey { SignalKey(identity: .blank, key: []) }

  /// An array of both.
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 2)
    coder.name(&identity)
    coder.bytes(&key, limit: Self.maximumLength)
  }
}

/// What the signal front is told of the settings.
public struct SignalSettings: Hashable, Coded, LinkMessage {
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

  /// Pre-shared keys, beside certificates.
  public var presharedKeys: [SignalKey] = []

  /// The most pre-shared keys: as many as fit a message.
  public static let maximumKeys = 48

  /// Clients that it connects to.
  public var callHomes: [CallHomePeer] = []

  /// The most clients that it connects to.
  public static let maximumCallHomes = 32

  /// The defaults.
  public init() {}

  /// The defaults.
  public static var blank: SignalSettings { SignalSettings() }

  /// The properties in their order.
  public mutating func code(_ coder: inout some Coder) {
    logLevel.code(&coder)
    coder.list(&listeners, limit: Self.maximumListeners)
    timeFloor.code(&coder)
    maximumSessions.code(&coder)
    coder.list(&presharedKeys, limit: Self.maximumKeys)
    coder.list(&callHomes, limit: Self.maximumCallHomes)
  }
}
