import Bytes
import DOTS
import Model
import Testing

private func address(_ text: Text) -> IPAddress { IPAddress(parsing: text) ?? IPAddress(v4: 0) }

private func at(_ seconds: Double) -> Instant { Instant(milliseconds: Int64(seconds * 1000)) }

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

@Test("HE-04 under attack the next way is tried after 100 ms")
func attacked() {
  let candidates = Candidate.all(v4, over: [.udp], known: nil)
  var race = Race(candidates, delay: Race.attackedDelay, now: at(0))
  _ = race.start(now: at(0))
  #expect(race.nextStart == at(0.1) && race.start(now: at(0.099)) == nil)
  #expect(race.start(now: at(0.1)) == candidates[1])
}

@Test("HE-05 an address where nobody was is tried again every 5 s, and loses no race")
func broken() {
  let candidates = Candidate.all([v4[0]], over: [.tcp], known: nil)
  var race = Race(candidates, now: at(0))
  for round in 0..<12 {
    let start = Double(round) * 5
    #expect(race.nextStart == at(start))
    #expect(race.start(now: at(start)) == candidates[0] && race.start(now: at(start)) == nil)
    race.broke(candidates[0], now: at(start))
    #expect(!race.isLost && race.start(now: at(start + 4.9)) == nil)
  }
  _ = race.start(now: at(60))
  race.failed(now: at(60))
  #expect(race.isLost && race.nextStart == nil)
}

@Test("a way that broke waits behind those that were not tried yet, which needn't wait for it")
func brokenAmongOthers() {
  let candidates = Candidate.all([v4[0], v4[1]], over: [.tcp], known: nil)
  var race = Race(candidates, now: at(0))
  #expect(race.start(now: at(0)) == candidates[0])
  race.broke(candidates[0], now: at(0.01))
  #expect(race.start(now: at(0.01)) == candidates[1])
  #expect(race.nextStart == at(5.01) && race.start(now: at(5.01)) == candidates[0])
}

@Test("HE-02 ways that become known during a race are tried as well, each once, after the others")
func added() {
  let candidates = Candidate.all([v4[0], v4[1]], over: [.udp], known: nil)
  var race = Race(candidates, now: at(0))
  #expect(race.start(now: at(0)) == candidates[0])
  race.add(Candidate.all(v4, over: [.udp], known: nil), now: at(0.1))
  #expect(race.nextStart == at(0.25) && race.start(now: at(0.25)) == candidates[1])
  #expect(race.start(now: at(0.5)) == Candidate(.udp, v4[2]))
  #expect(race.nextStart == nil)
}

@Test("HE-02 a race that all known ways have lost goes on when there are new ones")
func addedLate() {
  var race = Race([Candidate(.udp, v4[0])], now: at(0))
  _ = race.start(now: at(0))
  race.failed(now: at(1))
  #expect(race.isLost)
  race.add([Candidate(.udp, v4[0])], now: at(2))
  #expect(race.isLost)
  race.add([Candidate(.udp, v4[1])], now: at(2))
  #expect(!race.isLost && race.start(now: at(2)) == Candidate(.udp, v4[1]))
}

@Test("HE-05 a way on which nothing comes is begun again beside itself, 5 s after the last start")
func stalled() {
  let candidates = Candidate.all([v4[0], v4[1]], over: [.tcp], known: nil)
  var race = Race(candidates, now: at(0))
  _ = race.start(now: at(0))
  _ = race.start(now: at(0.25))
  race.stalled(candidates[0])
  race.stalled(candidates[0])
  race.stalled(candidates[1])
  #expect(race.nextStart == at(5.25) && race.start(now: at(5.25)) == candidates[0])
  #expect(race.nextStart == at(10.25) && race.start(now: at(10.25)) == candidates[1])
  #expect(race.nextStart == nil && !race.isLost)
  for _ in 0..<4 { race.failed(now: at(11)) }
  #expect(race.isLost)
}

@Test("HE-02 ways that become known after one was tried again come before what is tried again")
func addedAfterBroken() {
  let candidates = Candidate.all([v4[0]], over: [.tcp], known: nil)
  var race = Race(candidates, now: at(0))
  for moment in [at(0), at(5)] {
    #expect(race.start(now: moment) == candidates[0])
    race.broke(candidates[0], now: moment)
  }
  let new = Candidate.all([v4[1], v4[2]], over: [.tcp], known: nil)
  race.add(new, now: at(6))
  #expect(race.start(now: at(6)) == new[0] && race.start(now: at(6.25)) == new[1])
  #expect(race.start(now: at(11.25)) == candidates[0])
}
