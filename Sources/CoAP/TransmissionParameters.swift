import Bytes

/// How patiently messages are repeated (RFC 7252, Section 4.8; the values that DOTS negotiates,
/// RFC 9132, Section 4.5.2).
public struct TransmissionParameters: Hashable, Sendable {
  /// ACK_TIMEOUT unless negotiated otherwise (RFC 7252, Section 4.8).
  public static let defaultAckTimeout = Span.seconds(2)
  /// ACK_RANDOM_FACTOR unless negotiated otherwise (RFC 7252, Section 4.8): 1.5, in hundredths.
  public static let defaultAckRandomFactor: UInt16 = 150
  /// MAX_RETRANSMIT unless negotiated otherwise (RFC 9132, Section 4.5.2).
  public static let defaultMaxRetransmit: UInt8 = 3
  /// The highest MAX_RETRANSMIT (RFC 9132, Section 4.5.2); what is higher counts as this.
  public static let highestMaxRetransmit: UInt8 = 15
  /// NSTART: how many confirmable requests may wait for their acknowledgement (RFC 7252,
  /// Section 4.8).
  public static let nstart = 1
  /// MAX_LATENCY: how long a datagram may be under way (RFC 7252, Section 4.8.2).
  public static let maxLatency = Span.seconds(100)

  /// The longest lifetime of an exchange, whatever was negotiated.
  ///
  /// The highest parameters make 45 days, in which message ids would run out and answers would be
  /// kept for nobody.
  public static let longestLifetime = Span.seconds(3600)

  /// ACK_TIMEOUT: the shortest wait before the first repetition.
  public let ackTimeout: Span
  /// ACK_RANDOM_FACTOR in hundredths: the first wait is at most this many times ACK_TIMEOUT.
  public let ackRandomFactor: UInt16
  /// MAX_RETRANSMIT: how often a message is repeated before it is given up.
  public let maxRetransmit: UInt8

  /// Parameters; a factor below 1.00 counts as 1.00.
  public init(
    ackTimeout: Span = defaultAckTimeout,
    ackRandomFactor: UInt16 = defaultAckRandomFactor,
    maxRetransmit: UInt8 = defaultMaxRetransmit
  ) {
    self.ackTimeout = max(ackTimeout, .zero)
    self.ackRandomFactor = max(ackRandomFactor, 100)
    self.maxRetransmit = min(maxRetransmit, Self.highestMaxRetransmit)
  }

  /// MAX_TRANSMIT_SPAN: from the first transmission to the last (RFC 7252, Section 4.8.2).
  public var maxTransmitSpan: Span { randomized(ackTimeout * ((1 << Int64(maxRetransmit)) - 1)) }

  /// MAX_TRANSMIT_WAIT: from the first transmission to the moment when it is given up
  /// (RFC 7252, Section 4.8.2).
  public var maxTransmitWait: Span {
    randomized(ackTimeout * ((1 << (Int64(maxRetransmit) + 1)) - 1))
  }

  /// EXCHANGE_LIFETIME: how long the id of a confirmable message may not be used again
  /// (RFC 7252, Section 4.8.2); at most `longestLifetime`.
  public var exchangeLifetime: Span {
    min(maxTransmitSpan + Self.maxLatency * 2 + ackTimeout, Self.longestLifetime)
  }

  /// NON_LIFETIME: the same for a non-confirmable message (RFC 7252, Section 4.8.2).
  public var nonLifetime: Span { min(maxTransmitSpan + Self.maxLatency, Self.longestLifetime) }

  /// The wait before the first repetition: `random` picks it between ACK_TIMEOUT and
  /// ACK_TIMEOUT * ACK_RANDOM_FACTOR.
  func firstTimeout(random: UInt64) -> Span {
    let spread = (randomized(ackTimeout) + ackTimeout * -1).milliseconds
    return ackTimeout + .milliseconds(random % (UInt64(clamping: spread) + 1))
  }

  private func randomized(_ span: Span) -> Span {
    .milliseconds((span * Int64(ackRandomFactor)).milliseconds / 100)
  }
}
