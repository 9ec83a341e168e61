import Bytes

/// One request of a client, and where its bodies are (RFC 7959).
struct Transfer {
  /// What a message of the peer leads to.
  enum Outcome {
    /// `next` is to be sent.
    case goesOn
    case whole(CoAPMessage)
    case failed(ExchangeFailure)
  }

  /// The exchange that the owner knows.
  let exchange: ExchangeID
  /// The whole request.
  let request: CoAPMessage
  var isConfirmable = false
  var isRepeated = false
  var patience: Span?

  /// The message to send next.
  var next: CoAPMessage?
  /// The last message as it was sent; nil once anything has come for it.
  var unanswered: [UInt8]?
  /// The exchange under way that fetches or sends a block.
  var current: ExchangeID?
  /// The exchange whose responses are the states of an observed resource.
  var watch: ExchangeID?
  /// Nil for a plain request.
  var observation: Observation?
  /// When to register anew.
  var renewal: Instant?

  /// How much of the request's body was sent; nil when it goes in one message.
  private var sent: Int?
  private var exponent: UInt8 = 6
  /// The answer as far as it was fetched.
  var answer: CoAPMessage?
  var restarts: UInt8 = 0

  init(_ exchange: ExchangeID, _ request: CoAPMessage) {
    self.exchange = exchange
    self.request = request
  }

  /// The request, or its first block when `room` is too small for the payload, in bytes.
  mutating func firstMessage(room: Int) -> CoAPMessage {
    guard request.payload.count > max(room, 0) else { return request }
    exponent = CoAPBlock.exponent(fitting: room, atMost: 6)
    sent = 0
    return requestBlock(at: 0)
  }

  /// The GET that ends the observation.
  var deregistration: CoAPMessage {
    var message = request.without(.observe)
    message.add(CoAPOption(.observe, uint: 1))
    return message
  }

  /// Takes the response to the last message, or a state of what is observed.
  mutating func received(_ response: CoAPMessage) -> Outcome {
    if let sent, response.code == .continue {
      let next = sent + (16 << Int(exponent))
      guard next < request.payload.count else { return .failed(.incomplete) }
      exponent = min(exponent, response.block1?.sizeExponent ?? exponent)
      self.sent = next
      self.next = requestBlock(at: next)
      return .goesOn
    }
    sent = nil
    guard let block = response.block2, block.hasMore || answer != nil || block.number > 0 else {
      // A plain answer; it also ends a fetch that came to nothing.
      answer = nil
      return .whole(response.without(.block2, .block1))
    }
    return received(block, response)
  }

  private mutating func received(_ block: CoAPBlock, _ response: CoAPMessage) -> Outcome {
    let fetched = answer?.payload.count ?? 0
    let isSame =
      answer.map { $0.first(.eTag) == response.first(.eTag) && $0.code == response.code } ?? true
    let isWhole = !block.hasMore || block.isFilled(by: response.payload.count)
    guard block.offset == fetched, isSame, isWhole else { return restart(at: block) }
    guard fetched + response.payload.count <= ClientLayer.maximumBody else {
      answer = nil
      return .failed(.tooLarge)
    }
    if answer == nil {
      answer = response.without(.block2, .block1)
    } else {
      answer?.payload += response.payload
    }
    guard block.hasMore else {
      defer { answer = nil }
      return .whole(answer ?? response)
    }
    let number = UInt32((answer?.payload.count ?? 0) / block.size)
    next = fetch(number, block.sizeExponent)
    return .goesOn
  }

  /// Fetches an answer from its beginning that changed between its blocks; whatever isn't a GET must
  /// not be executed again for that.
  private mutating func restart(at block: CoAPBlock) -> Outcome {
    answer = nil
    restarts += 1
    guard request.code == .get, restarts <= ClientLayer.maximumRestarts else {
      return .failed(.incomplete)
    }
    next = fetch(0, block.sizeExponent)
    return .goesOn
  }

  /// The request for one block of the answer, with a token of its own (RFC 7959, Sections 2.6
  /// and 2.7).
  private func fetch(_ number: UInt32, _ exponent: UInt8) -> CoAPMessage {
    let block = CoAPBlock(number: number, hasMore: false, sizeExponent: min(exponent, 6))
    var message = request.without(.observe, .block2, .block1, .size1)
    message.payload = []
    message.add(block.option(.block2))
    return message
  }

  private func requestBlock(at offset: Int) -> CoAPMessage {
    let size = 16 << Int(exponent)
    let end = min(offset + size, request.payload.count)
    var message = request.without(.block1, .size1)
    message.payload = [UInt8](request.payload[offset..<end])
    let hasMore = end < request.payload.count
    message.add(
      CoAPBlock(number: UInt32(offset / size), hasMore: hasMore, sizeExponent: exponent)
        .option(.block1)
    )
    if offset == 0 {
      message.add(CoAPOption(.size1, uint: UInt32(clamping: request.payload.count)))
    }
    return message
  }
}

extension CoAPMessage {
  /// The same without some options.
  func without(_ numbers: CoAPOptionNumber...) -> CoAPMessage {
    let rest = options.filter { !numbers.contains($0.number) }
    return CoAPMessage(code, token: token, options: rest, payload: payload)
  }
}
