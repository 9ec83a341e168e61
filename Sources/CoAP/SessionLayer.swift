import Bytes

/// One session, over datagrams or a stream, for whoever wants whole messages: bodies in blocks are
/// put together and taken apart (RFC 7959), and observations are kept (RFC 7641).
///
/// Makes no I/O. What a peer sends goes into `received`; each method answers what is to be done; and
/// `timedOut` wants to be called at `nextTimeout`. A response may have any size.
public final class SessionLayer {
  /// How many requests of the peer may wait for their answers.
  static let maximumDelivered = 64
  /// How many incomplete bodies are kept, and how many answers that are fetched in blocks.
  static let maximumBodies = 2

  /// Whether the session goes over a stream.
  public let isStream: Bool

  let path: any MessagePath
  private let datagrams: MessageLayer?
  /// The peer's requests that wait for an answer, without their payloads.
  var delivered = KeptMessages(maximum: maximumDelivered)
  /// Requests whose last block is still to come.
  var incomplete = KeptMessages(maximum: maximumBodies)
  /// Whole responses whose blocks are being fetched.
  var fetched = KeptMessages(maximum: maximumBodies)
  var observing: Observers

  /// A session over datagrams.
  public init(_ datagrams: MessageLayer) {
    self.datagrams = datagrams
    path = datagrams
    isStream = false
    observing = Observers(isStream: false)
  }

  /// A session over a stream.
  public init(_ stream: StreamLayer) {
    datagrams = nil
    path = stream
    isStream = true
    observing = Observers(isStream: true)
  }

  /// Whether the stream is at its end; datagrams have none.
  public var isClosed: Bool { path.isClosed }

  /// The peer's observations.
  public var observers: [Observer] { observing.entries }

  /// The waits and repetitions over datagrams; new ones hold for messages sent from then on.
  public var parameters: TransmissionParameters {
    get { datagrams?.parameters ?? TransmissionParameters() }
    set { datagrams?.parameters = newValue }
  }

  /// The largest message that is sent, in bytes: for datagrams what the path takes, without DTLS,
  /// for a stream what the peer takes, which can't be set.
  public var maximumSize: Int {
    get { path.maximumSize }
    set { datagrams?.maximumSize = newValue }
  }
}

// MARK: Events

extension SessionLayer {
  /// Begins the session, as soon as the path is there: a stream's settings are to be sent.
  public func opened(now: Instant) -> [MessageAction] { path.opened(now: now) }

  /// Takes a datagram, or bytes of a stream in any portions.
  public func received(_ bytes: [UInt8], now: Instant) -> [MessageAction] {
    var result: [MessageAction] = []
    for action in path.received(bytes, now: now) {
      switch action {
      case .deliver(let exchange, let request):
        result += receivedRequest(request, exchange, now: now)
        continue
      case .rejected(let token): observing.remove(token)
      default: break
      }
      result.append(action)
    }
    return result
  }

  /// When `timedOut` has something to do; nil for never.
  public var nextTimeout: Instant? {
    if isClosed { return nil }
    let bodies = Instant.earlier(incomplete.nextTimeout, fetched.nextTimeout)
    return .earlier(path.nextTimeout, .earlier(bodies, observing.nextTimeout))
  }

  /// Sends what is due and gives up what took too long.
  public func timedOut(now: Instant) -> [MessageAction] {
    removeExpired(now: now)
    return path.timedOut(now: now) + notifyDue(now: now)
  }
}

// MARK: Sending

extension SessionLayer {
  /// Answers a delivered request with a whole response; token, blocks and Observe are set here.
  ///
  /// With `isObservable` a request with Observe 0 and a 2.xx response becomes one of `observers`, if
  /// there is room.
  public func respond(
    to exchange: ExchangeID,
    with response: CoAPMessage,
    isObservable: Bool = false,
    now: Instant
  ) -> [MessageAction] {
    guard let request = delivered.take(exchange) else { return [] }
    var block = block(of: response, for: request, now: now)
    if request.isRegistration {
      if isObservable, block.code.major == 2 {
        if let number = observing.register(request, answer: block, now: now) { block.add(number) }
      } else {
        observing.remove(request.token)
      }
    }
    if let last = request.block1 { block.add(last.answer(hasMore: false)) }
    return path.respond(to: exchange, with: block, now: now)
  }

  /// Ends a delivered request without a response; a confirmable one is acknowledged.
  public func leaveUnanswered(_ exchange: ExchangeID, now: Instant) -> [MessageAction] {
    _ = delivered.take(exchange)
    return path.leaveUnanswered(exchange, now: now)
  }

  /// Tells the peer the state of what it observes with a token, at once or as soon as it may.
  ///
  /// States in between are left out. A response other than 2.xx ends the observation, after a state
  /// that waits (RFC 7641, Section 4.2).
  public func notify(
    _ token: [UInt8],
    with state: CoAPMessage,
    now: Instant
  ) -> [MessageAction] {
    observing.observer(token)?.note(state)
    return notifyDue(now: now)
  }

  /// Sends a request in one message; its token is set here.
  ///
  /// The arguments are those of `MessageLayer.send`; a stream has no use for `confirmable` and
  /// `isRepeated`.
  public func send(
    _ request: CoAPMessage,
    confirmable: Bool,
    isRepeated: Bool = false,
    patience: Span? = nil,
    renewing observation: ExchangeID? = nil,
    now: Instant
  ) throws(SendRefusal) -> (exchange: ExchangeID, actions: [MessageAction]) {
    try path.send(
      request,
      confirmable: confirmable,
      isRepeated: isRepeated,
      patience: patience,
      renewing: observation,
      now: now
    )
  }

  /// Forgets a request of ours: what still comes for it is rejected.
  public func forget(_ request: ExchangeID) { path.forget(request) }

  /// Asks the peer to end a stream once it has answered; nothing over datagrams.
  public func release() -> [MessageAction] { path.release() }

  private func notifyDue(now: Instant) -> [MessageAction] {
    var actions: [MessageAction] = []
    while let (observer, state) = observing.takeDue(now: now) {
      var block = block(of: state, for: observer.request, now: now)
      block.token = observer.token
      if state.code.major == 2 { block.add(observer.nextNumber()) }
      actions += path.notify(block, now: now)
    }
    return actions
  }
}
