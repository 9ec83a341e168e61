import Bytes
import CoAP
import DOTS
import Model
import Report
import TestSupport
import Testing

@testable import Client

private func call(_ host: Text, name: Text? = nil) throws -> Call {
  var words: [Text] = [
    "status", "--connect", host + ":4747", "--psk-identity", "i", "--psk-file", "/f",
  ]
  if let name { words += ["--name", name] }
  return try Call(words)
}

private func refusal(to name: Text, _ addresses: [Text] = []) -> RefusedRequest {
  var refused = RefusedRequest(code: "5.03", name: "Service Unavailable")
  refused.alternate = SeenServer(name: name, addresses: addresses)
  refused.retryAfter = 3600
  return refused
}

@Test("RED-01 a 5.03 with an alternate server ends the request and names that server")
func redirectedRequest() throws {
  let wire = Wire.begun(.mitigate(mid: 7, try scope(), .seconds(600)))
  let body: [UInt8] =
    [0xA1, 0x18, 0x2E, 0xA2, 0x18, 0x2F, 0x65] + ("x.org" as Text).bytes
    + [0x18, 0x30, 0x81, 0x69] + ("192.0.2.1" as Text).bytes
  var message = CoAPMessage(.serviceUnavailable, payload: body)
  message.add(CoAPOption(.maxAge, uint: 60))
  try wire.answer(message)
  guard case .refused(.serviceUnavailable, let refused) = wire.ending else {
    Issue.record("\(String(describing: wire.ending))")
    return
  }
  #expect(refused.alternate == SeenServer(name: "x.org", addresses: ["192.0.2.1"]))
  #expect(refused.retryAfter == 60 && wire.told.isEmpty)
}

@Test("RED-01 a 5.03 to who watches sends on, too, with its time")
func redirectedWatch() throws {
  let wire = Wire.begun(.status(mid: 7, watching: true))
  try wire.answer(
    response(.content, state(7, .attackMitigationInProgress)),
    isObservable: true
  )
  let body: [UInt8] =
    [0xA1, 0x18, 0x2E, 0xA1, 0x18, 0x2F, 0x65] + ("x.org" as Text).bytes
  var message = CoAPMessage(.serviceUnavailable, payload: body)
  message.add(CoAPOption(.maxAge, uint: 1800))
  let token = try #require(wire.server.observers.first).token
  wire.server(wire.server.notify(token, with: message, now: at(10)), now: at(10))
  guard case .refused(.serviceUnavailable, let refused) = wire.ending else {
    Issue.record("\(String(describing: wire.ending))")
    return
  }
  #expect(refused.alternate == SeenServer(name: "x.org", addresses: []))
  #expect(refused.retryAfter == 1800 && wire.told.count == 1)
}

@Test("RED-01 the alternate server is asked at the addresses told, under its own name")
func followed() throws {
  var redirections = Redirections()
  let first = try call("192.0.2.7", name: "a.example")
  let told = refusal(to: "b.example", ["192.0.2.8"])
  let following = redirections.next(after: told, of: first, now: at(0))
  let next = try #require(following)
  #expect(next.destination.host == "b.example" && next.destination.port == 4747)
  #expect(next.serverName == nil)
  #expect(next.addresses == [try #require(IPAddress(parsing: "192.0.2.8"))])
}

@Test("RED-01 a redirection to a server that was asked in the last five minutes is ignored")
func circles() throws {
  var redirections = Redirections()
  let first = try call("192.0.2.7", name: "a.example")
  let own = redirections.next(after: refusal(to: "A.example"), of: first, now: at(0))
  #expect(own == nil)
  let following = redirections.next(after: refusal(to: "b.example"), of: first, now: at(1))
  let second = try #require(following)
  let early = redirections.next(after: refusal(to: "a.example"), of: second, now: at(299))
  #expect(early == nil)
  let late = redirections.next(after: refusal(to: "a.example"), of: second, now: at(302))
  #expect(late != nil)
}

@Test("RED-01 nobody is sent on for ever")
func bounded() throws {
  var redirections = Redirections()
  var next: Call? = try call("s0.example")
  var count: UInt32 = 0
  while let current = next, count < 100 {
    count += 1
    next = redirections.next(
      after: refusal(to: "s" + Text(decimal: count) + ".example"),
      of: current,
      now: at(0)
    )
  }
  #expect(count == 5)
}

@Test("RED-01 a redirection is told in words and in JSON")
func toldRedirection() {
  let server = SeenServer(name: "b.example", addresses: ["192.0.2.8"])
  let answer = ClientAnswer.redirected(server, seconds: 3600)
  let style = TextStyle(isColoured: false, now: UnixTime(seconds: 0))
  #expect(answer.text(style) == "redirected: b.example\n  addresses: 192.0.2.8\n  for: 1 h\n")
  #expect(
    answer.jsonLine == """
      {"version":1,"result":"redirected","alternate":{"name":"b.example",\
      "addresses":["192.0.2.8"]},"seconds":3600}

      """
  )
  #expect(refusal(to: "b.example").text.hasSuffix("b.example, which was asked already"))
}
