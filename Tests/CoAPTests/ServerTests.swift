import Bytes
import CoAP
import Testing

private let content = CoAPMessage(
  .content,
  options: [CoAPOption(.contentFormat, uint: 271)],
  payload: [0xA0]
)

@Test("COAP-02 a malformed CON is answered with RST, anything else malformed with silence")
func malformedMessages() throws {
  let session = layer()
  for name in ["f12", "f13"] {
    let sent = try session.received(vector(name), now: at(0)).sent
    #expect(sent.first?.type == .reset && sent.first?.message.code == .empty)
  }
  for silent in ["5901123d000000000000000000", "60011234", "70441234", "6fff1234", "50001234"] {
    #expect(try session.received(bytes(silent), now: at(0)) == [])
  }
}

@Test("COAP-01 another version is ignored silently")
func otherVersion() throws {
  let session = layer()
  #expect(try session.received(vector("f14"), now: at(0)) == [])
  #expect(session.received([], now: at(0)) == [])
}

@Test("COAP-03 an empty CON with something behind it is answered with RST")
func longPing() throws {
  let session = layer()
  #expect(try session.received(bytes("4000123900"), now: at(0)) == [.send(bytes("70001239"))])
}

@Test("COAP-04 an empty CON is answered with RST")
func ping() throws {
  let session = layer()
  #expect(try session.received(vector("f07"), now: at(0)) == [.send(vector("f08"))])
}

@Test("COAP-05 a CON request answered at once gets one ACK with the response")
func piggybacked() throws {
  let session = layer()
  let request = try #require(session.received(vector("f06"), now: at(0)).delivered.first)
  #expect(request.message.uriPath == [".well-known", "dots", "config"])
  let sent = try session.respond(to: request.exchange, with: content, now: at(0.01)).sent
  #expect(sent.count == 1 && sent[0].type == .acknowledgement && sent[0].messageID == 0x1238)
  #expect(sent[0].message.code == .content && sent[0].message.token == [0x06])
  #expect(session.nextTimeout == nil)
}

@Test("COAP-05 a CON request answered late gets an empty ACK, then a CON response")
func separateResponse() throws {
  let session = layer()
  let exchange = try #require(session.received(vector("f06"), now: at(0)).delivered.first).exchange
  #expect(session.nextTimeout == at(1))
  #expect(session.timedOut(now: at(0.999)) == [])
  #expect(try session.timedOut(now: at(1)) == [.send(bytes("60001238"))])
  let sent = try session.respond(to: exchange, with: content, now: at(1.5)).sent
  #expect(sent.count == 1 && sent[0].type == .confirmable && sent[0].message.token == [0x06])
  #expect(session.nextTimeout == at(3.5))
  let ack = CoAPDatagram(empty: .acknowledgement, messageID: sent[0].messageID)
  #expect(session.received(ack.encoded, now: at(2)) == [])
  #expect(session.nextTimeout == nil)
}

@Test("COAP-05 a duplicate of a request acknowledged empty gets the empty ACK again")
func duplicateOfSeparate() throws {
  let session = layer()
  let exchange = try #require(session.received(vector("f06"), now: at(0)).delivered.first).exchange
  let ack = session.timedOut(now: at(1))
  #expect(try session.received(vector("f06"), now: at(2)) == ack)
  _ = session.respond(to: exchange, with: content, now: at(3))
  #expect(try session.received(vector("f06"), now: at(4)) == ack)
}

@Test("COAP-05 a separate response is repeated until RST")
func separateResponseReset() throws {
  let session = layer()
  let exchange = try #require(session.received(vector("f06"), now: at(0)).delivered.first).exchange
  _ = session.timedOut(now: at(1))
  let sent = try session.respond(to: exchange, with: content, now: at(1)).sent
  let id = try #require(sent.first).messageID
  #expect(try session.timedOut(now: at(3)).sent == sent)
  let reset = CoAPDatagram(empty: .reset, messageID: id).encoded
  #expect(session.received(reset, now: at(4)) == [])
  #expect(session.nextTimeout == nil)
}

@Test("COAP-05 ACK and RST for an unknown id are ignored")
func unknownAcknowledgements() throws {
  let session = layer()
  for hexadecimal in ["60009999", "70009999", "6145999901"] {
    #expect(try session.received(bytes(hexadecimal), now: at(0)) == [])
  }
}

@Test("COAP-06 a NON request is answered in a NON with an id of its own and no ACK")
func nonConfirmable() throws {
  let session = layer()
  let exchange = try #require(session.received(vector("f01"), now: at(0)).delivered.first).exchange
  #expect(session.nextTimeout == nil)
  let sent = try session.respond(to: exchange, with: CoAPMessage(.changed), now: at(9)).sent
  #expect(sent.count == 1 && sent[0].type == .nonConfirmable)
  #expect(sent[0].message == CoAPMessage(.changed, token: [0x4A]))
}

@Test("COAP-07 a duplicate CON gets the same ACK and is not processed again")
func duplicateConfirmable() throws {
  let session = MessageLayer(seed: 1)
  let exchange = try #require(session.received(vector("f06"), now: at(0)).delivered.first).exchange
  #expect(try session.received(vector("f06"), now: at(0.1)) == [])
  let answer = session.respond(to: exchange, with: content, now: at(0.2))
  #expect(try session.received(vector("f06"), now: at(0.3)) == answer)
  #expect(try session.received(vector("f06"), now: at(222)) == answer)
  #expect(try session.received(vector("f06"), now: at(223)).delivered.count == 1)
}

@Test("COAP-08 a duplicate NON is not processed again within NON_LIFETIME")
func duplicateNonConfirmable() throws {
  let session = MessageLayer(seed: 1)
  #expect(try session.received(vector("f01"), now: at(0)).delivered.count == 1)
  #expect(try session.received(vector("f01"), now: at(120)) == [])
  #expect(try session.received(vector("f01"), now: at(121)).delivered.count == 1)
}

@Test("COAP-08 the answer to a NON is repeated at most once a second")
func repeatedAnswer() throws {
  let session = layer()
  let exchange = try #require(session.received(vector("f01"), now: at(0)).delivered.first).exchange
  let answer = session.respond(to: exchange, with: CoAPMessage(.changed), now: at(1))
  #expect(try session.received(vector("f01"), now: at(1.9)) == [])
  #expect(try session.received(vector("f01"), now: at(2)) == answer)
  #expect(try session.received(vector("f01"), now: at(2.5)) == [])
  #expect(try session.received(vector("f01"), now: at(3)) == answer)
}

@Test("COAP-08 the sixty-fifth answer pushes out the oldest")
func answerCount() throws {
  let session = layer()
  for id in 0..<65 as Range<UInt16> {
    let actions = session.received(request(.nonConfirmable, messageID: id), now: at(0))
    let exchange = try #require(actions.delivered.first).exchange
    _ = session.respond(to: exchange, with: CoAPMessage(.changed), now: at(0))
  }
  #expect(session.received(request(.nonConfirmable, messageID: 1), now: at(1)).delivered.isEmpty)
  #expect(session.received(request(.nonConfirmable, messageID: 0), now: at(1)).delivered.count == 1)
}

@Test("COAP-08 no more than 8 KiB of answers are kept")
func answerBytes() throws {
  let session = layer()
  let large = CoAPMessage(.content, payload: [UInt8](repeating: 1, count: 1024))
  for id in 0..<8 as Range<UInt16> {
    let actions = session.received(request(.confirmable, messageID: id), now: at(0))
    _ = session.respond(to: try #require(actions.delivered.first).exchange, with: large, now: at(0))
  }
  #expect(session.received(request(.confirmable, messageID: 0), now: at(1)).delivered.count == 1)
  #expect(try session.received(request(.confirmable, messageID: 1), now: at(1)).sent.count == 1)
}

@Test("COAP-08 a request that still waits is never pushed out; one too many counts as lost")
func pendingRequests() throws {
  let session = layer()
  for id in 0..<64 as Range<UInt16> {
    let actions = session.received(request(.nonConfirmable, messageID: id), now: at(0))
    #expect(actions.delivered.count == 1)
  }
  #expect(session.received(request(.nonConfirmable, messageID: 64), now: at(0)) == [])
  #expect(session.received(request(.nonConfirmable, messageID: 0), now: at(0)) == [])
}

@Test("COAP-09 message ids start at random and aren't used twice within EXCHANGE_LIFETIME")
func messageIDs() throws {
  let session = layer()
  var last: [UInt16: Instant] = [:]
  var refused = 0
  for step in 0..<90_000 {
    let now = Instant(milliseconds: Int64(step) * 2)
    let id = UInt16(truncatingIfNeeded: step)
    let actions = session.received(request(.nonConfirmable, messageID: id), now: now)
    let exchange = try #require(actions.delivered.first).exchange
    let sent = try session.respond(to: exchange, with: CoAPMessage(.changed), now: now).sent
    guard let sent = sent.first else {
      refused += 1
      continue
    }
    try #require(last.updateValue(now, forKey: sent.messageID) == nil)
  }
  #expect(last.count == 65_536 && refused == 90_000 - 65_536)
}

@Test("COAP-09 sessions with different seeds start at different ids")
func firstMessageID() throws {
  let ids = try (1...50 as ClosedRange<UInt64>).map { seed in
    let session = layer(seed: seed)
    let actions = try session.send(CoAPMessage(.get), confirmable: false, now: at(0)).actions
    return try #require(actions.sent.first).messageID
  }
  #expect(Set(ids).count > 45)
}

@Test("COAP-11 an unknown critical option in a CON is answered with 4.02 that names it")
func criticalInConfirmable() throws {
  let session = layer()
  let actions = try session.received(vector("f09"), now: at(0))
  let sent = try #require(actions.sent.first)
  #expect(actions.count == 1 && sent.type == .acknowledgement && sent.messageID == 0x123A)
  #expect(sent.message.code == .badOption && sent.message.token == [0x07])
  #expect(Text(sent.message.payload) == "critical option 65001 not understood")
  #expect(try session.received(vector("f09"), now: at(2)) == actions)
}

@Test("COAP-11 an unknown critical option in a NON is rejected with RST, never 4.02")
func criticalInNonConfirmable() throws {
  let session = layer()
  #expect(try session.received(vector("f10"), now: at(0)) == [.send(bytes("7000123b"))])
}

@Test("COAP-12 an unknown elective option doesn't keep a request from being processed")
func elective() throws {
  let session = layer()
  #expect(try session.received(vector("f11"), now: at(0)).delivered.count == 1)
}

@Test(
  "COAP-13 COAP-14 a long or repeated Accept is answered with 4.02",
  arguments: [
    [CoAPOption(.accept, [0, 1, 15])], [CoAPOption(.accept, [60]), CoAPOption(.accept, [60])],
  ]
)
func badAccept(options: [CoAPOption]) throws {
  let session = layer()
  let sent = try session.received(request(.confirmable, options: options), now: at(0)).sent
  #expect(sent.first?.message.code == .badOption)
}

@Test(
  "COAP-15 Proxy-Uri and Proxy-Scheme, repeated or not, are answered with 5.05",
  arguments: [CoAPOptionNumber.proxyURI, .proxyScheme]
)
func proxyOptions(number: CoAPOptionNumber) throws {
  for count in 1...2 {
    let options = [CoAPOption](repeating: CoAPOption(number, [0x61]), count: count)
    for type in [CoAPType.confirmable, .nonConfirmable] {
      let session = layer()
      let sent = try session.received(request(type, options: options), now: at(0)).sent
      #expect(sent.first?.message.code == .proxyingNotSupported)
      #expect(sent.first?.message.payload.isEmpty == false)
    }
  }
}

@Test("COAP-11 a NON with a proxy option and an unknown critical one is rejected all the same")
func proxyAndCritical() throws {
  let session = layer()
  let options = [CoAPOption(.proxyURI, [0x61]), CoAPOption(CoAPOptionNumber(65_001), [])]
  let sent = try session.received(request(.nonConfirmable, options: options), now: at(0)).sent
  #expect(sent.first?.type == .reset)
}

@Test("COAP-16 a token of any length is echoed unchanged")
func echoedToken() throws {
  for count in 0...8 {
    let session = layer()
    let token = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 77) }
    let actions = session.received(request(.confirmable, token: token), now: at(0))
    let exchange = try #require(actions.delivered.first).exchange
    let sent = try session.respond(to: exchange, with: content, now: at(0)).sent
    #expect(sent.first?.message.token == token)
  }
}

@Test("RUL-13 a CON left without an answer is acknowledged, a NON gets silence")
func unanswered() throws {
  let session = layer()
  let first = session.received(request(.confirmable, messageID: 1), now: at(0))
  let confirmable = try #require(first.delivered.first).exchange
  let ack = try [MessageAction.send(bytes("60000001"))]
  #expect(session.leaveUnanswered(confirmable, now: at(0)) == ack)
  #expect(session.received(request(.confirmable, messageID: 1), now: at(1)) == ack)
  let second = session.received(request(.nonConfirmable, messageID: 2), now: at(0))
  let nonConfirmable = try #require(second.delivered.first).exchange
  #expect(session.leaveUnanswered(nonConfirmable, now: at(0)) == [])
  #expect(session.received(request(.nonConfirmable, messageID: 2), now: at(9)) == [])
  #expect(session.nextTimeout == nil)
}

@Test("an exchange is answered once")
func answeredOnce() throws {
  let session = layer()
  let exchange = try #require(session.received(vector("f06"), now: at(0)).delivered.first).exchange
  #expect(session.respond(to: exchange, with: content, now: at(0)).count == 1)
  #expect(session.respond(to: exchange, with: content, now: at(0)) == [])
  #expect(session.leaveUnanswered(exchange, now: at(0)) == [])
}

@Test("separate responses beyond the limit go out once, in a NON")
func separateResponseLimit() throws {
  let session = layer()
  let limit = MessageLayer.maximumTransmissions
  var exchanges: [ExchangeID] = []
  for id in 0...UInt16(limit) {
    exchanges += session.received(request(.confirmable, messageID: id), now: at(0)).delivered
      .map { $0.exchange }
  }
  #expect(session.timedOut(now: at(1)).count == limit + 1)
  let types = try exchanges.flatMap {
    try session.respond(to: $0, with: content, now: at(1)).sent.map { $0.type }
  }
  #expect(types == [CoAPType](repeating: .confirmable, count: limit) + [.nonConfirmable])
  #expect(session.timedOut(now: at(3)).count == limit)
}

@Test("MIT-PUT-01 a NON request is answered with NON under an id of our own, a CON one in its ACK")
func mitigationTypes() throws {
  for (type, answer) in [
    (CoAPType.nonConfirmable, CoAPType.nonConfirmable), (.confirmable, .acknowledgement),
  ] {
    let session = layer()
    let message = CoAPMessage(
      .put,
      token: [1],
      options: ["dots", "mitigate"].map { CoAPOption(.uriPath, Text($0).bytes) },
      payload: [0xA0]
    )
    let datagram = CoAPDatagram(type, messageID: 77, message).encoded
    let request = try #require(session.received(datagram, now: at(0)).delivered.first)
    let sent = try session.respond(to: request.exchange, with: CoAPMessage(.created), now: at(0))
      .sent
    #expect(sent.count == 1 && sent[0].type == answer && sent[0].message.token == [1])
    #expect((sent[0].messageID == 77) == (answer == .acknowledgement))
  }
}

@Test("TLS-14 a request, its repetition and its answer belong to one session")
func sessionsApart() throws {
  let one = layer(seed: 1)
  let other = layer(seed: 2)
  let message = request(.nonConfirmable)
  let first = try #require(one.received(message, now: at(0)).delivered.first)
  _ = one.respond(to: first.exchange, with: content, now: at(0))
  // The same bytes in another session are a new request, no repetition.
  #expect(other.received(message, now: at(1)).delivered.count == 1)
  let ping = CoAPMessage(.put, options: [CoAPOption(.uriPath, Text("hb").bytes)])
  let asked = try one.send(ping, confirmable: true, now: at(2))
  let sent = try #require(try asked.actions.sent.first)
  let answer = CoAPDatagram(
    .acknowledgement,
    messageID: sent.messageID,
    CoAPMessage(.changed, token: sent.message.token)
  ).encoded
  #expect(other.received(answer, now: at(3)).isEmpty)
  #expect(
    one.received(answer, now: at(3)).contains {
      if case .deliverResponse = $0 { true } else { false }
    }
  )
}
