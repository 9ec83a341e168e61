import Bytes
import DOTS
import Linux
import Model
import TLS
import Testing

@testable import SignalFront

@Suite struct CallingTests {
  /// A front that has called a client, and what there is of it.
  private func called(_ transports: [Transport] = [.udp]) throws -> (SignalFront, CallHome, FarEnd)
  {
    let far = try FarEnd()
    let front = try front([far.peer(transports)])
    let home = try #require(front.callHomes.first)
    try front.run(beside: far.serve) { home.current != nil && far.sessions.count == 1 }
    return (front, home, far)
  }

  @Test("HE-05 a client that ends the session without a word isn't called again for a minute")
  func refused() throws {
    let (front, home, far) = try called()
    far.perform(far.server.close(far.sessions[0]))
    try front.run(beside: far.serve) { front.sessions.isEmpty }
    let due = try #require(home.redial.due)
    #expect(due > Clock.now + .seconds(30) && home.attempts.isEmpty)
  }

  @Test("HE-05 one that said something before is called at once")
  func ended() throws {
    let (front, home, far) = try called()
    // An empty message; one that no peer of CoAP takes is a sign of life, too.
    far.perform(try far.server.send([0x40, 0, 0, 1], on: far.sessions[0]))
    far.perform(far.server.close(far.sessions[0]))
    try front.run(beside: far.serve) { far.sessions.count == 2 }
    #expect(home.redial.due == nil)
  }

  @Test("HE-04 while a mitigation of the client is active, ways are tried 100 ms apart")
  func underAttack() throws {
    let (front, home, _) = try called([.udp, .tcp])
    let session = try #require(front.sessions.first)
    for (isMitigating, delay) in [(true, 100), (false, 250)] {
      session.isMitigating = isMitigating
      front.goOn(home, now: Clock.now)
      home.race = nil
      home.enter(now: Clock.now)
      let start = try #require(home.race?.nextStart)
      #expect(home.race?.start(now: start) != nil)
      #expect(home.race?.nextStart == start + .milliseconds(delay))
    }
  }

  @Test("CH-HB-03 beside a session that is silent the next is tried for with its ticket")
  func resumes() throws {
    let (front, home, far) = try called()
    #expect(home.ticket.isEmpty)
    front.doubt(try #require(front.sessions.first))
    #expect(home.race != nil && !home.ticket.isEmpty && home.ticketTransport == .udp)
    try front.run(beside: far.serve) { far.sessions.count == 2 && front.sessions.count == 1 }
  }

  @Test("HE-05 a client that never speaks over TCP is connected to every 5 s, twice at a time")
  func deaf() throws {
    let listener = try StreamListener(binding: Endpoint(IPAddress(v4: 0x7F00_0001), port: 0))
    var peer = try FarEnd().peer([.tcp])
    peer.port = try listener.port()
    let front = try front([peer])
    let home = try #require(front.callHomes.first)
    let start = Clock.now + .seconds(1)
    var most = 0
    var tokens: [UInt64] = []
    for step in 0..<59 {
      front.goOn(home, now: start + .seconds(step))
      most = max(most, home.attempts.count)
      if let last = home.attempts.last?.token, tokens.last != last { tokens.append(last) }
    }
    #expect(tokens.count >= 10 && tokens.count <= 12 && most == CallHome.maximumStalled)
  }

  @Test(
    "CH-HB-02 an answer to a heartbeat is awaited until the next is due, whatever is negotiated"
  )
  func heartbeat() throws {
    let (front, _, _) = try called()
    let session = try #require(front.sessions.first)
    var long = SessionConfiguration()
    long.idle.heartbeatInterval = ConfigurationValue(current: 240)
    _ = try session.configuration.configure(sid: 1, long)
    session.useParameters(now: Clock.now)
    front.perform([.send(Heartbeat(peerStatus: true))], on: session)
    let end = try #require(session.layer.nextTimeout)
    #expect(end <= Clock.now + .seconds(30))
  }
}
