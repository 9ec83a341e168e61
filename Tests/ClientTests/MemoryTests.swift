import Bytes
import DOTS
import Model
import Testing

@testable import Client

private func address(_ text: Text) -> IPAddress { IPAddress(parsing: text) ?? IPAddress(v4: 0) }

private let v6 = [address("2001:db8::1"), address("2001:db8::2")]
private let v4 = [address("192.0.2.1"), address("192.0.2.2"), address("192.0.2.3")]

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
