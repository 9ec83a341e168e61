import Bytes

extension MessageLayer {
  /// Answers a delivered request; the response's token is set here.
  ///
  /// Goes with the acknowledgement while that is still owed, after it in a confirmable message of
  /// its own, and for a non-confirmable request in a non-confirmable message (RFC 7252,
  /// Section 5.2). An exchange that is over, or is too old, is ignored.
  public func respond(
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
    if response.observe != nil { rememberNotification(messageID, response.token) }
    return finish(
      exchange,
      with: CoAPDatagram(.nonConfirmable, messageID: messageID, response),
      now
    )
  }

  /// Sends a further response to an observer, always non-confirmable (RFC 9132, Section 4.4.2.1);
  /// its token is that of the registration.
  ///
  /// A reset of it is answered with `.rejected`. Nothing is sent while all message ids are in use.
  public func notify(_ notification: CoAPMessage, now: Instant) -> [MessageAction] {
    guard let messageID = nextMessageID(now: now) else { return [] }
    rememberNotification(messageID, notification.token)
    return [.send(CoAPDatagram(.nonConfirmable, messageID: messageID, notification).encoded)]
  }

  private func rememberNotification(_ messageID: UInt16, _ token: [UInt8]) {
    if notifications.count >= Self.maximumNotifications { notifications.remove(at: 0) }
    notifications.append(NumberedToken(number: UInt64(messageID), token: token))
  }

  /// Ends a delivered request without a response; a confirmable one is only acknowledged.
  public func leaveUnanswered(
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
  /// `isRepeated` repeats a non-confirmable request too, in the same message, until its response
  /// comes (RFC 7252, Section 4.3). `renewing` is an observation whose token the request takes
  /// over, to register again or to deregister (RFC 7641, Section 3.6).
  public func send(
    _ request: CoAPMessage,
    confirmable: Bool,
    isRepeated: Bool = false,
    patience: Span? = nil,
    renewing observation: ExchangeID? = nil,
    now: Instant
  ) throws(SendRefusal) -> (exchange: ExchangeID, actions: [MessageAction]) {
    let unacknowledged = transmissions.count { $0.request != nil && $0.isConfirmable }
    guard awaited.entries.count < Self.maximumAwaited,
      !confirmable || unacknowledged < TransmissionParameters.nstart
    else { throw .tooManyOutstanding }
    guard let messageID = nextMessageID(now: now) else { throw .noMessageID }
    let exchange = nextExchange()
    let wait =
      patience ?? (confirmable ? parameters.exchangeLifetime : parameters.maxTransmitWait)
    let request = awaited.await(
      request,
      as: exchange,
      renewing: observation,
      messageID: messageID,
      until: now + wait
    )
    let type: CoAPType = confirmable ? .confirmable : .nonConfirmable
    let datagram = CoAPDatagram(type, messageID: messageID, request)
    let bytes =
      confirmable || isRepeated
      ? transmit(datagram, request: exchange, now: now) : datagram.encoded
    return (exchange, [.send(bytes)])
  }

  /// Sends the reply to a message of the peer, keeps it for duplicates and ends the exchange.
  func finish(
    _ exchange: ExchangeID,
    with reply: CoAPDatagram,
    _ now: Instant
  ) -> [MessageAction] {
    guard let index = answers.unfinishedIndex(exchange) else { return [] }
    let bytes = reply.encoded
    answers.finish(at: index, reply: bytes, now: now)
    return [.send(bytes)]
  }

  private func respondSeparately(
    _ response: CoAPMessage,
    now: Instant
  ) -> [MessageAction] {
    guard let messageID = nextMessageID(now: now) else { return [] }
    if response.observe != nil { rememberNotification(messageID, response.token) }
    guard transmissions.count < Self.maximumTransmissions else {
      return [.send(CoAPDatagram(.nonConfirmable, messageID: messageID, response).encoded)]
    }
    let datagram = CoAPDatagram(.confirmable, messageID: messageID, response)
    return [.send(transmit(datagram, request: nil, now: now))]
  }
}
