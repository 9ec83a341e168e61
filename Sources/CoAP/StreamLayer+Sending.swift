import Bytes

extension StreamLayer {
  /// Answers a delivered request; the response's token is set here.
  ///
  /// An exchange that is over is ignored; a response larger than the peer takes becomes 5.00.
  public func respond(
    to exchange: ExchangeID,
    with response: CoAPMessage,
    now: Instant
  ) -> [MessageAction] { answer(exchange, with: response) }

  /// Ends a delivered request without a response.
  public func leaveUnanswered(
    _ exchange: ExchangeID,
    now: Instant
  ) -> [MessageAction] { answer(exchange, with: nil) }

  /// Sends a further response to an observer; its token is that of the registration.
  ///
  /// What is larger than the peer takes isn't sent.
  public func notify(_ notification: CoAPMessage, now: Instant) -> [MessageAction] {
    guard phase != .closed, let frame = frame(notification) else { return [] }
    return [.send(frame)]
  }

  /// Sends a request; its token is set here.
  ///
  /// `patience` is how long to wait for the response, by default EXCHANGE_LIFETIME. `renewing` is
  /// an observation whose token the request takes over. Streams deliver, so that `confirmable` and
  /// `isRepeated` change nothing.
  public func send(
    _ request: CoAPMessage,
    confirmable: Bool = true,
    isRepeated: Bool = false,
    patience: Span? = nil,
    renewing observation: ExchangeID? = nil,
    now: Instant
  ) throws(SendRefusal) -> (exchange: ExchangeID, actions: [MessageAction]) {
    guard phase == .open || phase == .opening else { throw .closed }
    guard awaited.entries.count < MessageLayer.maximumAwaited else { throw .tooManyOutstanding }
    guard request.frame.count + CoAPMessage.maximumTokenLength <= maximumSize else {
      throw .tooLarge
    }
    let exchange = nextExchange()
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
  public func forget(_ request: ExchangeID) { awaited.remove(request) }

  /// Asks the peer to end the stream once it has answered; the owner closes it when it doesn't.
  public func release() -> [MessageAction] {
    phase == .closed ? [] : [.send(CoAPMessage(.release).frame)]
  }

  func answer(
    _ exchange: ExchangeID,
    with response: CoAPMessage?
  ) -> [MessageAction] {
    guard let index = pending.firstIndex(where: { $0.number == exchange.serial }) else { return [] }
    let token = pending.remove(at: index).token
    guard var response else { return afterAnswer() }
    response.token = token
    let frame = frame(response) ?? CoAPMessage(.internalServerError, token: token).frame
    return [.send(frame)] + afterAnswer()
  }

  func nextExchange() -> ExchangeID {
    lastSerial += 1
    return ExchangeID(serial: lastSerial)
  }

  /// The bytes of a message; nil when they are more than the peer takes.
  private func frame(_ message: CoAPMessage) -> [UInt8]? {
    let bytes = message.frame
    return bytes.count <= maximumSize ? bytes : nil
  }
}
