import Bytes
import CoAP
import DOTS
import Dial
import Link
import Linux
import Model
import TLS
import Testing

@testable import SignalFront

@Suite struct EndingTests {
  private let loopback = IPAddress(v4: 0x7F00_0001)

  private func listening(_ descriptor: FileDescriptor) throws -> SignalFront {
    try front([], [(Listener(address: loopback, port: 0, transport: .tcp), descriptor)])
  }

  @Test("a client that reads nothing and goes on sending costs nothing when its session has ended")
  func unread() throws {
    let listener = try StreamListener(binding: Endpoint(loopback, port: 0))
    let front = try listening(listener.descriptor)
    let client = try Client(Credentials(presharedKeys: [key]), over: .tcp)
    let connection = try #require(
      ClientConnection(client, to: .name("cpe-0001"), wall: Clock.wall)
    )
    let attempt = try Attempt(
      Candidate(.tcp, loopback),
      port: try listener.port(),
      connection,
      token: 1
    )
    let poller = try Poller()
    try poller.add(attempt.descriptor, token: 1, writing: true)
    _ = attempt.start(now: Clock.now)
    try front.run {
      for event in try poller.wait(timeout: .zero) { _ = attempt.ready(event, now: Clock.now) }
    } until: {
      !front.sessions.isEmpty
    }
    let entrance = front.entrances[0]
    let (number, held) = try #require(entrance.connections.first)
    while held.output.isEmpty {
      front.send([UInt8](repeating: 0, count: 16_384), to: held.peer, at: 0)
    }
    front.close(try #require(front.sessions.first), isLost: false)
    _ = attempt.send([UInt8](repeating: 0, count: 100))
    #expect(front.poller.events(of: number) == 0)
    let end = try #require(entrance.nextTimeout)
    front.timedOut(0, now: end)
    #expect(entrance.connections.isEmpty && entrance.nextTimeout == nil)
  }

  @Test("what is observed takes half of a client's questions, and leaves requests the rest")
  func share() throws {
    let front = try front()
    func session(_ id: UInt32, _ name: Text) -> FrontSession {
      FrontSession(
        id,
        entrance: 0,
        tls: SessionID(number: UInt64(id)),
        dialled: nil,
        announced: Session(
          id: id,
          peer: loopback,
          peerPort: 1,
          local: loopback,
          localPort: 1,
          transport: .udp,
          role: .base,
          identity: Model.PeerIdentity(names: [name], publicKeyDigest: [])
        ),
        layer: SessionLayer(MessageLayer(seed: 1)),
        now: Clock.now
      )
    }
    let (one, same, other) = (session(1, "a"), session(2, "a"), session(3, "b"))
    for handle in 0..<SignalFront.maximumQuestionsOfClient {
      let isHalf = handle >= SignalFront.maximumQuestionsOfClient / 2
      #expect(front.hasRoom(for: same, isRequest: false) == !isHalf)
      #expect(front.hasRoom(for: same) && front.hasRoom(for: other, isRequest: false))
      front.questions.append(
        SignalFront.Question(
          handle: UInt32(handle),
          session: one,
          purpose: .notification(of: CoAPMessage(.get)),
          request: .retrieve(cuid: "a", cdid: nil, mid: nil, content: .all),
          deadline: Clock.now
        )
      )
    }
    #expect(!front.hasRoom(for: same) && front.hasRoom(for: other))
  }

  @Test("a listener that can't take connections is left alone for a second")
  func exhausted() throws {
    // One that doesn't listen fails like one for which there is no descriptor.
    let other = try StreamListener(binding: Endpoint(loopback, port: 0))
    let broken = try StreamSocket.connect(to: Endpoint(loopback, port: try other.port()))
    let front = try listening(broken.descriptor)
    front.serveEntrance(0)
    let due = try #require(front.entrances[0].nextTimeout)
    #expect(due > Clock.now && due <= Clock.now + .seconds(1))
    front.timedOut(0, now: due)
    #expect(front.entrances[0].resumes == nil)
  }
}

extension Poller {
  /// How often a connection is ready in ten looks.
  fileprivate func events(of number: UInt32) -> Int {
    var count = 0
    for _ in 0..<10 {
      let events = (try? wait(timeout: .milliseconds(5))) ?? []
      count += events.filter { $0.token == SignalFront.Token.connections + UInt64(number) }.count
    }
    return count
  }
}
