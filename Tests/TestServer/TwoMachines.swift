import Bytes
import CoAP
import DOTS
import Model
import TestSupport

/// A client and a server of DOTS with a bad network between them, in virtual time.
///
/// The client's requests go along lanes: those of one lane one after another, each until it has an
/// answer, those of different lanes at the same time. A lane has one device and one victim, and two
/// mids for it, of which the higher takes the place of the lower. So what each answer means for the
/// home is known without any engine, and in the end the kernel must have just that.
package struct TwoMachines {
  package static let lanes = 4
  /// Beyond the end of a run; everything shorter has ended by then.
  private static let long: UInt32 = 80_000

  private var random: SeededGenerator
  private let client: ClientLayer
  private let session: SessionLayer
  package private(set) var server: RequestServer
  package private(set) var now = Instant(milliseconds: 1_000_000)
  private var lanes: [Lane]
  private var underWay: [(arrival: Instant, toServer: Bool, bytes: [UInt8])] = []
  private var answersDue: [(due: Instant, exchange: ExchangeID, answer: CoAPMessage?)] = []
  private var executed: Set<[UInt8]> = []
  /// How often an answer came, and how often none did.
  package private(set) var answered = 0
  package private(set) var unanswered = 0

  package init(seed: UInt64, isStream: Bool) {
    random = SeededGenerator(seed: seed)
    let sessions = (0...1 as ClosedRange<UInt64>).map { side in
      isStream ? SessionLayer(StreamLayer()) : SessionLayer(MessageLayer(seed: seed &+ side))
    }
    client = ClientLayer(sessions[0], seed: seed)
    session = sessions[1]
    var settings = Place.settings
    settings.terminating = seed % 2 == 0 ? 0 : 60
    server = RequestServer(settings: settings, home: Place.home, session: Place.session)
    lanes = (0..<Self.lanes).map { Lane(number: $0) }
  }

  /// Runs until each lane has had so many answers and nothing is under way any more, and finds what
  /// doesn't hold.
  package mutating func run(steps: Int) throws(Broken) {
    try take(client.session.opened(now: now), ofServer: false)
    try take(session.opened(now: now), ofServer: true)
    for index in lanes.indices { lanes[index].left = steps }
    while let next = nextEvent() {
      now = max(now, next)
      try server.advance(to: now)
      try take(client.timedOut(now: now), ofServer: false)
      try take(session.timedOut(now: now), ofServer: true)
      try deliver()
      for index in lanes.indices { try go(on: index) }
    }
    try compare()
  }

  private func nextEvent() -> Instant? {
    let lanes = lanes.compactMap { $0.left > 0 && $0.exchange == nil ? $0.due : nil }
    let messages = underWay.map { $0.arrival } + answersDue.map { $0.due }
    guard !lanes.isEmpty || !messages.isEmpty || self.lanes.contains(where: { $0.exchange != nil })
    else { return nil }
    return (lanes + messages + [client.nextTimeout, session.nextTimeout].compactMap { $0 }).min()
  }
}

// MARK: The network

extension TwoMachines {
  private mutating func deliver() throws(Broken) {
    while let index = underWay.firstIndex(where: { $0.arrival <= now }) {
      let (_, toServer, bytes) = underWay.remove(at: index)
      let actions =
        toServer ? session.received(bytes, now: now) : client.received(bytes, now: now)
      try take(actions, ofServer: toServer)
    }
    while let index = answersDue.firstIndex(where: { $0.due <= now }) {
      let (_, exchange, answer) = answersDue.remove(at: index)
      let actions =
        answer.map { session.respond(to: exchange, with: $0, now: now) }
        ?? session.leaveUnanswered(exchange, now: now)
      try take(actions, ofServer: true)
    }
  }

  private mutating func post(_ bytes: [UInt8], toServer: Bool) {
    if session.isStream {
      let last = underWay.last { $0.toServer == toServer }?.arrival ?? now
      let middle = Int.random(in: 0...bytes.count, using: &random)
      for part in [bytes.prefix(middle), bytes.dropFirst(middle)] where !part.isEmpty {
        let arrival = max(now, last) + .milliseconds(Int.random(in: 0...900, using: &random))
        underWay.append((max(arrival, underWay.last?.arrival ?? now), toServer, [UInt8](part)))
      }
      return
    }
    // A third is lost; of what isn't a third is doubled; nothing keeps its place.
    guard Int.random(in: 0..<3, using: &random) > 0 else { return }
    for _ in 0..<(Int.random(in: 0..<3, using: &random) == 0 ? 2 : 1) {
      let delay = Int.random(in: 1...4000, using: &random)
      underWay.append((now + .milliseconds(delay), toServer, bytes))
    }
  }

  private mutating func take(_ actions: [MessageAction], ofServer: Bool) throws(Broken) {
    for action in actions {
      switch action {
      case .send(let bytes): post(bytes, toServer: !ofServer)
      case .deliver(let exchange, let message):
        // All copies of a request have its token.
        let isNew = executed.insert(message.token).inserted
        try Broken.unless(isNew, "a request is executed twice")
        // Carried out at once; the answer may take its time.
        let answer = try server.answer(to: message, now: now)
        try server.check(at: now)
        let delay = Int.random(in: 0..<4, using: &random) == 0 ? 3000 : 5
        answersDue.append((now + .milliseconds(delay), exchange, answer))
      case .deliverResponse(let exchange, let response):
        guard let index = lanes.firstIndex(where: { $0.exchange == exchange }) else { continue }
        answered += 1
        try lanes[index].received(response, isTerminating: server.engine.settings.terminating > 0)
        pause(index)
      case .failed(let exchange, _):
        guard let index = lanes.firstIndex(where: { $0.exchange == exchange }) else { continue }
        unanswered += 1
        lanes[index].exchange = nil
        lanes[index].due = now
      case .rejected: break
      case .close: throw Broken("the session ends")
      }
    }
  }
}

// MARK: The client

extension TwoMachines {
  private mutating func pause(_ index: Int) {
    lanes[index].exchange = nil
    lanes[index].request = nil
    // Often before all copies of the last request have come.
    let longest = Bool.random(using: &random) ? 2000 : 90_000
    lanes[index].due = now + .milliseconds(Int.random(in: 0...longest, using: &random))
  }

  /// Sends the lane's request, or again one that had no answer.
  private mutating func go(on index: Int) throws(Broken) {
    let lane = lanes[index]
    guard lane.left > 0, lane.exchange == nil, lane.due <= now else { return }
    if lane.request == nil {
      lanes[index].request = request(of: lane)
    }
    guard let message = lanes[index].request?.message else { return }
    let isConfirmable = Int.random(in: 0..<4, using: &random) == 0
    let isRepeated = Bool.random(using: &random)
    let sent: (exchange: ExchangeID, actions: [MessageAction])
    do throws(SendRefusal) {
      sent = try client.request(
        message,
        confirmable: isConfirmable,
        isRepeated: isRepeated,
        now: now
      )
    } catch {
      guard error == .tooManyOutstanding else { throw Broken("a request can't be sent") }
      lanes[index].due = now + .seconds(1)
      return
    }
    lanes[index].exchange = sent.exchange
    try take(sent.actions, ofServer: false)
  }

  private mutating func request(of lane: Lane) -> LaneRequest {
    let isHigher = Bool.random(using: &random)
    let name = MitigationName(cuid: "client", mid: UInt32(lane.number) + (isHigher ? 10 : 0))
    if lane.left == 1 || Int.random(in: 0..<3, using: &random) > 0 {
      let isLong = Bool.random(using: &random)
      let lifetime = isLong ? Self.long : UInt32.random(in: 1...200, using: &random)
      return .put(name, Place.scope(lane.number), lifetime: lifetime, isLong: isLong)
    }
    return .delete(name)
  }

  /// The kernel has what the answers have told, and nothing else.
  private mutating func compare() throws(Broken) {
    now = now + .seconds(1000)
    try server.advance(to: now)
    try server.check(at: now)
    var kernel = server.kernel
    var standing = 0
    for lane in lanes {
      let packet = Packet(
        source: Place.source(lane.number),
        target: Place.target(lane.number),
        transport: 17
      )
      let isDropped = kernel.dropped(packet, in: "pre") != nil
      try Broken.unless(
        isDropped == lane.isStanding,
        "lane \(lane.number) is \(isDropped ? "" : "not ")stopped"
      )
      standing += lane.isStanding ? 1 : 0
      let other = Packet(
        source: Place.source(lane.number),
        target: Place.target(lane.number + 1),
        transport: 17
      )
      try Broken.unless(kernel.dropped(other, in: "pre") == nil, "a bystander is stopped")
    }
    let count = server.engine.count
    try Broken.unless(count == standing, "\(count) mitigations stand, not \(standing)")
  }
}
