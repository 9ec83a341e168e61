import Bytes
import CoAP

/// What holds on a session now: the negotiated values, defaults for the rest (RFC 9132,
/// Section 4.5.2).
public struct SessionParameters: Hashable, Sendable {
  /// In the order of `Parameter`.
  private var values = Parameter.allCases.map { $0.usual }

  /// The defaults.
  public init() {}

  /// What a set asks for, defaults for what it lacks.
  public init(_ set: ConfigurationSet) {
    for parameter in Parameter.allCases {
      if let current = set[parameter]?.current { self[parameter] = current }
    }
  }

  subscript(parameter: Parameter) -> UInt64 {
    get { values[Int(parameter.rawValue)] }
    set { values[Int(parameter.rawValue)] = newValue }
  }

  /// Seconds between heartbeats; 0 for none.
  public var heartbeatInterval: UInt64 { self[.heartbeatInterval] }
  /// How many intervals may pass without any traffic.
  public var missingHeartbeatsAllowed: UInt64 { self[.missingHeartbeatsAllowed] }
  /// How often a confirmable message is repeated.
  public var maximumRetransmit: UInt64 { self[.maximumRetransmit] }
  /// Hundredths of a second until the first repetition.
  public var ackTimeout: UInt64 { self[.ackTimeout] }
  /// Hundredths of the factor that the first wait is spread by.
  public var ackRandomFactor: UInt64 { self[.ackRandomFactor] }
  /// Bytes a second to a peer that doesn't answer.
  public var probingRate: UInt64 { self[.probingRate] }

  /// The time between heartbeats; nil when there are none.
  public var interval: Span? { heartbeatInterval == 0 ? nil : .seconds(heartbeatInterval) }

  /// How long a session may be silent before it is lost; nil when it never is.
  public var patience: Span? {
    interval.map { $0 * Int64(clamping: missingHeartbeatsAllowed) }
  }

  /// What of it holds on a stream: all but the interval is for datagrams alone, and is kept without
  /// being used (RFC 9132, Section 4.5).
  public var overStream: SessionParameters {
    var parameters = SessionParameters()
    parameters[.heartbeatInterval] = heartbeatInterval
    return parameters
  }

  /// The values with the ranges that the server takes (RFC 9132, Figure 20).
  var set: ConfigurationSet {
    var set = ConfigurationSet()
    for parameter in Parameter.allCases {
      set[parameter] = ConfigurationValue(
        current: self[parameter],
        minimum: parameter.range.lowerBound,
        maximum: parameter.range.upperBound
      )
    }
    return set
  }
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
