import Bytes

/// The requests of a client on one session, with whole bodies both ways: sends large ones in
/// blocks, fetches large answers block by block (RFC 7959), and keeps observations (RFC 7641).
///
/// Its actions are those of `SessionLayer`; exchanges of responses and failures are the ones that
/// `request` gave. What the peer asks is delivered as it is, to be answered through `session`.
public final class ClientLayer {
  /// How many requests and observations may go on at a time.
  public static let maximumTransfers = 32
  /// The largest body of an answer, in bytes.
  public static let maximumBody = 1 << 20
  /// How often an answer is fetched anew because it changed between its blocks.
  public static let maximumRestarts: UInt8 = 3

  /// The session below.
  public let session: SessionLayer

  private(set) var transfers: [Transfer] = []
  private var random: RandomStream
  private var lastSerial: UInt64 = 1 << 63

  /// The client's side of a fresh session; `seed` is random and new for each.
  public init(_ session: SessionLayer, seed: UInt64) {
    self.session = session
    random = RandomStream(seed: seed)
  }

  /// Makes a request with a whole body, at once or as soon as NSTART lets it.
  ///
  /// A GET with Observe 0 observes: `.deliverResponse` comes again with each newer state while
  /// `isObserving`, and the layer registers anew when a state grows too old.
  /// `patience` holds for each message of it.
  public func request(
    _ request: CoAPMessage,
    confirmable: Bool,
    isRepeated: Bool = false,
    patience: Span? = nil,
    now: Instant
  ) throws(SendRefusal) -> (exchange: ExchangeID, actions: [MessageAction]) {
    guard !session.isClosed else { throw .closed }
    guard transfers.count < Self.maximumTransfers else { throw .tooManyOutstanding }
    lastSerial += 1
    let exchange = ExchangeID(serial: lastSerial)
    var transfer = Transfer(exchange, request)
    transfer.isConfirmable = confirmable
    transfer.isRepeated = isRepeated
    transfer.patience = patience
    if request.isRegistration { transfer.observation = Observation(isOrdered: session.isStream) }
    transfer.next = transfer.firstMessage(room: session.room(beside: request))
    transfers.append(transfer)
    return (exchange, sendWaiting(now: now))
  }

  /// Ends an observation at the server (RFC 7641, Section 3.6); its answer is delivered as that of
  /// a request.
  public func cancel(_ exchange: ExchangeID, now: Instant) -> [MessageAction] {
    guard let index = index(exchange), transfers[index].observation != nil else { return [] }
    stopFetching(at: index)
    transfers[index].observation = nil
    transfers[index].renewal = nil
    transfers[index].next = transfers[index].deregistration
    return sendWaiting(now: now)
  }

  /// Forgets a request or observation; what still comes for it is rejected.
  public func forget(_ exchange: ExchangeID) {
    guard let index = index(exchange) else { return }
    stopFetching(at: index)
    if let watch = transfers[index].watch { session.forget(watch) }
    transfers.remove(at: index)
  }

  /// Whether a request observes a resource, and further states are to come.
  public func isObserving(_ exchange: ExchangeID) -> Bool {
    index(exchange).map { transfers[$0].observation != nil } ?? false
  }

  /// The message of a request that went out last, as long as nothing has answered it.
  public func unanswered(_ exchange: ExchangeID) -> [UInt8]? {
    index(exchange).flatMap { transfers[$0].unanswered }
  }

  /// Until when the newest state of an observation counts; nil before the first.
  public func freshUntil(_ exchange: ExchangeID) -> Instant? {
    index(exchange).flatMap { transfers[$0].observation?.freshUntil }
  }

  /// Takes a datagram, or bytes of a stream in any portions.
  public func received(_ bytes: [UInt8], now: Instant) -> [MessageAction] {
    take(session.received(bytes, now: now), now: now)
  }

  /// When `timedOut` has something to do; nil for never.
  public var nextTimeout: Instant? {
    session.isClosed
      ? nil : transfers.reduce(session.nextTimeout) { .earlier($0, $1.renewal) }
  }

  /// Sends what is due, registers stale observations anew, and gives up what took too long.
  public func timedOut(now: Instant) -> [MessageAction] {
    let actions = take(session.timedOut(now: now), now: now)
    for index in transfers.indices {
      guard let due = transfers[index].renewal, due <= now else { continue }
      transfers[index].renewal = nil
      stopFetching(at: index)
      transfers[index].next = transfers[index].request
    }
    return actions + sendWaiting(now: now)
  }

  private func index(_ exchange: ExchangeID) -> Int? {
    transfers.firstIndex { $0.exchange == exchange }
  }
}

// MARK: Transfers

extension ClientLayer {
  private func take(_ actions: [MessageAction], now: Instant) -> [MessageAction] {
    var result: [MessageAction] = []
    for action in actions {
      switch action {
      case .deliverResponse(let exchange, let response):
        result += received(response, exchange, now: now)
      case .failed(let exchange, let failure): result += failed(exchange, failure)
      default: result.append(action)
      }
    }
    return result + sendWaiting(now: now)
  }

  /// Sends the messages that transfers want to send, as far as may be.
  private func sendWaiting(now: Instant) -> [MessageAction] {
    var actions: [MessageAction] = []
    for transfer in transfers {
      guard let message = transfer.next, let index = index(transfer.exchange) else { continue }
      let isOfObservation = message.observe != nil
      do throws(SendRefusal) {
        let sent = try session.send(
          message,
          confirmable: transfer.isConfirmable,
          isRepeated: transfer.isRepeated,
          patience: transfer.patience,
          renewing: isOfObservation ? transfer.watch : nil,
          now: now
        )
        transfers[index].next = nil
        for case .send(let bytes) in sent.actions { transfers[index].unanswered = bytes }
        if isOfObservation {
          transfers[index].watch = sent.exchange
        } else {
          transfers[index].current = sent.exchange
        }
        actions += sent.actions
      } catch {
        guard error != .tooManyOutstanding else { continue }
        forget(transfer.exchange)
        actions.append(.failed(transfer.exchange, ExchangeFailure(error)))
      }
    }
    return actions
  }

  private func failed(_ exchange: ExchangeID, _ failure: ExchangeFailure) -> [MessageAction] {
    guard
      let index = transfers.firstIndex(where: { $0.current == exchange || $0.watch == exchange })
    else { return [] }
    let transfer = transfers[index]
    // A notification that can't be fetched whole leaves the observation: the next one may do.
    if transfer.watch != nil, transfer.watch != exchange, failure != .closed {
      stopFetching(at: index)
      return []
    }
    forget(transfer.exchange)
    return [.failed(transfer.exchange, failure)]
  }

  private func received(
    _ response: CoAPMessage,
    _ exchange: ExchangeID,
    now: Instant
  ) -> [MessageAction] {
    if let index = transfers.firstIndex(where: { $0.watch == exchange }) {
      return receivedState(response, at: index, now: now)
    }
    guard let index = transfers.firstIndex(where: { $0.current == exchange }) else { return [] }
    transfers[index].current = nil
    transfers[index].unanswered = nil
    return proceed(with: response, at: index)
  }

  /// Takes the answer to a registration, or a later state (RFC 7641, Section 3.2).
  private func receivedState(
    _ state: CoAPMessage,
    at index: Int,
    now: Instant
  ) -> [MessageAction] {
    // A block that is fetched has its own answer.
    if transfers[index].current == nil { transfers[index].unanswered = nil }
    let goesOn = state.observe != nil && state.code.major == 2
    if transfers[index].observation != nil {
      guard transfers[index].observation?.accepts(state, now: now) == true else {
        transfers[index].renewal =
          transfers[index].renewal ?? now + Observation.longestReordering
        return []
      }
    }
    if transfers[index].observation == nil || !goesOn {
      transfers[index].watch = nil
      transfers[index].observation = nil
      transfers[index].renewal = nil
    } else if let end = transfers[index].observation?.freshUntil {
      // Not all clients at once (RFC 7641, Section 3.3.1).
      transfers[index].renewal = end + .milliseconds(5000 + random.next() % 10_001)
    }
    stopFetching(at: index)
    return proceed(with: state, at: index)
  }

  /// Goes on to the next block, or ends the transfer, or for an observation this state of it.
  private func proceed(with response: CoAPMessage, at index: Int) -> [MessageAction] {
    let exchange = transfers[index].exchange
    switch transfers[index].received(response) {
    case .goesOn: return []
    case .whole(let answer):
      if transfers[index].watch == nil { transfers.remove(at: index) }
      return [.deliverResponse(exchange, answer)]
    case .failed(let failure):
      if transfers[index].watch != nil { return [] }
      transfers.remove(at: index)
      return [.failed(exchange, failure)]
    }
  }

  /// Forgets the blocks of an older state.
  private func stopFetching(at index: Int) {
    if let current = transfers[index].current { session.forget(current) }
    transfers[index].current = nil
    transfers[index].next = nil
    transfers[index].unanswered = nil
    transfers[index].answer = nil
    transfers[index].restarts = 0
  }
}

extension ExchangeFailure {
  /// The failure of a request that can't be sent.
  fileprivate init(_ refusal: SendRefusal) {
    switch refusal {
    case .closed: self = .closed
    case .tooLarge: self = .tooLarge
    case .noMessageID, .tooManyOutstanding: self = .unanswered
    }
  }
}
