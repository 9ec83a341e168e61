import Bytes
import DOTS
import Model
import Testing

private let tcp = Candidate(.tcp, IPAddress(v4: 0xC000_0201))
private let udp = Candidate(.udp, IPAddress(v4: 0xC000_0201))

@Suite struct RedialTests {
  private func at(_ seconds: Double) -> Instant { Instant(milliseconds: Int64(seconds * 1000)) }

  @Test("HE-05 the first attempt begins within a second")
  func first() {
    for random in [0, 999, 1000, UInt64.max] as [UInt64] {
      let redial = Redial(now: at(100), random: random)
      #expect((at(100)...at(101)).contains(redial.due ?? at(0)) && redial.ends == nil)
    }
  }

  @Test(
    "HE-05 an attempt lasts 60 s; the second follows it, all others 300 s after the last's begin"
  )
  func steadyFailure() {
    var redial = Redial(now: at(0), random: 0)
    redial.begun(now: at(0))
    #expect(redial.ends == at(60) && redial.due == nil)
    redial.failed(now: at(60), random: 7)
    #expect(redial.due == at(60))
    var begin = at(60)
    for random in [0, 29_999, 12_345, UInt64.max] as [UInt64] {
      redial.begun(now: begin)
      redial.failed(now: begin + .seconds(60), random: random)
      let pause = (redial.due ?? at(0)) - begin
      #expect(pause >= .seconds(300) && pause <= .seconds(330))
      begin = redial.due ?? at(0)
    }
  }

  @Test("HE-05 attempts that are refused at once are 60 s apart at least")
  func refused() {
    var redial = Redial(now: at(0), random: 0)
    redial.begun(now: at(0))
    redial.failed(now: at(0.1), random: 0)
    #expect(redial.due == at(60))
    redial.begun(now: at(60))
    redial.failed(now: at(60.1), random: 0)
    #expect(redial.due == at(360))
  }

  @Test("HE-05 after a session the next attempt begins within a second, and failures count anew")
  func afterSession() {
    var redial = Redial(now: at(0), random: 0)
    redial.begun(now: at(0))
    redial.failed(now: at(60), random: 0)
    redial.begun(now: at(60))
    redial.established(over: tcp, among: [.tcp], now: at(60))
    redial.heard(now: at(61))
    #expect(redial.due == nil && redial.ends == nil)
    redial.ended(now: at(5000), random: 999)
    #expect(redial.due == at(5000.999))
    redial.begun(now: at(5001))
    redial.failed(now: at(5061), random: 0)
    #expect(redial.due == at(5061))
  }

  @Test("a peer that speaks on sessions and closes them at once is called once a second at most")
  func flapping() {
    var redial = Redial(now: at(0), random: 0)
    redial.begun(now: at(0))
    redial.established(over: tcp, among: [.tcp], now: at(0))
    redial.heard(now: at(0.01))
    #expect(redial.hasHeld(now: at(0.01)))
    redial.ended(now: at(0.01), random: 0)
    #expect(redial.due == at(1))
  }

  @Test("HE-05 a session that ends before a word of the peer is a failed attempt: 60 s, then 300 s")
  func refusedAfterHandshake() {
    var redial = Redial(now: at(0), random: 0)
    for (begin, next) in [(0, 60), (60, 360), (360, 660)] {
      redial.begun(now: at(Double(begin)))
      redial.established(over: tcp, among: [.udp, .tcp], now: at(Double(begin) + 0.1))
      #expect(!redial.hasHeld(now: at(Double(begin) + 0.2)))
      redial.failed(now: at(Double(begin) + 0.2), random: 0)
      #expect(redial.due == at(Double(next)) && redial.nextTimeout == redial.due)
    }
    // Nor does its way come first.
    #expect(redial.known(now: at(361)) == nil)
  }

  @Test("HE-05 a session that lasts for as long as an attempt has held, whatever was heard")
  func silentSession() {
    var redial = Redial(now: at(0), random: 0)
    redial.begun(now: at(0))
    redial.established(over: udp, among: [.udp], now: at(1))
    #expect(!redial.hasHeld(now: at(60)) && redial.hasHeld(now: at(61)))
    redial.ended(now: at(100), random: 0)
    #expect(redial.due == at(100) && redial.known(now: at(101)) == udp)
  }

  @Test("HE-05 another way out shortens the wait to 60 s from the last attempt's begin, not below")
  func woken() {
    var redial = Redial(now: at(0), random: 0)
    redial.begun(now: at(0))
    redial.failed(now: at(60), random: 0)
    redial.begun(now: at(60))
    redial.failed(now: at(120), random: 0)
    #expect(redial.due == at(360))
    var early = redial
    early.woken(now: at(100))
    #expect(early.due == at(120))
    redial.woken(now: at(200))
    #expect(redial.due == at(200))
  }

  @Test("HE-05 an attempt that is under way when the line comes back has its 60 s from there")
  func wokenUnderWay() {
    var redial = Redial(now: at(0), random: 0)
    redial.begun(now: at(0))
    redial.woken(now: at(59))
    #expect(redial.due == nil && redial.ends == at(119))
    redial.failed(now: at(119), random: 0)
    #expect(redial.due == at(119))
    redial.begun(now: at(119))
    redial.failed(now: at(179), random: 0)
    #expect(redial.due == at(419))
  }

  @Test("HE-02 the way of the last session is known for ten minutes after its begin and its end")
  func memory() {
    var redial = Redial(now: at(0), random: 0)
    #expect(redial.known(now: at(0)) == nil)
    redial.begun(now: at(0))
    redial.established(over: tcp, among: [.udp, .tcp], now: at(0))
    redial.heard(now: at(1))
    #expect(redial.known(now: at(600.9)) == tcp && redial.known(now: at(601)) == nil)
    redial.ended(now: at(5000), random: 0)
    #expect(redial.known(now: at(5599.9)) == tcp && redial.known(now: at(5600)) == nil)
    redial.forgetWay()
    #expect(redial.known(now: at(5001)) == nil)
  }

  @Test("HE-03 a session over TCP looks for UDP every 24 hours, 60 s long, until it is over UDP")
  func probing() {
    let day = 86_400.0
    var redial = Redial(now: at(0), random: 0)
    redial.begun(now: at(0))
    redial.established(over: tcp, among: [.udp, .tcp], now: at(0))
    #expect(redial.nextTimeout == at(day))
    var probed = [day - 0.1, day, day + 60].map { redial.probes(now: at($0)) }
    #expect(probed == [false, true, false])
    #expect(redial.ends == at(day + 60) && redial.nextTimeout == at(day + 60))
    redial.stayed()
    #expect(redial.nextTimeout == at(2 * day))
    probed = [2 * day - 0.1, 2 * day].map { redial.probes(now: at($0)) }
    #expect(probed == [false, true])
    redial.established(over: udp, among: [.udp, .tcp], now: at(2 * day + 1))
    redial.heard(now: at(2 * day + 1))
    #expect(redial.nextTimeout == nil && redial.known(now: at(2 * day + 2)) == udp)
    let isProbing = redial.probes(now: at(3 * day))
    #expect(!isProbing)
  }

  @Test("HE-03 sessions over TCP that follow one another put the look for UDP off no further")
  func probingAcrossSessions() {
    let hour = 3600.0
    var redial = Redial(now: at(0), random: 0)
    for begin in [0, 10, 20] {
      redial.begun(now: at(Double(begin) * hour))
      redial.established(over: tcp, among: [.udp, .tcp], now: at(Double(begin) * hour))
      redial.heard(now: at(Double(begin) * hour))
      #expect(redial.nextTimeout == at(24 * hour))
      redial.ended(now: at(Double(begin + 9) * hour), random: 0)
    }
    // The moment passes without a session: a little after the next one's begin, for UDP was tried then.
    redial.begun(now: at(30 * hour))
    redial.established(over: tcp, among: [.udp, .tcp], now: at(30 * hour))
    #expect(redial.nextTimeout == at(30 * hour + 300))
    let isProbing = redial.probes(now: at(30 * hour + 300))
    redial.stayed()
    #expect(isProbing && redial.nextTimeout == at(54 * hour + 300))
  }

  @Test("HE-03 where UDP isn't wanted, or the session has ended, nothing looks for it")
  func noProbing() {
    var redial = Redial(now: at(0), random: 0)
    redial.begun(now: at(0))
    redial.established(over: tcp, among: [.tcp], now: at(0))
    #expect(redial.nextTimeout == nil)
    redial.established(over: tcp, among: [.udp, .tcp], now: at(0))
    redial.heard(now: at(0))
    redial.ended(now: at(10), random: 0)
    let isProbing = redial.probes(now: at(100_000))
    #expect(redial.nextTimeout == at(10) && !isProbing)
  }

  @Test("HE-05 beside a silent session another is tried for every 60 s at most, 60 s long")
  func looking() {
    var redial = Redial(now: at(0), random: 0)
    redial.begun(now: at(0))
    redial.established(over: udp, among: [.udp], now: at(0))
    let first = redial.looks(now: at(5))
    #expect(first && redial.ends == at(65))
    redial.stayed()
    let looked = [64, 65, 70].map { redial.looks(now: at($0)) }
    #expect(looked == [false, true, false] && redial.ends == at(125))
    redial.ended(now: at(70), random: 0)
    #expect(redial.ends == nil && redial.due == at(70))
  }
}
