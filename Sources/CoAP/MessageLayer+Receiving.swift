import Bytes

extension MessageLayer {
  /// Takes a datagram of the peer.
  public mutating func received(_ bytes: [UInt8], now: Instant) -> [MessageAction] {
    answers.removeExpired(now: now)
    do throws(CoAPFormatError) {
      return received(try CoAPDatagram(parsing: bytes), now: now)
    } catch {
      // Only a confirmable message is owed a reset (RFC 7252, Sections 4.2 and 4.3).
      guard case .malformed(.confirmable, let messageID, _) = error else { return [] }
      return [reset(messageID)]
    }
  }

  private mutating func received(_ datagram: CoAPDatagram, now: Instant) -> [MessageAction] {
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

  private mutating func receivedRequest(
    _ datagram: CoAPDatagram,
    now: Instant
  ) -> [MessageAction] {
    // With no room to remember it, the request counts as lost on the way.
    guard answers.hasRoom else { return [] }
    let exchange = remember(datagram, now: now)
    let message = datagram.message
    let proxy = message.options.first { $0.number == .proxyURI || $0.number == .proxyScheme }
    if let option = criticalOption(in: message) {
      guard datagram.type == .confirmable else {
        return finish(
          exchange,
          with: CoAPDatagram(empty: .reset, messageID: datagram.messageID),
          now
        )
      }
      let text = Text("critical option ") + Text(decimal: option.rawValue) + " not understood"
      return respond(to: exchange, with: .diagnostic(.badOption, text), now: now)
    }
    if let proxy {
      let text = Text("option ") + Text(decimal: proxy.number.rawValue) + ": this is no proxy"
      return respond(to: exchange, with: .diagnostic(.proxyingNotSupported, text), now: now)
    }
    return [.deliver(exchange, message)]
  }

  /// The first critical option that isn't understood, apart from those for proxies, which have an
  /// answer of their own (RFC 7252, Section 5.10.2).
  private func criticalOption(in message: CoAPMessage) -> CoAPOptionNumber? {
    let options = message.options.filter {
      $0.number != .proxyURI && $0.number != .proxyScheme
    }
    return CoAPMessage(message.code, options: options)
      .unrecognizedCriticalOption(understood: understood)
  }

  private mutating func remember(_ datagram: CoAPDatagram, now: Instant) -> ExchangeID {
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

  private mutating func receivedResponse(
    _ datagram: CoAPDatagram,
    now: Instant
  ) -> [MessageAction] {
    let isConfirmable = datagram.type == .confirmable
    guard let request = awaited.first(where: { $0.token == datagram.message.token }) else {
      return isConfirmable ? [reset(datagram.messageID)] : []
    }
    // A response that overtakes the acknowledgement stands for it (RFC 7252, Section 5.2.2).
    end(request.exchange)
    if let option = datagram.message.unrecognizedCriticalOption(understood: understood) {
      let failure = MessageAction.failed(request.exchange, .badOption(option))
      return isConfirmable ? [reset(datagram.messageID), failure] : [failure]
    }
    var actions: [MessageAction] = []
    if isConfirmable {
      let ack = CoAPDatagram(empty: .acknowledgement, messageID: datagram.messageID)
      actions =
        answers.hasRoom
        ? finish(remember(datagram, now: now), with: ack, now) : [.send(ack.encoded)]
    }
    return actions + [.deliverResponse(request.exchange, datagram.message)]
  }

  private mutating func receivedAcknowledgement(_ datagram: CoAPDatagram) -> [MessageAction] {
    guard
      let index = transmissions.firstIndex(where: { $0.messageID == datagram.messageID })
    else { return [] }
    let message = datagram.message
    guard let request = transmissions[index].request, !message.code.isEmpty else {
      transmissions.remove(at: index)
      return []
    }
    guard awaited.contains(where: { $0.exchange == request && $0.token == message.token }) else {
      return []
    }
    end(request)
    if let option = message.unrecognizedCriticalOption(understood: understood) {
      return [.failed(request, .badOption(option))]
    }
    return [.deliverResponse(request, message)]
  }

  private mutating func receivedReset(_ messageID: UInt16) -> [MessageAction] {
    let request = awaited.first { $0.messageID == messageID }?.exchange
    transmissions.removeAll { $0.messageID == messageID }
    guard let request else { return [] }
    end(request)
    return [.failed(request, .reset)]
  }

  private func reset(_ messageID: UInt16) -> MessageAction {
    .send(CoAPDatagram(empty: .reset, messageID: messageID).encoded)
  }
}
