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

  private var datagrams: MessageLayer?
  private var stream: StreamLayer?
  private var bodies = StoredBodies()
  private var observing: Observers
  /// The peer's requests that wait for an answer, without their payloads.
  private var delivered: [(exchange: ExchangeID, request: CoAPMessage)] = []

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

  /// The waits and repetitions over datagrams; new ones hold for messages sent from then on. On a
  /// stream they say how long bodies are kept.
  public var parameters: TransmissionParameters {
    get { datagrams?.parameters ?? TransmissionParameters() }
    set { datagrams?.parameters = newValue }
  }

  /// The largest message that may be sent, in bytes.
  public var maximumSize: Int { stream.map { Int(clamping: $0.peerMaximumSize) } ?? maximumDatagram }

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

  /// Tells the peer the state of what it observes with a token, at once or as soon as it may; states
  /// in between are left out. A response other than 2.xx ends the observation, after a state that
  /// waits (RFC 7641, Section 4.2).
  public func notify(
    _ token: [UInt8],
    with state: CoAPMessage,
    now: Instant
  ) -> [MessageAction] {
    guard let index = observing.index(token) else { return [] }
    observing.note(state, at: index)
    return notifyDue(now: now)
  }

  /// Sends a request in one message; its token is set here. The arguments are those of
  /// `MessageLayer.send`; a stream has no use for `confirmable` and `isRepeated`.
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

  private func reply(
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

// MARK: Blocks

extension SessionLayer {
  private func receivedRequest(
    _ request: CoAPMessage,
    _ exchange: ExchangeID,
    now: Instant
  ) -> [MessageAction] {
    func answer(_ code: CoAPCode, _ text: Text) -> [MessageAction] {
      reply(.diagnostic(code, text), to: exchange, now: now)
    }
    if request.code == .get, request.observe == 1 { observing.remove(request.token) }
    let blocks = [request.block1, request.block2]
    // Only streams have blocks of several blocks (RFC 8323, Section 6).
    guard isStream || blocks.allSatisfy({ $0?.sizeExponent != 7 }) else {
      return answer(.badRequest, "a block of reserved size")
    }
    var request = request
    if let block = request.block1 {
      switch receivedBlock(block, of: request, now: now) {
      case .whole(let body): request.payload = body
      case .answer(let response): return reply(response, to: exchange, now: now)
      }
    } else if let block = request.block2, block.number > 0 {
      if let whole = stored(isRequest: false, request.transferKey, now: now) {
        return reply(self.block(of: whole, for: request, now: now), to: exchange, now: now)
      }
      // Whatever isn't a GET was executed when its first block was answered.
      guard request.code == .get else {
        return answer(.requestEntityIncomplete, "the response isn't kept any longer")
      }
    }
    if delivered.count >= Self.maximumDelivered { delivered.removeFirst() }
    delivered.append((exchange, request.withoutPayload))
    return [.deliver(exchange, request)]
  }

  /// What a block of a request leads to.
  private enum BlockOutcome {
    case whole([UInt8])
    case answer(CoAPMessage)
  }

  /// Takes one block of a request's body (RFC 7959, Section 2.5).
  private func receivedBlock(
    _ block: CoAPBlock,
    of request: CoAPMessage,
    now: Instant
  ) -> BlockOutcome {
    let count = request.payload.count
    guard !block.hasMore || block.isFilled(by: count) else {
      return .answer(.diagnostic(.badRequest, "the block isn't as large as it says"))
    }
    let key = request.transferKey
    let size = max(block.offset + count, Int(clamping: request.first(.size1)?.uint ?? 0))
    guard size <= StoredBodies.maximumRequest else {
      bodies.remove(isRequest: true, key: key)
      var response = CoAPMessage.diagnostic(.requestEntityTooLarge, "the body is too large")
      response.add(CoAPOption(.size1, uint: UInt32(StoredBodies.maximumRequest)))
      return .answer(response)
    }
    if block.number == 0 {
      bodies.remove(isRequest: true, key: key)
      guard block.hasMore else { return .whole(request.payload) }
      keep(request, isRequest: true, key, now: now)
    } else {
      guard let index = bodies.index(isRequest: true, key: key),
        bodies.entries[index].message.contentFormat == request.contentFormat,
        bodies.append(block, of: request, to: index)
      else {
        bodies.remove(isRequest: true, key: key)
        return .answer(.diagnostic(.requestEntityIncomplete, "blocks before this one are missing"))
      }
    }
    let body = stored(isRequest: true, key, now: now)
    guard block.hasMore else {
      bodies.remove(isRequest: true, key: key)
      return .whole(body?.payload ?? [])
    }
    return .answer(CoAPMessage(.continue, options: [block.answer(hasMore: true)]))
  }

  /// The block of a response that a request asks for, or all of it when it fits (RFC 7959,
  /// Section 2.4).
  private func block(
    of response: CoAPMessage,
    for request: CoAPMessage,
    now: Instant
  ) -> CoAPMessage {
    let asked = request.block2
    let start = asked?.offset ?? 0
    let count = response.payload.count
    let room = room(beside: response)
    let exponent = CoAPBlock.exponent(fitting: room, atMost: asked?.sizeExponent ?? 6)
    let size = 16 << Int(exponent)
    var block = response
    if asked == nil, count <= max(room, 0) { return block }
    guard start < count || start == 0 else {
      if response.code.major != 2, count <= room { return response }
      return .diagnostic(.badRequest, "the response has no such block")
    }
    let end = min(start + size, count)
    if end < count || start > 0 {
      if block.first(.eTag) == nil { block.add(block.payloadTag) }
      if start == 0, count <= StoredBodies.maximumResponse {
        keep(block, isRequest: false, request.transferKey, now: now)
      }
      block.payload = [UInt8](block.payload[start..<end])
    }
    let number = UInt32(start / size)
    block.add(
      CoAPBlock(number: number, hasMore: end < count, sizeExponent: exponent).option(.block2)
    )
    if request.first(.size2) != nil { block.add(CoAPOption(.size2, uint: UInt32(count))) }
    return block
  }

  private func keep(_ message: CoAPMessage, isRequest: Bool, _ key: [UInt8], now: Instant) {
    bodies.insert(
      StoredBodies.Entry(
        isRequest: isRequest,
        key: key,
        message: message,
        expires: now + parameters.exchangeLifetime
      )
    )
  }

  private func stored(isRequest: Bool, _ key: [UInt8], now: Instant) -> CoAPMessage? {
    bodies.message(isRequest: isRequest, key: key, until: now + parameters.exchangeLifetime)
  }
}

extension CoAPBlock {
  /// The Block1 option of the answer to this block: no larger ones than 1024 bytes, please.
  func answer(hasMore: Bool) -> CoAPOption {
    CoAPBlock(number: number, hasMore: hasMore, sizeExponent: min(sizeExponent, 6))
      .option(.block1)
  }
}

extension CoAPMessage {
  /// Whether the message asks to observe (RFC 7641, Section 4.1); a single block can't be observed.
  var isRegistration: Bool { code == .get && observe == 0 && (block2?.number ?? 0) == 0 }
}
