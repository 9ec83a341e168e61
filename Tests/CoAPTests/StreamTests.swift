import Bytes
import CoAP
import TestSupport
import Testing

private let custody = CoAPOption(CoAPOptionNumber(2), [])
private let critical = CoAPOption(CoAPOptionNumber(9), [])

/// Whether the actions are an abort with a diagnostic, then the end for this fault.
private func aborts(_ actions: [MessageAction], _ fault: StreamFault) throws -> CoAPMessage {
  let sent = try actions.frames
  let message = try #require(sent.last)
  #expect(message.code == .abort && Text(message.payload) == fault.text)
  #expect(actions.last == .close(.refused(fault)))
  return message
}

@Test("TCP-02 TCP-03 TCP-04 TCP-05 our settings come first, without waiting for the peer's")
func ownSettings() throws {
  let stream = StreamLayer()
  let sent = try #require(stream.opened(now: at(0)).frames.first)
  #expect(sent.code == .settings)
  #expect(
    sent.options == [
      CoAPOption(CoAPOptionNumber(2), uint: 16_384), CoAPOption(CoAPOptionNumber(4), []),
    ]
  )
}

@Test("TCP-02 settings are taken, those without options too", arguments: ["f21", "f22"])
func peerSettings(name: String) throws {
  let stream = StreamLayer()
  _ = stream.opened(now: at(0))
  #expect(try stream.received(vector(name), now: at(0)) == [])
  #expect(stream.maximumSize == (name == "f22" ? 8192 : 1152))
  #expect(stream.received(message().frame, now: at(0)).delivered.count == 1)
}

@Test("TCP-02 a first message that is no CSM is answered with Abort and the end")
func settingsMissing() throws {
  for first in try [vector("f29"), vector("f23"), vector("f27"), vector("f20")] {
    let stream = StreamLayer()
    _ = stream.opened(now: at(0))
    _ = try aborts(stream.received(first, now: at(0)), .noSettings)
    #expect(stream.isClosed && stream.nextTimeout == nil)
  }
}

@Test("TCP-02 settings that don't come in time end the stream")
func settingsLate() throws {
  let stream = StreamLayer()
  _ = stream.opened(now: at(0))
  #expect(stream.nextTimeout == at(30))
  #expect(stream.timedOut(now: at(29.999)) == [])
  _ = try aborts(stream.timedOut(now: at(30)), .noSettings)
}

@Test("TCP-02 empty messages are ignored, even before the settings")
func emptyMessages() throws {
  let stream = StreamLayer()
  _ = stream.opened(now: at(0))
  #expect(try stream.received(bytes("0000 0000"), now: at(0)) == [])
  #expect(try stream.received(vector("f21"), now: at(0)) == [])
  #expect(try stream.received(bytes("0000"), now: at(0)) == [])
  #expect(!stream.isClosed)
}

@Test("TCP-02 a frame that is malformed or too large is answered with Abort and the end")
func badFrames() throws {
  for frame in ["09", "1001ff", "0020", "00c0"] {
    let stream = openStream()
    _ = try aborts(stream.received(bytes(frame), now: at(1)), .malformed)
    #expect(try stream.received(vector("f21"), now: at(1)) == [])
  }
  let stream = openStream()
  _ = try aborts(stream.received(bytes("f0ffffffff01"), now: at(1)), .tooLarge)
}

@Test("TCP-02 what comes before a bad frame is still delivered, what comes after it is not")
func beforeBadFrame() throws {
  let stream = openStream()
  let frame = message(token: [1]).frame
  let actions = try stream.received(frame + bytes("09") + frame, now: at(1))
  #expect(actions.delivered.count == 1)
  #expect(actions.end == .refused(.malformed))
}

@Test("TCP-04 nothing larger than the peer takes is sent")
func peerLimit() throws {
  let stream = openStream(peerMaximum: 200)
  let exchange = try #require(
    stream.received(message(token: [5]).frame, now: at(0)).delivered.first
  )
  .exchange
  let large = CoAPMessage(.content, payload: body(300))
  let sent = try stream.respond(to: exchange, with: large, now: at(0)).frames
  #expect(sent == [CoAPMessage(.internalServerError, token: [5])])
  #expect(stream.notify(large, now: at(0)) == [])
  #expect(throws: SendRefusal.tooLarge) { try stream.send(large, now: at(0)) }
}

@Test("TCP-04 a limit that no message fits, or is no number, is refused by its option number")
func unusableLimit() throws {
  for value in [[], [127], [1, 0, 0, 0, 0]] as [[UInt8]] {
    let stream = StreamLayer()
    let option = CoAPOption(CoAPOptionNumber(2), value)
    let frame = CoAPMessage(.settings, options: [option]).frame
    let sent = try aborts(stream.received(frame, now: at(0)), .setting)
    #expect(sent.options == [CoAPOption(CoAPOptionNumber(2), uint: 2)])
  }
}

@Test("TCP-04 settings may come again, and what they leave out stays")
func cumulativeSettings() throws {
  let stream = openStream(peerMaximum: 4000)
  _ = try stream.received(vector("f21"), now: at(1))
  #expect(stream.maximumSize == 4000)
  _ = try stream.received(vector("f22"), now: at(1))
  #expect(stream.maximumSize == 8192)
}

@Test("TCP-06 a Ping is answered with a Pong with its token")
func pingPong() throws {
  let stream = openStream()
  #expect(try stream.received(vector("f23"), now: at(0)) == [.send(vector("f24"))])
  #expect(try stream.received(vector("f24"), now: at(0)) == [])
}

@Test("TCP-06 a Ping for Custody is answered when all requests before it are")
func pingCustody() throws {
  let stream = openStream()
  let two = message(token: [1]).frame + message(token: [2]).frame
  let ping = CoAPMessage(.ping, token: [7], options: [custody]).frame
  let actions = stream.received(two + ping + message(token: [3]).frame, now: at(0))
  let exchanges = actions.delivered.map { $0.exchange }
  #expect(exchanges.count == 3 && actions.sentBytes.isEmpty)
  let first = try stream.respond(to: exchanges[1], with: CoAPMessage(.content), now: at(1)).frames
  #expect(first.map { $0.code } == [.content])
  let second = try stream.leaveUnanswered(exchanges[0], now: at(1)).frames
  #expect(second == [CoAPMessage(.pong, token: [7], options: [custody])])
}

@Test("TCP-06 Pings for Custody beyond the limit are answered at once, without it")
func pingCustodyLimit() throws {
  let stream = openStream()
  _ = stream.received(message().frame, now: at(0))
  let ping = CoAPMessage(.ping, token: [7], options: [custody]).frame
  for _ in 0..<StreamLayer.maximumWaitingPings {
    #expect(stream.received(ping, now: at(0)) == [])
  }
  #expect(try stream.received(ping, now: at(0)).frames == [CoAPMessage(.pong, token: [7])])
}

@Test("TCP-07 after a Release all open requests are answered, then the stream ends")
func releasing() throws {
  let stream = openStream()
  let actions = try stream.received(message(token: [1]).frame + vector("f27"), now: at(0))
  let exchange = try #require(actions.delivered.first).exchange
  #expect(actions.end == nil)
  #expect(stream.received(message(token: [2]).frame, now: at(0)) == [])
  let last = stream.respond(to: exchange, with: CoAPMessage(.content), now: at(1))
  #expect(try last.frames.map { $0.code } == [.content])
  #expect(last.end == .released && stream.isClosed)
}

@Test("TCP-07 a Release with nothing open ends the stream at once, whatever its options")
func releasedIdle() throws {
  let address = CoAPOption(CoAPOptionNumber(2), Text("elsewhere").bytes)
  let holdOff = CoAPOption(CoAPOptionNumber(4), [9])
  for options in [[], [address, address, holdOff]] {
    let stream = openStream()
    let frame = CoAPMessage(.release, options: options).frame
    #expect(stream.received(frame, now: at(0)) == [.close(.released)])
  }
}

@Test("TCP-07 our Release is a signal of its own")
func ownRelease() throws {
  let stream = openStream()
  #expect(try stream.release() == [.send(vector("f27"))])
  let requests = stream.received(message().frame, now: at(0)).delivered
  #expect(requests.count == 1)
}

@Test("TCP-08 an Abort ends the stream and fails what waits; its diagnostic is told")
func aborted() throws {
  let stream = openStream()
  let exchange = try stream.send(message(), now: at(0)).exchange
  let frame = CoAPMessage(.abort, payload: Text("enough").bytes).frame
  let actions = stream.received(frame, now: at(0))
  let end = StreamEnd.aborted(diagnostic: Text("enough").bytes)
  #expect(actions == [.failed(exchange, .closed), .close(end)])
  #expect(stream.received(message().frame, now: at(0)) == [])
  #expect(throws: SendRefusal.closed) { try stream.send(message(), now: at(0)) }
  let early = StreamLayer()
  #expect(try early.received(vector("f28"), now: at(0)).end == .aborted(diagnostic: []))
}

@Test("TCP-08 TCP-09 an unknown critical option of a CSM is named in the Abort")
func criticalSetting() throws {
  let stream = StreamLayer()
  let frame = CoAPMessage(.settings, options: [critical]).frame
  let sent = try aborts(stream.received(frame, now: at(0)), .option)
  #expect(try CoAPMessage(.abort, options: sent.options).frame == vector("f28"))
}

@Test("TCP-09 an unknown critical option of a signal aborts, an elective one is ignored")
func signalOptions() throws {
  for code in [.ping, .pong, .release, CoAPCode(7, 9)] {
    let stream = openStream()
    let fault: StreamFault = code == CoAPCode(7, 9) ? .code : .option
    let actions = stream.received(CoAPMessage(code, options: [critical]).frame, now: at(0))
    _ = try aborts(actions, fault)
  }
  let elective = CoAPOption(CoAPOptionNumber(8), [1])
  for code in [.settings, .ping, .pong, CoAPCode(7, 9)] {
    let stream = openStream()
    _ = stream.received(CoAPMessage(code, options: [elective]).frame, now: at(0))
    #expect(!stream.isClosed)
  }
}

@Test("TCP-10 an unknown critical option of a request is answered with 4.02, proxying with 5.05")
func streamBadOption() throws {
  let stream = openStream()
  let unknown = CoAPOption(CoAPOptionNumber(65_001), [])
  let bad = try #require(
    stream.received(message(options: [unknown]).frame, now: at(0)).frames.first
  )
  #expect(bad.code == .badOption && !bad.payload.isEmpty)
  let proxy = CoAPOption(.proxyURI, [0x61])
  let refused = try #require(
    stream.received(message(options: [proxy]).frame, now: at(0)).frames.first
  )
  #expect(refused.code == .proxyingNotSupported)
}

@Test("TCP-01 requests may be answered in any order, each with its token")
func answersInAnyOrder() throws {
  let stream = openStream()
  let frames = (1...3 as ClosedRange<UInt8>).map { message(token: [$0]).frame }
  let delivered = stream.received(frames.flatMap { $0 }, now: at(0)).delivered
  for (exchange, request) in delivered.reversed() {
    let sent = try stream.respond(to: exchange, with: CoAPMessage(.changed), now: at(0)).frames
    #expect(sent == [CoAPMessage(.changed, token: request.token)])
    #expect(stream.respond(to: exchange, with: CoAPMessage(.changed), now: at(0)) == [])
  }
}

@Test("requests beyond the limit are answered with 5.03 and Max-Age")
func pendingLimit() throws {
  let stream = openStream()
  let frames = [UInt8]((0...64).flatMap { message(token: [$0]).frame })
  let actions = stream.received(frames, now: at(0))
  #expect(actions.delivered.count == StreamLayer.maximumPending)
  let refused = try #require(actions.frames.first)
  #expect(refused.code == .serviceUnavailable && refused.token == [64] && refused.maxAge == 1)
}

@Test("TCP-01 responses are matched to requests by their tokens, in any order")
func responsesInAnyOrder() throws {
  let stream = openStream()
  let sent = try (0..<3).map { _ in try stream.send(message(), now: at(0)) }
  for one in sent.reversed() {
    let request = try #require(one.actions.frames.first)
    let response = CoAPMessage(.content, token: request.token, payload: [1])
    let expected = [MessageAction.deliverResponse(one.exchange, response)]
    #expect(stream.received(response.frame, now: at(1)) == expected)
    #expect(stream.received(response.frame, now: at(1)) == [])
  }
}

@Test("a request on a stream fails when its time is up, or its response can't be understood")
func streamFailures() throws {
  let stream = openStream()
  let late = try stream.send(message(), patience: .seconds(5), now: at(0)).exchange
  #expect(stream.nextTimeout == at(5))
  #expect(stream.timedOut(now: at(5)) == [.failed(late, .unanswered)])
  let (exchange, actions) = try stream.send(message(), now: at(6))
  let number = CoAPOptionNumber(65_001)
  var response = CoAPMessage(.content, options: [CoAPOption(number, [])])
  response.token = try #require(actions.frames.first).token
  let failure = [MessageAction.failed(exchange, .badOption(number))]
  #expect(stream.received(response.frame, now: at(6)) == failure)
}

@Test("two streams talk in portions of any size", arguments: 1...100 as ClosedRange<UInt64>)
func twoStreams(seed: UInt64) throws {
  var random = SeededGenerator(seed: seed)
  let ends = [StreamLayer(), StreamLayer()]
  var wire: [[UInt8]] = [
    ends[1].opened(now: at(0)).sentBytes, ends[0].opened(now: at(0)).sentBytes,
  ]
  var answered: [Set<ExchangeID>] = [[], []]
  var asked: [Set<ExchangeID>] = [[], []]
  for step in 0..<400 {
    let side = Int.random(in: 0...1, using: &random)
    var actions: [MessageAction] = []
    if step < 200, asked[side].subtracting(answered[side]).count < 10 {
      let size = Int.random(in: 0...900, using: &random)
      let sent = try ends[side].send(message(.put, payload: body(size)), now: at(0))
      asked[side].insert(sent.exchange)
      actions = sent.actions
    } else {
      let count =
        step < 390 ? Int.random(in: 0...wire[side].count, using: &random) : wire[side].count
      let portion = Array(wire[side].prefix(count))
      wire[side].removeFirst(count)
      actions = ends[side].received(portion, now: at(0))
    }
    for (exchange, request) in actions.delivered {
      let response = CoAPMessage(.changed, payload: request.payload)
      actions += ends[side].respond(to: exchange, with: response, now: at(0))
    }
    answered[side].formUnion(actions.responses.map { $0.exchange })
    wire[1 - side] += actions.sentBytes
  }
  #expect(answered == asked, "seed \(seed)")
}

@Test("random bytes never trap a stream", arguments: 1...200 as ClosedRange<UInt64>)
func streamNoise(seed: UInt64) throws {
  var random = SeededGenerator(seed: seed)
  let frames = try (20...29).map { try vector("f\($0)") }
  let stream = openStream()
  for _ in 0..<200 where !stream.isClosed {
    var frame = try #require(frames.randomElement(using: &random))
    if Bool.random(using: &random) {
      frame[Int.random(in: 0..<frame.count, using: &random)] = .random(in: 0...255, using: &random)
    }
    for (exchange, _) in stream.received(frame, now: at(0)).delivered {
      _ = stream.respond(to: exchange, with: CoAPMessage(.content), now: at(0))
    }
  }
  if stream.isClosed { #expect(stream.received(message().frame, now: at(0)) == []) }
}
