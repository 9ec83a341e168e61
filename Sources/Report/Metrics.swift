import Bytes
import Model

/// What a monitoring system reads, in Prometheus' text format.
///
/// Each name is one of a gauge or counter with `# TYPE` before its samples; labels are escaped as the
/// format asks. Counters belong to their mitigation and go with it.
public struct Metrics {
  private var text = Text([])

  /// The metrics of a router in this state.
  public init(_ status: StatusReport, _ mitigations: [MitigationSummary]) {
    sample("cordon_up", isCounter: false, [], 1)
    sample(
      "cordon_uptime_seconds",
      isCounter: false,
      [],
      UInt64(max(0, status.uptime.wholeSeconds))
    )
    sample("cordon_kernel_in_sync", isCounter: false, [], status.isKernelInSync ? 1 : 0)
    if let expires = status.certificateExpires {
      sample("cordon_certificate_expires_timestamp_seconds", isCounter: false, [], expires.seconds)
    }
    sample("cordon_quarantined_devices", isCounter: false, [], UInt64(status.quarantined))
    type("cordon_dots_session_up", isCounter: false)
    for session in status.sessions {
      let labels: [Label] = [
        ("client", session.client), ("peer", session.endpoint), ("role", session.role.label),
        ("transport", session.transport.label),
      ]
      value("cordon_dots_session_up", labels, session.state == .open ? 1 : 0)
    }
    type("cordon_mitigations_active", isCounter: false)
    for action: Action in [.block, .limit, .quarantine, .ask, .observe] {
      let count = mitigations.filter { $0.action == action }.count
      value("cordon_mitigations_active", [("kind", action.label)], UInt64(count))
    }
    let conflicts = mitigations.filter { $0.conflict != nil }.count
    sample("cordon_mitigations_in_conflict", isCounter: false, [], UInt64(conflicts))
    dropped("cordon_dropped_packets_total", mitigations) { $0.packets }
    dropped("cordon_dropped_bytes_total", mitigations) { $0.bytes }
  }

  /// The whole text, a sample a line.
  public var lines: Text { text }

  private typealias Label = (name: StaticString, value: Text)

  private mutating func dropped(
    _ name: StaticString,
    _ mitigations: [MitigationSummary],
    _ count: (DropCounters) -> UInt64
  ) {
    type(name, isCounter: true)
    for mitigation in mitigations {
      guard let counters = mitigation.dropped else { continue }
      let labels: [Label] = [
        ("id", mitigation.id.text), ("client", mitigation.client), ("cuid", mitigation.cuid),
        ("mid", Text(decimal: mitigation.mid)), ("action", mitigation.action.label),
      ]
      value(name, labels, count(counters))
    }
  }

  private mutating func sample(
    _ name: StaticString,
    isCounter: Bool,
    _ labels: [Label],
    _ number: UInt64
  ) {
    type(name, isCounter: isCounter)
    value(name, labels, number)
  }

  private mutating func type(_ name: StaticString, isCounter: Bool) {
    text += "# TYPE \(Text(stringLiteral: name)) \(isCounter ? "counter" as Text : "gauge")\n"
  }

  private mutating func value(_ name: StaticString, _ labels: [Label], _ number: UInt64) {
    text += Text(stringLiteral: name)
    for (index, label) in labels.enumerated() {
      text += "\(index == 0 ? "{" as Text : ",")\(Text(stringLiteral: label.name))=\""
      text += Self.escaped(label.value) + "\""
    }
    if !labels.isEmpty { text += "}" }
    text += " \(number)\n"
  }

  /// A label's value without what would end it: a backslash, a quote, a line's end; and
  /// without what a terminal acts on.
  private static func escaped(_ value: Text) -> Text {
    var result = Text([])
    for byte in value.bytes {
      switch byte {
      case 0x0A: result += "\\n"
      case 0x22, 0x5C: result.bytes += [0x5C, byte]
      default: result.bytes.append(byte)
      }
    }
    return result.printable
  }
}
