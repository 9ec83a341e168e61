import Bytes

extension MessageLayer {
  /// Answers a delivered request; the response's token is set here.
  ///
  /// Goes with the acknowledgement while that is still owed, after it in a confirmable message of
  /// its own, and for a non-confirmable request in a non-confirmable message (RFC 7252,
  /// Section 5.2). An exchange that is over, or is too old, is ignored.
  public mutating func respond(
    to exchange: ExchangeID,
    with response: CoAPMessage,
    now: Instant
  ) -> [MessageAction] {
    guard let index = answers.unfinishedIndex(exchange) else { return [] }
    let entry = answers.entries[index]
    var response = response
    response.token = entry.token
    if entry.isConfirmable {
      guard let ack = entry.reply else {
        let messageID = entry.messageID
        return finish(
          exchange,
          with: CoAPDatagram(.acknowledgement, messageID: messageID, response),
          now
        )
      }
      answers.finish(at: index, reply: ack, now: now)
      return respondSeparately(response, now: now)
    }
    guard let messageID = nextMessageID(now: now) else {
      answers.finish(at: index, reply: nil, now: now)
      return []
    }
    return finish(
      exchange,
      with: CoAPDatagram(.nonConfirmable, messageID: messageID, response),
      now
    )
  }

  /// Ends a delivered request without a response; a confirmable one is only acknowledged.
  public mutating func leaveUnanswered(
    _ exchange: ExchangeID,
    now: Instant
  ) -> [MessageAction] {
    guard let index = answers.unfinishedIndex(exchange) else { return [] }
    let entry = answers.entries[index]
    let owesAck = entry.isConfirmable && entry.reply == nil
    let actions = owesAck ? [acknowledge(at: index, now: now)] : []
    answers.finish(at: index, reply: answers.entries[index].reply, now: now)
    return actions
  }

  /// Sends a request; its token is set here.
  ///
  /// `patience` is how long to wait for the response, by default MAX_TRANSMIT_WAIT for a
  /// non-confirmable request and EXCHANGE_LIFETIME for a confirmable one. NSTART holds for
  /// confirmable requests alone: a mitigation request waits for nothing (RFC 9132, Section 4.4).
  public mutating func send(
    _ request: CoAPMessage,
    confirmable: Bool,
    patience: Span? = nil,
    now: Instant
  ) throws(SendRefusal) -> (exchange: ExchangeID, actions: [MessageAction]) {
    let unacknowledged = transmissions.count { $0.request != nil }
    guard awaited.count < Self.maximumAwaited,
      !confirmable || unacknowledged < TransmissionParameters.nstart
    else { throw .tooManyOutstanding }
    guard let messageID = nextMessageID(now: now) else { throw .noMessageID }
    let exchange = nextExchange()
    var request = request
    request.token = nextToken()
    let wait =
      patience ?? (confirmable ? parameters.exchangeLifetime : parameters.maxTransmitWait)
    awaited.append(
      AwaitedResponse(
        exchange: exchange,
        messageID: messageID,
        token: request.token,
        deadline: now + wait
      )
    )
    let type: CoAPType = confirmable ? .confirmable : .nonConfirmable
    let datagram = CoAPDatagram(type, messageID: messageID, request)
    let bytes =
      confirmable ? transmit(datagram, request: exchange, now: now) : datagram.encoded
    return (exchange, [.send(bytes)])
  }

  /// Sends the reply to a message of the peer, keeps it for duplicates and ends the exchange.
  mutating func finish(
    _ exchange: ExchangeID,
    with reply: CoAPDatagram,
    _ now: Instant
  ) -> [MessageAction] {
    guard let index = answers.unfinishedIndex(exchange) else { return [] }
    let bytes = reply.encoded
    answers.finish(at: index, reply: bytes, now: now)
    return [.send(bytes)]
  }

  private mutating func respondSeparately(
    _ response: CoAPMessage,
    now: Instant
  ) -> [MessageAction] {
    guard let messageID = nextMessageID(now: now) else { return [] }
    guard transmissions.count < Self.maximumTransmissions else {
      return [.send(CoAPDatagram(.nonConfirmable, messageID: messageID, response).encoded)]
    }
    let datagram = CoAPDatagram(.confirmable, messageID: messageID, response)
    return [.send(transmit(datagram, request: nil, now: now))]
  }

  /// Four random bytes (RFC 7252, Section 5.3.1) that no waiting request has.
  private mutating func nextToken() -> [UInt8] {
    while true {
      var token: [UInt8] = []
      token.append(bigEndian: UInt32(truncatingIfNeeded: random.next()))
      if !awaited.contains(where: { $0.token == token }) { return token }
    }
  }
}
