import Bytes
import Mitigation
import Model
import Testing

@Suite struct ReleaseTests {
  private func confined(_ change: (inout CoreSettings) -> Void = { _ in }) -> Desk {
    var desk = Desk.home(change)
    desk.put()
    return desk
  }

  @Test("a release frees the device and takes the rules about it out of the kernel")
  func release() {
    var desk = confined()
    desk.put(2, everything())
    #expect(desk.wish(.release(code: "")) == .released)
    #expect(desk.confined.isEmpty && desk.kernel.isEmpty)
    #expect(desk.engine.released(camera) == Fixture.wall)
    #expect(desk.engine.releasesLeft(camera) == 1)
  }

  @Test("MIT-STS-04 a released mitigation has status 7 until its lifetime ends")
  func status() {
    var desk = confined()
    _ = desk.wish(.release(code: ""))
    #expect(desk.status() == .attackMitigationWithdrawn)
    desk.pass(3600)
    #expect(desk.show(1).refusal?.reason == .unknownMitigation)
  }

  @Test("observers are told once that a release stopped a mitigation, with status 7")
  func notice() {
    var desk = confined()
    desk.count(5)
    _ = desk.wish(.release(code: ""))
    let endings = desk.engine.takeEndings()
    #expect(endings.map { $0.cause } == [.released])
    #expect(endings.first?.report.status == .attackMitigationWithdrawn)
    #expect(endings.first?.report.dropped?.packets == 5)
  }

  @Test("a refresh of a released mitigation is 4.09 with cause 4, a new mid is taken")
  func refresh() {
    var desk = confined()
    _ = desk.wish(.release(code: ""))
    let refusal = desk.put().refusal
    #expect(refusal?.reason == .releasedByOwner)
    #expect(refusal?.conflict?.cause == .requestRejectedLegitimateTraffic)
    #expect(desk.put(2).isCreated)
    #expect(desk.confined[camera] != nil)
  }

  @Test("a released mitigation can be deleted")
  func deleted() {
    var desk = confined()
    _ = desk.wish(.release(code: ""))
    #expect(desk.delete() == .deleted)
    #expect(desk.show(1).refusal?.reason == .unknownMitigation)
  }

  @Test("after its releases a device stays, until a helpdesk lets it go")
  func limited() {
    var desk = confined { $0.releases = 1 }
    #expect(desk.wish(.release(code: "")) == .released)
    desk.put(2)
    #expect(desk.wish(.release(code: "")) == .noneLeft)
    #expect(desk.confined[camera] != nil)
    desk.apply(desk.engine.releasedByHelpdesk(camera, now: desk.now, wall: Fixture.wall))
    #expect(desk.confined.isEmpty)
    #expect(desk.engine.releasesLeft(camera) == 0)
  }

  @Test("releases are forgotten after seven days without quarantine, not before")
  func forgotten() {
    var desk = confined { $0.releases = 1 }
    _ = desk.wish(.release(code: ""))
    desk.pass(7 * 86_400 - 1)
    #expect(desk.engine.releasesLeft(camera) == 0)
    desk.pass(1)
    #expect(desk.engine.releasesLeft(camera) == nil)
  }

  @Test("a device is quiet after five minutes without a packet of the attack, and not before")
  func quiet() {
    var desk = confined()
    desk.pass(100)
    desk.count(7)
    #expect(desk.story()?.recentPackets == 7)
    #expect(desk.wish(.checkAgain) == .stillActive)
    desk.pass(299)
    desk.count(7)
    #expect(desk.wish(.checkAgain) == .stillActive)
    desk.pass(1)
    #expect(desk.wish(.checkAgain) == .quiet)
    #expect(desk.story()?.quietSeconds == 300 && desk.story()?.recentPackets == 0)
  }

  @Test("what else the device tries is no attack, unless nothing tells what the attack is")
  func otherTraffic() {
    var desk = confined()
    desk.count(device: 10)
    desk.pass(300)
    desk.count(device: 20)
    #expect(desk.wish(.checkAgain) == .quiet)
    desk = Desk.home()
    desk.put(1, everything())
    desk.pass(300)
    desk.count(device: 20)
    #expect(desk.wish(.checkAgain) == .stillActive)
  }

  @Test("releasing a quiet device uses up no release")
  func quietRelease() {
    var desk = confined { $0.releases = 1 }
    desk.pass(300)
    #expect(desk.wish(.release(code: "")) == .released)
    #expect(desk.engine.releasesLeft(camera) == 1)
  }

  @Test("a code releases once, in either case and spelling, and uses up no release")
  func code() throws {
    var desk = confined { $0.releases = 0 }
    let random: [UInt8] = [0, 1, 10, 31, 32, 63, 18, 22]
    let code = desk.engine.code(for: camera, random: random, now: desk.now)
    #expect(code == "01AZ0ZJP")
    #expect(desk.wish(.release(code: "oi-az 0zjp")) == .released)
    desk.put(2)
    #expect(desk.wish(.release(code: "01AZ0ZJP")) == .wrongCode)
  }

  @Test("of one device's codes only the last is valid, for a day")
  func oneCode() {
    var desk = confined()
    desk.put(1, lifetime: .seconds(86_400))
    let first = desk.engine.code(for: camera, random: [UInt8](0..<8), now: desk.now) ?? ""
    let second = desk.engine.code(for: camera, random: [UInt8](8..<16), now: desk.now) ?? ""
    #expect(first.count == 8 && second.count == 8)
    #expect(desk.wish(.release(code: first)) == .wrongCode)
    desk.apply(desk.engine.quarantinedByOwner(camera, now: desk.now, wall: Fixture.wall))
    desk.pass(86_400)
    #expect(desk.wish(.release(code: second)) == .wrongCode)
    #expect(desk.engine.code(for: phone, random: [UInt8](0..<8), now: desk.now) == nil)
    #expect(desk.engine.code(for: camera, random: [1], now: desk.now) == nil)
  }

  @Test("five wrong codes void the right one")
  func guesses() {
    var desk = confined()
    let code = desk.engine.code(for: camera, random: [UInt8](0..<8), now: desk.now) ?? ""
    for _ in 0..<5 {
      #expect(desk.wish(.release(code: "WRONG")) == .wrongCode)
      desk.pass(60)
    }
    #expect(desk.wish(.release(code: code)) == .wrongCode)
  }

  @Test("wishes of one device that come too fast are refused")
  func tooSoon() {
    var desk = confined()
    desk.put(2, Fixture.scope(from: ["2001:db8:1::77"]))
    for _ in 0..<10 { #expect(desk.wish(.checkAgain) == .stillActive) }
    #expect(desk.wish(.checkAgain) == .tooSoon)
    #expect(desk.wish(.checkAgain, at: phone) == .stillActive)
    desk.pass(60)
    #expect(desk.wish(.checkAgain) == .stillActive)
  }

  @Test("C4 a device that is in no quarantine can release nobody")
  func stranger() {
    var desk = confined()
    #expect(desk.wish(.release(code: ""), at: phone) == .notQuarantined)
    #expect(desk.confined[camera] != nil)
  }

  @Test("C4 releasing one device of a mitigation leaves the other in quarantine, for good")
  func neighbour() {
    var desk = Desk.home()
    let scope = Fixture.scope(from: ["2001:db8:1::10", "2001:db8:1::77"])
    desk.put(1, scope)
    #expect(desk.wish(.release(code: "")) == .released)
    #expect(desk.confined[camera] == nil && desk.confined[phone] != nil)
    #expect(desk.kernel.values.first?.sources == [.inside(Fixture.prefix("2001:db8:1::77"))])
    #expect(desk.status() == .attackMitigationInProgress)
    #expect(desk.put(1, scope).isChanged)
    var settings = desk.engine.settings
    settings.releases = 5
    desk.apply(
      desk.engine.reconfigured(settings, now: desk.now, surroundings: desk.surroundings)
    )
    #expect(desk.confined[camera] == nil && desk.confined[phone] != nil)
  }
}
