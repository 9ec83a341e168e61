import Bytes
import CBOR
import Model

/// The kinds of message on the control socket, both directions.
public enum ControlDoorKind: UInt8, CaseIterable, Sendable {
  case command = 1
  case status = 2
  case mitigation = 3
  case why = 4
  case end = 5
  case device = 6
}

/// What `cordonctl` asks core for: one command for each connection.
public enum ControlCommand: Hashable, LinkMessage {
  /// How the router is: `status`, then `end`.
  case status
  /// All mitigations: a `mitigation` for each, by rising number, then `end`.
  case mitigations
  /// What holds for a device: `why`, a `mitigation` for each that concerns it, then `end`.
  case why(DeviceSubject)
  /// All devices of the home: a `device` for each, by hardware address, then `end`.
  case devices
  /// Put a device into quarantine: `end`.
  case quarantine(MACAddress)
  /// Release a device, as the helpdesk does: `end`.
  case release(MACAddress)
  /// Make a code that releases a device once from its page: `end` with the code as its text.
  case code(MACAddress)

  private enum Name: UInt8, CBORCoded {
    case status = 1
    case mitigations = 2
    case why = 3
    case devices = 4
    case quarantine = 5
    case release = 6
    case code = 7
  }

  /// The kind, the command and its argument.
  public var elements: [CBORValue] {
    let kind = ControlDoorKind.command.rawValue.cbor
    return switch self {
    case .status: [kind, Name.status.cbor]
    case .mitigations: [kind, Name.mitigations.cbor]
    case .why(let subject): [kind, Name.why.cbor, subject.cbor]
    case .devices: [kind, Name.devices.cbor]
    case .quarantine(let mac): [kind, Name.quarantine.cbor, mac.cbor]
    case .release(let mac): [kind, Name.release.cbor, mac.cbor]
    case .code(let mac): [kind, Name.code.cbor, mac.cbor]
    }
  }

  /// The command whose fields these are.
  public init(kind: UInt8, fields: inout Fields) throws(LinkError) {
    guard kind == ControlDoorKind.command.rawValue else { throw .unknownKind }
    let name: Name = try fields.next()
    switch name {
    case .status: self = .status
    case .mitigations: self = .mitigations
    case .why: self = .why(try fields.next())
    case .devices: self = .devices
    case .quarantine: self = .quarantine(try fields.next())
    case .release: self = .release(try fields.next())
    case .code: self = .code(try fields.next())
    }
  }
}

/// What a command came to; the raw value is the exit status of `cordonctl`.
public enum ControlOutcome: UInt8, Hashable, Sendable, CaseIterable, CBORCoded {
  case done = 0
  case failed = 1
  /// Core doesn't know the command: `cordonctl` is of another version.
  case usage = 2
  case refused = 4
  case notFound = 5
  case conflict = 6
  case timedOut = 7
}

/// What core answers to `cordonctl`.
///
/// Indirect: a copy is then one reference, not code for each list of each case.
public indirect enum ControlReply: Hashable, LinkMessage {
  /// The answer to `status`.
  case status(StatusReport)
  /// One mitigation.
  case mitigation(MitigationSummary)
  /// One device.
  case device(DeviceSummary)
  /// What holds for the subject; its mitigations follow, each alone.
  case why(DeviceSubject, DeviceState)
  /// Nothing more follows; the text explains where there is something to explain.
  case end(ControlOutcome, Text)

  /// The kind and what it carries.
  public var elements: [CBORValue] {
    switch self {
    case .status(let report): [ControlDoorKind.status.rawValue.cbor, report.cbor]
    case .mitigation(let summary): [ControlDoorKind.mitigation.rawValue.cbor, summary.cbor]
    case .device(let summary): [ControlDoorKind.device.rawValue.cbor, summary.cbor]
    case .why(let subject, let state):
      [ControlDoorKind.why.rawValue.cbor, subject.cbor, state.cbor]
    case .end(let outcome, let text):
      [ControlDoorKind.end.rawValue.cbor, outcome.cbor, text.cbor]
    }
  }

  /// The reply whose fields these are.
  public init(kind: UInt8, fields: inout Fields) throws(LinkError) {
    switch ControlDoorKind(rawValue: kind) {
    case .status: self = .status(try fields.next())
    case .mitigation: self = .mitigation(try fields.next())
    case .device: self = .device(try fields.next())
    case .why: self = .why(try fields.next(), try fields.next())
    case .end:
      self = .end(try fields.next(), try fields.text(limit: LinkLimits.explanation))
    case .command, nil: throw .unknownKind
    }
  }
}
