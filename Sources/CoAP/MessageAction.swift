import Bytes

/// One request of a session, received or sent, until it is answered.
public struct ExchangeID: Hashable, Sendable {
  let serial: UInt64
}

/// What the owner of a session must do, in this order.
public indirect enum MessageAction: Equatable, Sendable {
  /// Send these bytes to the peer.
  case send([UInt8])
  /// Process this request of the peer, then call `respond` or `leaveUnanswered`.
  case deliver(ExchangeID, CoAPMessage)
  /// Take the response to a request that we sent.
  case deliverResponse(ExchangeID, CoAPMessage)
  /// A request that we sent gets no response, or no further one.
  case failed(ExchangeID, ExchangeFailure)
  /// The peer rejected a notification: the observation with this token is over.
  case rejected([UInt8])
  /// Close the connection once all is sent; nothing more comes.
  case close(StreamEnd)
}

/// Why a request that we sent gets no response.
public enum ExchangeFailure: Equatable, Sendable {
  /// No acknowledgement came after the last repetition.
  case unacknowledged
  /// No response came in time.
  case unanswered
  /// The peer sent a reset.
  case reset
  /// The response has a critical option that isn't understood.
  case badOption(CoAPOptionNumber)
  /// The stream came to its end.
  case closed
  /// The blocks of a body don't make a whole.
  case incomplete
  /// The request is larger than the peer takes, or the response than `ClientLayer.maximumBody`.
  case tooLarge
}

/// Why a stream comes to its end.
public enum StreamEnd: Equatable, Sendable {
  /// The peer released it and has all its answers (RFC 8323, Section 5.5).
  case released
  /// The peer aborted it, with this diagnostic (RFC 8323, Section 5.6).
  case aborted(diagnostic: [UInt8])
  /// The peer broke a rule; it was told.
  case refused(StreamFault)
}

/// What a peer did wrong on a stream.
public enum StreamFault: UInt8, Sendable {
  /// Its first message was another than the settings, or none came in time.
  case noSettings
  /// A setting has a value that can't be used.
  case setting
  /// A signal has a critical option that isn't known.
  case option
  /// A signal of unknown code has a critical option.
  case code
  /// A message is longer than `FrameReader.maximumLength`.
  case tooLarge
  /// Bytes are no message.
  case malformed

  /// The fault in words, which the peer is told too.
  public var text: Text {
    switch self {
    case .noSettings: "the first message must be a CSM"
    case .setting: "a setting that can't be used"
    case .option: "an unknown critical option"
    case .code: "an unknown signal with a critical option"
    case .tooLarge: "the message is too large"
    case .malformed: "the message is malformed"
    }
  }
}

/// Why a request can't be sent now.
public enum SendRefusal: Error, Equatable, Sendable {
  /// As many requests are waiting as may: NSTART confirmable ones over UDP, or
  /// `MessageLayer.maximumAwaited` in all.
  case tooManyOutstanding
  /// All message ids were used within the last lifetime.
  case noMessageID
  /// The message is larger than the peer takes.
  case tooLarge
  /// The stream is at its end.
  case closed
}
