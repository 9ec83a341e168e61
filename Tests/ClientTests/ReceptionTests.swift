import Bytes
import DOTS
import Dial
import Linux
import Model
import TLS
import Testing

@testable import Client

@Suite struct ReceptionTests {
  private let key = PresharedKey(identity: "cpe-0001", key: [UInt8](1...32))
  private let loopback = IPAddress(v4: 0x7F00_0001)

  /// A port on which nobody listens.
  private func port() throws -> UInt16 {
    try StreamListener(binding: Endpoint(loopback, port: 0)).port()
  }

  @Test("a router that reads nothing and goes on sending costs nothing when its session has ended")
  func unread() throws {
    let credentials = Credentials(presharedKeys: [key])
    let poller = try Poller()
    let port = try port()
    let reception = try Reception(
      at: Place("127.0.0.1:\(port)"),
      over: [.tcp],
      credentials,
      sessions: 16,
      poller: poller,
      firstToken: 1
    )
    let client = try Client(credentials, over: .tcp)
    let connection = try #require(
      ClientConnection(client, to: .name("cpe-0001"), wall: Clock.wall)
    )
    let router = try Attempt(Candidate(.tcp, loopback), port: port, connection, token: 1)
    let events = try Poller()
    try events.add(router.descriptor, token: 1, writing: true)
    _ = router.start(now: Clock.now)
    var visitor: Reception.Visitor?
    let end = Clock.now + .seconds(20)
    while visitor == nil {
      try #require(Clock.now < end, "no session comes up")
      for event in try events.wait(timeout: .milliseconds(5)) {
        _ = router.ready(event, now: Clock.now)
      }
      for event in try poller.wait(timeout: .milliseconds(5)) {
        for case .established(let new, _, _, _) in reception.ready(event) { visitor = new }
      }
    }
    let held = try #require(reception.connections.values.first)
    let open = try #require(visitor)
    while held.output.isEmpty {
      _ = reception.send([UInt8](repeating: 0, count: 16_384), to: open)
    }
    reception.close(open)
    _ = router.send([UInt8](repeating: 0, count: 100))
    var count = 0
    for _ in 0..<10 { count += try poller.wait(timeout: .milliseconds(5)).count }
    #expect(count == 0)
    _ = reception.timedOut(now: try #require(reception.nextTimeout))
    #expect(reception.connections.isEmpty && reception.nextTimeout == nil)
  }
}
