import Bytes
import Foundation
import Testing

@testable import TLS

/// What the server holds in memory, each measured in a process of its own, to which no other test
/// adds; one after another, because the test library blocks threads of its pool meanwhile.
@Suite(.serialized) struct MemoryTests {
  @Test("A1 20,000 forged ClientHellos leave the heap as it was")
  func forged() async {
    await #expect(processExitsWith: .success) {
      let wire = try Wire(Shared.serverCredentials())
      let cookie = [UInt8](repeating: 1, count: 17)
      let datagrams = [clientHello(), clientHello(cookie: cookie, sequence: 1)]
      let before = try #require(heapInUse())
      for number in UInt32(0)..<10_000 {
        let remote = IPAddress(v4: 0x0A00_0000 + number)
        let peer = PeerAddress(remote: remote, remotePort: 1, local: remote)
        for datagram in datagrams {
          _ = wire.server.received(datagram, from: peer, now: wire.now, wall: wire.wall)
        }
      }
      let grown = try #require(heapInUse()) - before
      #expect(grown < 20_000, "less than one byte each: \(grown)")
    }
  }

  @Test("A5 500 proved peers with fragments of long messages hold 12 slots and little memory")
  func halfOpen() async {
    await #expect(processExitsWith: .success) {
      let wire = try Wire(Shared.serverCredentials())
      let before = try #require(heapInUse())
      for number in UInt32(0)..<500 {
        let client = try TestClient(nil, remote: IPAddress(v4: 0x0A00_0000 + number << 8))
        wire.now = wire.now + .seconds(1) + .milliseconds(1)
        for datagram in wire.helloWithCookie(client) {
          wire.receive(datagram, from: client.address)
        }
        for sequence in UInt8(2)..<12 {
          wire.receive(Self.fragment(of: 16_000, sequence), from: client.address)
          wire.receive(Self.fragment(of: 6144, sequence), from: client.address)
        }
        wire.forget()
      }
      #expect(wire.server.halfOpenCount == 12)
      let grown = try #require(heapInUse()) - before
      #expect(grown < 1_250_000, "12 half-open handshakes after 500: \(grown) bytes")
    }
  }

  private static func fragment(of length: Int, _ sequence: UInt8) -> [UInt8] {
    [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 1, sequence, 0, 13, 11, 0]
      + [UInt8(length >> 8), UInt8(length & 255), 0, sequence, 0, 0, 0, 0, 0, 1, 9]
  }

  @Test("G4 an idle session costs at most 50 kB")
  func idle() async {
    await #expect(processExitsWith: .success) {
      let count = 1000
      let client = try Shared.certificates.get().client
      let wire = try Wire(Shared.serverCredentials(), limits: .init(sessions: count))
      wire.connect(try TestClient(client, port: 1))
      let before = try #require(heapInUse())
      for port in 2...UInt16(count) {
        wire.connect(try TestClient(client, port: port))
        wire.forget()
        wire.now = wire.now + .milliseconds(10)
      }
      #expect(wire.server.sessionCount == count)
      let each = (try #require(heapInUse()) - before) / (count - 1)
      #expect(each <= 50_000, "\(each) bytes for each idle session")
    }
  }
}
