import Bytes
import CoAP
import TestSupport
import Testing

private let observe = CoAPOption(.observe, uint: 0)
private let kinds = [false, true]

/// Stands for a large payload in an expectation that fails.
private func sum(_ payload: [UInt8]) -> Int { payload.hashValue }

private func sums(_ responses: [CoAPMessage]?) -> [Int]? { responses?.map { sum($0.payload) } }

private func resource(_ count: Int, _ salt: Int = 0) -> CoAPMessage {
  let options = [CoAPOption(.contentFormat, uint: 271), CoAPOption(.maxAge, uint: 60)]
  return CoAPMessage(.content, options: options, payload: body(count, salt))
}

@Test(
  "BLK-02 BLK-04 bodies of any size go both ways whole",
  arguments: kinds,
  [0, 1, 1023, 1024, 1025, 9000]
)
func bodies(isStream: Bool, count: Int) throws {
  var network = VirtualNetwork(seed: 1, isStream: isStream)
  network.resource = resource(count)
  let put = try network.ask(message(.put, payload: body(count)))
  network.run()
  let get = try network.ask(message())
  network.run()
  #expect(network.executions == [body(count): 1])
  #expect(sums(network.responses[put]) == [sum(body(count))])
  #expect(sums(network.responses[get]) == [sum(body(count))])
  #expect(network.failures.isEmpty && network.largest <= (isStream ? 17_000 : 1152))
}

@Test("TCP-04 before the peer's settings a body goes in blocks that fit 1152 bytes")
func bodyBeforeSettings() throws {
  let client = ClientLayer(SessionLayer(StreamLayer()), seed: 1)
  _ = client.session.opened(now: at(0))
  let sent = try client.request(message(.put, payload: body(5000)), confirmable: true, now: at(0))
  let first = try #require(sent.actions.frames.first)
  #expect(first.block1 == CoAPBlock(number: 0, hasMore: true, sizeExponent: 6))
  #expect(first.first(.size1)?.uint == 5000)
}

@Test("BLK-03 a body over 16 KiB gets 4.13 as its answer", arguments: kinds)
func tooLargeBody(isStream: Bool) throws {
  var network = VirtualNetwork(seed: 1, isStream: isStream)
  let put = try network.ask(message(.put, payload: body(20_000)))
  network.run()
  #expect(network.responses[put]?.map { $0.code } == [.requestEntityTooLarge])
  #expect(network.executions.isEmpty)
}

@Test("BLK-04 the client goes down to the block size that the server prefers")
func preferredSize() throws {
  let client = ClientLayer(SessionLayer(layer()), seed: 1)
  let sent = try client.request(message(.put, payload: body(2000)), confirmable: true, now: at(0))
  let first = try #require(sent.actions.sent.first)
  let smaller = CoAPBlock(number: 0, hasMore: true, sizeExponent: 4).option(.block1)
  let more = CoAPMessage(.continue, token: first.message.token, options: [smaller])
  let ack = CoAPDatagram(.acknowledgement, messageID: first.messageID, more).encoded
  let next = try #require(client.received(ack, now: at(1)).sent.first).message
  #expect(next.block1 == CoAPBlock(number: 4, hasMore: true, sizeExponent: 4))
  #expect(next.payload == [UInt8](body(2000)[1024..<1280]) && next.token != first.message.token)
}

@Test("BLK-05 an answer that changes between its blocks is fetched anew, but not for ever")
func changingAnswer() throws {
  var network = VirtualNetwork(seed: 1, isStream: false)
  network.resource = resource(70_000)
  network.isRestless = true
  let get = try network.ask(message())
  network.run()
  #expect(network.failures == [get: .incomplete] && network.responses[get] == nil)
}

@Test("an answer larger than a client takes fails")
func hugeAnswer() throws {
  let stream = openStream()
  let client = ClientLayer(SessionLayer(stream), seed: 1)
  let get = try client.request(message(), confirmable: true, now: at(0))
  var actions = get.actions
  var number: UInt32 = 0
  while let request = try actions.frames.first, number < 2000 {
    let block = CoAPBlock(number: number, hasMore: true, sizeExponent: 6).option(.block2)
    let tag = CoAPOption(.eTag, [1])
    var response = CoAPMessage(.content, options: [tag, block])
    response.token = request.token
    response.payload = [UInt8](repeating: 1, count: 1024)
    actions = client.received(response.frame, now: at(0))
    number += 1
  }
  #expect(actions == [.failed(get.exchange, .tooLarge)])
  #expect(Int(number) * 1024 == ClientLayer.maximumBody + 1024)
}

@Test("COAP-10 confirmable requests wait for each other by themselves")
func queued() throws {
  var network = VirtualNetwork(seed: 1, isStream: false)
  let puts = try (0..<10).map { try network.ask(message(.put, payload: body(1500, $0))) }
  network.run()
  for (number, put) in puts.enumerated() {
    #expect(sums(network.responses[put]) == [sum(body(1500, number))])
  }
}

@Test("no more transfers go on than the limit")
func transferLimit() throws {
  let client = ClientLayer(SessionLayer(layer()), seed: 1)
  for _ in 0..<ClientLayer.maximumTransfers {
    _ = try client.request(message(), confirmable: true, now: at(0))
  }
  #expect(throws: SendRefusal.tooManyOutstanding) {
    try client.request(message(), confirmable: true, now: at(0))
  }
}

@Test("COAP-08 a repeated NON request is one message until its answer comes")
func repeatedRequest() throws {
  let session = layer()
  let (exchange, actions) = try session.send(
    message(),
    confirmable: false,
    isRepeated: true,
    now: at(0)
  )
  #expect(session.timedOut(now: at(2)) == actions)
  let sent = try #require(actions.sent.first)
  #expect(sent.type == .nonConfirmable)
  let response = CoAPMessage(.content, token: sent.message.token)
  let datagram = CoAPDatagram(.nonConfirmable, messageID: 9, response).encoded
  #expect(session.received(datagram, now: at(3)) == [.deliverResponse(exchange, response)])
  #expect(session.nextTimeout == nil)
}

@Test("a repeated NON request fails at its deadline, not when its last repetition was sent")
func repeatedRequestDeadline() throws {
  let session = layer(maxRetransmit: 1)
  let exchange = try session.send(
    message(),
    confirmable: false,
    isRepeated: true,
    patience: .seconds(60),
    now: at(0)
  ).exchange
  #expect(session.timedOut(now: at(2)).count == 1)
  #expect(session.timedOut(now: at(6)) == [] && session.nextTimeout == at(60))
  #expect(session.timedOut(now: at(60)) == [.failed(exchange, .unanswered)])
}

@Test("tokens are a sequence that no two requests share")
func tokenSequence() throws {
  let session = layer()
  var tokens: [[UInt8]] = []
  for _ in 0..<300 {
    let sent = try session.send(message(), confirmable: false, now: at(0))
    tokens.append(try #require(sent.actions.sent.first).message.token)
    session.forget(sent.exchange)
  }
  #expect(tokens[0] == [1] && tokens[255] == [1, 0] && Set(tokens).count == 300)
}

// MARK: Observing

@Test(
  "OBS-01 MIT-OBS-01 a client gets each state once, then nothing after it cancelled",
  arguments: kinds
)
func observing(isStream: Bool) throws {
  var network = VirtualNetwork(seed: 1, isStream: isStream)
  network.resource = resource(10)
  let watch = try network.ask(message(options: [observe]))
  network.run(until: at(4))
  #expect(network.client.isObserving(watch) && network.server.observers.count == 1)
  network.resource = resource(10, 1)
  network.notify()
  network.run(until: at(8))
  network.cancel(watch)
  network.run(until: at(12))
  #expect(
    sums(network.responses[watch]) == [
      sum(body(10)), sum(body(10, 1)), sum(body(10, 1)),
    ]
  )
  #expect(network.server.observers.isEmpty && !network.client.isObserving(watch))
  network.run()
  #expect(network.client.nextTimeout == nil)
}

@Test("BLK-06 a client fetches the rest of a large state with another token", arguments: kinds)
func observingLarge(isStream: Bool) throws {
  var network = VirtualNetwork(seed: 1, isStream: isStream)
  network.resource = resource(30_000)
  let watch = try network.ask(message(options: [observe]))
  network.run(until: at(4))
  network.resource = resource(30_000, 1)
  network.notify()
  network.run(until: at(8))
  #expect(
    sums(network.responses[watch]) == [
      sum(body(30_000)), sum(body(30_000, 1)),
    ]
  )
  #expect(network.client.isObserving(watch))
}

@Test("BLK-06 a newer state takes the place of one that is being fetched")
func observingNewer() throws {
  var network = VirtualNetwork(seed: 1, isStream: false)
  network.resource = resource(30_000)
  let watch = try network.ask(message(options: [observe]))
  network.run(until: at(0.1))
  #expect(network.responses[watch] == nil)
  network.resource = resource(20, 1)
  network.notify()
  network.run(until: at(3.1))
  #expect(network.responses[watch]?.last?.payload == body(20, 1))
}

@Test(
  "MIT-OBS-08 OBS-04 an observation ends with the error that the server tells",
  arguments: kinds
)
func observedEnd(isStream: Bool) throws {
  var network = VirtualNetwork(seed: 1, isStream: isStream)
  network.resource = resource(10)
  let watch = try network.ask(message(options: [observe]))
  network.run(until: at(4))
  network.resource = .diagnostic(.notFound, "gone")
  network.notify()
  network.run(until: at(8))
  #expect(network.responses[watch]?.map { $0.code } == [.content, .notFound])
  #expect(!network.client.isObserving(watch))
}

@Test("a server that doesn't observe answers a plain GET")
func declinedObservation() throws {
  var network = VirtualNetwork(seed: 1, isStream: false)
  network.resource = .diagnostic(.notFound, "none")
  let watch = try network.ask(message(options: [observe]))
  network.run()
  #expect(network.responses[watch]?.count == 1 && !network.client.isObserving(watch))
}

@Test("MIT-OBS-05 a forgotten observation is rejected with RST, which ends it at the server")
func forgottenObservation() throws {
  var network = VirtualNetwork(seed: 1, isStream: false)
  network.resource = resource(10)
  let watch = try network.ask(message(options: [observe]))
  network.run(until: at(4))
  network.client.forget(watch)
  network.notify()
  network.run(until: at(8))
  #expect(network.server.observers.isEmpty)
}

@Test("OBS-02 COAP-18 a client registers again 5 to 15 seconds after a state grew too old")
func renewal() throws {
  var network = VirtualNetwork(seed: 1, isStream: false)
  network.resource = resource(10)
  let watch = try network.ask(message(options: [observe]))
  network.run(until: at(4))
  let fresh = try #require(network.client.freshUntil(watch))
  #expect(fresh == at(60.02))
  let due = try #require(network.client.nextTimeout)
  #expect(due >= fresh + .seconds(5) && due <= fresh + .seconds(15))
  network.run(until: at(80))
  #expect(network.responses[watch]?.count == 2 && network.server.observers.count == 1)
  #expect(network.responses[watch]?.compactMap { $0.observe } == [2, 3])
}

@Test("an observation whose server is gone fails when it can't be renewed")
func lostServer() throws {
  let client = ClientLayer(SessionLayer(layer()), seed: 1)
  let watch = try client.request(message(options: [observe]), confirmable: true, now: at(0))
  let sent = try #require(watch.actions.sent.first)
  var first = resource(10)
  first.token = sent.message.token
  first.add(CoAPOption(.observe, uint: 9))
  let ack = CoAPDatagram(.acknowledgement, messageID: sent.messageID, first).encoded
  #expect(client.received(ack, now: at(0)).responses.count == 1)
  var failures: [ExchangeID: ExchangeFailure] = [:]
  while let next = client.nextTimeout {
    failures.merge(client.timedOut(now: next).failures) { $1 }
  }
  #expect(failures == [watch.exchange: .unacknowledged])
}

@Test("OBS-03 a state that was overtaken is not taken")
func overtakenState() throws {
  let client = ClientLayer(SessionLayer(layer()), seed: 1)
  let watch = try client.request(message(options: [observe]), confirmable: false, now: at(0))
  let token = try #require(watch.actions.sent.first).message.token
  func state(_ number: UInt32) -> [UInt8] {
    var message = resource(10, Int(number))
    message.token = token
    message.add(CoAPOption(.observe, uint: number))
    return CoAPDatagram(.nonConfirmable, messageID: UInt16(number), message).encoded
  }
  var taken: [[UInt8]] = []
  for number in [5, 7, 6, 8] as [UInt32] {
    taken += client.received(state(number), now: at(1)).responses.map { $0.message.payload }
  }
  #expect(taken == [5, 7, 8].map { body(10, $0) })
}

// MARK: Lossy networks

@Test(
  "BLK-02 BLK-05 over a lossy network bodies come through whole, and are processed once",
  arguments: 1...60 as ClosedRange<UInt64>
)
func lossyBodies(seed: UInt64) throws {
  var network = VirtualNetwork(seed: seed, isStream: false, maximumSize: 200)
  network.loss = 3
  network.resource = resource(700)
  for number in 0..<3 {
    let whole = body(600, number)
    // DOTS sends mitigation requests NON; they are repeated all the same.
    let isConfirmable = (seed + UInt64(number)) % 2 == 0
    let put = try network.ask(
      message(.put, payload: whole),
      confirmable: isConfirmable,
      isRepeated: true
    )
    let get = try network.ask(message(), confirmable: isConfirmable, isRepeated: true)
    network.run()
    try #require(
      sums(network.responses[put]) == [sum(whole)],
      "seed \(seed)"
    )
    try #require(
      sums(network.responses[get]) == [sum(body(700))],
      "seed \(seed)"
    )
    try #require(network.executions[whole] == 1, "seed \(seed)")
  }
  #expect(network.failures.isEmpty, "seed \(seed)")
}

@Test(
  "OBS-03 OBS-05 over a lossy network the client's last state is the server's in the end",
  arguments: 1...60 as ClosedRange<UInt64>
)
func lossyObservation(seed: UInt64) throws {
  var network = VirtualNetwork(seed: seed, isStream: false, maximumSize: 200)
  network.loss = 3
  network.resource = resource(300)
  let watch = try network.ask(message(options: [observe]), confirmable: true)
  for step in 1...20 {
    network.run(until: at(Double(step) * 7))
    network.resource = resource(300, step)
    network.notify()
  }
  // A lost last state is found when the one before has grown too old.
  network.run(until: at(400))
  let payloads = try #require(network.responses[watch]).map { $0.payload }
  let steps = payloads.compactMap { payload in (0...20).first { body(300, $0) == payload } }
  #expect(steps.last == 20, "seed \(seed)")
  #expect(steps.count == payloads.count && steps == steps.sorted(), "seed \(seed)")
  #expect(network.server.observers.count == 1, "seed \(seed)")
}

@Test(
  "TCP-01 over a stream in portions bodies and states come through",
  arguments: 1...40 as ClosedRange<UInt64>
)
func portionedStream(seed: UInt64) throws {
  var network = VirtualNetwork(seed: seed, isStream: true)
  network.run(until: at(1))
  network.resource = resource(20_000)
  let watch = try network.ask(message(options: [observe]))
  let puts = try (0..<8).map { try network.ask(message(.put, payload: body(3000 * $0, $0))) }
  network.run(until: at(20))
  network.resource = resource(40_000, 1)
  network.notify()
  network.run(until: at(40))
  for (number, put) in puts.enumerated() where number < 6 {
    #expect(
      sums(network.responses[put]) == [
        sum(body(3000 * number, number))
      ],
      "seed \(seed)"
    )
  }
  #expect(network.responses[puts[6]]?.map { $0.code } == [.requestEntityTooLarge])
  #expect(
    sums(network.responses[watch]) == [
      sum(body(20_000)), sum(body(40_000, 1)),
    ]
  )
  #expect(network.failures.isEmpty && network.ends.isEmpty, "seed \(seed)")
}
