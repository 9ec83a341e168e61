import Bytes
import Mitigation
import Model
import Testing

@Suite struct RetrievalTests {
  private func counting(_ packets: UInt64) -> Surroundings {
    Surroundings(counters: { _ in DropCounters(packets: packets, bytes: packets * 100) })
  }

  @Test("MIT-GET-02 one by its mid; an unknown one is refused")
  func one() {
    var desk = Desk()
    desk.put(1)
    #expect(desk.report(1)?.mid == 1)
    #expect(desk.show(2).refusal == Refusal(.unknownMitigation, mid: 2))
  }

  @Test("MIT-GET-03 all by rising mid; none is refused")
  func all() {
    var desk = Desk()
    #expect(desk.show().refusal?.reason == .unknownMitigation)
    for mid in [7, 3, 5] as [UInt32] {
      let address = IPAddress(v6High: 0x2001_0DB8_FFFF_0000, low: UInt64(mid))
      desk.put(mid, Fixture.scope(to: [address.text]))
    }
    guard case .content(let reports) = desk.show() else {
      Issue.record("no content")
      return
    }
    #expect(reports.map { $0.mid } == [3, 5, 7])
  }

  @Test("MIT-STS-01 the start is the wall clock at activation, and follows when it is set later")
  func start() {
    var desk = Desk()
    desk.put(1)
    #expect(desk.report()?.start == Fixture.wall)
    desk.pass(10)
    desk.engine.clockSet(wall: UnixTime(seconds: 1_790_000_010), now: desk.now)
    #expect(desk.report()?.start == UnixTime(seconds: 1_790_000_000))
  }

  @Test("MIT-STS-02 what isn't measured is left out")
  func unmeasured() {
    var desk = Desk()
    desk.put(1)
    #expect(desk.report()?.dropped == nil)
  }

  @Test("MIT-STS-02 counts survive a counter that starts anew")
  func carryOver() {
    var desk = Desk()
    desk.put(1)
    desk.surroundings = counting(50)
    #expect(desk.report()?.dropped?.packets == 50)
    desk.surroundings = counting(3)
    #expect(desk.report()?.dropped?.packets == 53)
    #expect(desk.report()?.dropped?.bytes == 5300)
  }

  @Test("MIT-STS-03 before the first full bucket the average is total by time")
  func averageAtFirst() {
    var desk = Desk()
    desk.put(1)
    desk.pass(10)
    desk.surroundings = counting(100)
    #expect(desk.report()?.dropped?.packetsPerSecond == 10)
    #expect(desk.report()?.dropped?.bytesPerSecond == 1000)
  }

  @Test("MIT-STS-03 then it is over full buckets of five minutes")
  func averageOfBuckets() {
    var desk = Desk()
    desk.put(1)
    desk.pass(300)
    desk.surroundings = counting(600)
    #expect(desk.report()?.dropped?.packetsPerSecond == 2)
    desk.pass(100)
    desk.surroundings = counting(6000)
    #expect(desk.report()?.dropped?.packets == 6000)
    #expect(desk.report()?.dropped?.packetsPerSecond == 2)
    desk.pass(200)
    #expect(desk.report()?.dropped?.packetsPerSecond == 10)
  }

  @Test("MIT-STS-05 status 1, then 2 with the first drop, 3 after 300 quiet seconds, and back")
  func statuses() {
    var desk = Desk()
    desk.put(1)
    let id = MitigationID(1)
    #expect(desk.status() == .attackMitigationInProgress)
    let some = DropCounters(packets: 1, bytes: 60)
    #expect(desk.engine.counted([(id, some)], now: desk.now) == [id])
    #expect(desk.status() == .attackSuccessfullyMitigated)
    desk.pass(299)
    #expect(desk.engine.counted([(id, some)], now: desk.now).isEmpty)
    desk.pass(1)
    #expect(desk.engine.counted([(id, some)], now: desk.now) == [id])
    #expect(desk.status() == .attackStopped)
    desk.surroundings = counting(2)
    #expect(desk.status() == .attackSuccessfullyMitigated)
  }

  @Test("CH-MIT-12 what is only observed counts for the administrator and mitigates nothing")
  func observed() {
    var desk = Desk { $0.action = .observe }
    desk.put(1)
    desk.surroundings = counting(5)
    #expect(desk.status() == .attackMitigationInProgress)
    #expect(desk.report()?.dropped == nil)
    #expect(desk.engine.mitigations(now: desk.now).first?.matched?.packets == 5)
  }

  @Test("why finds the mitigations that name an address")
  func why() {
    var desk = Desk()
    desk.put(1)
    desk.put(2, Fixture.scope(from: ["203.0.113.77"], to: ["198.51.100.7"]))
    func mids(_ address: Text) -> [UInt32] {
      desk.engine.why([Fixture.address(address)], now: desk.now).map { $0.name.mid }
    }
    #expect(mids("2001:db8:1::10") == [1])
    #expect(mids("2001:db8:ffff::7") == [1])
    #expect(mids("192.168.1.50") == [2])
    #expect(mids("198.51.100.8") == [])
  }
}
