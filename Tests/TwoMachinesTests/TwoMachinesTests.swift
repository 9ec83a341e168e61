import Bytes
import Foundation
import TestServer
import Testing

/// The client's and the server's machines with nothing between them but a bad network.
@Suite struct TwoMachinesTests {
  /// Runs for each of the ten shares: all 10,000 take a minute, and CI has it.
  private static let runs: UInt64 = {
    let environment = ProcessInfo.processInfo.environment
    return environment["CI"] == "true" || environment["CORDON_LONG"] == "1" ? 1000 : 30
  }()

  @Test(
    "COAP-08 MIT-PUT-16 MIT-DEL-02 over a bad network the kernel has what the answers told",
    arguments: 0..<10 as Range<UInt64>
  )
  func badNetwork(share: UInt64) throws {
    var answered = 0
    var unanswered = 0
    for seed in share * 1000..<share * 1000 + Self.runs {
      var run = TwoMachines(seed: seed, isStream: seed % 4 == 0)
      #expect(throws: Never.self, "seed \(seed)") { try run.run(steps: 6) }
      answered += run.answered
      unanswered += run.unanswered
    }
    // Each lane has six answers in each run, and often enough the first of it had none.
    #expect(answered == Int(Self.runs) * 24)
    #expect(unanswered > answered / 20)
  }

  @Test("HB-01 HB-07 a year of heartbeats over a bad network loses no session, silence does")
  func year() throws {
    var pair = HeartbeatPair(seed: 9132)
    let year = 365 * 86_400
    pair.run(.seconds(year))
    #expect(pair.lost == [nil, nil])
    #expect(pair.sent.allSatisfy { $0 >= year / 30 - 1 })
    pair.isCut = true
    let cut = pair.now
    pair.run(.seconds(3600))
    for lost in pair.lost {
      let silence = try #require(lost) - cut
      #expect(silence > .seconds(300) && silence <= .seconds(452))
    }
  }
}
