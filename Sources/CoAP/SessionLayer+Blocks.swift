import Bytes

extension SessionLayer {
  func receivedRequest(
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
  func block(
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
