import Bytes

extension StreamLayer {
  /// Takes bytes of the peer, in any portions.
  public func received(_ bytes: [UInt8], now: Instant) -> [MessageAction] {
    guard phase != .closed else { return [] }
    reader.append(bytes)
    var actions: [MessageAction] = []
    do throws(CoAPFault) {
      while phase != .closed, let message = try reader.next() { actions += received(message) }
    } catch {
      actions += refuse(error == .tooLarge ? .tooLarge : .malformed)
    }
    return actions
  }

  private func received(_ message: CoAPMessage) -> [MessageAction] {
    // Empty messages only keep the path open (RFC 8323, Section 3.4).
    if message.code.isEmpty { return [] }
    if message.code.isSignal { return receivedSignal(message) }
    guard phase != .opening else { return refuse(.noSettings) }
    if message.code.isRequest { return receivedRequest(message) }
    return message.code.isResponse ? receivedResponse(message) : refuse(.malformed)
  }

  private func receivedRequest(_ request: CoAPMessage) -> [MessageAction] {
    // What comes after a release needs no answer (RFC 8323, Section 5.5).
    guard phase == .open else { return [] }
    guard pending.count < Self.maximumPending else {
      var busy = CoAPMessage.diagnostic(.serviceUnavailable, "too many requests at once")
      busy.token = request.token
      busy.add(CoAPOption(.maxAge, uint: 1))
      return [.send(busy.frame)]
    }
    let exchange = nextExchange()
    pending.append(NumberedToken(number: exchange.serial, token: request.token))
    guard let refusal = request.optionRefusal else { return [.deliver(exchange, request)] }
    return answer(exchange, with: refusal)
  }

  private func receivedResponse(_ response: CoAPMessage) -> [MessageAction] {
    awaited.entry(token: response.token).map { [awaited.received(response, to: $0)] } ?? []
  }

  private func receivedSignal(_ signal: CoAPMessage) -> [MessageAction] {
    if signal.code == .abort { return end(.aborted(diagnostic: signal.payload)) }
    guard phase != .opening || signal.code == .settings else { return refuse(.noSettings) }
    // No signal has a critical option yet (RFC 8323, Section 11.2).
    let critical = signal.options.first { $0.number.isCritical }?.number
    switch signal.code {
    case .settings: return receivedSettings(signal, critical)
    case .ping where critical == nil: return receivedPing(signal)
    case .release where critical == nil:
      phase = .releasing
      return afterAnswer()
    case .ping, .pong, .release: return critical == nil ? [] : refuse(.option)
    default: return critical == nil ? [] : refuse(.code)
    }
  }

  private func receivedSettings(
    _ settings: CoAPMessage,
    _ critical: CoAPOptionNumber?
  ) -> [MessageAction] {
    if let critical { return refuse(.option, badOption: critical) }
    if let option = settings.options.first(where: { $0.number == .maxMessageSize }) {
      guard let size = option.uint, size >= Self.leastMessageSize else {
        return refuse(.setting, badOption: .maxMessageSize)
      }
      maximumSize = Int(min(size, Self.mostMessageSize))
    }
    if phase == .opening { phase = .open }
    settingsDue = nil
    return []
  }

  /// Answers a ping, if it wants custody after all requests before it (RFC 8323, Section 5.4.1).
  private func receivedPing(_ ping: CoAPMessage) -> [MessageAction] {
    let wantsCustody = ping.options.contains { $0.number == .custody }
    guard wantsCustody, pings.count < Self.maximumWaitingPings else {
      return [.send(CoAPMessage(.pong, token: ping.token).frame)]
    }
    pings.append(NumberedToken(number: lastSerial, token: ping.token))
    return afterAnswer()
  }

  /// Does what waited for answers: pongs, and the end of a released stream.
  func afterAnswer() -> [MessageAction] {
    var actions: [MessageAction] = []
    while let ping = pings.first, pending.first.map({ $0.number > ping.number }) ?? true {
      pings.remove(at: 0)
      let custody = CoAPOption(.custody, [])
      actions.append(.send(CoAPMessage(.pong, token: ping.token, options: [custody]).frame))
    }
    return phase == .releasing && pending.isEmpty ? actions + end(.released) : actions
  }

  /// Tells the peer its fault and ends the stream.
  func refuse(
    _ fault: StreamFault,
    badOption: CoAPOptionNumber? = nil
  ) -> [MessageAction] {
    var abort = CoAPMessage.diagnostic(.abort, fault.text)
    if let badOption { abort.add(CoAPOption(.badSetting, uint: UInt32(badOption.rawValue))) }
    return [.send(abort.frame)] + end(.refused(fault))
  }

  func end(_ end: StreamEnd) -> [MessageAction] {
    phase = .closed
    reader = FrameReader()
    pending = []
    pings = []
    return awaited.fail(.closed, at: nil) + [.close(end)]
  }
}
