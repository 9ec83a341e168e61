import Bytes
import Link
import Model
import Report

/// What core answered to a command, whole.
public enum Answer: Hashable, Sendable {
  case status(StatusReport)
  case mitigations([MitigationSummary])
  case why(WhyReport)

  /// The answer as one line of JSON.
  var json: Text {
    switch self {
    case .status(let report): report.jsonLine
    case .mitigations(let list): list.jsonLine
    case .why(let report): report.jsonLine
    }
  }

  /// The answer in words.
  func text(_ style: TextStyle) -> Text {
    switch self {
    case .status(let report): report.text(style)
    case .mitigations(let list): list.text(style)
    case .why(let report): report.text(style)
    }
  }
}

/// One command and the replies to it, put together as they come.
struct Conversation {
  /// What a reply came to.
  enum Step: Equatable {
    /// More is to come.
    case wait
    case answered(Answer)
    /// Core says no, and why.
    case ended(ControlOutcome, Text)
    /// Core said what doesn't belong here.
    case broken
  }

  /// More mitigations than any router has: a daemon that sends more is broken.
  static let maximumMitigations = 131_072

  private let command: ControlCommand
  private var status: StatusReport?
  private var why: (subject: DeviceSubject, state: DeviceState)?
  private var mitigations: [MitigationSummary] = []

  /// The conversation that begins with `command`.
  init(_ command: ControlCommand) { self.command = command }

  /// Takes the next reply.
  mutating func received(_ reply: ControlReply) -> Step {
    switch (reply, command) {
    case (.status(let report), .status) where status == nil:
      status = report
      return .wait
    case (.why(let subject, let state), .why) where why == nil:
      why = (subject, state)
      return .wait
    case (.mitigation(let summary), .mitigations), (.mitigation(let summary), .why):
      guard mitigations.count < Self.maximumMitigations else { return .broken }
      mitigations.append(summary)
      return .wait
    case (.end(.done, _), _): return answer.map { .answered($0) } ?? .broken
    case (.end(let outcome, let text), _): return .ended(outcome, text)
    default: return .broken
    }
  }

  /// What was said so far; nil when its main part is missing.
  private var answer: Answer? {
    switch command {
    case .devices, .quarantine, .release, .code: nil
    case .status: status.map { .status($0) }
    case .mitigations: .mitigations(mitigations)
    case .why:
      why.map {
        .why(WhyReport(subject: $0.subject, state: $0.state, mitigations: mitigations))
      }
    }
  }
}
