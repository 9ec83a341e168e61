import Bytes

/// The messages of one session over UDP: acknowledgements, repetition, duplicates and the matching
/// of responses to requests (RFC 7252, Sections 4 and 5.3).
///
/// Takes part as server and as client. Makes no I/O: each method answers what is to be done, and
/// `timedOut` wants to be called at `nextTimeout`.
public final class MessageLayer: MessagePath {
  /// How long a confirmable request waits for its response before an empty acknowledgement goes
  /// out: well before the peer repeats the request.
  public static let emptyAckDelay = Span.seconds(1)

  /// How many requests of ours may wait for a response.
  public static let maximumAwaited = 16

  /// How many confirmable messages of ours may be repeated at a time; a separate response beyond it
  /// goes out once, non-confirmable.
  public static let maximumTransmissions = 16

  /// How many of the last notifications a reset finds.
  public static let maximumNotifications = 32

  /// The largest message to send, in bytes: what the path takes, without DTLS.
  ///
  /// `SessionLayer` heeds it.
  public var maximumSize = CoAPMessage.defaultMaximumSize

  /// The waits and repetitions; new ones hold for messages sent from then on.
  public var parameters: TransmissionParameters

  var random: RandomStream
  var messageIDs: MessageIDs
  var answers = AnswerCache()
  var transmissions: [Transmission] = []
  var awaited = AwaitedResponses()
  /// The last notifications, the oldest first.
  var notifications: [NumberedToken] = []
  private var lastSerial: UInt64 = 0

  /// A message of ours that is repeated: until it is acknowledged, or for a request its response is
  /// there.
  struct Transmission {
    let messageID: UInt16
    let datagram: [UInt8]
    let isConfirmable: Bool
    /// The request that it is; nil for a separate response.
    let request: ExchangeID?
    var repetitions: UInt8 = 0
    var timeout: Span
    var due: Instant
  }

  /// A fresh session; `seed` is random and new for each.
  public init(
    seed: UInt64,
    parameters: TransmissionParameters = TransmissionParameters()
  ) {
    self.parameters = parameters
    random = RandomStream(seed: seed)
    messageIDs = MessageIDs(startingAt: UInt16(truncatingIfNeeded: random.next()))
  }

  /// When `timedOut` has something to do; nil for never.
  public var nextTimeout: Instant? {
    var next = awaited.nextTimeout(or: nil)
    for entry in answers.entries { next = .earlier(next, entry.emptyAckDue) }
    for transmission in transmissions { next = .earlier(next, transmission.due) }
    return next
  }

  /// Sends what is due: empty acknowledgements and repetitions; gives up what took too long.
  public func timedOut(now: Instant) -> [MessageAction] {
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
    for case .failed(let request, let failure) in awaited.fail(.unanswered, at: now) {
      end(request)
      actions.append(.failed(request, failure))
    }
    return actions
  }

  private func retransmit(_ late: Transmission, now: Instant) -> [MessageAction] {
    guard let index = transmissions.firstIndex(where: { $0.messageID == late.messageID }) else {
      return []
    }
    guard late.repetitions < parameters.maxRetransmit else {
      transmissions.remove(at: index)
      // A repeated request that is not confirmable goes on waiting for its response.
      guard let request = late.request, late.isConfirmable else { return [] }
      end(request)
      return [.failed(request, .unacknowledged)]
    }
    transmissions[index].repetitions += 1
    transmissions[index].timeout = late.timeout * 2
    transmissions[index].due = now + late.timeout * 2
    return [.send(late.datagram)]
  }

  func acknowledge(at index: Int, now: Instant) -> MessageAction {
    let messageID = answers.entries[index].messageID
    let reply = CoAPDatagram(empty: .acknowledgement, messageID: messageID).encoded
    answers.acknowledge(at: index, reply: reply, now: now)
    return .send(reply)
  }

  /// Forgets a request of ours: what still comes for it is rejected.
  public func forget(_ request: ExchangeID) { end(request) }

  func end(_ request: ExchangeID) {
    awaited.remove(request)
    transmissions.removeAll { $0.request == request }
  }

  func nextExchange() -> ExchangeID {
    lastSerial += 1
    return ExchangeID(serial: lastSerial)
  }

  func nextMessageID(now: Instant) -> UInt16? {
    messageIDs.take(lifetime: parameters.exchangeLifetime, now: now)
  }

  func transmit(_ datagram: CoAPDatagram, request: ExchangeID?, now: Instant) -> [UInt8] {
    let bytes = datagram.encoded
    let timeout = parameters.firstTimeout(random: random.next())
    transmissions.append(
      Transmission(
        messageID: datagram.messageID,
        datagram: bytes,
        isConfirmable: datagram.type == .confirmable,
        request: request,
        timeout: timeout,
        due: now + timeout
      )
    )
    return bytes
  }
}
