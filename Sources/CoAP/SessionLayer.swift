import Bytes

/// One session, over datagrams or a stream, for whoever wants whole messages: bodies in blocks are
/// put together and taken apart (RFC 7959), and observations are kept (RFC 7641).
///
/// Makes no I/O. What a peer sends goes into `received`; each method answers what is to be done; and
/// `timedOut` wants to be called at `nextTimeout`. A response may have any size.
public final class SessionLayer {
  /// How many requests of the peer may wait for their answers.
  static let maximumDelivered = 64
  /// What header, token and the options that are added to a response here take at most, in bytes.
  static let reserve = 48

  /// The largest datagram that is sent, in bytes: what the path takes, without DTLS.
  ///
  /// On a stream the peer's settings count instead.
  public var maximumDatagram = CoAPMessage.defaultMaximumSize

  var datagrams: MessageLayer?
  var stream: StreamLayer?
  var bodies = StoredBodies()
  var observing: Observers
  /// The peer's requests that wait for an answer, without their payloads.
  var delivered: [(exchange: ExchangeID, request: CoAPMessage)] = []

  /// A session over datagrams.
  public init(_ datagrams: MessageLayer) {
    self.datagrams = datagrams
    observing = Observers(isStream: false)
  }

  /// A session over a stream.
  public init(_ stream: StreamLayer) {
    self.stream = stream
    observing = Observers(isStream: true)
  }

  /// Whether the session goes over a stream.
  public var isStream: Bool { stream != nil }

  /// Whether the stream is at its end; datagrams have none.
  public var isClosed: Bool { stream?.isClosed ?? false }

  /// The peer's observations.
  public var observers: [Observer] { observing.entries }

  /// The waits and repetitions over datagrams; new ones hold for messages sent from then on.
  public var parameters: TransmissionParameters {
    get { datagrams?.parameters ?? TransmissionParameters() }
    set { datagrams?.parameters = newValue }
  }

  /// The largest message that may be sent, in bytes.
  public var maximumSize: Int {
    stream.map { Int(clamping: $0.peerMaximumSize) } ?? maximumDatagram
  }

  /// How many bytes of payload a message with these options has room for.
  func room(beside message: CoAPMessage) -> Int {
    maximumSize - Self.reserve - message.optionsSize
  }
}

// MARK: Events

extension SessionLayer {
  /// Begins the session, as soon as the path is there: a stream's settings are to be sent.
  public func opened(now: Instant) -> [MessageAction] { stream?.opened(now: now) ?? [] }

  /// Takes a datagram, or bytes of a stream in any portions.
  public func received(_ bytes: [UInt8], now: Instant) -> [MessageAction] {
    bodies.removeExpired(now: now)
    let actions = stream?.received(bytes, now: now) ?? datagrams?.received(bytes, now: now) ?? []
    var result: [MessageAction] = []
    for action in actions {
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
    let path = stream?.nextTimeout ?? datagrams?.nextTimeout
    return isClosed ? nil : .earlier(path, .earlier(bodies.nextTimeout, observing.nextTimeout))
  }

  /// Sends what is due and gives up what took too long.
  public func timedOut(now: Instant) -> [MessageAction] {
    bodies.removeExpired(now: now)
    let actions = stream?.timedOut(now: now) ?? datagrams?.timedOut(now: now) ?? []
    return actions + notifyDue(now: now)
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
    guard let request = take(exchange) else { return [] }
    var block = block(of: response, for: request, now: now)
    if request.isRegistration {
      if isObservable, block.code.major == 2 {
        if let number = observing.register(request, answer: block, now: now) { block.add(number) }
      } else {
        observing.remove(request.token)
      }
    }
    if let last = request.block1 { block.add(last.answer(hasMore: false)) }
    return reply(block, to: exchange, now: now)
  }

  /// Ends a delivered request without a response; a confirmable one is acknowledged.
  public func leaveUnanswered(_ exchange: ExchangeID, now: Instant) -> [MessageAction] {
    _ = take(exchange)
    return stream?.leaveUnanswered(exchange, now: now)
      ?? datagrams?.leaveUnanswered(exchange, now: now) ?? []
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
    guard let index = observing.index(token) else { return [] }
    observing.note(state, at: index)
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
    let sent = try stream?.send(request, patience: patience, renewing: observation, now: now)
    if let sent { return sent }
    let posted = try datagrams?.send(
      request,
      confirmable: confirmable,
      isRepeated: isRepeated,
      patience: patience,
      renewing: observation,
      now: now
    )
    guard let posted else { throw .closed }
    return posted
  }

  /// Forgets a request of ours: what still comes for it is rejected.
  public func forget(_ request: ExchangeID) {
    stream?.forget(request)
    datagrams?.forget(request)
  }

  /// Asks the peer to end a stream once it has answered; nothing over datagrams.
  public func release() -> [MessageAction] { stream?.release() ?? [] }

  func reply(
    _ response: CoAPMessage,
    to exchange: ExchangeID,
    now: Instant
  ) -> [MessageAction] {
    stream?.respond(to: exchange, with: response, now: now)
      ?? datagrams?.respond(to: exchange, with: response, now: now) ?? []
  }

  private func notifyDue(now: Instant) -> [MessageAction] {
    var actions: [MessageAction] = []
    while let (request, state, number) = observing.takeDue(now: now) {
      var block = block(of: state, for: request, now: now)
      block.token = request.token
      if let number { block.add(number) }
      actions += stream?.notify(block, now: now) ?? datagrams?.notify(block, now: now) ?? []
    }
    return actions
  }

  private func take(_ exchange: ExchangeID) -> CoAPMessage? {
    let index = delivered.firstIndex { $0.exchange == exchange }
    return index.map { delivered.remove(at: $0).request }
  }
}
