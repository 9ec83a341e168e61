import Bytes
import DOTS
import Dial
import Linux
import Model
import TLS
import Testing

@Suite struct AttemptTests {
  private let loopback = IPAddress(v4: 0x7F00_0001)

  private func attempt(_ transport: Transport, port: UInt16) throws -> Attempt {
    let client = try Client(Credentials(presharedKeys: [key]), over: transport)
    let connection = try #require(
      ClientConnection(client, to: .name("cpe-0001"), wall: Clock.wall)
    )
    return try Attempt(Candidate(transport, loopback), port: port, connection, token: 1)
  }

  private func isStalled(_ events: [Attempt.Event]) -> Bool {
    events.contains { if case .stalled = $0 { true } else { false } }
  }

  @Test("HE-05 over TCP an attempt has stalled 5 s after the last progress, and says so once")
  func stream() throws {
    let listener = try StreamListener(binding: Endpoint(loopback, port: 0))
    let attempt = try attempt(.tcp, port: try listener.port())
    let poller = try Poller()
    try poller.add(attempt.descriptor, token: 1, writing: true)
    let start = Clock.now
    _ = attempt.start(now: start)
    #expect(attempt.nextTimeout == start + .seconds(5))
    // It is connected, and nobody speaks.
    let event = try #require(try poller.wait(timeout: .seconds(20)).first)
    _ = attempt.ready(event, now: start + .seconds(3))
    #expect(!isStalled(attempt.timedOut(now: start + .seconds(7))) && !attempt.isStalled)
    #expect(isStalled(attempt.timedOut(now: start + .seconds(8))) && attempt.isStalled)
    #expect(!isStalled(attempt.timedOut(now: start + .seconds(60))))
  }

  @Test("HE-05 over UDP it has 10 s after a word of the server; before one the first is repeated")
  func datagrams() throws {
    let far = try FarEnd()
    let attempt = try attempt(.udp, port: far.port)
    let poller = try Poller()
    try poller.add(attempt.descriptor, token: 1)
    let start = Clock.now
    _ = attempt.start(now: start)
    #expect(!isStalled(attempt.timedOut(now: start + .seconds(50))))
    while try poller.wait(timeout: .milliseconds(5)).isEmpty { try far.serve() }
    far.isMute = true
    let event = try #require(try poller.wait(timeout: .zero).first)
    _ = attempt.ready(event, now: start + .seconds(50))
    #expect(!isStalled(attempt.timedOut(now: start + .seconds(59))))
    #expect(isStalled(attempt.timedOut(now: start + .seconds(60))) && attempt.isStalled)
  }
}
