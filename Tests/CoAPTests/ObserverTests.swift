import Bytes
import CoAP
import TestSupport
import Testing

private func state(_ value: UInt8, format: UInt32 = 271) -> CoAPMessage {
  let options = [CoAPOption(.contentFormat, uint: format), CoAPOption(.maxAge, uint: 60)]
  return CoAPMessage(.content, options: options, payload: [value])
}

/// A server's session with observers.
private struct Server {
  let session: SessionLayer
  var messageID: UInt16 = 0

  init(stream: Bool = false) {
    session = stream ? SessionLayer(openStream()) : SessionLayer(layer())
  }

  /// The answer to a GET with this token and these options.
  mutating func get(
    _ token: [UInt8],
    _ options: [CoAPOption] = [CoAPOption(.observe, uint: 0)],
    _ response: CoAPMessage = state(0),
    type: CoAPType = .nonConfirmable,
    isObservable: Bool = true,
    at now: Instant = at(0)
  ) throws -> CoAPMessage {
    messageID += 1
    let request = message(token: token, options: options)
    let datagram = CoAPDatagram(type, messageID: messageID, request)
    let bytes = session.isStream ? request.frame : datagram.encoded
    let exchange = try #require(session.received(bytes, now: now).delivered.first).exchange
    let actions = session.respond(
      to: exchange,
      with: response,
      isObservable: isObservable,
      now: now
    )
    return try #require(sent(actions).first)
  }

  func sent(_ actions: [MessageAction]) throws -> [CoAPMessage] {
    try session.isStream ? actions.frames : actions.sent.map { $0.message }
  }

  /// What a notification of a state sends at once.
  func notify(_ token: [UInt8], _ state: CoAPMessage, at now: Instant) throws -> [CoAPMessage] {
    try sent(session.notify(token, with: state, now: now))
  }

  func timedOut(at now: Instant) throws -> [CoAPMessage] {
    try sent(session.timedOut(now: now))
  }
}

@Test(
  "OBS-01 OBS-02 MIT-OBS-01 Observe 0 registers, and the answer carries Observe",
  arguments: [false, true]
)
func register(stream: Bool) throws {
  var server = Server(stream: stream)
  let sent = try server.get([1])
  #expect(sent.observe == 2 && sent.payload == [0] && sent.token == [1])
  let observer = try #require(server.session.observers.first)
  #expect(observer.token == [1] && observer.request.uriPath == ["mitigate"])
}

@Test(
  "OBS-01 MIT-OBS-06 Observe 1 with the same token deregisters and is answered without Observe",
  arguments: [false, true]
)
func deregister(stream: Bool) throws {
  var server = Server(stream: stream)
  _ = try server.get([1])
  _ = try server.get([2])
  let sent = try server.get([1], [CoAPOption(.observe, uint: 1)])
  #expect(sent.code == .content && sent.observe == nil)
  #expect(server.session.observers.map { $0.token } == [[2]])
  #expect(try server.notify([1], state(1), at: at(9)) == [])
}

@Test("OBS-01 another value than 0 or 1 makes a plain GET")
func otherObserveValue() throws {
  var server = Server()
  for value in [[2], [1, 0], [0, 0, 0, 0]] as [[UInt8]] {
    #expect(try server.get([1], [CoAPOption(.observe, value)]).observe == nil)
  }
  #expect(server.session.observers.isEmpty)
}

@Test("OBS-01 a PUT with Observe registers nothing, and so does a resource that can't be observed")
func unobservable() throws {
  var server = Server()
  #expect(try server.get([1], isObservable: false).observe == nil)
  let put = message(.put, token: [1], options: [CoAPOption(.observe, uint: 0)])
  let bytes = CoAPDatagram(.nonConfirmable, messageID: 99, put).encoded
  let exchange = try #require(server.session.received(bytes, now: at(0)).delivered.first).exchange
  _ = server.session.respond(to: exchange, with: state(0), isObservable: true, now: at(0))
  #expect(server.session.observers.isEmpty)
}

@Test("OBS-02 an error makes no entry, and ends one with the same token")
func errorAnswer() throws {
  var server = Server()
  let gone = CoAPMessage.diagnostic(.notFound, "no such mitigation")
  let observe = [CoAPOption(.observe, uint: 0)]
  #expect(try server.get([1], observe, gone).observe == nil)
  #expect(server.session.observers.isEmpty)
  _ = try server.get([1])
  _ = try server.get([1], observe, gone)
  #expect(server.session.observers.isEmpty)
}

@Test("OBS-02 OBS-03 a second registration with a token replaces the first and goes on counting")
func reregister() throws {
  var server = Server()
  _ = try server.get([1])
  #expect(try server.notify([1], state(1), at: at(3)).first?.observe == 3)
  #expect(try server.get([1], at: at(4)).observe == 4)
  #expect(server.session.observers.count == 1)
}

@Test("OBS-02 beyond the limit a registration is answered as a plain GET")
func observerLimit() throws {
  var server = Server()
  for token in 0..<16 as Range<UInt8> { #expect(try server.get([token]).observe == 2) }
  #expect(try server.get([16]).observe == nil)
  #expect(try server.get([3]).observe == 3)
  #expect(server.session.observers.count == 16)
}

@Test("of a registration only the options are kept that count, however long others are")
func keptOptions() throws {
  var server = Server(stream: true)
  let path = CoAPOption(.uriPath, Array("mitigate".utf8))
  let ballast = CoAPOption(CoAPOptionNumber(2050), [UInt8](repeating: 1, count: 8000))
  _ = try server.get([1], [CoAPOption(.observe, uint: 0), ballast])
  #expect(server.session.observers.map(\.request.options) == [[path]])
  #expect(server.session.observers.first?.token == [1])
}

@Test("OBS-03 numbers grow by one, and wrap at 24 bits")
func numbers() throws {
  var server = Server(stream: true)
  _ = try server.get([1])
  for step in 1...100 as ClosedRange<UInt32> {
    let sent = try server.notify([1], state(1), at: at(Double(step) * 3))
    try #require(sent.first?.observe == step + 2)
  }
}

@Test(
  "OBS-05 MIT-OBS-02 MIT-OBS-04 notifications are NON with ids of their own, at most one in 3 seconds; the latest state wins"
)
func spacing() throws {
  var server = Server()
  _ = try server.get([1], type: .confirmable)
  #expect(try server.notify([1], state(1), at: at(1)) == [])
  #expect(try server.notify([1], state(2), at: at(2)) == [])
  #expect(server.session.nextTimeout == at(3))
  #expect(server.session.timedOut(now: at(2.999)) == [])
  let first = try server.session.timedOut(now: at(3)).sent
  #expect(first.count == 1 && first[0].type == .nonConfirmable)
  #expect(first[0].message.payload == [2] && first[0].message.token == [1])
  #expect(first[0].message.observe == 3)
  #expect(server.session.nextTimeout == nil)
  let second = try server.session.notify([1], with: state(3), now: at(6)).sent
  #expect(second.first?.messageID == first[0].messageID &+ 1)
}

@Test(
  "OBS-05 over UDP the spacing holds for all observations of the session, the longest silent first"
)
func sessionSpacing() throws {
  var server = Server()
  for token in 1...3 as ClosedRange<UInt8> { _ = try server.get([token], at: at(Double(token))) }
  for token in 1...3 as ClosedRange<UInt8> {
    #expect(try server.notify([token], state(token), at: at(3.5)) == [])
  }
  for token in 1...3 as ClosedRange<UInt8> {
    let now = at(3 + Double(token) * 3)
    #expect(server.session.nextTimeout == now)
    #expect(try server.timedOut(at: now).map { $0.token } == [[token]])
  }
  #expect(server.session.nextTimeout == nil)
}

@Test("OBS-06 on a stream the spacing holds for each observation alone")
func streamSpacing() throws {
  var server = Server(stream: true)
  for token in 1...3 as ClosedRange<UInt8> { _ = try server.get([token], at: at(0)) }
  for token in 1...3 as ClosedRange<UInt8> {
    #expect(try server.notify([token], state(token), at: at(3)).count == 1)
    #expect(try server.notify([token], state(token), at: at(4)) == [])
  }
  #expect(try server.timedOut(at: at(6)).count == 3)
}

@Test("OBS-05 MIT-OBS-05 a reset of a notification ends that observation alone")
func resetNotification() throws {
  var server = Server()
  _ = try server.get([1])
  _ = try server.get([2])
  let sent = try #require(server.session.notify([1], with: state(1), now: at(3)).sent.first)
  let reset = CoAPDatagram(empty: .reset, messageID: sent.messageID).encoded
  #expect(server.session.received(reset, now: at(4)) == [.rejected([1])])
  #expect(server.session.observers.map { $0.token } == [[2]])
  #expect(server.session.received(reset, now: at(4)) == [])
}

@Test("OBS-05 MIT-OBS-05 a reset of the first answer, sent NON, ends the observation too")
func resetFirstAnswer() throws {
  let session = SessionLayer(layer())
  let get = request(.nonConfirmable, token: [1], options: [CoAPOption(.observe, uint: 0)])
  let exchange = try #require(session.received(get, now: at(0)).delivered.first).exchange
  let actions = session.respond(to: exchange, with: state(0), isObservable: true, now: at(0))
  let reset = CoAPDatagram(empty: .reset, messageID: try #require(actions.sent.first).messageID)
  #expect(session.received(reset.encoded, now: at(1)) == [.rejected([1])])
  #expect(session.observers.isEmpty)
}

@Test("OBS-05 MIT-OBS-05 a reset of a first answer that came separately ends the observation too")
func resetSeparateAnswer() throws {
  let session = SessionLayer(layer())
  let get = request(.confirmable, token: [1], options: [CoAPOption(.observe, uint: 0)])
  let exchange = try #require(session.received(get, now: at(0)).delivered.first).exchange
  // The request is acknowledged by itself first.
  let early = try #require(session.timedOut(now: at(1.9)).sent.first)
  #expect(early.type == .acknowledgement && early.message.code.isEmpty)
  let actions = session.respond(to: exchange, with: state(0), isObservable: true, now: at(2))
  let answer = try #require(actions.sent.first)
  #expect(answer.type == .confirmable && session.observers.count == 1)
  let reset = CoAPDatagram(empty: .reset, messageID: answer.messageID)
  #expect(session.received(reset.encoded, now: at(3)) == [.rejected([1])])
  #expect(session.observers.isEmpty)
  #expect(try session.timedOut(now: at(60)).sent.isEmpty)
}

@Test("OBS-05 the last 32 notifications can be reset, and other resets are ignored")
func rememberedNotifications() throws {
  var server = Server()
  _ = try server.get([1])
  var ids: [UInt16] = []
  for step in 1...33 {
    let actions = server.session.notify([1], with: state(1), now: at(Double(step) * 3))
    ids.append(try #require(actions.sent.first).messageID)
  }
  let old = CoAPDatagram(empty: .reset, messageID: ids[0]).encoded
  #expect(server.session.received(old, now: at(100)) == [])
  let known = CoAPDatagram(empty: .reset, messageID: ids[1]).encoded
  #expect(server.session.received(known, now: at(100)) == [.rejected([1])])
}

@Test(
  "OBS-04 an error is told without Observe, and the entry is dropped",
  arguments: [false, true]
)
func errorNotification(stream: Bool) throws {
  var server = Server(stream: stream)
  _ = try server.get([1])
  let sent = try server.notify([1], .diagnostic(.notFound, "gone"), at: at(3))
  #expect(sent.map { $0.code } == [.notFound] && sent[0].token == [1])
  #expect(sent[0].observe == nil && server.session.observers.isEmpty)
}

@Test("OBS-04 MIT-OBS-08 RUL-02 the last state goes out before the error that follows it")
func stateThenError() throws {
  var server = Server()
  _ = try server.get([1])
  #expect(try server.notify([1], state(6), at: at(1)) == [])
  #expect(try server.notify([1], .diagnostic(.notFound, "gone"), at: at(1)) == [])
  #expect(try server.timedOut(at: at(3)).map { $0.payload } == [[6]])
  #expect(try server.timedOut(at: at(6)).map { $0.code } == [.notFound])
  #expect(server.session.observers.isEmpty)
}

@Test("OBS-04 a state that follows an error, before it was told, takes its place")
func errorThenState() throws {
  var server = Server()
  _ = try server.get([1])
  _ = try server.notify([1], .diagnostic(.notFound, "gone"), at: at(1))
  _ = try server.notify([1], state(7), at: at(2))
  #expect(try server.timedOut(at: at(3)).map { $0.payload } == [[7]])
  #expect(server.session.observers.count == 1 && server.session.nextTimeout == nil)
}

@Test("OBS-04 another Content-Format is told with 4.06, and the entry is dropped")
func changedContentFormat() throws {
  var server = Server()
  _ = try server.get([1])
  let sent = try server.notify([1], state(1, format: 60), at: at(3))
  #expect(sent.map { $0.code } == [.notAcceptable] && sent[0].observe == nil)
  #expect(server.session.observers.isEmpty)
}

@Test("BLK-06 a large notification is its first block, in the size that the registration asked for")
func largeNotification() throws {
  var server = Server()
  let size = CoAPBlock(number: 0, hasMore: false, sizeExponent: 4).option(.block2)
  _ = try server.get([1], [CoAPOption(.observe, uint: 0), size])
  var large = state(0)
  large.payload = body(1000)
  let sent = try #require(server.notify([1], large, at: at(3)).first)
  #expect(sent.block2 == CoAPBlock(number: 0, hasMore: true, sizeExponent: 4))
  #expect(sent.observe == 3 && sent.payload == [UInt8](body(1000)[..<256]))
  let next = CoAPBlock(number: 1, hasMore: false, sizeExponent: 4).option(.block2)
  let bytes = CoAPDatagram(.confirmable, messageID: 77, message(token: [9], options: [next]))
    .encoded
  let rest = try #require(server.session.received(bytes, now: at(4)).sent.first).message
  #expect(rest.payload == [UInt8](body(1000)[256..<512]) && rest.observe == nil)
  #expect(rest.first(.eTag) == sent.first(.eTag) && rest.token == [9])
}

@Test("MIT-OBS-09 OBS-06 observations end with their session")
func newSession() throws {
  var server = Server(stream: true)
  _ = try server.get([1])
  _ = server.session.received(try vector("f28"), now: at(1))
  #expect(server.session.isClosed && server.session.nextTimeout == nil)
  #expect(try server.notify([1], state(1), at: at(9)) == [])
  #expect(Server(stream: true).session.observers.isEmpty)
}

@Test(
  "OBS-03 a client takes what is newer within half the numbers, or after 128 seconds",
  arguments: [
    (5, 6, 1.0, true), (5, 5, 1, false), (5, 4, 1, false), (5, 5 + (1 << 23), 1, false),
    (5, 4 + (1 << 23), 1, true), (0xFF_FFFF, 0, 1, true), (0, 0xFF_FFFF, 1, false),
    (5, 4, 128, false), (5, 4, 128.001, true),
  ] as [(UInt32, UInt32, Double, Bool)]
)
func freshness(first: UInt32, second: UInt32, seconds: Double, isNewer: Bool) {
  func notification(_ number: UInt32) -> CoAPMessage {
    CoAPMessage(.content, options: [CoAPOption(.observe, uint: number)])
  }
  for isOrdered in [false, true] {
    var observation = Observation(isOrdered: isOrdered)
    let taken = [
      observation.accepts(notification(first), now: at(0)),
      observation.accepts(notification(second), now: at(seconds)),
    ]
    #expect(taken == [true, isNewer || isOrdered])
  }
}

@Test("COAP-18 a state is fresh for its Max-Age, or 60 seconds")
func maxAge() {
  let number = CoAPOption(.observe, uint: 5)
  var observation = Observation(isOrdered: false)
  _ = observation.accepts(CoAPMessage(.content, options: [number]), now: at(1))
  #expect(observation.freshUntil == at(61))
  let age = CoAPOption(.maxAge, uint: 10)
  _ = observation.accepts(CoAPMessage(.notFound, options: [age]), now: at(2))
  #expect(observation.freshUntil == at(12))
}
