import Bytes
import DOTS
import Link
import Model
import Testing

@testable import SignalFront

private func at(_ seconds: Double) -> Instant { Instant(milliseconds: Int64(seconds * 1000)) }

private let old = IPAddress(v4: 0xC000_0201)
private let new = IPAddress(v4: 0xC000_0202)

/// A client with a name that led to `old` until its session ended, an hour after the look-up.
private func known(_ transports: [Transport] = [.udp]) -> CallHome {
  let peer = CallHomePeer(
    section: "noc",
    host: "noc.isp.example",
    name: "noc.isp.example",
    port: 4647,
    transports: transports,
    redirectDomains: []
  )
  let home = CallHome(peer, now: at(0), random: 0)
  home.begin(now: at(0))
  #expect(home.race == nil && home.question(now: at(0)) == "noc.isp.example")
  home.found([old], now: at(1))
  #expect(home.race?.start(now: at(1)) == Candidate(transports[0], old))
  home.race = nil
  home.redial.established(over: Candidate(transports[0], old), among: transports, now: at(2))
  home.redial.heard(now: at(3))
  home.redial.ended(now: at(3600), random: 0)
  return home
}

@Suite struct CallHomeTests {
  @Test("HE-02 a way that is known is tried at once, while its name is looked up again")
  func knownFirst() {
    let home = known()
    home.begin(now: at(3600))
    #expect(home.question(now: at(3600)) == "noc.isp.example")
    #expect(home.race?.start(now: at(3600)) == Candidate(.udp, old))
    home.found([new, old], now: at(3600.1))
    #expect(home.askAt == nil && home.addresses == [new, old])
    #expect(home.race?.start(now: at(3600.3)) == Candidate(.udp, new))
    #expect(home.race?.nextStart == nil)
  }

  @Test("HE-02 an answer that comes between two attempts is kept for the next")
  func between() {
    let home = known()
    home.begin(now: at(3600))
    _ = home.question(now: at(3600))
    home.race = nil
    home.redial.failed(now: at(3601), random: 0)
    home.found([new], now: at(3602))
    #expect(home.race == nil && home.addresses == [new] && home.askAt == nil)
    home.begin(now: at(3660))
    #expect(home.askAt == nil && home.race?.start(now: at(3660)) == Candidate(.udp, new))
  }

  @Test("HE-02 after a look-up that failed, and known ways that did, what is found later is tried")
  func late() {
    let home = known()
    home.begin(now: at(3600))
    _ = home.question(now: at(3600))
    #expect(home.race?.start(now: at(3600)) == Candidate(.udp, old))
    home.race?.failed(now: at(3601))
    home.found([], now: at(3602))
    #expect(home.race?.isLost == true && home.askAt == at(3612))
    #expect(home.question(now: at(3612)) == "noc.isp.example")
    home.found([new], now: at(3613))
    #expect(home.race?.isLost == false && home.race?.start(now: at(3613)) == Candidate(.udp, new))
  }

  @Test("an answer that comes while there is a session begins nothing")
  func inSession() throws {
    let home = known()
    home.begin(now: at(3600))
    _ = home.question(now: at(3600))
    home.race = nil
    home.redial.established(over: Candidate(.udp, old), among: [.udp], now: at(3601))
    home.found([new], now: at(3602))
    #expect(home.race == nil && home.addresses == [new])
  }
}
