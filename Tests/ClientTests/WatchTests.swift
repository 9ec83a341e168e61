import Bytes
import CoAP
import DOTS
import Model
import Report
import Testing

@testable import Client

/// A watch of mitigation 7 whose first state has come.
private func watching(isStream: Bool = false) throws -> Wire {
  let wire = Wire.begun(.status(mid: 7, watching: true), isStream: isStream)
  try wire.answer(
    response(.content, state(7, .attackMitigationInProgress)),
    isObservable: true
  )
  return wire
}

extension Wire {
  /// The statuses that were told.
  fileprivate var statuses: [MitigationStatus?] {
    told.flatMap { answer -> [MitigationStatus?] in
      guard case .mitigations(let list) = answer else { return [] }
      return list.map { $0.status }
    }
  }

  /// The server tells its observer a state.
  fileprivate func notify(_ state: CoAPMessage, at seconds: Double) throws {
    let token = try #require(server.observers.first).token
    server(server.notify(token, with: state, now: at(seconds)), now: at(seconds))
  }
}

@Test("MIT-OBS-01 each new state is told until the server ends the observation")
func states() throws {
  let wire = try watching()
  try wire.notify(response(.content, state(7, .attackSuccessfullyMitigated)), at: 10)
  try wire.notify(response(.content, state(7, .attackStopped)), at: 20)
  #expect(
    wire.statuses == [.attackMitigationInProgress, .attackSuccessfullyMitigated, .attackStopped]
  )
  #expect(wire.ending == nil)
  try wire.notify(.diagnostic(.notFound, "gone"), at: 30)
  #expect(wire.ending == .done && wire.told.count == 3)
}

@Test("MIT-OBS-08 the status of a mitigation that has ended is the last that is told")
func terminated() throws {
  let wire = try watching()
  try wire.notify(response(.content, state(7, .attackMitigationTerminated)), at: 10)
  #expect(wire.ending == .done && wire.statuses.last == .attackMitigationTerminated)
}

@Test("OBS-03 a state that was overtaken by a newer one isn't told")
func reordered() throws {
  let wire = try watching()
  let token = try #require(wire.server.observers.first).token
  var late: [MessageAction] = []
  for (seconds, status) in [(10.0, MitigationStatus.attackStopped), (20, .attackStopped)] {
    let state = response(.content, state(7, status))
    late.append(contentsOf: wire.server.notify(token, with: state, now: at(seconds)))
  }
  try #require(late.count == 2)
  wire.server([late[1]], now: at(21))
  wire.server([late[0]], now: at(22))
  #expect(wire.told.count == 2)
}

@Test("a server that doesn't observe is told, after the state that it gives")
func declined() throws {
  let wire = Wire.begun(.status(mid: 7, watching: true))
  try wire.answer(response(.content, state(7, .attackStopped)))
  #expect(wire.told.count == 1 && wire.ending?.status == .failed)
}

@Test(
  "when states no longer come, the client asks again; the session counts while anything is heard"
)
func silence() throws {
  let wire = try watching()
  wire.losesRequests = true
  for seconds in stride(from: 60.0, through: 1200, by: 60) {
    wire.pass(until: seconds)
    wire.server(wire.server.timedOut(now: at(seconds)), now: at(seconds))
    // The server's heartbeats still come through.
    let beat = try #require(DOTSRequest.heartbeat(Heartbeat(peerStatus: true)).message)
    let sent = try wire.server.send(beat, confirmable: false, now: at(seconds))
    wire.server(sent.actions, now: at(seconds))
  }
  #expect(wire.ending == nil)
  wire.losesRequests = false
  wire.requests = []
  wire.pass(until: 1300)
  #expect(wire.requests.contains { $0.message.observe == 0 })
}

@Test("HB-07 the watch ends when nothing at all is heard for 15 heartbeat intervals")
func lost() throws {
  let wire = try watching()
  wire.losesRequests = true
  wire.pass(until: 449)
  #expect(wire.ending == nil)
  wire.pass(until: 460)
  #expect(wire.ending == .lost && wire.ending?.status == .timedOut)
}

@Test("HB-01 heartbeats are sent every 30 seconds while something is watched, each of them once")
func heartbeats() throws {
  let wire = try watching()
  wire.losesAnswers = true
  wire.requests = []
  wire.pass(until: 59)
  let beats = wire.requests.filter { $0.message.uriPath.last == "hb" }
  #expect(beats.count == 1)
  #expect(
    try DOTSRequest(try #require(beats.first).message, role: .base)
      == .heartbeat(Heartbeat(peerStatus: false))
  )
}

@Test("HB-03 the server's heartbeats are answered, and what else it asks for is 4.04")
func peerRequests() throws {
  let wire = try watching()
  let beat = try #require(DOTSRequest.heartbeat(Heartbeat(peerStatus: true)).message)
  let other = try #require(DOTSRequest.retrieveConfiguration(sid: nil).message)
  for request in [beat, other] {
    let sent = try wire.server.send(request, confirmable: false, now: at(5))
    wire.server(sent.actions, now: at(5))
  }
  #expect(wire.responses.map { $0.code } == [.changed, .notFound])
  wire.requests = []
  wire.pass(until: 31)
  #expect(try wire.lastRequest() == .heartbeat(Heartbeat(peerStatus: true)))
}

@Test("HB-05 a server that doesn't hear us gets a heartbeat at once")
func saturated() throws {
  let wire = try watching()
  wire.requests = []
  let beat = try #require(DOTSRequest.heartbeat(Heartbeat(peerStatus: false)).message)
  wire.server(try wire.server.send(beat, confirmable: false, now: at(5)).actions, now: at(5))
  #expect(try wire.lastRequest() == .heartbeat(Heartbeat(peerStatus: true)))
}

@Test("MIT-OBS-06 an interrupted watch is ended at the server, with the token that began it")
func interruptedWatch() throws {
  for isStream in [false, true] {
    let wire = try watching(isStream: isStream)
    let token = try #require(wire.server.observers.first).token
    wire.client(wire.conversation.interrupted(now: at(5)), now: at(5))
    #expect(wire.requests.last?.message.observe == 1)
    #expect(wire.requests.last?.message.token == token)
    #expect(wire.ending == .done && wire.conversation.nextTimeout == nil)
  }
}

@Test("who interrupts a request learns that it may have been taken")
func interruptedRequest() throws {
  let wire = Wire.begun(.withdraw(mid: 7))
  wire.client(wire.conversation.interrupted(now: at(1)), now: at(1))
  #expect(wire.ending == .interrupted && wire.ending?.status == .failed)
  #expect(wire.conversation.interrupted(now: at(2)) == [])
  #expect(wire.conversation.received([], now: at(2)) == [])
  #expect(wire.conversation.timedOut(now: at(9)) == [])
}
