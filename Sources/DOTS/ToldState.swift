import Bytes
import Model

/// What an observer of mitigations was told, and when it is told again (RFC 9132, Section 4.4.2.1).
///
/// A class, so that a list of them is a list of references.
public final class ToldState {
  /// How often growing counters are told.
  static let countersInterval = Span.seconds(5)
  /// How often an active mitigation is told of, and one that waits.
  static let activeInterval = Span.seconds(30)
  static let idleInterval = Span.seconds(300)
  /// How often, and how many times, is told what a preconfigured mitigation shows before it waits
  /// again (RFC 9132, Table 3).
  static let passingInterval = Span.seconds(3)
  static let passingTimes = 4

  /// The observation's token.
  public let token: [UInt8]
  /// Mids, statuses and conflicts: another one is told at once.
  private var states: [UInt8] = []
  private var packets: UInt64 = 0
  private var wait = ToldState.idleInterval
  /// How often it is still told what passes.
  private var passing = 0

  /// What `reports` tell to the observation with this token.
  public init(_ reports: [MitigationReport], to token: [UInt8]) {
    self.token = token
    for report in reports {
      for shift in [24, 16, 8, 0] as [UInt32] {
        states.append(UInt8(truncatingIfNeeded: report.mid >> shift))
      }
      states.append(report.status.rawValue)
      states.append(report.conflict?.cause.rawValue ?? 0)
      states.append(report.conflict?.status?.rawValue ?? 0)
      packets &+= report.dropped?.packets ?? 0
      if report.status != .attackMitigationSignalLoss { wait = Self.activeInterval }
      let isEnding = report.status == .attackStopped || report.status == .attackMitigationWithdrawn
      if isEnding, !report.scope.triggerMitigation { passing = Self.passingTimes - 1 }
    }
  }

  /// For how long it holds, in seconds: twice the time to the next, at least a minute (RFC 7641,
  /// Section 4.3.1).
  public var lifetime: UInt32 { UInt32(clamping: wait.milliseconds / 500) }

  /// Whether this is to be told now to who was told `last` at `moment`; it counts as told then.
  public func isDue(after last: ToldState, at moment: Instant, now: Instant) -> Bool {
    guard states == last.states else { return true }
    var wait = packets > last.packets ? Self.countersInterval : wait
    if last.passing > 0 {
      passing = last.passing - 1
      wait = Self.passingInterval
    } else {
      passing = 0
    }
    return moment + wait <= now
  }
}
