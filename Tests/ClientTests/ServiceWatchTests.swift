import Bytes
import CoAP
import DOTS
import Model
import Report
import Testing

@testable import Client

/// A session that lasts, on which number 5 watches mitigation 7; nothing has come yet.
private func watched(isStream: Bool = false) throws -> Wire {
  let wire = Wire.begun(nil, isStream: isStream)
  wire.watch(5)
  return wire
}

extension Wire {
  fileprivate func watch(_ number: UInt64, at seconds: Double = 0) {
    let now = at(seconds)
    let command = Command.status(mid: 7, watching: true)
    client(conversation.watch(command, cuid: "me", as: number, now: now), now: now)
  }

  fileprivate func answerState(_ status: MitigationStatus = .attackMitigationInProgress) throws {
    try answer(response(.content, state(7, status)), isObservable: true)
  }

  fileprivate func notify(_ message: CoAPMessage, at seconds: Double) throws {
    let token = try #require(server.observers.first).token
    server(server.notify(token, with: message, now: at(seconds)), now: at(seconds))
  }
}

@Test("MIT-OBS-01 what is watched on a session that lasts comes beside answers to what is asked")
func beside() throws {
  for isStream in [false, true] {
    let wire = try watched(isStream: isStream)
    try wire.answerState()
    wire.client(
      wire.conversation.ask(.withdraw(mid: 8), cuid: "me", sid: 1, now: at(1)),
      now: at(1)
    )
    try wire.notify(response(.content, state(7, .attackStopped)), at: 10)
    #expect(wire.observed.map { $0.number } == [5, 5])
    #expect(wire.told.isEmpty)
    #expect(wire.requests.count == 1)
    try wire.answer(CoAPMessage(.deleted), at: 11)
    #expect(wire.told == [.withdrawn(mid: 8)] && wire.ending == .done)
    try wire.notify(.diagnostic(.notFound, "gone"), at: 20)
    #expect(wire.unobserved.map { $0.ending } == [.done] && wire.conversation.watches.isEmpty)
    #expect(!wire.conversation.isOver)
  }
}

@Test("what is watched and isn't there is refused to who watches alone")
func missing() throws {
  let wire = try watched()
  try wire.answer(.diagnostic(.notFound, "none"))
  #expect(wire.unobserved.first?.ending.status == .notFound && wire.observed.isEmpty)
  #expect(wire.ending == nil && !wire.conversation.isOver)
}

@Test("a request to watch that is lost is sent again, and given up when nothing answers")
func lostWatch() throws {
  let wire = Wire.begun(nil)
  wire.losesRequests = true
  wire.watch(5)
  wire.pass(until: 4)
  #expect(wire.sent.count == 2 && wire.sent[0] == wire.sent[1])
  wire.pass(until: 40)
  #expect(wire.unobserved.first?.ending.status == .timedOut)
  #expect(wire.conversation.watches.isEmpty && !wire.conversation.isOver)
}

@Test("MIT-OBS-06 who stops to watch ends the observation at the router; the session goes on")
func unwatched() throws {
  let wire = try watched()
  try wire.answerState()
  wire.requests = []
  wire.client(wire.conversation.unwatch(5, now: at(2)), now: at(2))
  #expect(wire.requests.map { $0.message.observe } == [1])
  try wire.answerState(.attackStopped)
  #expect(wire.observed.count == 1 && wire.unobserved.isEmpty && !wire.conversation.isOver)
  #expect(wire.conversation.watches.isEmpty)
  #expect(wire.conversation.unwatch(5, now: at(3)) == [])
}

@Test("no more is watched on a session than it has requests for")
func tooManyWatches() throws {
  let wire = Wire.begun(nil, isStream: true)
  for number in 1...UInt64(Conversation.maximumWatches + 1) { wire.watch(number) }
  #expect(wire.unobserved.map { $0.number } == [UInt64(Conversation.maximumWatches + 1)])
  wire.client(wire.conversation.ask(.heartbeat, cuid: "me", sid: 1, now: at(1)), now: at(1))
  #expect(wire.requests.last?.message.uriPath.last == "hb")
}

@Test("MIT-PUT-21 what is fetched for a watch leaves a lost request its repetition")
func repetitionBesideFetch() throws {
  let wire = try watched()
  try wire.answerState()
  wire.losesRequests = true
  wire.client(
    wire.conversation.ask(.withdraw(mid: 8), cuid: "me", sid: 1, now: at(9)),
    now: at(9)
  )
  let lost = try #require(wire.sent.last)
  wire.losesRequests = false
  // A state of several blocks, of which the first comes with the notification.
  var large = state(7, .attackStopped)
  large.scope.targetURIs = (0..<100).map { "https://example.net/path/\($0)" }
  try wire.notify(response(.content, large), at: 10)
  #expect(wire.sent.last != lost)
  wire.sent = []
  wire.pass(until: 12.5)
  #expect(wire.sent.contains(lost))
}

@Test("MIT-OBS-01 a registration that was renewed and answered isn't sent again")
func answeredRenewal() throws {
  let wire = try watched()
  try wire.answerState()
  wire.requests = []
  // Nothing but heartbeats goes out until the state is too old.
  while wire.requests.allSatisfy({ $0.message.observe == nil }) {
    wire.requests = []
    let due = try #require(wire.conversation.nextTimeout)
    wire.client(wire.conversation.timedOut(now: due), now: due)
  }
  let renewal = try #require(wire.sent.last)
  let moment = Double(try #require(wire.conversation.nextTimeout).milliseconds) / 1000
  try wire.answer(
    response(.content, state(7, .attackMitigationInProgress)),
    isObservable: true,
    at: moment - 0.1
  )
  wire.sent = []
  wire.pass(until: moment + 20)
  #expect(!wire.sent.contains(renewal))
}
