import Bytes
import CoAP
import TestSupport
import Testing

/// Two layers with a network between them that loses, doubles and reorders, in virtual time.
private struct LossyNetwork {
  var random: SeededGenerator
  var client: MessageLayer
  var server: MessageLayer
  var now = Instant(milliseconds: 0)
  private var underWay: [(arrival: Instant, toServer: Bool, bytes: [UInt8])] = []
  private var answersDue: [(due: Instant, exchange: ExchangeID, number: UInt8)] = []
  private var losses: [[UInt8]: Int] = [:]

  /// How often the server processed the request with each number.
  var executions: [UInt8: Int] = [:]
  /// Which responses the client got for each of its requests.
  var responses: [ExchangeID: [[UInt8]]] = [:]
  var failures: [ExchangeID] = []

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    let parameters = TransmissionParameters(maxRetransmit: 6)
    client = MessageLayer(seed: seed, parameters: parameters)
    server = MessageLayer(seed: seed &+ 1, parameters: parameters)
  }

  mutating func ask(_ number: UInt8, confirmable: Bool) throws -> ExchangeID {
    let request = CoAPMessage(.put, payload: [number])
    let (exchange, actions) = try client.send(request, confirmable: confirmable, now: now)
    take(actions, fromServer: false)
    return exchange
  }

  /// Lets everything happen until nothing is under way or due.
  mutating func run() {
    while let next = nextEvent() {
      now = max(now, next)
      take(client.timedOut(now: now), fromServer: false)
      take(server.timedOut(now: now), fromServer: true)
      while let index = underWay.firstIndex(where: { $0.arrival <= now }) {
        let datagram = underWay.remove(at: index)
        let actions =
          datagram.toServer
          ? server.received(datagram.bytes, now: now) : client.received(datagram.bytes, now: now)
        take(actions, fromServer: datagram.toServer)
      }
      while let index = answersDue.firstIndex(where: { $0.due <= now }) {
        let answer = answersDue.remove(at: index)
        let response = CoAPMessage(.changed, payload: [answer.number])
        take(server.respond(to: answer.exchange, with: response, now: now), fromServer: true)
      }
    }
  }

  private func nextEvent() -> Instant? {
    let times = underWay.map { $0.arrival } + answersDue.map { $0.due }
    return (times + [client.nextTimeout, server.nextTimeout].compactMap { $0 }).min()
  }

  private mutating func take(_ actions: [MessageAction], fromServer: Bool) {
    for action in actions {
      switch action {
      case .send(let bytes): post(bytes, toServer: !fromServer)
      case .deliver(let exchange, let request):
        let number = request.payload.first ?? 0
        executions[number, default: 0] += 1
        // Most answers are quick; some come after the empty acknowledgement.
        let delay = Int.random(in: 0..<4, using: &random) == 0 ? 3000 : 5
        answersDue.append((now + .milliseconds(delay), exchange, number))
      case .deliverResponse(let exchange, let response):
        responses[exchange, default: []].append(response.payload)
      case .failed(let exchange, _): failures.append(exchange)
      case .rejected, .close: break
      }
    }
  }

  /// Loses a third of all datagrams, but none more than twice, so that patience wins for certain.
  private mutating func post(_ bytes: [UInt8], toServer: Bool) {
    if losses[bytes, default: 0] < 2, Int.random(in: 0..<3, using: &random) == 0 {
      losses[bytes, default: 0] += 1
      return
    }
    for _ in 0..<(Int.random(in: 0..<3, using: &random) == 0 ? 3 : 1) {
      let delay = Int.random(in: 1...900, using: &random)
      underWay.append((now + .milliseconds(delay), toServer, bytes))
    }
  }
}

@Test(
  "COAP-05 COAP-07 over a lossy network each CON is processed once and answered",
  arguments: 1...300 as ClosedRange<UInt64>
)
func lossyConfirmable(seed: UInt64) throws {
  var network = LossyNetwork(seed: seed)
  for number in 0..<10 as Range<UInt8> {
    let exchange = try network.ask(number, confirmable: true)
    network.run()
    try #require(network.executions[number] == 1, "seed \(seed)")
    try #require(network.responses[exchange] == [[number]], "seed \(seed)")
  }
  #expect(network.failures.isEmpty)
}

@Test(
  "COAP-06 COAP-08 over a lossy network each NON is processed and answered at most once",
  arguments: 1...300 as ClosedRange<UInt64>
)
func lossyNonConfirmable(seed: UInt64) throws {
  var network = LossyNetwork(seed: seed)
  var exchanges: [ExchangeID] = []
  for number in 0..<10 as Range<UInt8> {
    exchanges.append(try network.ask(number, confirmable: false))
  }
  network.run()
  #expect(network.executions.values.allSatisfy { $0 == 1 }, "seed \(seed)")
  for (number, exchange) in exchanges.enumerated() {
    let isFailed = network.failures.contains(exchange)
    #expect((network.responses[exchange] == nil) == isFailed, "seed \(seed)")
    #expect(isFailed || network.responses[exchange] == [[UInt8(number)]], "seed \(seed)")
  }
  #expect(!network.executions.isEmpty, "seed \(seed)")
}
