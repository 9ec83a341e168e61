import Bytes
import Model
import Testing

@testable import Client

private func address(_ text: Text) -> IPAddress { IPAddress(parsing: text) ?? IPAddress(v4: 0) }

private let v6 = [address("2001:db8::1"), address("2001:db8::2")]
private let v4 = [address("192.0.2.1"), address("192.0.2.2"), address("192.0.2.3")]

@Test("HE-01 UDP comes before TCP, IPv6 before IPv4, the families in turn")
func order() {
  let candidates = Candidate.all(v4 + v6, over: [.udp, .tcp], known: nil)
  let addresses = [v6[0], v4[0], v6[1], v4[1], v4[2]]
  #expect(
    candidates == addresses.map { Candidate(.udp, $0) } + addresses.map { Candidate(.tcp, $0) }
  )
}

@Test("an address that a name has twice is tried once")
func twice() {
  let candidates = Candidate.all([v4[0], v4[0]], over: [.udp], known: nil)
  #expect(candidates == [Candidate(.udp, v4[0])])
}

@Test("HE-02 the way that worked lately comes first, if it is still one")
func known() {
  let last = Candidate(.udp, v4[0])
  #expect(Candidate.all(v6 + v4, over: [.udp], known: last).first == last)
  let gone = Candidate(.tcp, v4[0])
  #expect(Candidate.all(v6 + v4, over: [.udp], known: gone).first == Candidate(.udp, v6[0]))
}

@Test("HE-04 the next way is tried 250 ms after the last, all at once in flight")
func delay() {
  let candidates = Candidate.all(v4, over: [.udp], known: nil)
  var race = Race(candidates, now: at(1))
  #expect(race.start(now: at(1)) == candidates[0] && race.start(now: at(1)) == nil)
  #expect(race.nextStart == at(1.25) && race.start(now: at(1.249)) == nil)
  #expect(race.start(now: at(1.25)) == candidates[1])
  #expect(race.start(now: at(2)) == candidates[2])
  #expect(race.nextStart == nil && !race.isLost)
}

@Test("after a failure the next way is tried at once; the race is lost when all have failed")
func failures() {
  let candidates = Candidate.all([v4[0], v4[1]], over: [.udp], known: nil)
  var race = Race(candidates, now: at(0))
  _ = race.start(now: at(0))
  race.failed(now: at(0.1))
  #expect(race.nextStart == at(0.1) && !race.isLost)
  #expect(race.start(now: at(0.1)) == candidates[1])
  race.failed(now: at(0.2))
  #expect(race.isLost)
}

@Test("what a session leaves is read as it was written, whatever the family")
func memory() throws {
  for candidate in [Candidate(.udp, v4[0]), Candidate(.tcp, v6[0])] {
    let memory = Memory(candidate, time: UnixTime(seconds: 1000), ticket: [1, 2, 3])
    #expect(Memory(parsing: memory.encoded) == memory)
    #expect(memory.known(now: UnixTime(seconds: 1599)) == candidate)
    #expect(memory.known(now: UnixTime(seconds: 1600)) == nil)
    #expect(memory.known(now: UnixTime(seconds: 999)) == nil)
    #expect(memory.ticket(over: candidate.transport) == [1, 2, 3])
    #expect(memory.ticket(over: candidate.transport == .udp ? .tcp : .udp) == [])
  }
}

@Test("a file that is none of ours, or cut off, is as good as none")
func foreignMemory() {
  let whole = Memory(Candidate(.udp, v6[0]), time: UnixTime(seconds: 1), ticket: [1]).encoded
  for count in 0..<whole.count { #expect(Memory(parsing: [UInt8](whole.prefix(count))) == nil) }
  var other = whole
  other[0] ^= 1
  #expect(Memory(parsing: other) == nil)
}

@Test("IDS-02 the cuid is base64url without padding of the digest's first 16 bytes")
func cuid() {
  let digest: [UInt8] = [
    0x77, 0x3E, 0xA9, 0x1E, 0x36, 0x80, 0x0E, 0x46, 0x85, 0x4D, 0xB8, 0xEB, 0xD0, 0x91, 0x81, 0xA7,
  ]
  // The one of RFC 9132, Figure 5.
  #expect(recommendedCuid(digest: digest + [1, 2, 3]) == "dz6pHjaADkaFTbjr0JGBpw")
  #expect(recommendedCuid(digest: [UInt8](repeating: 0xFF, count: 32)).count == 22)
  #expect(recommendedCuid(digest: [0xFB, 0xFF]) == "-_8")
}
