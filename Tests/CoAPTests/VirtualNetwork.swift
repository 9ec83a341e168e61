import Bytes
import CoAP
import TestSupport

/// A client and a server with a network between them, in virtual time: datagrams are lost, doubled
/// and reordered, the bytes of a stream come late and in any portions.
///
/// The server answers GETs with `resource`, and PUTs with 2.04 and what they carried.
struct VirtualNetwork {
  var random: SeededGenerator
  let client: ClientLayer
  let server: SessionLayer
  var now = Instant(milliseconds: 0)
  var resource = CoAPMessage(.content, payload: [0])
  /// Whether the server's answers show a body that changes with each look.
  var isRestless = false
  /// Of how many datagrams one is lost; 0 for none.
  var loss = 0

  /// How often the server was asked for each payload of a PUT.
  private(set) var executions: [[UInt8]: Int] = [:]
  /// What the client got for each of its requests.
  private(set) var responses: [ExchangeID: [CoAPMessage]] = [:]
  private(set) var failures: [ExchangeID: ExchangeFailure] = [:]
  private(set) var ends: [StreamEnd] = []
  /// The largest portion of bytes that either side sent.
  private(set) var largest = 0

  private var underWay: [(arrival: Instant, toServer: Bool, bytes: [UInt8])] = []
  private var losses: [[UInt8]: Int] = [:]

  init(seed: UInt64, isStream: Bool, maximumSize: Int = 1152) {
    random = SeededGenerator(seed: seed)
    let parameters = TransmissionParameters(maxRetransmit: 6)
    let sessions = (0...1 as ClosedRange<UInt64>).map { side in
      isStream
        ? SessionLayer(StreamLayer())
        : SessionLayer(MessageLayer(seed: seed &+ side, parameters: parameters))
    }
    for session in sessions { session.maximumSize = maximumSize }
    client = ClientLayer(sessions[0], seed: seed)
    server = sessions[1]
    take(client.session.opened(now: now), fromServer: false)
    take(server.opened(now: now), fromServer: true)
  }

  /// Asks at this moment; what comes of it is in `responses` and `failures`.
  mutating func ask(
    _ request: CoAPMessage,
    confirmable: Bool = true,
    isRepeated: Bool = false
  ) throws -> ExchangeID {
    let sent = try client.request(
      request,
      confirmable: confirmable,
      isRepeated: isRepeated,
      now: now
    )
    take(sent.actions, fromServer: false)
    return sent.exchange
  }

  /// Tells all observers the resource's state.
  mutating func notify() {
    for observer in server.observers {
      take(server.notify(observer.token, with: resource, now: now), fromServer: true)
    }
  }

  mutating func cancel(_ exchange: ExchangeID) {
    take(client.cancel(exchange, now: now), fromServer: false)
  }

  /// Lets everything happen up to a moment, or until nothing is under way or due.
  mutating func run(until end: Instant = Instant(milliseconds: .max)) {
    while let next = nextEvent(), next <= end {
      now = max(now, next)
      take(client.timedOut(now: now), fromServer: false)
      take(server.timedOut(now: now), fromServer: true)
      while let index = underWay.firstIndex(where: { $0.arrival <= now }) {
        let (_, toServer, bytes) = underWay.remove(at: index)
        let actions =
          toServer ? server.received(bytes, now: now) : client.received(bytes, now: now)
        take(actions, fromServer: toServer)
      }
    }
    if end.milliseconds < .max { now = max(now, end) }
  }

  private func nextEvent() -> Instant? {
    let times = [client.nextTimeout, server.nextTimeout].compactMap { $0 }
    return (times + underWay.map { $0.arrival }).min()
  }

  private mutating func take(_ actions: [MessageAction], fromServer: Bool) {
    for action in actions {
      switch action {
      case .send(let bytes): post(bytes, toServer: !fromServer)
      case .deliver(let exchange, let request):
        let response = answer(to: request)
        take(
          server.respond(to: exchange, with: response, isObservable: true, now: now),
          fromServer: true
        )
      case .deliverResponse(let exchange, let response):
        responses[exchange, default: []].append(response)
      case .failed(let exchange, let failure): failures[exchange] = failure
      case .rejected: break
      case .close(let end): ends.append(end)
      }
    }
  }

  private mutating func answer(to request: CoAPMessage) -> CoAPMessage {
    if request.code == .put {
      executions[request.payload, default: 0] += 1
      return CoAPMessage(.changed, payload: request.payload)
    }
    if isRestless { resource.payload[0] &+= 1 }
    return resource
  }

  private mutating func post(_ bytes: [UInt8], toServer: Bool) {
    largest = max(largest, bytes.count)
    if server.isStream {
      postPortions(bytes, toServer: toServer)
    } else {
      postDatagram(bytes, toServer: toServer)
    }
  }

  /// Loses none more than twice, so that patience wins for certain.
  private mutating func postDatagram(_ bytes: [UInt8], toServer: Bool) {
    if loss > 0, losses[bytes, default: 0] < 2, Int.random(in: 0..<loss, using: &random) == 0 {
      losses[bytes, default: 0] += 1
      return
    }
    let copies = loss > 0 && Int.random(in: 0..<loss, using: &random) == 0 ? 3 : 1
    for _ in 0..<copies {
      let delay = loss > 0 ? Int.random(in: 1...900, using: &random) : 10
      underWay.append((now + .milliseconds(delay), toServer, bytes))
    }
  }

  private mutating func postPortions(_ bytes: [UInt8], toServer: Bool) {
    var rest = bytes[...]
    var last = underWay.filter { $0.toServer == toServer }.map { $0.arrival }.max() ?? now
    while !rest.isEmpty {
      let portion = rest.prefix(Int.random(in: 1...max(1, rest.count), using: &random))
      rest = rest.dropFirst(portion.count)
      last = last + .milliseconds(Int.random(in: 0...20, using: &random))
      underWay.append((last, toServer, [UInt8](portion)))
    }
  }
}
