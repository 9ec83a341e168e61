import Bytes

/// The messages of one session over a stream: settings, signals and the matching of responses to
/// requests (RFC 8323).
///
/// Has the methods of `MessageLayer`, and like it makes no I/O. Its owner calls `opened` as soon as
/// the stream is there, and closes the stream at `.close`, after which the layer stays silent.
public struct StreamLayer: Sendable {
  /// The largest message that we say we take (RFC 8323, Section 5.3.1), in bytes.
  public static let maximumMessageSize = UInt32(FrameReader.maximumLength)

  /// The smallest limit of the peer that is accepted, in bytes: for a response in blocks.
  public static let leastMessageSize: UInt32 = 128

  /// How long the peer may take with its settings.
  public static let settingsPatience = Span.seconds(30)

  /// How many requests of the peer may wait for their answers; more are refused at once.
  public static let maximumPending = 64

  /// How many pings may wait until earlier requests are answered; more are answered at once.
  public static let maximumWaitingPings = 4

  /// The largest message that the peer takes, in bytes, with its header.
  public private(set) var peerMaximumSize = UInt32(CoAPMessage.defaultMaximumSize)

  enum Phase: UInt8 {
    /// The peer's settings are still to come.
    case opening
    case open
    /// The peer asked for the end, and has answers to get.
    case releasing
    case closed
  }

  private var phase = Phase.opening
  private var settingsDue: Instant?
  private var reader = FrameReader()
  /// The peer's requests that aren't answered, the oldest first.
  private var pending: [(exchange: ExchangeID, token: [UInt8])] = []
  /// Pings that want to know when all requests before them are answered.
  private var pings: [(after: ExchangeID, token: [UInt8])] = []
  private var awaited = AwaitedResponses()
  private var lastSerial: UInt64 = 0

  /// A fresh session.
  public init() {}

  /// Whether the stream is at its end.
  public var isClosed: Bool { phase == .closed }

  /// Sends our settings: either side's first message, which waits for nothing (RFC 8323,
  /// Section 5.3).
  public mutating func opened(now: Instant) -> [MessageAction] {
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
  public mutating func timedOut(now: Instant) -> [MessageAction] {
    guard phase != .closed else { return [] }
    if let due = settingsDue, due <= now { return refuse(.noSettings) }
    return awaited.expired(now: now).map { exchange in
      awaited.remove(exchange)
      return .failed(exchange, .unanswered)
    }
  }
}

// MARK: Receiving

extension StreamLayer {
  /// Takes bytes of the peer, in any portions.
  public mutating func received(_ bytes: [UInt8], now: Instant) -> [MessageAction] {
    guard phase != .closed else { return [] }
    reader.append(bytes)
    var actions: [MessageAction] = []
    do throws(CoAPFault) {
      while phase != .closed, let message = try reader.next() { actions += received(message) }
    } catch {
      actions += refuse(error == .tooLarge ? .tooLarge : .malformed)
    }
    return actions
  }

  private mutating func received(_ message: CoAPMessage) -> [MessageAction] {
    // Empty messages only keep the path open (RFC 8323, Section 3.4).
    if message.code.isEmpty { return [] }
    if message.code.isSignal { return receivedSignal(message) }
    guard phase != .opening else { return refuse(.noSettings) }
    if message.code.isRequest { return receivedRequest(message) }
    return message.code.isResponse ? receivedResponse(message) : refuse(.malformed)
  }

  private mutating func receivedRequest(_ request: CoAPMessage) -> [MessageAction] {
    // What comes after a release needs no answer (RFC 8323, Section 5.5).
    guard phase == .open else { return [] }
    guard pending.count < Self.maximumPending else {
      var busy = CoAPMessage.diagnostic(.serviceUnavailable, "too many requests at once")
      busy.token = request.token
      busy.add(CoAPOption(.maxAge, uint: 1))
      return [.send(busy.frame)]
    }
    lastSerial += 1
    let exchange = ExchangeID(serial: lastSerial)
    pending.append((exchange, request.token))
    guard let refusal = request.optionRefusal else { return [.deliver(exchange, request)] }
    return answer(exchange, with: refusal)
  }

  private mutating func receivedResponse(_ response: CoAPMessage) -> [MessageAction] {
    guard let index = awaited.index(token: response.token) else { return [] }
    let request = awaited.entries[index].exchange
    if let option = response.unrecognizedCriticalOption {
      awaited.remove(request)
      return [.failed(request, .badOption(option))]
    }
    awaited.received(response, at: index)
    return [.deliverResponse(request, response)]
  }

  private mutating func receivedSignal(_ signal: CoAPMessage) -> [MessageAction] {
    if signal.code == .abort { return end(.aborted(diagnostic: signal.payload)) }
    guard phase != .opening || signal.code == .settings else { return refuse(.noSettings) }
    // No signal has a critical option yet (RFC 8323, Section 11.2).
    let critical = signal.options.first { $0.number.isCritical }?.number
    switch signal.code {
    case .settings: return receivedSettings(signal, critical)
    case .ping where critical == nil: return receivedPing(signal)
    case .release where critical == nil:
      phase = .releasing
      return afterAnswer()
    case .ping, .pong, .release: return critical == nil ? [] : refuse(.option)
    default: return critical == nil ? [] : refuse(.code)
    }
  }

  private mutating func receivedSettings(
    _ settings: CoAPMessage,
    _ critical: CoAPOptionNumber?
  ) -> [MessageAction] {
    if let critical { return refuse(.option, badOption: critical) }
    if let option = settings.options.first(where: { $0.number == .maxMessageSize }) {
      guard let size = option.uint, size >= Self.leastMessageSize else {
        return refuse(.setting, badOption: .maxMessageSize)
      }
      peerMaximumSize = size
    }
    if phase == .opening { phase = .open }
    settingsDue = nil
    return []
  }

  /// Answers a ping, if it wants custody after all requests before it (RFC 8323, Section 5.4.1).
  private mutating func receivedPing(_ ping: CoAPMessage) -> [MessageAction] {
    let wantsCustody = ping.options.contains { $0.number == .custody }
    guard wantsCustody, pings.count < Self.maximumWaitingPings else {
      return [.send(CoAPMessage(.pong, token: ping.token).frame)]
    }
    pings.append((ExchangeID(serial: lastSerial), ping.token))
    return afterAnswer()
  }

  /// Does what waited for answers: pongs, and the end of a released stream.
  private mutating func afterAnswer() -> [MessageAction] {
    var actions: [MessageAction] = []
    while let ping = pings.first,
      pending.first.map({ $0.exchange.serial > ping.after.serial }) ?? true
    {
      pings.removeFirst()
      let custody = CoAPOption(.custody, [])
      actions.append(.send(CoAPMessage(.pong, token: ping.token, options: [custody]).frame))
    }
    return phase == .releasing && pending.isEmpty ? actions + end(.released) : actions
  }

  /// Tells the peer its fault and ends the stream.
  private mutating func refuse(
    _ fault: StreamFault,
    badOption: CoAPOptionNumber? = nil
  ) -> [MessageAction] {
    var abort = CoAPMessage.diagnostic(.abort, fault.text)
    if let badOption { abort.add(CoAPOption(.badSetting, uint: UInt32(badOption.rawValue))) }
    return [.send(abort.frame)] + end(.refused(fault))
  }

  private mutating func end(_ end: StreamEnd) -> [MessageAction] {
    let failures = awaited.entries.map { MessageAction.failed($0.exchange, .closed) }
    self = StreamLayer()
    phase = .closed
    return failures + [.close(end)]
  }
}

// MARK: Sending

extension StreamLayer {
  /// Answers a delivered request; the response's token is set here. An exchange that is over is
  /// ignored; a response larger than the peer takes becomes 5.00.
  public mutating func respond(
    to exchange: ExchangeID,
    with response: CoAPMessage,
    now: Instant
  ) -> [MessageAction] { answer(exchange, with: response) }

  /// Ends a delivered request without a response.
  public mutating func leaveUnanswered(
    _ exchange: ExchangeID,
    now: Instant
  ) -> [MessageAction] { answer(exchange, with: nil) }

  /// Sends a further response to an observer; its token is that of the registration. What is larger
  /// than the peer takes isn't sent.
  public mutating func notify(_ notification: CoAPMessage, now: Instant) -> [MessageAction] {
    guard phase != .closed, let frame = frame(notification) else { return [] }
    return [.send(frame)]
  }

  /// Sends a request; its token is set here.
  ///
  /// `patience` is how long to wait for the response, by default EXCHANGE_LIFETIME. `renewing` is
  /// an observation whose token the request takes over.
  public mutating func send(
    _ request: CoAPMessage,
    patience: Span? = nil,
    renewing observation: ExchangeID? = nil,
    now: Instant
  ) throws(SendRefusal) -> (exchange: ExchangeID, actions: [MessageAction]) {
    guard phase == .open || phase == .opening else { throw .closed }
    guard awaited.entries.count < MessageLayer.maximumAwaited else { throw .tooManyOutstanding }
    var sized = request
    sized.token = [UInt8](repeating: 0, count: CoAPMessage.maximumTokenLength)
    guard frame(sized) != nil else { throw .tooLarge }
    lastSerial += 1
    let exchange = ExchangeID(serial: lastSerial)
    let request = awaited.await(
      request,
      as: exchange,
      renewing: observation,
      messageID: nil,
      until: now + (patience ?? TransmissionParameters().exchangeLifetime)
    )
    return (exchange, [.send(request.frame)])
  }

  /// Forgets a request of ours: what still comes for it is ignored.
  public mutating func forget(_ request: ExchangeID) { awaited.remove(request) }

  /// Asks the peer to end the stream once it has answered; the owner closes it when it doesn't.
  public mutating func release() -> [MessageAction] {
    phase == .closed ? [] : [.send(CoAPMessage(.release).frame)]
  }

  private mutating func answer(
    _ exchange: ExchangeID,
    with response: CoAPMessage?
  ) -> [MessageAction] {
    guard let index = pending.firstIndex(where: { $0.exchange == exchange }) else { return [] }
    let token = pending.remove(at: index).token
    guard var response else { return afterAnswer() }
    response.token = token
    let frame =
      frame(response) ?? CoAPMessage(.internalServerError, token: token).frame
    return [.send(frame)] + afterAnswer()
  }

  /// The bytes of a message; nil when they are more than the peer takes.
  private func frame(_ message: CoAPMessage) -> [UInt8]? {
    let bytes = message.frame
    return bytes.count <= Int(clamping: peerMaximumSize) ? bytes : nil
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
