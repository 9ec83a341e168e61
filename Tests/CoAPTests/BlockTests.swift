import Bytes
import CoAP
import TestSupport
import Testing

/// A server's session over datagrams or a stream, driven by single messages.
private struct Server {
  let session: SessionLayer
  private var messageID: UInt16 = 0

  init(stream: Bool = false, maximumSize: Int = 1152) {
    session = stream ? SessionLayer(openStream()) : SessionLayer(layer())
    session.maximumSize = maximumSize
  }

  /// What the session does with a request, which is confirmable over datagrams.
  mutating func ask(_ request: CoAPMessage, at now: Instant = at(0)) -> [MessageAction] {
    messageID += 1
    let datagram = CoAPDatagram(.confirmable, messageID: messageID, request)
    return session.received(session.isStream ? request.frame : datagram.encoded, now: now)
  }

  /// The one message that these actions send.
  func sent(_ actions: [MessageAction]) throws -> CoAPMessage {
    let all = try session.isStream ? actions.frames : actions.sent.map { $0.message }
    try #require(all.count == 1)
    return all[0]
  }

  /// The answer to a request, whole answers being `response`; nil stands for none being expected.
  mutating func answer(
    _ request: CoAPMessage,
    with response: CoAPMessage?,
    at now: Instant = at(0)
  ) throws -> CoAPMessage {
    let actions = ask(request, at: now)
    guard let response else {
      try #require(actions.delivered.isEmpty)
      return try sent(actions)
    }
    let exchange = try #require(actions.delivered.first).exchange
    return try sent(session.respond(to: exchange, with: response, now: now))
  }
}

private func block1(_ number: UInt32, _ hasMore: Bool, _ exponent: UInt8) -> CoAPOption {
  CoAPBlock(number: number, hasMore: hasMore, sizeExponent: exponent).option(.block1)
}

private func block2(_ number: UInt32, _ exponent: UInt8) -> CoAPOption {
  CoAPBlock(number: number, hasMore: false, sizeExponent: exponent).option(.block2)
}

/// A PUT of one block of a body, in blocks of 64 bytes.
private func put(
  _ number: UInt32,
  of whole: [UInt8],
  path: Text = "mitigate",
  _ options: [CoAPOption] = [CoAPOption(.contentFormat, uint: 271)]
) -> CoAPMessage {
  let start = Int(number) * 64
  let end = min(start + 64, whole.count)
  return message(
    .put,
    path: path,
    options: options + [block1(number, end < whole.count, 2)],
    payload: [UInt8](whole[start..<end])
  )
}

private func large(_ count: Int, _ salt: Int = 0) -> CoAPMessage {
  let format = CoAPOption(.contentFormat, uint: 271)
  return CoAPMessage(.content, options: [format], payload: body(count, salt))
}

// MARK: Bodies of requests

@Test(
  "BLK-02 a body in blocks is continued with 2.31 and delivered whole",
  arguments: [false, true]
)
func requestBlocks(stream: Bool) throws {
  var server = Server(stream: stream)
  let whole = body(200)
  for number in 0..<3 as Range<UInt32> {
    let sent = try server.answer(put(number, of: whole), with: nil)
    #expect(sent.code == .continue && sent.payload.isEmpty)
    #expect(sent.block1 == CoAPBlock(number: number, hasMore: true, sizeExponent: 2))
  }
  let delivered = try #require(server.ask(put(3, of: whole)).delivered.first)
  #expect(delivered.message.payload == whole && delivered.message.contentFormat == 271)
  let actions = server.session.respond(
    to: delivered.exchange,
    with: CoAPMessage(.created),
    now: at(0)
  )
  let sent = try server.sent(actions)
  #expect(sent.code == .created)
  #expect(sent.block1 == CoAPBlock(number: 3, hasMore: false, sizeExponent: 2))
}

@Test("BLK-02 a body in one block is delivered at once")
func oneBlock() throws {
  var server = Server()
  let request = put(0, of: body(10))
  let sent = try server.answer(request, with: CoAPMessage(.changed))
  #expect(sent.code == .changed && sent.block1?.hasMore == false)
}

@Test("BLK-02 a missing block is answered with 4.08, and the partial body is dropped")
func gap() throws {
  var server = Server()
  let whole = body(400)
  _ = try server.answer(put(0, of: whole), with: nil)
  let sent = try server.answer(put(2, of: whole), with: nil)
  #expect(sent.code == .requestEntityIncomplete && !sent.payload.isEmpty)
  #expect(try server.answer(put(1, of: whole), with: nil).code == .requestEntityIncomplete)
}

@Test("BLK-02 a block of another Content-Format is answered with 4.08, and the body is dropped")
func changedFormat() throws {
  let formats = [[], [CoAPOption(.contentFormat, uint: 60)]] as [[CoAPOption]]
  for format in formats {
    var server = Server()
    let whole = body(400)
    _ = try server.answer(put(0, of: whole), with: nil)
    let sent = try server.answer(put(1, of: whole, format), with: nil)
    #expect(sent.code == .requestEntityIncomplete)
    #expect(try server.answer(put(1, of: whole), with: nil).code == .requestEntityIncomplete)
  }
}

@Test("BLK-02 the last block may come again in a message of its own, another one may not")
func repeatedBlock() throws {
  var server = Server()
  let whole = body(150)
  _ = try server.answer(put(0, of: whole), with: nil)
  #expect(try server.answer(put(0, of: whole), with: nil).code == .continue)
  #expect(try server.answer(put(1, of: whole), with: nil).code == .continue)
  #expect(try server.answer(put(1, of: whole), with: nil).code == .continue)
  #expect(server.ask(put(2, of: whole)).delivered.first?.message.payload == whole)
  _ = try server.answer(put(0, of: whole), with: nil)
  _ = try server.answer(put(1, of: whole), with: nil)
  let other = put(1, of: body(150, 1))
  #expect(try server.answer(other, with: nil).code == .requestEntityIncomplete)
}

@Test("BLK-02 a first block starts the body anew")
func restartedBody() throws {
  var server = Server()
  _ = try server.answer(put(0, of: body(100)), with: nil)
  _ = try server.answer(put(0, of: body(100, 1)), with: nil)
  #expect(server.ask(put(1, of: body(100, 1))).delivered.first?.message.payload == body(100, 1))
}

@Test("BLK-01 a block with another size than it says is answered with 4.00")
func wrongBlockSize() throws {
  for count in [0, 63, 65] {
    var server = Server()
    let request = message(.put, options: [block1(0, true, 2)], payload: body(count))
    #expect(try server.answer(request, with: nil).code == .badRequest)
  }
}

@Test(
  "BLK-01 the reserved size is answered with 4.00 over UDP",
  arguments: [block1(0, false, 7), block2(0, 7)]
)
func reservedSize(option: CoAPOption) throws {
  var server = Server()
  let sent = try server.answer(message(.put, options: [option], payload: [1]), with: nil)
  #expect(sent.code == .badRequest && !sent.payload.isEmpty)
}

@Test("BLK-01 COAP-14 a repeated or too long block option is answered with 4.02")
func badBlockOptions() throws {
  for number in [CoAPOptionNumber.block1, .block2] {
    for options in [
      [CoAPOption(number, [2]), CoAPOption(number, [2])], [CoAPOption(number, [0, 0, 0, 2])],
    ] {
      var server = Server()
      #expect(try server.answer(message(options: options), with: nil).code == .badOption)
    }
  }
}

@Test("TCP-05 blocks of several blocks are taken on a stream, and answered with plain ones")
func severalBlocks() throws {
  var server = Server(stream: true)
  let whole = body(5000)
  let first = message(.put, options: [block1(0, true, 7)], payload: [UInt8](whole[..<3072]))
  let sent = try server.answer(first, with: nil)
  #expect(sent.code == .continue)
  #expect(sent.block1 == CoAPBlock(number: 0, hasMore: true, sizeExponent: 6))
  let last = message(.put, options: [block1(3, false, 7)], payload: [UInt8](whole[3072...]))
  #expect(server.ask(last).delivered.first?.message.payload == whole)
  let uneven = message(.put, options: [block1(0, true, 7)], payload: body(1500))
  #expect(try server.answer(uneven, with: nil).code == .badRequest)
}

@Test("BLK-03 MTU-04 a body over 16 KiB is answered with 4.13 and Size1", arguments: [false, true])
func bodyLimit(isAnnounced: Bool) throws {
  var server = Server()
  let whole = body(17_000)
  var refused: CoAPMessage?
  for number in 0..<17 as Range<UInt32> where refused == nil {
    let start = Int(number) * 1024
    let size = isAnnounced ? [CoAPOption(.size1, uint: 17_000)] : []
    let request = message(
      .put,
      options: [block1(number, number < 16, 6)] + size,
      payload: [UInt8](whole[start..<min(start + 1024, whole.count)])
    )
    let sent = try server.answer(request, with: nil)
    if sent.code != .continue { refused = sent }
    #expect(refused == nil || isAnnounced || number == 16)
  }
  #expect(refused?.code == .requestEntityTooLarge && refused?.payload.isEmpty == false)
  #expect(refused?.first(.size1)?.uint == 16_384)
}

@Test("BLK-08 of partial bodies two are kept, the oldest is dropped")
func partialBodies() throws {
  var server = Server()
  let whole = body(100)
  for path in ["a", "b", "c"] as [Text] {
    _ = try server.answer(put(0, of: whole, path: path), with: nil)
  }
  let late = try server.answer(put(1, of: whole, path: "a"), with: nil)
  #expect(late.code == .requestEntityIncomplete)
  #expect(server.ask(put(1, of: whole, path: "b")).delivered.count == 1)
  #expect(server.ask(put(1, of: whole, path: "c")).delivered.count == 1)
}

@Test("BLK-08 a partial body is dropped EXCHANGE_LIFETIME after its last block")
func partialBodyExpiry() throws {
  var server = Server()
  let lifetime = Double(server.session.parameters.exchangeLifetime.milliseconds) / 1000
  let whole = body(200)
  _ = try server.answer(put(0, of: whole), with: nil)
  _ = server.session.timedOut(now: at(100))
  #expect(server.session.nextTimeout == at(lifetime))
  #expect(try server.answer(put(1, of: whole), with: nil, at: at(lifetime - 1)).code == .continue)
  _ = server.session.timedOut(now: at(lifetime + 1))
  #expect(
    try server.answer(put(2, of: whole), with: nil, at: at(lifetime * 2 - 1.5)).code == .continue
  )
  _ = server.session.timedOut(now: at(lifetime * 4))
  #expect(server.session.nextTimeout == nil)
  let late = try server.answer(put(3, of: whole), with: nil, at: at(lifetime * 4))
  #expect(late.code == .requestEntityIncomplete)
}

@Test("BLK-02 requests with different options, such as Request-Tag, are of different bodies")
func requestTags() throws {
  var server = Server()
  func tagged(_ number: UInt32, _ tag: UInt8, _ whole: [UInt8]) -> CoAPMessage {
    put(number, of: whole, [CoAPOption(CoAPOptionNumber(292), [tag])])
  }
  _ = try server.answer(tagged(0, 1, body(100)), with: nil)
  _ = try server.answer(tagged(0, 2, body(100, 3)), with: nil)
  #expect(server.ask(tagged(1, 1, body(100))).delivered.first?.message.payload == body(100))
  #expect(server.ask(tagged(1, 2, body(100, 3))).delivered.first?.message.payload == body(100, 3))
}

// MARK: Bodies of responses

@Test(
  "MIT-GET-07 MTU-03 a response that doesn't fit begins with block 0, with ETag",
  arguments: [1024, 1105]
)
func firstResponseBlock(count: Int) throws {
  var server = Server()
  let sent = try server.answer(message(), with: large(count))
  if count == 1024 {
    #expect(sent.block2 == nil && sent.payload == body(count))
  } else {
    #expect(sent.block2 == CoAPBlock(number: 0, hasMore: true, sizeExponent: 6))
    #expect(sent.payload == [UInt8](body(count)[..<1024]) && sent.contentFormat == 271)
    #expect(sent.first(.eTag) != nil && sent.first(.size2) == nil)
  }
}

@Test("MTU-02 no datagram is larger than the path takes", arguments: [160, 300, 511, 1152, 1195])
func pathLimit(limit: Int) throws {
  for count in stride(from: 0, through: 1300, by: 7) {
    let session = SessionLayer(layer())
    session.maximumSize = limit
    let bytes = request(.confirmable, token: body(8))
    let exchange = try #require(session.received(bytes, now: at(0)).delivered.first).exchange
    let actions = session.respond(to: exchange, with: large(count), now: at(0))
    try #require(actions.sentBytes.count <= limit, "\(count)")
    let sent = try #require(actions.sent.first).message
    #expect(sent.payload.count == count || sent.block2?.size == sent.payload.count)
  }
}

@Test(
  "BLK-05 the blocks of a response are of one snapshot, with one ETag",
  arguments: [false, true]
)
func snapshot(stream: Bool) throws {
  var server = Server(stream: stream)
  let first = try server.answer(message(), with: large(3000))
  var fetched = first.payload
  for number in 1...2 as ClosedRange<UInt32> {
    let sent = try server.answer(message(options: [block2(number, 6)]), with: nil)
    #expect(sent.code == .content && sent.first(.eTag) == first.first(.eTag))
    #expect(sent.block2 == CoAPBlock(number: number, hasMore: number < 2, sizeExponent: 6))
    fetched += sent.payload
  }
  #expect(fetched == body(3000))
}

@Test("BLK-05 a forgotten snapshot is made anew, and its ETag shows whether it changed")
func forgottenSnapshot() throws {
  var server = Server()
  let first = try server.answer(message(), with: large(2000))
  for other in ["a", "b"] as [Text] {
    _ = try server.answer(message(path: other), with: large(2000))
  }
  let request = message(options: [block2(1, 6)])
  let same = try server.answer(request, with: large(2000))
  #expect(same.first(.eTag) == first.first(.eTag) && same.block2?.number == 1)
  #expect(same.payload == [UInt8](body(2000)[1024...]))
  let changed = try server.answer(request, with: large(2000, 5))
  #expect(changed.first(.eTag) != first.first(.eTag))
}

@Test("BLK-05 a snapshot is forgotten EXCHANGE_LIFETIME after it was last asked for")
func snapshotExpiry() throws {
  var server = Server()
  let lifetime = Double(server.session.parameters.exchangeLifetime.milliseconds) / 1000
  _ = try server.answer(message(), with: large(3000))
  let request = message(options: [block2(1, 6)])
  _ = try server.answer(request, with: nil, at: at(lifetime - 1))
  _ = try server.answer(request, with: nil, at: at(lifetime * 2 - 2))
  _ = try server.answer(request, with: large(3000), at: at(lifetime * 4))
}

@Test(
  "BLK-04 a smaller size is honoured, a larger one is made smaller",
  arguments: 0...6 as ClosedRange<UInt8>
)
func askedSize(exponent: UInt8) throws {
  var server = Server(maximumSize: 400)
  let sent = try server.answer(message(options: [block2(0, exponent)]), with: large(2000))
  let size = min(exponent, 4)
  #expect(sent.block2 == CoAPBlock(number: 0, hasMore: true, sizeExponent: size))
  #expect(sent.payload.count == 16 << Int(size))
  let next = try server.answer(message(options: [block2(1, size)]), with: nil)
  #expect(next.payload == [UInt8](body(2000)[(16 << Int(size))...].prefix(16 << Int(size))))
}

@Test("BLK-04 a block asked for in a size too large begins where it was asked for")
func largerLaterSize() throws {
  var server = Server(maximumSize: 400)
  _ = try server.answer(message(), with: large(3000))
  let sent = try server.answer(message(options: [block2(2, 6)]), with: nil)
  #expect(sent.block2 == CoAPBlock(number: 8, hasMore: true, sizeExponent: 4))
  #expect(sent.payload == [UInt8](body(3000)[2048..<2304]))
}

@Test("BLK-04 a response that fits the asked size comes whole, as block 0")
func fittingResponse() throws {
  var server = Server()
  let sent = try server.answer(message(options: [block2(0, 6)]), with: large(900))
  #expect(sent.block2 == CoAPBlock(number: 0, hasMore: false, sizeExponent: 6))
  #expect(sent.payload == body(900))
}

@Test("BLK-03 Size2 is told when it is asked for")
func size2() throws {
  var server = Server()
  let request = message(options: [CoAPOption(.size2, uint: 0)])
  #expect(try server.answer(request, with: large(3000)).first(.size2)?.uint == 3000)
}

@Test("BLK-07 a block past the end is answered with 4.00, kept snapshot or not")
func pastTheEnd() throws {
  var server = Server()
  let request = message(options: [block2(3, 6)])
  #expect(try server.answer(request, with: large(3000)).code == .badRequest)
  _ = try server.answer(message(), with: large(3000))
  #expect(try server.answer(request, with: nil).code == .badRequest)
}

@Test("BLK-07 a later block of a resource that is gone is answered with the error")
func goneResource() throws {
  var server = Server()
  let gone = CoAPMessage.diagnostic(.notFound, "gone")
  let sent = try server.answer(message(options: [block2(1, 6)]), with: gone)
  #expect(sent.code == .notFound && sent.payload == gone.payload)
}

@Test("BLK-05 the answer to a PUT in blocks goes on without executing it again")
func blocksBothWays() throws {
  var server = Server()
  let whole = body(100)
  _ = try server.answer(put(0, of: whole), with: nil)
  let first = try server.answer(put(1, of: whole), with: large(1500))
  #expect(first.block1?.number == 1 && first.block2?.hasMore == true)
  let next = message(.put, options: [block2(1, 6)])
  #expect(try server.answer(next, with: nil).payload == [UInt8](body(1500)[1024...]))
  let other = message(.put, path: "other", options: [block2(1, 6)])
  #expect(try server.answer(other, with: nil).code == .requestEntityIncomplete)
}

@Test("BLK-05 an answer too large to be kept is made anew for each block")
func hugeResponse() throws {
  var server = Server()
  let whole = large(70_000)
  let first = try server.answer(message(), with: whole)
  let next = try server.answer(message(options: [block2(1, 6)]), with: whole)
  #expect(next.first(.eTag) == first.first(.eTag) && next.block2?.number == 1)
}

@Test("TCP-04 TCP-05 a response on a stream goes whole up to the peer's limit, then in blocks")
func streamBlocks() throws {
  let session = SessionLayer(openStream(peerMaximum: 5000))
  for (count, isWhole) in [(4900, true), (5000, false)] {
    let exchange = try #require(session.received(message().frame, now: at(0)).delivered.first)
      .exchange
    let sent = try session.respond(to: exchange, with: large(count), now: at(0)).frames
    #expect(
      (sent.first?.block2 == nil) == isWhole && (sent.first?.payload.count == count) == isWhole
    )
  }
}

@Test("a session answers an unknown or answered exchange with nothing")
func unknownExchange() throws {
  let session = SessionLayer(layer())
  let exchange = try #require(session.received(request(.confirmable), now: at(0)).delivered.first)
    .exchange
  #expect(session.respond(to: exchange, with: large(3), now: at(0)).count == 1)
  #expect(session.respond(to: exchange, with: large(3), now: at(0)) == [])
  #expect(session.leaveUnanswered(exchange, now: at(0)) == [])
}
