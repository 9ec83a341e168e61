import Bytes
import CBOR

/// One parameter of a session: what it is and, in responses, what it may be.
///
/// RFC 9132, Section 4.5.1. Times and factors count in hundredths, all else in whole units.
public struct ConfigurationValue: Hashable, Sendable {
  /// The value in use or asked for.
  public var current: UInt64?
  /// The least value that the server takes.
  public var minimum: UInt64?
  /// The greatest value that the server takes.
  public var maximum: UInt64?

  /// A value, with its range where it is told.
  public init(current: UInt64?, minimum: UInt64? = nil, maximum: UInt64? = nil) {
    self.current = current
    self.minimum = minimum
    self.maximum = maximum
  }
}

/// The parameters of a session while something is mitigated, or while nothing is (RFC 9132,
/// Section 4.5.2); what is absent keeps its default.
public struct ConfigurationSet: Hashable, Sendable {
  /// Seconds between heartbeats; 0 for none.
  public var heartbeatInterval: ConfigurationValue?
  /// How many intervals may pass without any traffic.
  public var missingHeartbeatsAllowed: ConfigurationValue?
  /// How often a confirmable message is repeated.
  public var maximumRetransmit: ConfigurationValue?
  /// Hundredths of a second until the first repetition.
  public var ackTimeout: ConfigurationValue?
  /// Hundredths of the factor that the first wait is spread by.
  public var ackRandomFactor: ConfigurationValue?
  /// Bytes a second to a peer that doesn't answer.
  public var probingRate: ConfigurationValue?

  /// A set without any parameter.
  public init() {}

  /// Whether nothing is set.
  public var isEmpty: Bool { self == ConfigurationSet() }
}

/// The body of messages on `/config` (RFC 9132, Section 4.5).
public struct SessionConfiguration: Hashable, Sendable {
  /// What holds while the client has an active mitigation.
  public var mitigating = ConfigurationSet()
  /// What holds while it has none.
  public var idle = ConfigurationSet()

  /// A configuration without any parameter.
  public init() {}

  /// Parses a payload.
  public init(parsing payload: [UInt8]) throws(PeerError) {
    let container = try Message.container(Key.signalConfiguration, parsing: payload)
    let attributes = try Attributes(
      container,
      under: Key.signalConfiguration,
      allowed: [Key.mitigatingConfiguration, Key.idleConfiguration]
    )
    if let value = attributes[Key.mitigatingConfiguration] {
      mitigating = try ConfigurationSet(value, under: Key.mitigatingConfiguration)
    }
    if let value = attributes[Key.idleConfiguration] {
      idle = try ConfigurationSet(value, under: Key.idleConfiguration)
    }
  }

  /// The payload.
  public var encoded: [UInt8] {
    var sets: [CBOREntry] = []
    if !mitigating.isEmpty {
      sets.append(CBOREntry(Key.mitigatingConfiguration, mitigating.value))
    }
    if !idle.isEmpty { sets.append(CBOREntry(Key.idleConfiguration, idle.value)) }
    return CBORValue.map([CBOREntry(Key.signalConfiguration, .map(sets))]).encoded
  }

  /// Checks what a client asks for: at least one parameter, each with its current value, in the
  /// ranges of RFC 9132, Figure 20; a heartbeat-interval of 0 switches heartbeats off.
  public func validateRequest() throws(PeerError) {
    guard !mitigating.isEmpty || !idle.isEmpty else { throw PeerError(.configurationEmpty) }
    try mitigating.validateRequest()
    try idle.validateRequest()
  }
}

extension ConfigurationSet {
  private static let keys = [
    Key.heartbeatInterval, Key.missingHeartbeatsAllowed, Key.maximumRetransmit, Key.ackTimeout,
    Key.ackRandomFactor, Key.probingRate,
  ]

  fileprivate init(_ value: CBORValue, under key: UInt64) throws(PeerError) {
    let attributes = try Attributes(value, under: key, allowed: Self.keys)
    heartbeatInterval = try Self.value(attributes, Key.heartbeatInterval)
    missingHeartbeatsAllowed = try Self.value(attributes, Key.missingHeartbeatsAllowed)
    maximumRetransmit = try Self.value(attributes, Key.maximumRetransmit)
    ackTimeout = try Self.value(attributes, Key.ackTimeout)
    ackRandomFactor = try Self.value(attributes, Key.ackRandomFactor)
    probingRate = try Self.value(attributes, Key.probingRate)
  }

  private static func value(
    _ attributes: Attributes,
    _ key: UInt64
  ) throws(PeerError) -> ConfigurationValue? {
    guard let value = attributes[key] else { return nil }
    return try ConfigurationValue(value, under: key)
  }

  fileprivate var value: CBORValue {
    var entries: [CBOREntry] = []
    entries.add(Key.heartbeatInterval, heartbeatInterval?.value(isDecimal: false))
    entries.add(Key.missingHeartbeatsAllowed, missingHeartbeatsAllowed?.value(isDecimal: false))
    entries.add(Key.maximumRetransmit, maximumRetransmit?.value(isDecimal: false))
    entries.add(Key.ackTimeout, ackTimeout?.value(isDecimal: true))
    entries.add(Key.ackRandomFactor, ackRandomFactor?.value(isDecimal: true))
    entries.add(Key.probingRate, probingRate?.value(isDecimal: false))
    return .map(entries)
  }

  fileprivate func validateRequest() throws(PeerError) {
    if heartbeatInterval?.current != 0 {
      try heartbeatInterval?.validate(SessionParameters.heartbeatIntervals, Key.heartbeatInterval)
    }
    try missingHeartbeatsAllowed?.validate(
      SessionParameters.missingHeartbeats,
      Key.missingHeartbeatsAllowed
    )
    try maximumRetransmit?.validate(SessionParameters.retransmits, Key.maximumRetransmit)
    try ackTimeout?.validate(SessionParameters.ackTimeouts, Key.ackTimeout)
    try ackRandomFactor?.validate(SessionParameters.ackRandomFactors, Key.ackRandomFactor)
    try probingRate?.validate(SessionParameters.probingRates, Key.probingRate)
  }
}

extension ConfigurationValue {
  /// The keys of a value's members.
  private struct Keys {
    let current: UInt64
    let minimum: UInt64
    let maximum: UInt64

    static let whole = Keys(
      current: Key.currentValue,
      minimum: Key.minimumValue,
      maximum: Key.maximumValue
    )
    static let decimal = Keys(
      current: Key.currentDecimalValue,
      minimum: Key.minimumDecimalValue,
      maximum: Key.maximumDecimalValue
    )
  }

  fileprivate init(_ value: CBORValue, under key: UInt64) throws(PeerError) {
    let isDecimal = key == Key.ackTimeout || key == Key.ackRandomFactor
    let keys = isDecimal ? Keys.decimal : Keys.whole
    let attributes = try Attributes(
      value,
      under: key,
      allowed: [keys.current, keys.minimum, keys.maximum]
    )
    current = try Self.number(attributes, keys.current, isDecimal)
    minimum = try Self.number(attributes, keys.minimum, isDecimal)
    maximum = try Self.number(attributes, keys.maximum, isDecimal)
    // An old registry table printed the two keys the other way round, and peers follow it.
    if let least = minimum, let greatest = maximum, least > greatest {
      minimum = greatest
      maximum = least
    }
  }

  private static func number(
    _ attributes: Attributes,
    _ key: UInt64,
    _ isDecimal: Bool
  ) throws(PeerError) -> UInt64? {
    guard isDecimal else { return try attributes.unsigned(key, as: UInt16.self).map(UInt64.init) }
    guard let value = attributes[key] else { return nil }
    guard let fraction = DecimalFraction(value), fraction.exponent == -2 else {
      throw PeerError(.wrongType, key)
    }
    guard let hundredths = UInt64(exactly: fraction.mantissa) else {
      throw PeerError(.valueOutOfRange, key)
    }
    return hundredths
  }

  fileprivate func value(isDecimal: Bool) -> CBORValue {
    let keys = isDecimal ? Keys.decimal : Keys.whole
    func value(_ number: UInt64?) -> CBORValue? {
      guard let number else { return nil }
      guard isDecimal else { return .unsigned(number) }
      return DecimalFraction(exponent: -2, mantissa: Int64(clamping: number)).value
    }
    var entries: [CBOREntry] = []
    entries.add(keys.current, value(current))
    entries.add(keys.minimum, value(minimum))
    entries.add(keys.maximum, value(maximum))
    return .map(entries)
  }

  fileprivate func validate(_ range: ClosedRange<UInt64>, _ key: UInt64) throws(PeerError) {
    guard let current else { throw PeerError(.missingKey, key) }
    guard range.contains(current) else { throw PeerError(.configurationRefused, key) }
  }
}
