import Bytes
import CoAP
import Testing

private let get = CoAPMessage(.get, options: [CoAPOption(.uriPath, Text("config").bytes)])

/// A session that has sent one request, and the datagram it sent.
private func asking(
  confirmable: Bool
) throws -> (session: MessageLayer, exchange: ExchangeID, sent: CoAPDatagram) {
  let session = layer()
  let (exchange, actions) = try session.send(get, confirmable: confirmable, now: at(0))
  return (session, exchange, try #require(actions.sent.first))
}

@Test("COAP-10 a CON is repeated after 2, 4 and 8 seconds and given up after 16 more")
func retransmission() throws {
  let (session, exchange, sent) = try asking(confirmable: true)
  for seconds in [2.0, 6, 14] {
    #expect(session.nextTimeout == at(seconds))
    #expect(session.timedOut(now: at(seconds - 0.001)) == [])
    #expect(session.timedOut(now: at(seconds)) == [.send(sent.encoded)])
  }
  #expect(session.nextTimeout == at(30))
  #expect(session.timedOut(now: at(30)) == [.failed(exchange, .unacknowledged)])
  #expect(session.nextTimeout == nil)
}

@Test("COAP-10 the first wait is random between 2 and 3 seconds")
func firstWait() throws {
  var waits: [Int64] = []
  for seed in 1...200 as ClosedRange<UInt64> {
    let session = MessageLayer(seed: seed)
    _ = try session.send(get, confirmable: true, now: at(0))
    waits.append(try #require(session.nextTimeout).milliseconds)
  }
  #expect(waits.allSatisfy { (2000...3000).contains($0) })
  #expect((waits.min() ?? 0) < 2100 && (waits.max() ?? 0) > 2900)
}

@Test("COAP-10 the lifetimes follow from the parameters as RFC 7252, Section 4.8.2 computes them")
func lifetimes() {
  let dots = TransmissionParameters()
  #expect(dots.maxTransmitSpan == .seconds(21) && dots.maxTransmitWait == .seconds(45))
  #expect(dots.exchangeLifetime == .seconds(223) && dots.nonLifetime == .seconds(121))
  let coap = TransmissionParameters(maxRetransmit: 4)
  #expect(coap.maxTransmitSpan == .seconds(45) && coap.maxTransmitWait == .seconds(93))
  #expect(coap.exchangeLifetime == .seconds(247) && coap.nonLifetime == .seconds(145))
}

@Test("the highest parameters don't make lifetimes beyond the limit")
func longestLifetime() {
  let highest = TransmissionParameters(
    ackTimeout: .seconds(Int64.max),
    ackRandomFactor: .max,
    maxRetransmit: .max
  )
  #expect(highest.maxRetransmit == 15)
  #expect(highest.exchangeLifetime == TransmissionParameters.longestLifetime)
  #expect(highest.nonLifetime == TransmissionParameters.longestLifetime)
}

@Test("COAP-10 a second CON request has to wait for the first, a NON request hasn't")
func nstart() throws {
  let (session, _, sent) = try asking(confirmable: true)
  #expect(throws: SendRefusal.tooManyOutstanding) {
    try session.send(get, confirmable: true, now: at(0))
  }
  _ = try session.send(get, confirmable: false, now: at(0))
  let ack = CoAPDatagram(empty: .acknowledgement, messageID: sent.messageID)
  _ = session.received(ack.encoded, now: at(1))
  _ = try session.send(get, confirmable: true, now: at(1))
}

@Test("no more requests than the limit wait for a response")
func awaitedLimit() throws {
  let session = layer()
  var tokens: Set<[UInt8]> = []
  for _ in 0..<MessageLayer.maximumAwaited {
    let sent = try session.send(get, confirmable: false, now: at(0)).actions.sent
    tokens.insert(try #require(sent.first).message.token)
  }
  #expect(tokens.count == MessageLayer.maximumAwaited)
  #expect(throws: SendRefusal.tooManyOutstanding) {
    try session.send(get, confirmable: false, now: at(0))
  }
  #expect(session.timedOut(now: at(45)).count == MessageLayer.maximumAwaited)
  _ = try session.send(get, confirmable: false, now: at(45))
}

@Test("a piggybacked response ends the request")
func piggybackedResponse() throws {
  let (session, exchange, sent) = try asking(confirmable: true)
  let response = CoAPMessage(.content, token: sent.message.token, payload: [1])
  let ack = CoAPDatagram(.acknowledgement, messageID: sent.messageID, response).encoded
  #expect(session.received(ack, now: at(1)) == [.deliverResponse(exchange, response)])
  #expect(session.received(ack, now: at(1)) == [])
  #expect(session.nextTimeout == nil)
}

@Test("a piggybacked response with another token is ignored")
func otherToken() throws {
  let (session, _, sent) = try asking(confirmable: true)
  let response = CoAPMessage(.content, token: [1, 2, 3])
  let ack = CoAPDatagram(.acknowledgement, messageID: sent.messageID, response).encoded
  #expect(session.received(ack, now: at(1)) == [])
  #expect(session.nextTimeout == at(2))
}

@Test("a CON response is acknowledged each time and taken once, even before the ACK")
func separateConfirmable() throws {
  let (session, exchange, sent) = try asking(confirmable: true)
  let response = CoAPMessage(.content, token: sent.message.token)
  let datagram = CoAPDatagram(.confirmable, messageID: 77, response).encoded
  let ack = MessageAction.send(CoAPDatagram(empty: .acknowledgement, messageID: 77).encoded)
  #expect(session.received(datagram, now: at(1)) == [ack, .deliverResponse(exchange, response)])
  #expect(session.received(datagram, now: at(1)) == [ack])
  #expect(session.nextTimeout == nil)
}

@Test("a NON response is taken once, for a NON and for a CON request", arguments: [false, true])
func nonConfirmableResponse(confirmable: Bool) throws {
  let (session, exchange, sent) = try asking(confirmable: confirmable)
  let response = CoAPMessage(.changed, token: sent.message.token)
  let datagram = CoAPDatagram(.nonConfirmable, messageID: 78, response).encoded
  #expect(session.received(datagram, now: at(1)) == [.deliverResponse(exchange, response)])
  #expect(session.received(datagram, now: at(1)) == [])
}

@Test("a response that nobody waits for is rejected: CON with RST, NON with silence")
func unexpectedResponse() throws {
  let session = layer()
  #expect(try session.received(bytes("4145007701"), now: at(0)) == [.send(bytes("70000077"))])
  #expect(try session.received(bytes("5145007801"), now: at(0)) == [])
}

@Test("a reset ends the request", arguments: [false, true])
func resetRequest(confirmable: Bool) throws {
  let (session, exchange, sent) = try asking(confirmable: confirmable)
  let reset = CoAPDatagram(empty: .reset, messageID: sent.messageID).encoded
  #expect(session.received(reset, now: at(1)) == [.failed(exchange, .reset)])
  #expect(session.nextTimeout == nil)
}

@Test("a request without a response fails at its deadline")
func deadline() throws {
  let session = layer()
  let exchange = try session.send(get, confirmable: false, patience: .seconds(7), now: at(0))
    .exchange
  #expect(session.nextTimeout == at(7))
  #expect(session.timedOut(now: at(7)) == [.failed(exchange, .unanswered)])
}

@Test("COAP-11 a response with an unknown critical option is rejected")
func criticalInResponse() throws {
  let option = CoAPOption(CoAPOptionNumber(65_001), [])
  for type in [CoAPType.confirmable, .nonConfirmable, .acknowledgement] {
    let (session, exchange, sent) = try asking(confirmable: true)
    let response = CoAPMessage(.content, token: sent.message.token, options: [option])
    let id = type == .acknowledgement ? sent.messageID : 79
    let actions = session.received(
      CoAPDatagram(type, messageID: id, response).encoded,
      now: at(1)
    )
    #expect(actions.last == .failed(exchange, .badOption(option.number)))
    #expect(try actions.sent.map { $0.type } == (type == .confirmable ? [.reset] : []))
  }
}
