import Bytes
import Mitigation
import Model
import TestSupport
import Testing

/// Random operations beside what must always hold.
@Suite struct RandomOperationTests {
  private struct Run {
    var desk: Desk
    var random: SeededGenerator

    init(seed: UInt64) {
      random = SeededGenerator(seed: seed)
      desk = Desk {
        $0.clients[0].maximumMitigations = 6
        $0.clients[0].maximumElements = 40
        $0.clients[1].overlap = .target
        $0.terminating = 60
        if seed % 3 == 0 { $0.conflict = .reject }
        if seed % 2 == 0 { $0.protections = [Run.protection] }
      }
    }

    static var protection: ProtectSettings {
      var section = ProtectSettings(section: "alarm")
      section.prefixes = [Fixture.prefix("2001:db8:ffff::3")]
      return section
    }

    mutating func number(_ upper: Int) -> Int { Int.random(in: 0..<upper, using: &random) }

    mutating func scope() -> MitigationScope {
      var scope = MitigationScope()
      let sources: [Text] = [
        "2001:db8:1::10", "2001:db8:1::11", "203.0.113.77", "192.168.1.9", "2001:db8:1::1",
      ]
      let targets: [Text] = [
        "2001:db8:ffff::1", "2001:db8:ffff::2", "2001:db8:ffff::3", "2001:db8:ffff::/64",
        "198.51.100.7", "198.51.100.0/24", "0.0.0.0/0", "10.0.0.1",
      ]
      for _ in 0..<number(3) { scope.sourcePrefixes.append(Fixture.prefix(sources[number(5)])) }
      for _ in 0..<1 + number(2) {
        scope.targetPrefixes.append(Fixture.prefix(targets[number(8)]))
      }
      if number(3) == 0 { scope.sourcePortRanges = [PortRange(UInt16(number(2)))] }
      scope.triggerMitigation = number(6) != 0
      return scope
    }

    /// One random event; what was told of it.
    mutating func step() {
      let isFirst = number(2) == 0
      desk.client = isFirst ? Fixture.client : Fixture.other
      desk.cuid = number(8) == 0 ? "shared" : isFirst ? "first" : "second"
      desk.role = number(3) == 0 ? .base : .callHome
      desk.isKernelFull = number(8) == 0 ? number(2) == 0 : nil
      let mid = UInt32(number(8))
      switch number(10) {
      case 0...4: put(mid)
      case 5, 6: withdraw(mid)
      case 7: _ = desk.show(number(2) == 0 ? mid : nil)
      case 8: desk.pass(Int64(number(number(20) == 0 ? 100_000 : 90)))
      default: refresh(mid)
      }
    }

    private mutating func put(_ mid: UInt32) {
      let before = desk.engine
      let kernel = desk.kernel
      let lifetime = Lifetime.seconds(UInt32(1 + number(5000)))
      let outcome = desk.put(mid, scope(), lifetime: lifetime)
      if outcome.refusal != nil {
        #expect(desk.engine == before)
        #expect(desk.kernel == kernel)
      }
    }

    private mutating func refresh(_ mid: UInt32) {
      guard case .content(let reports) = desk.show(mid), let report = reports.first else { return }
      let before = desk.engine
      let outcome = desk.put(mid, report.scope)
      if outcome.refusal != nil {
        #expect(desk.engine == before)
      } else {
        #expect(outcome.isChanged)
      }
    }

    private mutating func withdraw(_ mid: UInt32) {
      // A removal that the kernel refuses leaves a rule that ends by its own timeout.
      desk.isKernelFull = nil
      #expect(desk.delete(mid) == .deleted)
    }
  }

  @Test(
    "the kernel holds the rules of the enforced mitigations and nothing else",
    arguments: 0..<40
  )
  func kernelMatches(seed: UInt64) {
    var run = Run(seed: seed)
    var wasBusy = false
    for index in 0..<500 {
      run.step()
      let enforced = run.desk.engine.plan(at: run.desk.now)
      let rules = run.desk.kernel.values.sorted { $0.id < $1.id }
      var planned: [Rule] = []
      for case .install(let rule, _) in enforced { planned.append(rule) }
      guard planned == rules else {
        Issue.record("seed \(seed), step \(index): the kernel and the plan differ")
        return
      }
      if rules.count > 2 { wasBusy = true }
      guard holds(run.desk) else {
        Issue.record("seed \(seed), step \(index): overlap, limit or order broken")
        return
      }
    }
    #expect(wasBusy, "seed \(seed) exercised nothing")
  }

  /// What must hold of the overview at any time.
  private func holds(_ desk: Desk) -> Bool {
    let all = desk.engine.mitigations(now: desk.now)
    guard desk.engine.count == all.count else { return false }
    guard all.filter({ $0.client == "telemetry" }).count <= 6 else { return false }
    for (position, one) in all.enumerated() {
      if one.remaining == 0 || one.remaining > one.granted { return false }
      for other in all[(position + 1)...]
      where other.client == one.client && other.name.cuid == one.name.cuid {
        if other.name.mid == one.name.mid { return false }
        let isSameType = other.scope.triggerMitigation == one.scope.triggerMitigation
        let rule: OverlapRule = one.client == "telemetry" ? .scope : .target
        if isSameType, overlap(one.scope, other.scope, rule) { return false }
      }
    }
    return true
  }

  /// A second, plainer notion of overlap.
  private func overlap(
    _ one: MitigationScope,
    _ other: MitigationScope,
    _ rule: OverlapRule
  ) -> Bool {
    let targets = one.targetPrefixes.contains { target in
      other.targetPrefixes.contains { $0.overlaps(target) }
    }
    if !targets || rule == .target { return targets }
    if one.sourcePrefixes.isEmpty || other.sourcePrefixes.isEmpty { return true }
    let isPortShared =
      one.sourcePortRanges.isEmpty || other.sourcePortRanges.isEmpty
      || one.sourcePortRanges == other.sourcePortRanges
    return one.sourcePrefixes.contains { source in
      other.sourcePrefixes.contains {
        $0.overlaps(source) && (source.address != Fixture.wan || isPortShared)
      }
    }
  }

  @Test("records give back the same engine", arguments: 0..<20)
  func restarts(seed: UInt64) {
    var run = Run(seed: seed)
    for _ in 0..<200 { run.step() }
    let records = run.desk.engine.records(now: run.desk.now)
    var engine = MitigationEngine(
      settings: run.desk.engine.settings,
      home: Fixture.home,
      nextID: run.desk.engine.nextID
    )
    #expect(engine.restore(records, now: run.desk.now).isEmpty, "seed \(seed)")
    #expect(engine.plan(at: run.desk.now) == run.desk.engine.plan(at: run.desk.now), "seed \(seed)")
    #expect(engine.records(now: run.desk.now) == records, "seed \(seed)")
  }
}
