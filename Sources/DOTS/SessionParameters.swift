import Bytes
import CoAP

/// What holds on a session now: the negotiated values, defaults for the rest (RFC 9132,
/// Section 4.5.2).
public struct SessionParameters: Hashable, Sendable {
  /// Seconds between heartbeats; 0 for none.
  public var heartbeatInterval: UInt16 = 30
  /// How many intervals may pass without any traffic.
  public var missingHeartbeatsAllowed: UInt16 = 15
  /// How often a confirmable message is repeated.
  public var maximumRetransmit: UInt16 = 3
  /// Hundredths of a second until the first repetition.
  public var ackTimeout: UInt16 = 200
  /// Hundredths of the factor that the first wait is spread by.
  public var ackRandomFactor: UInt16 = 150
  /// Bytes a second to a peer that doesn't answer.
  public var probingRate: UInt16 = 5

  /// The defaults.
  public init() {}

  /// What a set asks for, defaults for what it lacks.
  public init(_ set: ConfigurationSet) {
    func take(_ value: ConfigurationValue?, _ parameter: inout UInt16) {
      if let current = value?.current { parameter = UInt16(clamping: current) }
    }
    take(set.heartbeatInterval, &heartbeatInterval)
    take(set.missingHeartbeatsAllowed, &missingHeartbeatsAllowed)
    take(set.maximumRetransmit, &maximumRetransmit)
    take(set.ackTimeout, &ackTimeout)
    take(set.ackRandomFactor, &ackRandomFactor)
    take(set.probingRate, &probingRate)
  }

  /// The time between heartbeats; nil when there are none.
  public var interval: Span? {
    heartbeatInterval == 0 ? nil : .seconds(UInt64(heartbeatInterval))
  }

  /// How long a session may be silent before it is lost; nil when it never is.
  public var patience: Span? { interval.map { $0 * Int64(missingHeartbeatsAllowed) } }

  /// The values with the ranges that the server takes (RFC 9132, Figure 20).
  var set: ConfigurationSet {
    var set = ConfigurationSet()
    set.heartbeatInterval = Self.value(heartbeatInterval, Self.heartbeatIntervals)
    set.missingHeartbeatsAllowed = Self.value(missingHeartbeatsAllowed, Self.missingHeartbeats)
    set.maximumRetransmit = Self.value(maximumRetransmit, Self.retransmits)
    set.ackTimeout = Self.value(ackTimeout, Self.ackTimeouts)
    set.ackRandomFactor = Self.value(ackRandomFactor, Self.ackRandomFactors)
    set.probingRate = Self.value(probingRate, Self.probingRates)
    return set
  }

  private static func value(
    _ current: UInt16,
    _ range: ClosedRange<UInt64>
  ) -> ConfigurationValue {
    ConfigurationValue(
      current: UInt64(current),
      minimum: range.lowerBound,
      maximum: range.upperBound
    )
  }

  static let heartbeatIntervals: ClosedRange<UInt64> = 15...240
  static let missingHeartbeats: ClosedRange<UInt64> = 3...20
  static let retransmits: ClosedRange<UInt64> = 2...15
  static let ackTimeouts: ClosedRange<UInt64> = 100...3000
  static let ackRandomFactors: ClosedRange<UInt64> = 110...400
  static let probingRates: ClosedRange<UInt64> = 5...20
}

extension SessionConfiguration {
  /// What a GET is answered with (RFC 9132, Section 4.5.1).
  public var response: CoAPMessage {
    var message = CoAPMessage(.content, payload: encoded)
    message.add(CoAPOption(.contentFormat, uint: UInt32(dotsContentFormat)))
    message.add(CoAPOption(.maxAge, uint: ConfigurationDesk.maxAge))
    return message
  }
}

/// The configuration of one session, as its server keeps it (RFC 9132, Section 4.5).
public struct ConfigurationDesk: Sendable {
  /// For how many seconds what a retrieval says holds (Section 4.5.3).
  public static let maxAge: UInt32 = 3600

  /// The configuration that was accepted last, and its sid.
  private var accepted: (sid: UInt32, configuration: SessionConfiguration)?

  /// Nothing negotiated: the defaults hold.
  public init() {}

  /// What holds while the client has, or hasn't, an active mitigation.
  public func parameters(mitigating: Bool) -> SessionParameters {
    guard let accepted else { return SessionParameters() }
    return SessionParameters(
      mitigating ? accepted.configuration.mitigating : accepted.configuration.idle
    )
  }

  /// What is answered to a GET: with the sid of what was negotiated, that; without one, what holds
  /// and what may be asked for.
  public func retrieved(sid: UInt32?) throws(PeerError) -> SessionConfiguration {
    guard let sid else {
      var whole = SessionConfiguration()
      whole.mitigating = parameters(mitigating: true).set
      whole.idle = parameters(mitigating: false).set
      return whole
    }
    guard let accepted, accepted.sid == sid else { throw PeerError(.unknownConfiguration) }
    return accepted.configuration
  }

  /// Takes what a PUT asks for, which was found in range; answers whether its sid is new.
  ///
  /// A higher sid takes the place of a lower one; a lower one is refused.
  public mutating func configure(
    sid: UInt32,
    _ configuration: SessionConfiguration
  ) throws(PeerError) -> Bool {
    let known = accepted?.sid
    if let known, sid < known { throw PeerError(.configurationOutdated) }
    accepted = (sid, configuration)
    return sid != known
  }

  /// Goes back to the defaults; what another sid names is left alone.
  public mutating func reset(sid: UInt32?) {
    if sid == nil || sid == accepted?.sid { accepted = nil }
  }
}
