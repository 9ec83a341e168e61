import Bytes
import TestSupport
import Testing

@testable import TLS

let client = PeerAddress(
  remote: IPAddress(v4: 0xC000_0201),
  remotePort: 40000,
  local: IPAddress(v4: 0xC000_0202)
)

func instant(_ milliseconds: Int64) -> Instant { Instant(milliseconds: milliseconds) }

/// The record of a ClientHello; without a cookie the smallest legal one, 67 bytes.
func clientHello(
  cookie: [UInt8] = [],
  random: UInt8 = 7,
  sequence: UInt16 = 0,
  extensions: [UInt8] = [],
  body replacement: [UInt8]? = nil
) -> [UInt8] {
  var body: [UInt8] = [0xFE, 0xFD] + [UInt8](repeating: random, count: 32) + [0]
  body += [UInt8(cookie.count)] + cookie
  body += [0, 2, 0xC0, 0x2B, 1, 0] + extensions
  body = replacement ?? body
  var record: [UInt8] = [22, 0xFE, 0xFF, 0, 0, 0, 0, 0, 0, 0, 5]
  record.append(bigEndian: UInt16(body.count + 12))
  record += [1, 0] + [UInt8(body.count >> 8), UInt8(body.count & 255)]
  record.append(bigEndian: sequence)
  record += [0, 0, 0, 0] + [UInt8(body.count >> 8), UInt8(body.count & 255)]
  return record + body
}

func parsed(_ datagram: [UInt8]) -> ClientHello? {
  Record.all(in: datagram).first.flatMap { ClientHello($0) }
}

@Suite struct ClientHelloTests {
  @Test("a ClientHello gives its random, cookie and numbers")
  func whole() throws {
    let hello = try #require(parsed(clientHello(cookie: [1, 2, 3], sequence: 1)))
    #expect(hello.random == [UInt8](repeating: 7, count: 32))
    #expect(hello.cookie == [1, 2, 3])
    #expect(hello.messageSequence == 1)
    #expect(hello.recordSequence == 5)
  }

  @Test("every truncation of a ClientHello is refused")
  func truncations() {
    let whole = clientHello(cookie: [1, 2, 3], extensions: [0, 4, 0, 23, 0, 0])
    #expect(parsed(whole) != nil)
    for count in whole.indices { #expect(parsed([UInt8](whole.prefix(count))) == nil) }
  }

  @Test("a shorter body with matching lengths is refused")
  func shorterBody() {
    let body = [UInt8](clientHello(cookie: [1, 2, 3]).dropFirst(25))
    for count in body.indices {
      #expect(parsed(clientHello(body: [UInt8](body.prefix(count)))) == nil)
    }
  }

  @Test("10,000 mutations of a ClientHello give a value or nil")
  func mutations() {
    let seed: UInt64 = 20_260_801
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let whole = clientHello(cookie: [1, 2, 3], extensions: [0, 4, 0, 23, 0, 0])
    var understood = 0
    for _ in 0..<10_000 {
      var mutated = whole
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: mutated.indices, using: &generator)
        mutated[index] = UInt8.random(in: 0...255, using: &generator)
      }
      if let hello = parsed(mutated), hello.random.count == 32 { understood += 1 }
      _ = Record.all(in: mutated).map { HandshakeFilter.admits($0) }
    }
    #expect(understood > 0 && understood < 10_000)
  }

  @Test("the first fragment of a ClientHello is enough when it reaches beyond the cookie")
  func firstFragment() {
    var fragment = clientHello(cookie: [1, 2, 3], sequence: 1)
    fragment[15] = 1  // the message is longer than this fragment by 256
    #expect(parsed(fragment)?.cookie == [1, 2, 3])
    fragment[20] = 1  // a fragment from the middle
    #expect(parsed(fragment) == nil)
  }

  @Test("a ClientHello in a protected epoch, of TLS, or of another message type is refused")
  func others() {
    for (index, byte) in [(4, UInt8(1)), (1, 3), (13, 2), (25, 3), (0, 23)] {
      var other = clientHello()
      other[index] = byte
      #expect(parsed(other) == nil)
    }
  }

  @Test("A2 a HelloVerifyRequest is at most 0.70 of the smallest ClientHello")
  func amplification() throws {
    let smallest = clientHello()
    let hello = try #require(parsed(smallest))
    let cookie = CookieGate(key: [1], now: instant(0)).cookie(for: client, random: hello.random)
    let answer = hello.verifyRequest(cookie: cookie)
    #expect(smallest.count == 67)
    #expect(answer.count == 45 && answer.count == ClientHello.verifyRequestLength)
    #expect(answer.count * 10 <= smallest.count * 7)
  }

  @Test("a HelloVerifyRequest repeats the record's number and is of DTLS 1.0")
  func verifyRequest() throws {
    let hello = try #require(parsed(clientHello()))
    let expected: [UInt8] =
      [22, 0xFE, 0xFF, 0, 0, 0, 0, 0, 0, 0, 5, 0, 17]
      + [3, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 5] + [0xFE, 0xFF, 2, 9, 8]
    #expect(hello.verifyRequest(cookie: [9, 8]) == expected)
  }
}

@Suite struct CookieGateTests {
  private let random = [UInt8](repeating: 3, count: 32)
  private let gate = CookieGate(key: [1, 2, 3], now: instant(0))

  @Test("a cookie is accepted from the peer that it was made for")
  func same() {
    let cookie = gate.cookie(for: client, random: random)
    #expect(cookie.count == 17)
    #expect(gate.accepts(cookie, for: client, random: random))
  }

  @Test("a cookie is refused from another address, port, local address, or with another random")
  func others() {
    let cookie = gate.cookie(for: client, random: random)
    let other = IPAddress(v4: 0xC000_0203)
    let peers = [
      PeerAddress(remote: other, remotePort: 40000, local: client.local),
      PeerAddress(remote: client.remote, remotePort: 40001, local: client.local),
      PeerAddress(remote: client.remote, remotePort: 40000, local: other),
    ]
    for peer in peers { #expect(!gate.accepts(cookie, for: peer, random: random)) }
    #expect(!gate.accepts(cookie, for: client, random: [UInt8](repeating: 4, count: 32)))
  }

  @Test("every changed bit and every truncation of a cookie is refused")
  func changed() {
    let cookie = gate.cookie(for: client, random: random)
    for index in cookie.indices {
      for bit in 0..<8 {
        var changed = cookie
        changed[index] ^= 1 << UInt8(bit)
        #expect(!gate.accepts(changed, for: client, random: random))
      }
      #expect(!gate.accepts([UInt8](cookie.prefix(index)), for: client, random: random))
    }
  }

  @Test("a cookie of the previous key is accepted, one of the key before isn't")
  func rotation() {
    var gate = gate
    let cookie = gate.cookie(for: client, random: random)
    #expect(!gate.isStale(now: instant(59_999)))
    #expect(gate.isStale(now: instant(60_000)))
    gate.rotate(to: [4], now: instant(60_000))
    #expect(gate.accepts(cookie, for: client, random: random))
    gate.rotate(to: [5], now: instant(120_000))
    #expect(!gate.accepts(cookie, for: client, random: random))
  }

  @Test("a key that wasn't rotated in time isn't accepted once it is")
  func lateRotation() {
    var gate = gate
    let cookie = gate.cookie(for: client, random: random)
    gate.rotate(to: [4], now: instant(120_000))
    #expect(!gate.accepts(cookie, for: client, random: random))
  }
}

@Suite struct ReplyBudgetTests {
  private let second: Int64 = 1000

  @Test("A3 100,000 requests a second get at most 256 kbit/s of answers")
  func flood() {
    var budget = ReplyBudget(now: instant(0))
    var bytes: Int64 = 0
    for request in 0..<1_000_000 {
      if budget.take(45, isKnown: false, now: instant(Int64(request) / 100)) { bytes += 45 + 48 }
    }
    #expect(bytes <= 10 * 32_000 + ReplyBudget.capacity)
    #expect(bytes >= 9 * 32_000)
  }

  @Test("A3 a known prefix is answered while strangers use up the budget")
  func known() {
    var budget = ReplyBudget(now: instant(0))
    var answered = 0
    for request in 0..<1_000_000 {
      let now = instant(Int64(request) / 100)
      _ = budget.take(45, isKnown: false, now: now)
      if request.isMultiple(of: 10_000), budget.take(45, isKnown: true, now: now) { answered += 1 }
    }
    #expect(answered == 100)
  }

  @Test("a clock that stands still or goes back gives no budget")
  func clock() {
    var budget = ReplyBudget(now: instant(0))
    while budget.take(45, isKnown: true, now: instant(0)) {}
    let taken = [-5000, 0, 10].map { budget.take(45, isKnown: true, now: instant($0)) }
    #expect(taken == [false, false, true])
  }
}

@Suite struct KnownPrefixesTests {
  @Test("an address near one that authenticated is known, another isn't")
  func near() {
    var known = KnownPrefixes(configured: [])
    known.authenticated(from: IPAddress(v4: 0xC000_0201))
    #expect(known.contains(IPAddress(v4: 0xC000_02FF)))
    #expect(!known.contains(IPAddress(v4: 0xC000_0301)))
  }

  @Test("the prefix not seen for longest makes room, a configured one never")
  func room() throws {
    let configured = try #require(Prefix(IPAddress(v4: 0xC633_6400), length: 24))
    var known = KnownPrefixes(configured: [configured])
    for network in UInt32(0)...16 { known.authenticated(from: IPAddress(v4: network << 8)) }
    #expect(!known.contains(IPAddress(v4: 0)))
    #expect(known.contains(IPAddress(v4: 1 << 8)))
    #expect(known.contains(IPAddress(v4: 0xC633_6407)))
  }
}

@Suite struct HalfOpenTableTests {
  private func peer(_ address: UInt32, _ port: UInt16 = 1) -> PeerAddress {
    PeerAddress(remote: IPAddress(v4: address), remotePort: port, local: client.local)
  }

  private func full(of count: UInt32) -> HalfOpenTable {
    var table = HalfOpenTable(maximumCount: 16)
    for address in 0..<count { _ = table.admit(peer(address), isKnown: false, now: instant(0)) }
    return table
  }

  @Test("A6 strangers get 12 slots, then none while all are young")
  func strangers() {
    var table = full(of: 20)
    #expect(table.count == 12)
    let admission = table.admit(peer(99), isKnown: false, now: instant(1000))
    #expect(admission == .refused)
  }

  @Test("A6 the oldest stranger makes room once it is older than a second")
  func eviction() {
    var table = full(of: 12)
    let admission = table.admit(peer(99), isKnown: false, now: instant(1001))
    #expect(admission == .admittedInstead(of: peer(0)))
    #expect(table.count == 12)
  }

  @Test("A6 a known prefix gets a reserved slot at once")
  func reserved() {
    var table = full(of: 12)
    let admissions = (UInt32(100)..<105).map {
      table.admit(peer($0), isKnown: true, now: instant(500))
    }
    #expect(admissions == [.admitted, .admitted, .admitted, .admitted, .refused])
    #expect(table.count == 16)
  }

  @Test("a known prefix takes a stranger's slot before another known one's")
  func knownEvicts() {
    var table = HalfOpenTable(maximumCount: 16)
    for address in UInt32(0)..<15 {
      _ = table.admit(peer(address), isKnown: true, now: instant(0))
    }
    _ = table.admit(peer(50), isKnown: false, now: instant(10))
    let first = table.admit(peer(51), isKnown: true, now: instant(2000))
    #expect(first == .admittedInstead(of: peer(50)))
    let second = table.admit(peer(52), isKnown: true, now: instant(2000))
    #expect(second == .admittedInstead(of: peer(0)))
  }

  @Test("one address gets two slots, then its own oldest makes room")
  func perAddress() {
    var table = HalfOpenTable(maximumCount: 16)
    let admissions = (UInt16(1)...3).map {
      table.admit(peer(1, $0), isKnown: false, now: instant(0))
    }
    #expect(admissions == [.admitted, .admitted, .refused])
    let later = table.admit(peer(1, 3), isKnown: false, now: instant(1001))
    #expect(later == .admittedInstead(of: peer(1, 1)))
  }

  @Test("a larger table has as much more room for strangers, known prefixes and one address")
  func larger() {
    var table = HalfOpenTable(maximumCount: 512)
    for address in UInt32(0)..<400 {
      _ = table.admit(peer(address), isKnown: false, now: instant(0))
    }
    #expect(table.count == 384)
    table = HalfOpenTable(maximumCount: 512)
    for port in UInt16(1)...80 {
      _ = table.admit(peer(1, port), isKnown: false, now: instant(0))
    }
    #expect(table.count == 64)
  }

  @Test("the addresses of one IPv6 /64 count as one")
  func perNetwork() {
    var table = HalfOpenTable(maximumCount: 16)
    let admissions = (UInt64(0)..<3).map { host in
      let remote = IPAddress(v6High: 0x2001_0DB8_0000_0000, low: host)
      let peer = PeerAddress(remote: remote, remotePort: 1, local: remote)
      return table.admit(peer, isKnown: false, now: instant(0))
    }
    #expect(admissions == [.admitted, .admitted, .refused])
  }

  @Test("a handshake has ten seconds")
  func deadline() {
    var table = full(of: 1)
    #expect(table.nextDeadline == instant(10_000))
    #expect(table.expired(now: instant(9999)) == [])
    #expect(table.expired(now: instant(10_000)) == [peer(0)])
    table.remove(peer(0))
    #expect(table.count == 0)
    #expect(table.nextDeadline == nil)
  }
}

@Suite struct HandshakeFilterTests {
  private func record(
    type: UInt8 = 22,
    message: UInt8 = 11,
    length: Int = 3,
    sequence: UInt8 = 2,
    offset: UInt8 = 0,
    fragment: [UInt8] = [0, 0, 0]
  ) -> Record? {
    var bytes: [UInt8] = [type, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 1]
    bytes.append(bigEndian: UInt16(12 + fragment.count))
    bytes += [message, UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255)]
    bytes += [0, sequence, 0, 0, offset, 0, 0, UInt8(fragment.count)] + fragment
    return Record.all(in: bytes).first
  }

  @Test("a client's messages pass at the lengths that they need")
  func passes() throws {
    #expect(HandshakeFilter.admits(try #require(record())))
    #expect(HandshakeFilter.admits(try #require(record(length: 6144))))
    #expect(HandshakeFilter.admits(try #require(record(message: 15, length: 1024, sequence: 4))))
  }

  @Test("A5 too long, too late, foreign and inconsistent messages don't pass")
  func refused() throws {
    #expect(!HandshakeFilter.admits(try #require(record(length: 6145))))
    #expect(!HandshakeFilter.admits(try #require(record(message: 16, length: 1025))))
    #expect(!HandshakeFilter.admits(try #require(record(sequence: 3))))
    #expect(!HandshakeFilter.admits(try #require(record(message: 15, sequence: 7))))
    #expect(!HandshakeFilter.admits(try #require(record(message: 20))))
    #expect(!HandshakeFilter.admits(try #require(record(offset: 1))))
    #expect(!HandshakeFilter.admits(try #require(record(type: 23))))
    #expect(!HandshakeFilter.admits(try #require(record(type: 21))))
  }
}

@Test("IDS-02 a client without a certificate is identified by its key's name")
func identityDigest() {
  let key = PresharedKey(identity: "script", key: [UInt8](repeating: 1, count: 16))
  #expect(Credentials(presharedKeys: [key]).identityDigest == sha256([UInt8]("script".utf8)))
  #expect(Credentials().identityDigest == nil)
  #expect(Credentials(certificateChain: [1], presharedKeys: [key]).identityDigest == nil)
}

@Suite struct FailureTableTests {
  private func peer(_ address: IPAddress, port: UInt16 = 1) -> PeerAddress {
    PeerAddress(remote: address, remotePort: port, local: IPAddress(v4: 1))
  }

  @Test("TLS-05 who has failed ten times is refused for a minute, from whatever port")
  func refused() {
    let table = FailureTable()
    for count in 0..<10 {
      #expect(!table.refuses(client, now: instant(0)))
      table.failed(peer(client.remote, port: UInt16(count)), now: instant(0))
    }
    #expect(table.refuses(client, now: instant(59_999)))
    #expect(!table.refuses(client, now: instant(60_000)))
    table.failed(client, now: instant(60_000))
    #expect(!table.refuses(client, now: instant(60_000)))
  }

  @Test("TLS-05 an IPv6 /64 counts as one, an IPv4 address by itself")
  func networks() {
    let table = FailureTable()
    for low in UInt64(0)..<10 {
      table.failed(peer(IPAddress(v6High: 7, low: low)), now: instant(0))
      table.failed(peer(IPAddress(v4: UInt32(low))), now: instant(0))
    }
    #expect(table.refuses(peer(IPAddress(v6High: 7, low: 99)), now: instant(1)))
    #expect(!table.refuses(peer(IPAddress(v6High: 8, low: 0)), now: instant(1)))
    #expect(!table.refuses(peer(IPAddress(v4: 1)), now: instant(1)))
  }

  @Test("TLS-05 a client that proves who it is begins anew")
  func forgiven() {
    let table = FailureTable()
    for _ in 0..<9 { table.failed(client, now: instant(0)) }
    table.authenticated(client)
    table.failed(client, now: instant(1))
    #expect(!table.refuses(client, now: instant(1)))
  }

  @Test("TLS-05 the table is bounded: who failed longest ago makes room")
  func bounded() {
    let table = FailureTable()
    for address in UInt32(0)..<1000 {
      for _ in 0..<10 { table.failed(peer(IPAddress(v4: address)), now: instant(Int64(address))) }
    }
    let refused = (UInt32(0)..<1000).filter {
      table.refuses(peer(IPAddress(v4: $0)), now: instant(1000))
    }
    #expect(refused == [UInt32](936..<1000))
  }
}
