import Bytes

extension MessageLayer {
  /// Takes a datagram of the peer.
  public func received(_ bytes: [UInt8], now: Instant) -> [MessageAction] {
    answers.removeExpired(now: now)
    do throws(CoAPFormatError) {
      return received(try CoAPDatagram(parsing: bytes), now: now)
    } catch {
      // Only a confirmable message is owed a reset (RFC 7252, Sections 4.2 and 4.3).
      guard case .malformed(.confirmable, let messageID, _) = error else { return [] }
      return [reset(messageID)]
    }
  }

  private func received(_ datagram: CoAPDatagram, now: Instant) -> [MessageAction] {
    switch datagram.type {
    case .acknowledgement: return receivedAcknowledgement(datagram)
    case .reset: return receivedReset(datagram.messageID)
    case .confirmable, .nonConfirmable: break
    }
    if datagram.message.code.isEmpty { return [reset(datagram.messageID)] }
    if let index = answers.index(messageID: datagram.messageID) {
      return answers.replyToDuplicate(at: index, now: now).map { [.send($0)] } ?? []
    }
    return datagram.message.code.isRequest
      ? receivedRequest(datagram, now: now) : receivedResponse(datagram, now: now)
  }

  private func receivedRequest(
    _ datagram: CoAPDatagram,
    now: Instant
  ) -> [MessageAction] {
    // With no room to remember it, the request counts as lost on the way.
    guard answers.hasRoom else { return [] }
    let exchange = remember(datagram, now: now)
    let message = datagram.message
    guard let refusal = message.optionRefusal else { return [.deliver(exchange, message)] }
    if refusal.code == .badOption, datagram.type == .nonConfirmable {
      let reset = CoAPDatagram(empty: .reset, messageID: datagram.messageID)
      return finish(exchange, with: reset, now)
    }
    return respond(to: exchange, with: refusal, now: now)
  }

  private func remember(_ datagram: CoAPDatagram, now: Instant) -> ExchangeID {
    let exchange = nextExchange()
    let isConfirmable = datagram.type == .confirmable
    answers.insert(
      AnswerCache.Entry(
        exchange: exchange,
        messageID: datagram.messageID,
        isConfirmable: isConfirmable,
        token: datagram.message.token,
        expires: now + (isConfirmable ? parameters.exchangeLifetime : parameters.nonLifetime),
        emptyAckDue: isConfirmable && datagram.message.code.isRequest
          ? now + Self.emptyAckDelay : nil,
        repliedAt: now
      )
    )
    return exchange
  }

  private func receivedResponse(
    _ datagram: CoAPDatagram,
    now: Instant
  ) -> [MessageAction] {
    let isConfirmable = datagram.type == .confirmable
    guard let request = awaited.entry(token: datagram.message.token) else {
      // Who goes on notifying learns that nobody listens (RFC 7641, Section 3.6).
      let isRejected = isConfirmable || datagram.message.observe != nil
      return isRejected ? [reset(datagram.messageID)] : []
    }
    let action = take(datagram.message, for: request)
    guard isConfirmable else { return [action] }
    if case .failed = action { return [reset(datagram.messageID), action] }
    let ack = CoAPDatagram(empty: .acknowledgement, messageID: datagram.messageID)
    let acknowledgement =
      answers.hasRoom
      ? finish(remember(datagram, now: now), with: ack, now) : [.send(ack.encoded)]
    return acknowledgement + [action]
  }

  private func receivedAcknowledgement(_ datagram: CoAPDatagram) -> [MessageAction] {
    guard
      let transmission = transmissions.firstIndex(where: { $0.messageID == datagram.messageID })
    else { return [] }
    let message = datagram.message
    guard let request = transmissions[transmission].request, !message.code.isEmpty else {
      transmissions.remove(at: transmission)
      return []
    }
    guard let entry = awaited.entry(token: message.token), entry.exchange == request else {
      return []
    }
    return [take(message, for: entry)]
  }

  /// Takes the response to a request; that it overtakes the acknowledgement stands for it
  /// (RFC 7252, Section 5.2.2).
  private func take(
    _ response: CoAPMessage,
    for request: AwaitedResponses.Entry
  ) -> MessageAction {
    transmissions.removeAll { $0.request == request.exchange }
    return awaited.received(response, to: request)
  }

  private func receivedReset(_ messageID: UInt16) -> [MessageAction] {
    transmissions.removeAll { $0.messageID == messageID }
    if let index = notifications.firstIndex(where: { $0.number == messageID }) {
      return [.rejected(notifications.remove(at: index).token)]
    }
    guard let request = awaited.entries.first(where: { $0.messageID == messageID }) else {
      return []
    }
    end(request.exchange)
    return [.failed(request.exchange, .reset)]
  }

  private func reset(_ messageID: UInt16) -> MessageAction {
    .send(CoAPDatagram(empty: .reset, messageID: messageID).encoded)
  }
}
