import Bytes
import Model
import Testing

@testable import Mitigation

@Suite struct LimitTests {
  private func scope(_ number: UInt32) -> MitigationScope {
    var scope = Fixture.scope()
    let address = IPAddress(v6High: 0x2001_0DB8_FFFF_0000, low: UInt64(number) + 100)
    scope.targetPrefixes = [Prefix(host: address)]
    return scope
  }

  @Test("MIT-PUT-20 the client's number of mitigations holds exactly; an override still fits")
  func mitigations() {
    var desk = Desk { $0.clients[0].maximumMitigations = 3 }
    for mid in 1...3 as ClosedRange<UInt32> { #expect(desk.put(mid, scope(mid)).isCreated) }
    let refusal = desk.put(4, scope(4)).refusal
    #expect(refusal?.reason == .tooManyMitigations)
    #expect(refusal?.mid == 4)
    #expect((refusal?.retryAfter ?? 0) > 0)
    #expect(desk.put(5, scope(3)).isCreated)
    desk.client = Fixture.other
    #expect(desk.put(4, scope(4)).isCreated)
  }

  @Test("MIT-PUT-20 the client's kernel elements hold exactly")
  func elements() {
    var desk = Desk { $0.clients[0].maximumElements = 10 }
    desk.surroundings.elementCount = { _ in 5 }
    desk.put(1, scope(1))
    desk.put(2, scope(2))
    #expect(desk.put(3, scope(3)).refusal?.reason == .tooManyElements)
    #expect(desk.put(3, scope(2)).isCreated)
  }

  @Test("MIT-PUT-20 a rule that no kernel could hold is refused")
  func rule() {
    var desk = Desk()
    desk.surroundings.elementCount = { _ in nil }
    #expect(desk.reason(scope(1)) == .tooManyElements)
  }

  @Test("MIT-PUT-20 changes faster than the client's rate are refused until the bucket fills")
  func rate() {
    var desk = Desk { $0.clients[0].maximumRate = 2 }
    #expect(desk.put(1).isCreated)
    #expect(desk.put(1).isChanged)
    let refusal = desk.put(1).refusal
    #expect(refusal?.reason == .tooManyChanges)
    #expect(refusal?.retryAfter == 1)
    #expect(desk.delete(1) == .deleted)
    desk.now = desk.now + .milliseconds(500)
    #expect(desk.put(1).isChanged)
    #expect(desk.put(1).refusal?.reason == .tooManyChanges)
  }

  @Test("MIT-PUT-20 a request above the rate costs no look at connections")
  func rateFirst() {
    var desk = Desk { $0.clients[0].maximumRate = 1 }
    var looks = 0
    desk.surroundings.flows = { _ in looks += 1 }
    let asked = Fixture.scope(from: ["203.0.113.77"], to: ["198.51.100.7"])
    #expect(desk.put(1, asked).isCreated)
    #expect(desk.put(2, asked).refusal?.reason == .tooManyChanges)
    #expect(looks == 1)
  }

  @Test("a change that the kernel refuses counts, so that a full kernel isn't asked without end")
  func refusedChangesCount() {
    var desk = Desk { $0.clients[0].maximumRate = 1 }
    desk.isKernelFull = true
    #expect(desk.put(1).refusal?.reason == .kernelFull)
    #expect(desk.put(1).refusal?.reason == .tooManyChanges)
  }

  @Test("a client may use 256 cuids at a time and no more")
  func identifiers() {
    var desk = Desk { $0.clients[0].maximumMitigations = 1000 }
    for number in 0..<256 as Range<UInt32> {
      desk.cuid = Text(decimal: number)
      #expect(desk.put(1, scope(number)).isCreated)
    }
    desk.cuid = "one more"
    #expect(desk.put(1, scope(999)).refusal?.reason == .tooManyMitigations)
    desk.cuid = "0"
    #expect(desk.put(2, scope(999)).isCreated)
    desk.cuid = "1"
    desk.delete(1)
    desk.pass(120)
    desk.cuid = "one more"
    #expect(desk.put(1, scope(1000)).isCreated)
  }

  @Test("an idle bucket holds one second's worth of changes and no more")
  func rateAfterIdling() {
    var desk = Desk { $0.clients[0].maximumRate = 2 }
    desk.put(1)
    desk.pass(100)
    #expect(desk.put(1).isChanged)
    #expect(desk.put(1).isChanged)
    #expect(desk.put(1).refusal?.reason == .tooManyChanges)
  }

  @Test("an idle mitigation with a few addresses takes at most 2 kB")
  func memory() {
    let lists = 5 * (32 + 4 * MemoryLayout<Prefix>.stride) + 2 * 64
    let names = 2 * (32 + 64)
    let fixed = MemoryLayout<Mitigation>.stride + MemoryLayout<MitigationScope>.stride + 16 + 64
    #expect(lists + names + fixed <= 2048, "\(lists) \(names) \(fixed)")
  }

  @Test("a scope of more entries or longer names than memory allows is refused")
  func scopeSize() {
    var desk = Desk()
    var large = scope(1)
    large.targetPortRanges = (0..<600).map { PortRange(UInt16($0)) }
    #expect(desk.reason(large) == .tooManyElements)
    var named = scope(1)
    named.targetFQDNs = [Text([UInt8](repeating: 97, count: 5000))]
    #expect(desk.reason(named) == .tooManyElements)
  }

  @Test("MIT-PUT-24 a kernel that refuses leaves everything as it was")
  func kernelRefuses() {
    var desk = Desk()
    desk.put(1)
    let before = desk.engine
    desk.isKernelFull = false
    let refusal = desk.put(2).refusal
    #expect(refusal == Refusal(.kernelRefused, mid: 2))
    #expect(desk.engine == before)
    desk.isKernelFull = true
    #expect(desk.put(2).refusal?.reason == .kernelFull)
    #expect(desk.put(1, lifetime: .seconds(5)).refusal?.reason == .kernelFull)
    #expect(desk.engine == before)
  }

  @Test("misuse harms nothing: a result without a decision, a request before the result")
  func misuse() {
    var engine = Desk().engine
    let before = engine
    #expect(engine.enforced().refusal?.reason == .unavailable)
    #expect(engine.refusedByKernel(isFull: true).refusal?.reason == .unavailable)
    #expect(engine == before)
    let name = MitigationName(cuid: Fixture.cuid, mid: 1)
    func ask(_ engine: inout MitigationEngine) -> Decision {
      engine.received(
        .mitigate(name, Fixture.scope(), lifetime: .seconds(9), efficacy: nil),
        from: Fixture.session(),
        now: Fixture.start,
        wall: Fixture.wall
      )
    }
    guard case .enforce = ask(&engine) else {
      Issue.record("not enforced")
      return
    }
    let waiting = engine
    #expect(
      ask(&engine) == .answer(.refused(Refusal(.unavailable, mid: 1, retryAfter: 1)))
    )
    #expect(engine.advanced(to: Instant(milliseconds: .max)).isEmpty)
    #expect(engine.reconfigured(Fixture.settings, now: Fixture.start) == nil)
    #expect(engine == waiting)
    #expect(engine.enforced().isCreated)
  }

  @Test("MIT-EFF-07 an update of what can't be mitigated any longer is 5.03 with Max-Age")
  func efficacy() {
    var desk = Desk()
    desk.put(1)
    desk.isKernelFull = false
    let refusal = desk.put(1, efficacy: .underAttack).refusal
    #expect(refusal?.reason == .kernelFull && (refusal?.retryAfter ?? 0) > 0)
    #expect(desk.status(1) == .attackMitigationInProgress)
  }
}
