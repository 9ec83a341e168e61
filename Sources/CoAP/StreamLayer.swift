import Bytes

/// The messages of one session over a stream: settings, signals and the matching of responses to
/// requests (RFC 8323).
///
/// Has the methods of `MessageLayer`, and like it makes no I/O. Its owner calls `opened` as soon as
/// the stream is there, and closes the stream at `.close`, after which the layer stays silent.
public final class StreamLayer: MessagePath {
  /// The largest message that we say we take (RFC 8323, Section 5.3.1), in bytes.
  public static let maximumMessageSize = UInt32(FrameReader.maximumLength)

  /// The smallest limit of the peer that is accepted, in bytes: for a response in blocks.
  public static let leastMessageSize: UInt32 = 128

  /// The largest message that is sent to a peer who takes larger ones, in bytes.
  public static let mostMessageSize: UInt32 = 65_000

  /// How long the peer may take with its settings.
  public static let settingsPatience = Span.seconds(30)

  /// How many requests of the peer may wait for their answers; more are refused at once.
  public static let maximumPending = 64

  /// How many pings may wait until earlier requests are answered; more are answered at once.
  public static let maximumWaitingPings = 4

  /// The largest message that is sent, in bytes with its header: what the peer takes, but at most
  /// `mostMessageSize`.
  public internal(set) var maximumSize = CoAPMessage.defaultMaximumSize

  enum Phase: UInt8 {
    /// The peer's settings are still to come.
    case opening
    case open
    /// The peer asked for the end, and has answers to get.
    case releasing
    case closed
  }

  var phase = Phase.opening
  var settingsDue: Instant?
  var reader = FrameReader()
  /// The peer's requests that aren't answered, the oldest first.
  var pending: [NumberedToken] = []
  /// Pings that want to know when all requests up to a number are answered.
  var pings: [NumberedToken] = []
  var awaited = AwaitedResponses()
  var lastSerial: UInt64 = 0

  /// A fresh session.
  public init() {}

  /// Whether the stream is at its end.
  public var isClosed: Bool { phase == .closed }

  /// Sends our settings: either side's first message, which waits for nothing (RFC 8323,
  /// Section 5.3).
  public func opened(now: Instant) -> [MessageAction] {
    settingsDue = now + Self.settingsPatience
    let settings = CoAPMessage(
      .settings,
      options: [
        CoAPOption(.maxMessageSize, uint: Self.maximumMessageSize),
        CoAPOption(.blockWiseTransfer, []),
      ]
    )
    return [.send(settings.frame)]
  }

  /// When `timedOut` has something to do; nil for never.
  public var nextTimeout: Instant? {
    phase == .closed ? nil : awaited.nextTimeout(or: settingsDue)
  }

  /// Gives up what took too long.
  public func timedOut(now: Instant) -> [MessageAction] {
    guard phase != .closed else { return [] }
    if let due = settingsDue, due <= now { return refuse(.noSettings) }
    return awaited.fail(.unanswered, at: now)
  }
}

/// Options of signals, which have numbers of their own (RFC 8323, Section 11.2).
extension CoAPOptionNumber {
  /// Max-Message-Size of a CSM.
  static let maxMessageSize = CoAPOptionNumber(2)
  /// Block-Wise-Transfer of a CSM.
  static let blockWiseTransfer = CoAPOptionNumber(4)
  /// Custody of a ping or pong.
  static let custody = CoAPOptionNumber(2)
  /// Bad-CSM-Option of an abort.
  static let badSetting = CoAPOptionNumber(2)
}
