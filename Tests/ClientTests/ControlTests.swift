import Bytes
import JSON
import Linux
import Testing

@testable import Client

@Test(
  "an order that reaches no service ends in a line of JSON where answers are JSON",
  arguments: [true, false]
)
func noService(isJSON: Bool) throws {
  let words: [Text] = ["sessions", "--control", "/nonexistent/socket"] + (isJSON ? ["--json"] : [])
  var shown = Text("")
  let (status, complaint) = ControlPacket.carryOut(try Order(words), words: words) { shown += $0 }
  #expect(status == .unreachable)
  #expect(complaint.string.hasPrefix("no service at /nonexistent/socket: "))
  #expect(shown == (isJSON ? Ending.unreachable(complaint).jsonLine : ""))
}
