import Bytes
import CoAP
import TestServer

/// A client and a server; the bytes say what reaches whom, and when.
///
/// Each step is one byte, and what it needs: below 0x80 time passes; 0x80 to 0xBF a datagram of the
/// length in the next byte reaches the server or, odd, the client; above, the client asks something,
/// and what it sends reaches the server once or, odd, twice.
func examineSession(_ bytes: [UInt8]) throws(Broken) {
  var pair = Pair()
  var rest = bytes[...]
  for _ in 0..<64 {
    guard let step = rest.popFirst() else { break }
    switch step {
    case 0..<0x80: try pair.pass(.milliseconds(Int64(step) * Int64(step) * 10))
    case 0x80..<0xC0:
      let length = Int(rest.popFirst() ?? 0)
      let datagram = [UInt8](rest.prefix(length))
      rest = rest.dropFirst(length)
      try pair.deliver(datagram, toServer: step & 1 == 0)
    default: try pair.ask(step, size: Int(rest.popFirst() ?? 0) * 16)
    }
  }
  // In the end nobody waits for ever.
  for _ in 0..<3 { try pair.pass(.seconds(400)) }
}

/// The two sides of a session over datagrams.
private struct Pair {
  let client: ClientLayer
  let server: SessionLayer
  var now = Instant(milliseconds: 1000)

  init() {
    client = ClientLayer(SessionLayer(MessageLayer(seed: 1)), seed: 1)
    server = SessionLayer(MessageLayer(seed: 2))
  }

  mutating func pass(_ span: Span) throws(Broken) {
    now = now + span
    try take(client.timedOut(now: now), ofServer: false, depth: 0)
    try take(server.timedOut(now: now), ofServer: true, depth: 0)
    for next in [client.nextTimeout, server.nextTimeout].compactMap({ $0 }) {
      try Broken.unless(next > now, "a timeout that stays due")
    }
  }

  func deliver(_ bytes: [UInt8], toServer: Bool) throws(Broken) {
    let actions = toServer ? server.received(bytes, now: now) : client.received(bytes, now: now)
    try take(actions, ofServer: toServer, depth: 0)
  }

  func ask(_ step: UInt8, size: Int) throws(Broken) {
    var message = CoAPMessage(step & 2 == 0 ? .get : .put)
    message.add(CoAPOption(.uriPath, [step]))
    if step & 4 != 0 { message.add(CoAPOption(.observe, uint: 0)) }
    if message.code == .put { message.payload = [UInt8](repeating: step, count: size) }
    guard let sent = try? client.request(message, confirmable: step & 8 != 0, now: now) else {
      return
    }
    for _ in 0...Int(step & 1) { try take(sent.actions, ofServer: false, depth: 0) }
  }

  /// Does what a side asks for; what it sends reaches the other at once.
  func take(_ actions: [MessageAction], ofServer: Bool, depth: Int) throws(Broken) {
    try Broken.unless(depth < 4096, "an exchange without end")
    let side = ofServer ? server : client.session
    for action in actions {
      switch action {
      case .send(let bytes):
        try Broken.unless(bytes.count <= side.maximumSize, "\(bytes.count) bytes are sent")
        guard (try? CoAPDatagram(parsing: bytes)) != nil else {
          throw Broken("no datagram is sent")
        }
        let answer = ofServer ? client.received(bytes, now: now) : server.received(bytes, now: now)
        try take(answer, ofServer: !ofServer, depth: depth + 1)
      case .deliver(let exchange, let request):
        try take(respond(request, exchange, side), ofServer: ofServer, depth: depth + 1)
      case .deliverResponse, .failed, .rejected: break
      case .close: throw Broken("datagrams are closed")
      }
    }
  }

  /// Some requests get no answer, the others one as large as their path says.
  private func respond(
    _ request: CoAPMessage,
    _ exchange: ExchangeID,
    _ side: SessionLayer
  ) -> [MessageAction] {
    let kind = request.uriPath.first?.bytes.first ?? 0
    guard kind & 0x30 != 0x30 else { return side.leaveUnanswered(exchange, now: now) }
    let body = [UInt8](repeating: kind, count: kind & 0x10 == 0 ? Int(kind) : Int(kind) * 40)
    let answer = CoAPMessage(request.code == .get ? .content : .changed, payload: body)
    return side.respond(to: exchange, with: answer, isObservable: true, now: now)
  }
}

/// Portions make no difference to what a stream says, and what is sent can be read.
func examineStream(_ bytes: [UInt8]) throws(Broken) {
  try examineFrames(bytes)
  var whole = OneEnd(bytes, inPortionsOf: max(bytes.count, 1))
  var portions = OneEnd(bytes, inPortionsOf: 1)
  try whole.run()
  try portions.run()
  try Broken.unless(whole.requests == portions.requests, "portions change the requests")
  try Broken.unless(whole.end == portions.end, "portions change the end")
  // After its end nothing more is owed; what is sent at a time may change places.
  if whole.end == nil {
    try Broken.unless(whole.frames == portions.frames, "portions change what is sent")
  }
  var quick = OneEnd(bytes, inPortionsOf: 1)
  quick.answersAtOnce = true
  try quick.run()
}

/// What is taken out of a stream is written as it stood there.
private func examineFrames(_ bytes: [UInt8]) throws(Broken) {
  var reader = FrameReader()
  reader.append(bytes)
  var written: [UInt8] = []
  while true {
    let message: CoAPMessage?
    do throws(CoAPFault) { message = try reader.next() } catch { break }
    guard let message else { break }
    written += message.frame
  }
  try Broken.unless(bytes.starts(with: written), "a frame is written otherwise than it was read")
}

/// The end of a stream that gets these bytes, and answers each request with its payload: a session's
/// at once, or, without a session, which has answers of its own, when all has come.
private struct OneEnd {
  let bytes: [UInt8]
  let portion: Int
  let stream: StreamLayer
  let session: SessionLayer
  let now = Instant(milliseconds: 1000)
  var answersAtOnce = false
  var requests: [CoAPMessage] = []
  var end: StreamEnd?
  private(set) var sent: [UInt8] = []
  /// What was sent, message by message, in no order of time.
  private(set) var frames: [[UInt8]] = []
  private var waiting: [(exchange: ExchangeID, payload: [UInt8])] = []

  init(_ bytes: [UInt8], inPortionsOf portion: Int) {
    self.bytes = bytes
    self.portion = portion
    stream = StreamLayer()
    session = SessionLayer(stream)
  }

  mutating func run() throws(Broken) {
    take(session.opened(now: now))
    var rest = bytes[...]
    while !rest.isEmpty, end == nil {
      let bytes = [UInt8](rest.prefix(portion))
      take(answersAtOnce ? session.received(bytes, now: now) : stream.received(bytes, now: now))
      rest = rest.dropFirst(portion)
      if answersAtOnce { answerAll() }
    }
    answerAll()
    var reader = FrameReader()
    reader.append(sent)
    while let message = try? reader.next() { frames.append(message.frame) }
    try Broken.unless(frames.joined().count == sent.count, "what is sent can't be read")
    frames.sort { $0.lexicographicallyPrecedes($1) }
    try Broken.unless(session.observers.count <= 16, "too many observers")
  }

  private mutating func answerAll() {
    for (exchange, payload) in waiting {
      let answer = CoAPMessage(.content, payload: payload)
      take(
        answersAtOnce
          ? session.respond(to: exchange, with: answer, isObservable: true, now: now)
          : stream.respond(to: exchange, with: answer, now: now)
      )
    }
    waiting = []
  }

  private mutating func take(_ actions: [MessageAction]) {
    for action in actions {
      switch action {
      case .send(let bytes): sent += bytes
      case .deliver(let exchange, let request):
        requests.append(request)
        waiting.append((exchange, request.payload))
      case .deliverResponse, .failed, .rejected: break
      case .close(let reason): end = end ?? reason
      }
    }
  }
}
