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

/// A parameter of a session (RFC 9132, Section 4.5.2).
enum Parameter: UInt8, CaseIterable {
  case heartbeatInterval, missingHeartbeatsAllowed, maximumRetransmit, ackTimeout
  case ackRandomFactor, probingRate

  var key: UInt64 {
    switch self {
    case .heartbeatInterval: Key.heartbeatInterval
    case .missingHeartbeatsAllowed: Key.missingHeartbeatsAllowed
    case .maximumRetransmit: Key.maximumRetransmit
    case .ackTimeout: Key.ackTimeout
    case .ackRandomFactor: Key.ackRandomFactor
    case .probingRate: Key.probingRate
    }
  }

  /// Whether it goes as a decimal fraction, in hundredths.
  var isDecimal: Bool { self == .ackTimeout || self == .ackRandomFactor }

  /// What holds until something else is negotiated (Section 4.5.2).
  var usual: UInt64 {
    switch self {
    case .heartbeatInterval: 30
    case .missingHeartbeatsAllowed: 15
    case .maximumRetransmit: 3
    case .ackTimeout: 200
    case .ackRandomFactor: 150
    case .probingRate: 5
    }
  }

  /// What the server takes (Figure 20).
  var range: ClosedRange<UInt64> {
    switch self {
    case .heartbeatInterval: 15...240
    case .missingHeartbeatsAllowed: 3...20
    case .maximumRetransmit: 2...15
    case .ackTimeout: 100...3000
    case .ackRandomFactor: 110...400
    case .probingRate: 5...20
    }
  }
}

/// The parameters of a session while something is mitigated, or while nothing is (RFC 9132,
/// Section 4.5.2); what is absent keeps its default.
public struct ConfigurationSet: Hashable, Sendable {
  /// In the order of `Parameter`.
  private var values = [ConfigurationValue?](repeating: nil, count: Parameter.allCases.count)

  /// A set without any parameter.
  public init() {}

  subscript(parameter: Parameter) -> ConfigurationValue? {
    get { values[Int(parameter.rawValue)] }
    set { values[Int(parameter.rawValue)] = newValue }
  }

  /// Seconds between heartbeats; 0 for none.
  public var heartbeatInterval: ConfigurationValue? {
    get { self[.heartbeatInterval] }
    set { self[.heartbeatInterval] = newValue }
  }

  /// How many intervals may pass without any traffic.
  public var missingHeartbeatsAllowed: ConfigurationValue? {
    get { self[.missingHeartbeatsAllowed] }
    set { self[.missingHeartbeatsAllowed] = newValue }
  }

  /// How often a confirmable message is repeated.
  public var maximumRetransmit: ConfigurationValue? {
    get { self[.maximumRetransmit] }
    set { self[.maximumRetransmit] = newValue }
  }

  /// Hundredths of a second until the first repetition.
  public var ackTimeout: ConfigurationValue? {
    get { self[.ackTimeout] }
    set { self[.ackTimeout] = newValue }
  }

  /// Hundredths of the factor that the first wait is spread by.
  public var ackRandomFactor: ConfigurationValue? {
    get { self[.ackRandomFactor] }
    set { self[.ackRandomFactor] = newValue }
  }

  /// Bytes a second to a peer that doesn't answer.
  public var probingRate: ConfigurationValue? {
    get { self[.probingRate] }
    set { self[.probingRate] = newValue }
  }

  /// Whether nothing is set.
  public var isEmpty: Bool { !values.contains { $0 != nil } }
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
  fileprivate init(_ value: CBORValue, under key: UInt64) throws(PeerError) {
    self.init()
    let keys = Parameter.allCases.map { $0.key }
    let attributes = try Attributes(value, under: key, allowed: keys)
    for parameter in Parameter.allCases {
      guard let value = attributes[parameter.key] else { continue }
      self[parameter] = try ConfigurationValue(value, of: parameter)
    }
  }

  fileprivate var value: CBORValue {
    var entries: [CBOREntry] = []
    for parameter in Parameter.allCases {
      entries.add(parameter.key, self[parameter]?.value(isDecimal: parameter.isDecimal))
    }
    return .map(entries)
  }

  fileprivate func validateRequest() throws(PeerError) {
    for parameter in Parameter.allCases {
      guard let value = self[parameter] else { continue }
      guard let current = value.current else { throw PeerError(.missingKey, parameter.key) }
      if parameter == .heartbeatInterval, current == 0 { continue }
      guard parameter.range.contains(current) else {
        throw PeerError(.configurationRefused, parameter.key)
      }
    }
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

  fileprivate init(_ value: CBORValue, of parameter: Parameter) throws(PeerError) {
    let isDecimal = parameter.isDecimal
    let keys = isDecimal ? Keys.decimal : Keys.whole
    let attributes = try Attributes(
      value,
      under: parameter.key,
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
}
