import Bytes
import Link
import Linux
import Model
import Report
import Testing

@testable import Control

private let report = StatusReport(software: "c", uptime: .seconds(1), isKernelInSync: true)

/// A mitigation with this number.
private func summary(_ id: UInt32) -> MitigationSummary {
  MitigationSummary(
    id: MitigationID(id),
    client: "t",
    cuid: "u",
    mid: id,
    status: .attackMitigationInProgress,
    action: .block,
    scope: MitigationScope(),
    lifetime: .seconds(1),
    remaining: .seconds(1)
  )
}

/// What comes of `command` when the daemon says `messages`, and ends the connection or doesn't.
private func ask(
  _ command: ControlCommand,
  hearing messages: [[UInt8]],
  closing: Bool = false,
  patience: Span = Exchange.patience
) throws -> Result<Answer, ExchangeFault> {
  var (own, daemon): (PacketSocket, PacketSocket?) = try PacketSocket.pair()
  for message in messages { try daemon?.send(message) }
  if closing { daemon = nil }
  defer { withExtendedLifetime(daemon) {} }
  do throws(ExchangeFault) {
    return .success(try Exchange.ask(command, over: own, patience: patience))
  } catch {
    return .failure(error)
  }
}

/// The messages of these replies.
private func encoded(_ replies: ControlReply...) throws -> [[UInt8]] {
  try replies.map { try $0.encoded() }
}

@Test("the command is sent as core reads it")
func commandIsSent() throws {
  let (own, daemon) = try PacketSocket.pair()
  try daemon.send(ControlReply.mitigation(summary(1)).encoded())
  try daemon.send(ControlReply.end(.done, "").encoded())
  _ = try Exchange.ask(.mitigations, over: own)
  guard case .message(let bytes, _) = try daemon.receive() else {
    Issue.record("nothing was sent")
    return
  }
  #expect(try ControlCommand(parsing: bytes) == .mitigations)
}

@Test("status is one reply and the end")
func status() throws {
  let replies = try encoded(.status(report), .end(.done, ""))
  #expect(try ask(.status, hearing: replies) == .success(.status(report)))
}

@Test("mitigations are gathered until the end")
func mitigations() throws {
  let replies = try encoded(.mitigation(summary(1)), .mitigation(summary(2)), .end(.done, ""))
  #expect(
    try ask(.mitigations, hearing: replies) == .success(.mitigations([summary(1), summary(2)]))
  )
  #expect(try ask(.mitigations, hearing: encoded(.end(.done, ""))) == .success(.mitigations([])))
}

@Test("why is the state and what concerns the subject")
func why() throws {
  let subject = DeviceSubject.mac(MACAddress(1))
  let replies = try encoded(
    .why(subject, .blocked),
    .mitigation(summary(1)),
    .end(.done, "")
  )
  let expected = WhyReport(subject: subject, state: .blocked, mitigations: [summary(1)])
  #expect(try ask(.why(subject), hearing: replies) == .success(.why(expected)))
}

@Test("devices are gathered until the end")
func devices() throws {
  let list = [UInt64(1), 2].map {
    DeviceSummary(device: Device(mac: MACAddress($0)), state: .clear)
  }
  let replies = try encoded(.device(list[0]), .device(list[1]), .end(.done, ""))
  #expect(try ask(.devices, hearing: replies) == .success(.devices(list)))
  #expect(try ask(.devices, hearing: encoded(.end(.done, ""))) == .success(.devices([])))
}

@Test("a device is put into quarantine and released, and core may say more about it")
func changes() throws {
  let mac = MACAddress(1)
  let done = try encoded(.end(.done, ""))
  #expect(
    try ask(.quarantine(mac), hearing: done)
      == .success(.changed(.moved(mac, isQuarantined: true, note: "")))
  )
  #expect(
    try ask(.release(mac), hearing: encoded(.end(.done, "was free")))
      == .success(.changed(.moved(mac, isQuarantined: false, note: "was free")))
  )
}

@Test("a code is the text at the end; without one the conversation is broken")
func code() throws {
  let mac = MACAddress(1)
  #expect(
    try ask(.code(mac), hearing: encoded(.end(.done, "1234")))
      == .success(.changed(.code(mac, "1234")))
  )
  #expect(try ask(.code(mac), hearing: encoded(.end(.done, ""))) == .failure(.broken))
}

@Test(
  "a device that core doesn't know, or protects, ends the command as the manual says",
  arguments: [(.notFound, 5), (.refused, 4), (.conflict, 6)] as [(ControlOutcome, Int32)]
)
func changeRefused(outcome: ControlOutcome, status: Int32) throws {
  for command: ControlCommand in [
    .quarantine(MACAddress(1)), .release(MACAddress(1)), .code(MACAddress(1)),
  ] {
    let result = try ask(command, hearing: encoded(.end(outcome, "no")))
    guard case .failure(let fault) = result else {
      Issue.record("answered")
      return
    }
    #expect(fault.status.rawValue == status && fault.description == "no")
  }
}

@Test("core's refusal is the exit status and its reason the complaint")
func refusal() throws {
  let result = try ask(.status, hearing: encoded(.end(.notFound, "no such device")))
  #expect(result == .failure(.ended(.notFound, "no such device")))
  guard case .failure(let fault) = result else { return }
  #expect(fault.status == .notFound && fault.description == "no such device")
}

@Test("replies that don't belong to the command break the conversation")
func misplaced() throws {
  for (command, replies) in [
    (.status, try encoded(.end(.done, ""))),
    (.status, try encoded(.mitigation(summary(1)))),
    (.status, try encoded(.status(report), .status(report))),
    (.mitigations, try encoded(.status(report))),
    (.why(.mac(MACAddress(1))), try encoded(.mitigation(summary(1)), .end(.done, ""))),
    (.devices, try encoded(.mitigation(summary(1)))),
    (
      .release(MACAddress(1)),
      try encoded(.device(DeviceSummary(device: Device(mac: MACAddress(1)), state: .clear)))
    ),
    (.status, [[0xFF]]), (.status, [try ControlCommand.status.encoded()]),
  ] as [(ControlCommand, [[UInt8]])] {
    #expect(try ask(command, hearing: replies) == .failure(.broken))
  }
}

@Test("a daemon that ends the connection too early, or says nothing, is told apart")
func silence() throws {
  #expect(try ask(.status, hearing: encoded(.status(report)), closing: true) == .failure(.closed))
  let start = Clock.now
  let result = try ask(
    .status,
    hearing: encoded(.status(report)),
    patience: .milliseconds(50)
  )
  #expect(result == .failure(.timedOut))
  #expect(Clock.now - start >= .milliseconds(49))
}

@Test("without a socket the daemon isn't running")
func notRunning() {
  do throws(ExchangeFault) {
    _ = try Exchange.connect("/nonexistent/control")
    Issue.record("connected")
  } catch {
    #expect(error.status == .notRunning)
    #expect(error.description.hasPrefix("cordond is not running: nothing listens at /nonexist"))
  }
}

@Test("each fault has the exit status that the manual promises")
func exitStatuses() {
  let error = SystemError(1, "connect")
  for (fault, status) in [
    (.notRunning("/s", error), 3), (.refused("/s", error), 4), (.failed(error), 1),
    (.closed, 1), (.broken, 1), (.timedOut, 7), (.ended(.failed, ""), 1), (.ended(.usage, ""), 2),
    (.ended(.refused, ""), 4), (.ended(.notFound, ""), 5), (.ended(.conflict, ""), 6),
    (.ended(.timedOut, ""), 7), (.ended(.done, ""), 0),
  ] as [(ExchangeFault, Int32)] {
    #expect(fault.status.rawValue == status && !fault.description.isEmpty)
  }
}

@Test("answers are a line of JSON or words")
func forms() {
  let answer = Answer.mitigations([])
  #expect(answer.json == "{\"version\":1,\"mitigations\":[]}\n")
  #expect(
    answer.text(TextStyle(isColoured: false, now: UnixTime(seconds: 0))) == "no mitigations\n"
  )
}

@Test("mistakes are usage, an absent daemon is not running")
func program() {
  #expect(ControlProgram.run(["nonsense"]) == .usage)
  #expect(ControlProgram.run(["--json", "metrics"]) == .usage)
  #expect(
    ControlProgram.run(["--socket", "/nonexistent/c", "status"]) == .notRunning
  )
  #expect(ControlProgram.run(["--version"]) == .done)
}
