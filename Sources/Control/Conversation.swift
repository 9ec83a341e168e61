import Bytes
import Link
import Model
import Report

/// What core answered to a command, whole.
public enum Answer: Hashable, Sendable {
  case status(StatusReport)
  case mitigations([MitigationSummary])
  case why(WhyReport)
  case devices([DeviceSummary])
  case changed(DeviceChange)

  /// The answer as one line of JSON.
  var json: Text {
    switch self {
    case .status(let report): report.jsonLine
    case .mitigations(let list): list.jsonLine
    case .why(let report): report.jsonLine
    case .devices(let list): list.jsonLine
    case .changed(let change): change.jsonLine
    }
  }

  /// The answer in words.
  func text(_ style: TextStyle) -> Text {
    switch self {
    case .status(let report): report.text(style)
    case .mitigations(let list): list.text(style)
    case .why(let report): report.text(style)
    case .devices(let list): list.text(style)
    case .changed(let change): change.text
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

  /// More mitigations, or devices, than any router has: a daemon that sends more is broken.
  static let maximumReplies = 131_072

  private let command: ControlCommand
  private var status: StatusReport?
  private var why: (subject: DeviceSubject, state: DeviceState)?
  private var mitigations: [MitigationSummary] = []
  private var devices: [DeviceSummary] = []

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
      guard mitigations.count < Self.maximumReplies else { return .broken }
      mitigations.append(summary)
      return .wait
    case (.device(let summary), .devices):
      guard devices.count < Self.maximumReplies else { return .broken }
      devices.append(summary)
      return .wait
    case (.end(.done, let text), _): return answer(text).map { .answered($0) } ?? .broken
    case (.end(let outcome, let text), _): return .ended(outcome, text)
    default: return .broken
    }
  }

  /// What was said, `text` at the end; nil when its main part is missing.
  private func answer(_ text: Text) -> Answer? {
    switch command {
    case .devices: .devices(devices)
    case .quarantine(let mac): .changed(.moved(mac, isQuarantined: true, note: text))
    case .release(let mac): .changed(.moved(mac, isQuarantined: false, note: text))
    case .consent(let id, let isGiven): .changed(.answered(id, isGiven: isGiven))
    case .reload: .changed(.reloading)
    case .code(let mac): text.isEmpty ? nil : .changed(.code(mac, text))
    case .status: status.map { .status($0) }
    case .mitigations: .mitigations(mitigations)
    case .why:
      why.map {
        .why(WhyReport(subject: $0.subject, state: $0.state, mitigations: mitigations))
      }
    }
  }
}
