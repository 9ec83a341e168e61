import Bytes

/// Why a block can't be taken or given; the peer's fault.
private enum BlockFault: UInt8, Error {
  /// A size that only streams have (RFC 7959, Section 2.2).
  case reserved
  /// The payload has another size than the option says.
  case size
  /// Blocks before this one are missing, or the Content-Format changed (RFC 7959, Section 2.9.2).
  case missing
  /// The body is larger than `SessionLayer.maximumBody` (RFC 7959, Section 2.9.3).
  case tooLarge
  /// The response isn't kept any longer, and the request must not be executed again.
  case gone
  /// The response ends before the block.
  case pastEnd

  var response: CoAPMessage {
    switch self {
    case .reserved: return .diagnostic(.badRequest, "a block of reserved size")
    case .size: return .diagnostic(.badRequest, "the block isn't as large as it says")
    case .missing:
      return .diagnostic(.requestEntityIncomplete, "blocks before this one are missing")
    case .gone: return .diagnostic(.requestEntityIncomplete, "the response isn't kept any longer")
    case .pastEnd: return .diagnostic(.badRequest, "the response has no such block")
    case .tooLarge:
      var response = CoAPMessage.diagnostic(.requestEntityTooLarge, "the body is too large")
      response.add(CoAPOption(.size1, uint: UInt32(SessionLayer.maximumBody)))
      return response
    }
  }
}

extension SessionLayer {
  /// The largest body of a request, in bytes.
  public static let maximumBody = 16_384
  /// The largest body of a response that is kept, in bytes; a larger one is made again for each
  /// block.
  static let maximumFetched = 65_536
  /// What header, token and the options that are added to a message here take at most, in bytes.
  private static let reserve = 48

  /// How many bytes of payload a message with these options has room for.
  func room(beside message: CoAPMessage) -> Int {
    maximumSize - Self.reserve - message.optionsSize
  }

  func receivedRequest(
    _ request: CoAPMessage,
    _ exchange: ExchangeID,
    now: Instant
  ) -> [MessageAction] {
    removeExpired(now: now)
    if request.code == .get, request.observe == 1 { observing.remove(request.token) }
    let kept = KeptMessage(
      request,
      exchange,
      key: request.transferKey,
      expires: now + parameters.exchangeLifetime
    )
    do throws(BlockFault) {
      if let answer = try receivedBlock(kept, now: now) {
        return path.respond(to: exchange, with: answer, now: now)
      }
    } catch {
      return path.respond(to: exchange, with: error.response, now: now)
    }
    let whole = kept.message
    kept.message.payload = []
    delivered.insert(kept)
    return [.deliver(exchange, whole)]
  }

  /// Does what the block options of a request say: puts its body together, or gives the answer to a
  /// block (RFC 7959, Sections 2.4 and 2.5).
  private func receivedBlock(
    _ kept: KeptMessage,
    now: Instant
  ) throws(BlockFault) -> CoAPMessage? {
    let request = kept.message
    let (block1, block2) = (request.block1, request.block2)
    if !isStream, block1?.sizeExponent == 7 || block2?.sizeExponent == 7 { throw .reserved }
    if let block1 { return try append(block1, kept) }
    guard let block2, block2.number > 0 else { return nil }
    if let whole = fetched.entry(kept.key) {
      whole.expires = kept.expires
      return block(of: whole.message, for: request, now: now)
    }
    guard request.code == .get else { throw .gone }
    return nil
  }

  /// Takes a block of a body; nil when it is the last, and the body whole.
  private func append(
    _ block: CoAPBlock,
    _ kept: KeptMessage
  ) throws(BlockFault) -> CoAPMessage? {
    let payload = kept.message.payload
    guard !block.hasMore || block.isFilled(by: payload.count) else { throw .size }
    let last = incomplete.entry(kept.key)?.message
    incomplete.remove(kept.key)
    let size = Int(clamping: kept.message.first(.size1)?.uint ?? 0)
    guard max(block.offset + payload.count, size) <= Self.maximumBody else { throw .tooLarge }
    if block.number > 0 {
      guard let last, last.contentFormat == kept.message.contentFormat else { throw .missing }
      kept.message.payload = last.payload
      // The last block may come twice, from a client that missed the answer.
      if last.payload.count == block.offset {
        kept.message.payload += payload
      } else if last.payload.count < block.offset
        || [UInt8](last.payload[block.offset...]) != payload
      {
        throw .missing
      }
    }
    guard block.hasMore else { return nil }
    incomplete.insert(kept)
    return CoAPMessage(.continue, options: [block.answer(hasMore: true)])
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
    let room = max(room(beside: response), 0)
    if count <= room, asked == nil || (start >= count && response.code.major != 2) {
      return response
    }
    guard start < count || start == 0 else { return BlockFault.pastEnd.response }
    let exponent = CoAPBlock.exponent(fitting: room, atMost: asked?.sizeExponent ?? 6)
    let size = 16 << Int(exponent)
    let end = min(start + size, count)
    var block = response
    if end < count || start > 0 {
      if block.first(.eTag) == nil { block.add(block.payloadTag) }
      if start == 0, count <= Self.maximumFetched { keep(block, for: request, now: now) }
      block.payload = [UInt8](block.payload[start..<end])
    }
    let number = UInt32(start / size)
    let given = CoAPBlock(number: number, hasMore: end < count, sizeExponent: exponent)
    block.add(given.option(.block2))
    if request.first(.size2) != nil { block.add(CoAPOption(.size2, uint: UInt32(count))) }
    return block
  }

  private func keep(_ whole: CoAPMessage, for request: CoAPMessage, now: Instant) {
    let key = request.transferKey
    fetched.remove(key)
    let expires = now + parameters.exchangeLifetime
    fetched.insert(KeptMessage(whole, ExchangeID(serial: 0), key: key, expires: expires))
  }

  /// Forgets bodies whose time is up.
  func removeExpired(now: Instant) {
    incomplete.removeExpired(now: now)
    fetched.removeExpired(now: now)
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
