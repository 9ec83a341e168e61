import Bytes

/// One request of a session, received or sent, until it is answered.
public struct ExchangeID: Hashable, Sendable {
  let serial: UInt64
}

/// What the owner of a `MessageLayer` must do, in this order.
public enum MessageAction: Equatable, Sendable {
  /// Send these bytes to the peer.
  case send([UInt8])
  /// Process this request of the peer, then call `respond` or `leaveUnanswered`.
  case deliver(ExchangeID, CoAPMessage)
  /// Take the response to a request that we sent.
  case deliverResponse(ExchangeID, CoAPMessage)
  /// A request that we sent gets no response.
  case failed(ExchangeID, ExchangeFailure)
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
}

/// Why a request can't be sent now.
public enum SendRefusal: Error, Equatable, Sendable {
  /// As many requests are waiting as may: NSTART confirmable ones, or
  /// `MessageLayer.maximumAwaited` in all.
  case tooManyOutstanding
  /// All message ids were used within the last lifetime.
  case noMessageID
}

/// The messages of one session over UDP: acknowledgements, repetition, duplicates and the matching
/// of responses to requests (RFC 7252, Sections 4 and 5.3).
///
/// Takes part as server and as client. Makes no I/O: each method answers what is to be done, and
/// `timedOut` wants to be called at `nextTimeout`.
public struct MessageLayer: Sendable {
  /// How long a confirmable request waits for its response before an empty acknowledgement goes
  /// out: well before the peer repeats the request.
  public static let emptyAckDelay = Span.seconds(1)

  /// How many requests of ours may wait for a response.
  public static let maximumAwaited = 16

  /// How many confirmable messages of ours may be repeated at a time; a separate response beyond it
  /// goes out once, non-confirmable.
  public static let maximumTransmissions = 16

  /// The options that DOTS understands, without block-wise transfers (RFC 9132, Section 4).
  public static let understoodByDOTS: [CoAPOptionNumber] = [
    .ifMatch, .uriHost, .eTag, .ifNoneMatch, .observe, .uriPort, .uriPath, .contentFormat, .maxAge,
    .uriQuery, .hopLimit, .accept, .size2, .size1,
  ]

  /// The waits and repetitions; new ones hold for messages sent from then on.
  public var parameters: TransmissionParameters

  let understood: [CoAPOptionNumber]
  var random: RandomStream
  var messageIDs: MessageIDs
  var answers = AnswerCache()
  var transmissions: [Transmission] = []
  var awaited: [AwaitedResponse] = []
  private var lastSerial: UInt64 = 0

  /// A confirmable message of ours that isn't acknowledged yet.
  struct Transmission {
    let messageID: UInt16
    let datagram: [UInt8]
    /// The request that it is; nil for a separate response.
    let request: ExchangeID?
    var repetitions: UInt8 = 0
    var timeout: Span
    var due: Instant
  }

  /// A request of ours that has no response yet.
  struct AwaitedResponse {
    let exchange: ExchangeID
    let messageID: UInt16
    let token: [UInt8]
    let deadline: Instant
  }

  /// A fresh session; `seed` is random and new for each, `understood` are the critical options
  /// that the resources handle.
  public init(
    seed: UInt64,
    parameters: TransmissionParameters = TransmissionParameters(),
    understood: [CoAPOptionNumber] = understoodByDOTS
  ) {
    self.parameters = parameters
    self.understood = understood
    random = RandomStream(seed: seed)
    messageIDs = MessageIDs(startingAt: UInt16(truncatingIfNeeded: random.next()))
  }

  /// When `timedOut` has something to do; nil for never.
  public var nextTimeout: Instant? {
    var next: Instant?
    func consider(_ instant: Instant?) {
      guard let instant else { return }
      next = next.map { min($0, instant) } ?? instant
    }
    for entry in answers.entries { consider(entry.emptyAckDue) }
    for transmission in transmissions { consider(transmission.due) }
    for request in awaited { consider(request.deadline) }
    return next
  }

  /// Sends what is due: empty acknowledgements and repetitions; gives up what took too long.
  public mutating func timedOut(now: Instant) -> [MessageAction] {
    answers.removeExpired(now: now)
    var actions: [MessageAction] = []
    for index in answers.entries.indices {
      if let due = answers.entries[index].emptyAckDue, due <= now {
        actions.append(acknowledge(at: index, now: now))
      }
    }
    for transmission in transmissions where transmission.due <= now {
      actions += retransmit(transmission, now: now)
    }
    for request in awaited where request.deadline <= now {
      end(request.exchange)
      actions.append(.failed(request.exchange, .unanswered))
    }
    return actions
  }

  private mutating func retransmit(_ late: Transmission, now: Instant) -> [MessageAction] {
    guard let index = transmissions.firstIndex(where: { $0.messageID == late.messageID }) else {
      return []
    }
    guard late.repetitions < parameters.maxRetransmit else {
      transmissions.remove(at: index)
      guard let request = late.request else { return [] }
      end(request)
      return [.failed(request, .unacknowledged)]
    }
    transmissions[index].repetitions += 1
    transmissions[index].timeout = late.timeout * 2
    transmissions[index].due = now + late.timeout * 2
    return [.send(late.datagram)]
  }

  mutating func acknowledge(at index: Int, now: Instant) -> MessageAction {
    let messageID = answers.entries[index].messageID
    let reply = CoAPDatagram(empty: .acknowledgement, messageID: messageID).encoded
    answers.acknowledge(at: index, reply: reply, now: now)
    return .send(reply)
  }

  /// Forgets a request of ours.
  mutating func end(_ request: ExchangeID) {
    awaited.removeAll { $0.exchange == request }
    transmissions.removeAll { $0.request == request }
  }

  mutating func nextExchange() -> ExchangeID {
    lastSerial += 1
    return ExchangeID(serial: lastSerial)
  }

  mutating func nextMessageID(now: Instant) -> UInt16? {
    messageIDs.take(lifetime: parameters.exchangeLifetime, now: now)
  }

  mutating func transmit(_ datagram: CoAPDatagram, request: ExchangeID?, now: Instant) -> [UInt8] {
    let bytes = datagram.encoded
    let timeout = parameters.firstTimeout(random: random.next())
    transmissions.append(
      Transmission(
        messageID: datagram.messageID,
        datagram: bytes,
        request: request,
        timeout: timeout,
        due: now + timeout
      )
    )
    return bytes
  }
}
