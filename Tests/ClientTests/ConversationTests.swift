import Bytes
import CoAP
import DOTS
import Model
import Report
import TestSupport
import Testing

@testable import Client

/// A mitigation that is asked for in most tests.
private func mitigate() throws -> Command { .mitigate(mid: 7, try scope(), .seconds(600)) }

@Test("each command is the request that RFC 9132 says, in the type that it says")
func requests() throws {
  var parameters = SessionConfiguration()
  parameters.idle.heartbeatInterval = ConfigurationValue(current: 60)
  let name = MitigationName(cuid: "me", mid: 7)
  for (command, request, isConfirmable) in [
    (
      try mitigate(),
      .mitigation(.mitigate(name, try scope(), lifetime: .seconds(600), efficacy: nil)), false
    ),
    (.withdraw(mid: 7), .mitigation(.withdraw(name)), false),
    (
      .status(mid: 7, watching: false),
      .mitigation(.retrieve(cuid: "me", cdid: nil, mid: 7, content: .all)), false
    ),
    (
      .status(mid: nil, watching: true),
      .mitigation(.retrieve(cuid: "me", cdid: nil, mid: nil, content: .all)), false
    ),
    (
      .efficacy(mid: 7, .underAttack, try scope(), nil),
      .mitigation(.mitigate(name, try scope(), lifetime: nil, efficacy: .underAttack)), false
    ),
    (.retrieveConfiguration, .retrieveConfiguration(sid: nil), true),
    (.configure(parameters), .configure(sid: 9, parameters), true),
    (.resetConfiguration, .resetConfiguration(sid: nil), true),
    (.heartbeat, .heartbeat(Heartbeat(peerStatus: false)), false),
  ] as [(Command, DOTSRequest, Bool)] {
    let wire = Wire.begun(command)
    #expect(try wire.lastRequest() == request)
    let datagram = try CoAPDatagram(parsing: try #require(wire.sent.first))
    #expect(datagram.type == (isConfirmable ? .confirmable : .nonConfirmable))
    #expect(datagram.message.observe == (command.isWatching ? 0 : nil))
  }
}

@Test("what was granted is told, a new mitigation and a refresh told apart")
func grantedAnswers() throws {
  for (code, isNew) in [(CoAPCode.created, true), (.changed, false)] {
    let wire = Wire.begun(try mitigate())
    try wire.answer(response(code, entry(7)))
    guard case .granted(let seen, isNew) = try #require(wire.told.first) else {
      Issue.record("\(wire.told)")
      continue
    }
    #expect(seen.mid == 7 && seen.lifetime == .seconds(600))
    #expect(wire.ending == .done && wire.told.count == 1)
    #expect(wire.conversation.nextTimeout == nil)
  }
}

@Test("the answers to the other commands are told")
func otherAnswers() throws {
  var withdrawn = Wire.begun(.withdraw(mid: 7))
  try withdrawn.answer(CoAPMessage(.deleted))
  #expect(withdrawn.told == [.withdrawn(mid: 7)] && withdrawn.ending == .done)

  withdrawn = Wire.begun(.resetConfiguration)
  try withdrawn.answer(CoAPMessage(.deleted))
  #expect(withdrawn.told == [.configurationReset] && withdrawn.ending == .done)

  let heartbeat = Wire.begun(.heartbeat)
  try heartbeat.answer(CoAPMessage(.changed), at: 0.25)
  #expect(heartbeat.told == [.heartbeat(.milliseconds(250))] && heartbeat.ending == .done)

  for (code, isNew) in [(CoAPCode.created, true), (.changed, false)] {
    let configured = Wire.begun(.configure(SessionConfiguration()))
    // An empty configuration is no request that a server takes; the answer counts here.
    try configured.answer(CoAPMessage(code))
    #expect(configured.told == [.configured(sid: 9, isNew: isNew)])
  }

  let efficacy = Wire.begun(.efficacy(mid: 7, .underAttack, try scope(), nil))
  try efficacy.answer(CoAPMessage(.changed))
  #expect(efficacy.told == [.granted(SeenMitigation(mid: 7), isNew: false)])
}

@Test("a configuration is told with its ranges")
func configurationAnswer() throws {
  var content = SessionConfiguration()
  content.mitigating.ackTimeout = ConfigurationValue(current: 200, minimum: 100, maximum: 3000)
  content.idle.heartbeatInterval = ConfigurationValue(current: 30)
  let wire = Wire.begun(.retrieveConfiguration)
  try wire.answer(CoAPMessage(.content, payload: content.encoded))
  guard case .configuration(let parameters) = try #require(wire.told.first) else { return }
  #expect(parameters.count == 6 && parameters[0].idle?.current == 30)
  #expect(parameters[0].mitigating == nil && parameters[3].isDecimal)
  let timeout = SessionParameter.Value(current: 200, minimum: 100, maximum: 3000)
  #expect(parameters[3].mitigating == timeout)
}

// MARK: Lost messages

@Test("MIT-PUT-21 without an answer the request goes out every three seconds, in the same message")
func repetition() throws {
  let wire = Wire(try mitigate())
  wire.losesRequests = true
  wire.client(wire.conversation.begin(now: at(0)), now: at(0))
  #expect(wire.pass(until: 100) == [3, 6, 9, 12, 15, 18, 21, 24, 27, 30])
  #expect(wire.sent.count == 10 && Set(wire.sent).count == 1)
  #expect(wire.ending?.status == .timedOut && wire.told == [])
}

@Test("COAP-08 an answer that was lost comes again when the request does, and ends its repetition")
func lostAnswer() throws {
  let wire = Wire.begun(try mitigate())
  wire.losesAnswers = true
  try wire.answer(response(.created, entry(7)))
  wire.losesAnswers = false
  wire.pass(until: 3)
  #expect(wire.requests.isEmpty && wire.sent.count == 2)
  #expect(wire.ending == .done && wire.told.count == 1)
  guard case .granted(_, isNew: true) = wire.told[0] else {
    Issue.record("\(wire.told)")
    return
  }
}

@Test("an answer that comes twice is told once")
func duplicateAnswer() throws {
  let wire = Wire.begun(.withdraw(mid: 7))
  let exchange = try #require(wire.requests.first).exchange
  let actions = wire.server.respond(to: exchange, with: CoAPMessage(.deleted), now: at(0.1))
  wire.server(actions, now: at(0.1))
  wire.server(actions, now: at(0.2))
  #expect(wire.told.count == 1 && wire.ending == .done)
}

@Test("CFG-01 a confirmable request is repeated as CoAP says and not beside it")
func confirmable() throws {
  let wire = Wire(.retrieveConfiguration, patience: .seconds(60))
  wire.losesRequests = true
  wire.client(wire.conversation.begin(now: at(0)), now: at(0))
  wire.pass(until: 100)
  let requests = try wire.sent.filter {
    try CoAPDatagram(parsing: $0).type == .confirmable
  }
  #expect(requests.count == 4 && Set(requests).count == 1)
  #expect(wire.ending?.status == .timedOut)
}

@Test("the silence that an efficacy update of an unknown mitigation meets is explained")
func unknownEfficacy() throws {
  let wire = Wire.begun(.efficacy(mid: 7, .underAttack, try scope(), nil))
  wire.pass(until: 40)
  #expect(wire.ending?.status == .timedOut)
  #expect(wire.ending?.text.string.contains("no such mitigation") == true)
}

@Test(
  "on a lossy wire a request is answered or given up in time, never sent more often than allowed",
  arguments: 1...200 as ClosedRange<UInt64>
)
func lossyWire(seed: UInt64) throws {
  var random = SeededGenerator(seed: seed)
  let wire = Wire(try mitigate())
  wire.losesRequests = Bool.random(using: &random)
  wire.client(wire.conversation.begin(now: at(0)), now: at(0))
  var last = 0.0
  while wire.ending == nil {
    wire.losesAnswers = Double.random(in: 0..<1, using: &random) < 0.7
    if !wire.requests.isEmpty { try wire.answer(response(.created, entry(7)), at: last) }
    guard wire.ending == nil else { break }
    wire.losesRequests = Double.random(in: 0..<1, using: &random) < 0.7
    let sent = wire.sent.count
    let due = try #require(wire.conversation.nextTimeout, "seed \(seed)")
    wire.client(wire.conversation.timedOut(now: due), now: due)
    let now = Double(due.milliseconds) / 1000
    #expect(wire.sent.count - sent <= 1 && now <= 30, "seed \(seed)")
    #expect(wire.sent.count == sent || now - last >= 3, "seed \(seed)")
    last = now
  }
  #expect(wire.told.count == (wire.ending == .done ? 1 : 0), "seed \(seed)")
}

// MARK: Refusals

@Test(
  "each refusal has its exit status, and code, name and diagnostic are told",
  arguments: [
    (.badRequest, .refused, "4.00 Bad Request"), (.unauthorized, .refused, "4.01 Unauthorized"),
    (.forbidden, .refused, "4.03 Forbidden"), (.notFound, .notFound, "4.04 Not Found"),
    (.unprocessableEntity, .refused, "4.22 Unprocessable Entity"),
    (.internalServerError, .refused, "5.00 Internal Server Error"),
    (CoAPCode(4, 31), .refused, "4.31"),
  ] as [(CoAPCode, Client.ExitStatus, String)]
)
func refusals(code: CoAPCode, status: Client.ExitStatus, words: String) throws {
  let wire = Wire.begun(try mitigate())
  try wire.answer(.diagnostic(code, "because"))
  #expect(wire.ending?.status == status && wire.told == [])
  #expect(wire.ending?.text.string == "the server refused with \(words): because")
}

@Test("a conflict is told in words: cause, status, scope and when to try again")
func conflictWords() throws {
  var shared = ConflictScope()
  shared.mid = 8
  shared.targetPrefixes = try scope().targetPrefixes
  let refusing = entry(7) {
    $0.conflict = ConflictInformation(
      cause: .overlappingTargets,
      status: .requestInactiveOtherActive,
      retryTimer: 600,
      scope: shared
    )
  }
  let wire = Wire.begun(try mitigate())
  try wire.answer(response(.conflict, refusing))
  #expect(wire.ending?.status == .conflict)
  #expect(
    wire.ending?.text.string == """
      the server refused with 4.09 Conflict; overlapping-targets, request-inactive-other-active, \
      retry in 10 min; with mitigation 8; targets 203.0.113.5/32
      """
  )
}

@Test("5.03 tells when to try again; text in the place of CBOR is told as it is")
func unavailable() throws {
  let wire = Wire.begun(try mitigate())
  var busy = CoAPMessage.diagnostic(.serviceUnavailable, "busy")
  busy.add(CoAPOption(.maxAge, uint: 120))
  try wire.answer(busy)
  #expect(wire.ending?.status == .refused)
  #expect(
    wire.ending?.text == """
      the server refused with 5.03 Service Unavailable: busy; try again in 2 min
      """
  )
}

@Test("an answer that can't be read ends with a failure")
func unreadable() throws {
  let wire = Wire.begun(.status(mid: 7, watching: false))
  try wire.answer(CoAPMessage(.content, payload: [0xFF]))
  #expect(wire.ending?.status == .failed && wire.told == [])
}

@Test("a server that rejects the request with a reset is told")
func reset() throws {
  let wire = Wire.begun(try mitigate())
  let number = try CoAPDatagram(parsing: wire.sent[0]).messageID
  let reset = CoAPDatagram(empty: .reset, messageID: number).encoded
  wire.client(wire.conversation.received(reset, now: at(1)), now: at(1))
  #expect(wire.ending?.status == .failed)
}

@Test("without a mid, 4.04 means that nothing is mitigated; with one that it isn't known")
func nothing() throws {
  for isWatching in [false, true] {
    let all = Wire.begun(.status(mid: nil, watching: isWatching))
    try all.answer(.diagnostic(.notFound, ""))
    #expect(all.told == [.mitigations([])] && all.ending == .done)
    let one = Wire.begun(.status(mid: 7, watching: isWatching))
    try one.answer(.diagnostic(.notFound, ""))
    #expect(one.told == [] && one.ending?.status == .notFound)
  }
}

// MARK: Blocks

@Test("a request of several blocks arrives whole although messages are lost")
func requestBlocks() throws {
  var large = MitigationScope()
  large.targetPrefixes = (0..<64).map {
    Prefix(host: IPAddress(v6High: 0x2001_0DB8_FFFF_FFFF, low: UInt64.max - $0))
  }
  let wire = Wire(.mitigate(mid: 7, large, .seconds(600)))
  wire.losesRequests = true
  wire.client(wire.conversation.begin(now: at(0)), now: at(0))
  wire.losesRequests = false
  wire.losesAnswers = true
  wire.pass(until: 3)
  wire.losesAnswers = false
  wire.pass(until: 20)
  guard case .mitigation(.mitigate(_, large, _, _)) = try wire.lastRequest() else {
    Issue.record("the request isn't whole")
    return
  }
  try wire.answer(response(.created, entry(7)), at: 20)
  #expect(wire.ending == .done)
}

@Test("an answer of several blocks is told whole although messages are lost")
func answerBlocks() throws {
  let wire = Wire.begun(.status(mid: nil, watching: false))
  var content = DOTSResponse(.content)
  content.entries = try (1...100 as ClosedRange<UInt32>).map { mid in
    let scope = try scope()
    return entry(mid) { $0.scope = scope }
  }
  wire.losesRequests = true
  try wire.answer(content.message)
  #expect(wire.ending == nil)
  wire.losesRequests = false
  wire.pass(until: 10)
  guard case .mitigations(let list) = wire.told.first else {
    Issue.record("\(wire.told)")
    return
  }
  #expect(list.count == 100 && list[99].mid == 100 && wire.ending == .done)
}

// MARK: Streams

@Test("TCP-03 on a stream the settings go first, and nothing is repeated")
func stream() throws {
  let wire = Wire.begun(try mitigate(), isStream: true)
  #expect(wire.sent.count == 2 && wire.requests.count == 1)
  wire.pass(until: 20)
  #expect(wire.sent.count == 2)
  try wire.answer(response(.created, entry(7)), at: 20)
  #expect(wire.ending == .done && wire.told.count == 1)
}

@Test("a server that aborts the stream before its answer is told")
func abortedStream() throws {
  let wire = Wire.begun(try mitigate(), isStream: true)
  let abort = CoAPMessage.diagnostic(.abort, "no more").frame
  wire.client(wire.conversation.received(abort, now: at(1)), now: at(1))
  #expect(wire.ending?.status == .failed)
}

@Test("HOP-03 a gateway's 5.08 ends the request, and its list of gateways is told")
func hopLimit() throws {
  let wire = Wire.begun(try mitigate())
  try wire.answer(.diagnostic(.hopLimitReached, "gw-1 gw-2"))
  #expect(
    wire.ending?.text == "the server refused with 5.08 Hop Limit Reached: gw-1 gw-2"
  )
}
