import Bytes
import DOTS
import Model
import Testing

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
    redial.established(over: .udp, of: [.udp], now: at(60))
    #expect(redial.due == nil && redial.ends == nil)
    redial.ended(now: at(5000), random: 999)
    #expect(redial.due == at(5000.999))
    redial.begun(now: at(5001))
    redial.failed(now: at(5061), random: 0)
    #expect(redial.due == at(5061))
  }

  @Test("a peer that takes sessions and closes them at once is called once a second at most")
  func flapping() {
    var redial = Redial(now: at(0), random: 0)
    redial.begun(now: at(0))
    redial.established(over: .udp, of: [.udp], now: at(60))
    redial.ended(now: at(0.01), random: 0)
    #expect(redial.due == at(1))
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
    redial.begun(now: at(200))
    redial.woken(now: at(201))
    #expect(redial.due == nil)
  }

  @Test("HE-03 only a session over TCP in place of UDP looks for it, after a day and not before")
  func probes() {
    for (transport, transports, looks) in [
      (.udp, [.udp, .tcp], false), (.tcp, [.tcp], false), (.tcp, [.udp, .tcp], true),
    ] as [(Transport, [Transport], Bool)] {
      var redial = Redial(now: at(0), random: 0)
      redial.begun(now: at(0))
      redial.established(over: transport, of: transports, now: at(1))
      #expect(redial.probeAt == (looks ? at(86_401) : nil))
      let answers = [86_400, 86_401].map { redial.probes(now: at($0)) }
      #expect(answers == [false, looks])
    }
  }

  @Test("HE-03 one look lasts a minute, whoever refuses; the next is a day later")
  func probe() {
    var redial = Redial(now: at(0), random: 0)
    redial.begun(now: at(0))
    redial.established(over: .tcp, of: [.udp, .tcp], now: at(0))
    let first = redial.probes(now: at(86_400))
    #expect(first && redial.ends == at(86_460))
    redial.stayed()
    #expect(redial.ends == nil && redial.due == nil && redial.probeAt == at(172_800))
    let later = [172_799, 172_800].map { redial.probes(now: at($0)) }
    #expect(later == [false, true])
    // The session ends meanwhile: there is nothing to compare UDP with.
    redial.ended(now: at(172_801), random: 0)
    #expect(redial.ends == nil && redial.probeAt == nil && redial.due == at(172_801))
  }
}
