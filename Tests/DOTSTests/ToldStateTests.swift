import Bytes
import DOTS
import Model
import Testing

@Suite struct ToldStateTests {
  private let start = Instant(milliseconds: 1_000_000)

  private func report(
    _ status: MitigationStatus,
    packets: UInt64 = 0,
    isImmediate: Bool = true
  ) -> [MitigationReport] {
    var scope = MitigationScope()
    scope.triggerMitigation = isImmediate
    return [
      MitigationReport(
        mid: 1,
        scope: scope,
        remaining: .seconds(60),
        status: status,
        dropped: DropCounters(packets: packets, bytes: 0)
      )
    ]
  }

  /// The first whole second after which one who was told `before` is told `after`.
  private func wait(_ before: [MitigationReport], _ after: [MitigationReport]) -> Int? {
    let last = ToldState(before, to: [1])
    return (0...1000).first { seconds in
      ToldState(after, to: [1]).isDue(after: last, at: start, now: start + .seconds(seconds))
    }
  }

  @Test(
    "MIT-OBS-03 a change of status is told at once, growing counters after 5 s, else 30 s or 300 s"
  )
  func periods() {
    let active = report(.attackSuccessfullyMitigated, packets: 5)
    #expect(wait(report(.attackMitigationInProgress), active) == 0)
    #expect(wait(active, report(.attackSuccessfullyMitigated, packets: 6)) == 5)
    #expect(wait(active, active) == 30)
    let waiting = report(.attackMitigationSignalLoss, isImmediate: false)
    #expect(wait(waiting, waiting) == 300)
  }

  @Test("MIT-CON-06 a conflict that begins is told at once")
  func conflict() {
    let before = report(.attackMitigationInProgress)
    var after = before
    after[0].conflict = ConflictInformation(cause: .overlappingTargets, status: .requestActive)
    #expect(wait(before, after) == 0)
  }

  @Test(
    "MIT-STS-04 what a preconfigured mitigation shows before it waits again is told four times, 3 s apart",
    arguments: [MitigationStatus.attackStopped, .attackMitigationWithdrawn]
  )
  func passing(_ status: MitigationStatus) {
    let reports = report(status, isImmediate: false)
    var last = ToldState(reports, to: [1])
    var told = start
    var times: [Int] = [0]
    for second in 1...25 {
      let state = ToldState(reports, to: [1])
      let now = start + .seconds(second)
      guard state.isDue(after: last, at: told, now: now) else { continue }
      times.append(second)
      (last, told) = (state, now)
    }
    #expect(times == [0, 3, 6, 9])
  }

  @Test("COAP-18 a state holds for twice the time to the next, at least a minute")
  func lifetime() {
    #expect(ToldState(report(.attackMitigationInProgress), to: [1]).lifetime == 60)
    #expect(ToldState(report(.attackMitigationSignalLoss), to: [1]).lifetime == 600)
  }

  @Test("MIT-STS-04 for an immediate mitigation status 3 is told like any other")
  func immediate() {
    let reports = report(.attackStopped)
    #expect(wait(reports, reports) == 30)
  }

  @Test(
    "MIT-OBS-07 whoever observes all is told at once of a later request, and of one that is gone"
  )
  func all() {
    let one = report(.attackMitigationInProgress)
    var later = one
    later[0].mid = 2
    #expect(wait(one, one + later) == 0)
    #expect(wait(one + later, one) == 0)
  }
}
