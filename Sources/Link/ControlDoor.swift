import Bytes
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
  /// The owner consents to a mitigation that waits for that, or doesn't: `end`.
  case consent(MitigationID, Bool)
  /// Have the launcher read the settings again, as SIGHUP does: `end`, before they are read.
  case reload

  private enum Name: UInt8 {
    case status = 1
    case mitigations = 2
    case why = 3
    case devices = 4
    case quarantine = 5
    case release = 6
    case code = 7
    case consent = 8
    case reload = 9
  }

  /// Writes the kind, the command and its argument.
  public func write(to writer: inout ItemWriter) {
    writer.kind(ControlDoorKind.command)
    switch self {
    case .status: writer.kind(Name.status)
    case .mitigations: writer.kind(Name.mitigations)
    case .why(let subject):
      writer.kind(Name.why)
      writer.value(subject)
    case .devices: writer.kind(Name.devices)
    case .quarantine(let mac):
      writer.kind(Name.quarantine)
      writer.value(mac)
    case .release(let mac):
      writer.kind(Name.release)
      writer.value(mac)
    case .code(let mac):
      writer.kind(Name.code)
      writer.value(mac)
    case .consent(let id, var isGiven):
      writer.kind(Name.consent)
      writer.value(id)
      writer.flag(&isGiven)
    case .reload: writer.kind(Name.reload)
    }
  }

  /// Reads these.
  public init(from reader: inout ItemReader) {
    if reader.value() != ControlDoorKind.command.rawValue { reader.fail(.unknownKind) }
    switch Name(rawValue: reader.value()) {
    case .status: self = .status
    case .mitigations: self = .mitigations
    case .why: self = .why(reader.value())
    case .devices: self = .devices
    case .quarantine: self = .quarantine(reader.value())
    case .release: self = .release(reader.value())
    case .code: self = .code(reader.value())
    case .consent:
      let id: MitigationID = reader.value()
      var isGiven = false
      reader.flag(&isGiven)
      self = .consent(id, isGiven)
    case .reload: self = .reload
    case nil:
      reader.fail()
      self = .status
    }
  }
}

/// What a command came to; the raw value is the exit status of `cordonctl`.
public enum ControlOutcome: UInt8, Hashable, Sendable, CaseIterable, Coded {
  case done = 0
  case failed = 1
  /// Core doesn't know the command: `cordonctl` is of another version.
  case usage = 2
  case refused = 4
  case notFound = 5
  case conflict = 6
  case timedOut = 7

  /// Failed.
  public static var blank: ControlOutcome { .failed }
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

  /// Writes the kind and what it carries.
  public func write(to writer: inout ItemWriter) {
    switch self {
    case .status(let report):
      writer.kind(ControlDoorKind.status)
      writer.value(report)
    case .mitigation(let summary):
      writer.kind(ControlDoorKind.mitigation)
      writer.value(summary)
    case .device(let summary):
      writer.kind(ControlDoorKind.device)
      writer.value(summary)
    case .why(let subject, let state):
      writer.kind(ControlDoorKind.why)
      writer.value(subject)
      writer.value(state)
    case .end(let outcome, var text):
      writer.kind(ControlDoorKind.end)
      writer.value(outcome)
      writer.text(&text, limit: LinkLimits.explanation)
    }
  }

  /// Reads the kind and what it carries.
  public init(from reader: inout ItemReader) {
    switch ControlDoorKind(rawValue: reader.value()) {
    case .status: self = .status(reader.value())
    case .mitigation: self = .mitigation(reader.value())
    case .device: self = .device(reader.value())
    case .why: self = .why(reader.value(), reader.value())
    case .end: self = .end(reader.value(), reader.text(limit: LinkLimits.explanation))
    case .command, nil:
      reader.fail(.unknownKind)
      self = .end(.blank, .blank)
    }
  }
}
