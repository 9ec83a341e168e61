import Bytes
import Testing

@testable import Linux

@Suite struct LineBudgetTests {
  @Test("after a burst, peers cause one log line a second, and what is left out is counted")
  func budget() {
    var budget = LineBudget()
    let start = Instant(milliseconds: 1_000_000)
    let allowed = (0..<1000).filter { _ in budget.allows(now: start) }.count
    #expect(allowed == Int(LineBudget.burst))
    let counted = [budget.takeSuppressed(), budget.takeSuppressed()]
    #expect(counted == [1000 - allowed, 0])
    let moments: [Int64] = [999, 1000, 1000, 2000]
    let answers = moments.map { budget.allows(now: start + .milliseconds($0)) }
    #expect(answers == [false, true, false, true])
  }

  @Test("a quiet time earns no more than the burst")
  func quiet() {
    var budget = LineBudget()
    let later = Instant(milliseconds: .max)
    let allowed = (0..<1000).filter { _ in budget.allows(now: later) }.count
    #expect(allowed == Int(LineBudget.burst))
  }
}
