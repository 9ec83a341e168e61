import Link

/// How `cordonctl` ends; scripts rely on the numbers.
public enum ExitStatus: Int32, Hashable, Sendable, CaseIterable {
  case done = 0
  case failed = 1
  case usage = 2
  case notRunning = 3
  case refused = 4
  case notFound = 5
  case conflict = 6
  case timedOut = 7

  /// What core's outcome means here.
  init(_ outcome: ControlOutcome) {
    switch outcome {
    case .done: self = .done
    case .failed: self = .failed
    case .usage: self = .usage
    case .refused: self = .refused
    case .notFound: self = .notFound
    case .conflict: self = .conflict
    case .timedOut: self = .timedOut
    }
  }
}
