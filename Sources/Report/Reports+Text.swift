import Bytes
import Model

extension StatusReport {
  /// The answer of `cordonctl status`.
  public func text(_ style: TextStyle) -> Text {
    var writer = BlockWriter(style)
    writer.block("cordon", software)
    writer.line("uptime", Quantity.duration(UInt64(uptime.wholeSeconds)))
    writer.line("kernel", isKernelInSync ? "in sync" : "not in sync")
    writer.line("mitigations", Text(decimal: mitigations))
    writer.line("quarantined", Text(decimal: quarantined))
    if let expires = certificateExpires {
      let left: Text =
        expires > style.now
        ? "in " + Quantity.duration(expires.seconds - style.now.seconds) : "expired"
      writer.line("certificate expires", expires.timestamp + " (" + left + ")")
    }
    for session in sessions { session.write(to: &writer, style) }
    return writer.text
  }
}

extension SessionSummary {
  fileprivate func write(to writer: inout BlockWriter, _ style: TextStyle) {
    writer.block("session", endpoint)
    if !client.isEmpty { writer.line("client", client) }
    writer.line("role", role == .base ? "base" : "call home")
    writer.line("transport", transport.label)
    writer.line("state", state.label)
    writer.line("since", Quantity.age(of: since, now: style.now))
  }
}

extension [MitigationSummary] {
  /// The answer of `cordonctl mitigations`.
  public func text(_ style: TextStyle) -> Text {
    if isEmpty { return "no mitigations\n" }
    var writer = BlockWriter(style)
    for mitigation in self { mitigation.write(to: &writer, style) }
    return writer.text
  }
}

extension MitigationSummary {
  fileprivate func write(to writer: inout BlockWriter, _ style: TextStyle) {
    writer.block("mitigation", id.text)
    writer.line("client", client + " (cuid " + cuid + ", mid " + Text(decimal: mid) + ")")
    writer.line("status", status.label)
    writer.line("action", action.label)
    writer.line("sources", listing: scope.sourcePrefixes.map { $0.text })
    writer.line("source ports", listing: scope.sourcePortRanges.map { $0.text })
    writer.line("targets", listing: scope.targetPrefixes.map { $0.text })
    writer.line("target ports", listing: scope.targetPortRanges.map { $0.text })
    writer.line("protocols", listing: scope.targetProtocols.map { protocolLabel($0) })
    writer.line("icmp types", listing: scope.sourceICMPTypeRanges.map { $0.text })
    if let start { writer.line("since", Quantity.age(of: start, now: style.now)) }
    writer.line("remaining", remaining.text + " of " + lifetime.text)
    if let dropped { writer.line(counterKey, dropped.text) }
    writer.line("devices", listing: devices.map { $0.text })
    if let conflict { writer.line("conflict", conflict.text) }
  }

  /// Nothing is dropped while a mitigation is only observed.
  private var counterKey: Text { action == .observe ? "counted" : "dropped" }
}

extension Lifetime {
  /// The lifetime in words.
  var text: Text {
    switch self {
    case .seconds(let seconds): Quantity.duration(UInt64(seconds))
    case .indefinite: "no end"
    }
  }
}

extension DropCounters {
  /// Both totals in words.
  var text: Text {
    Quantity.count(packets, "packet") + ", " + Quantity.size(bytes)
  }
}

extension DeviceMatch {
  /// What is known of it, and how it was found.
  var text: Text {
    var parts: [Text] = []
    if let mac { parts.append(mac.text) }
    if let name { parts.append(name) }
    parts.append("(" + found.label + ")")
    return parts.joined(" ")
  }
}

extension ConflictInformation {
  /// What is known of the conflict beside its scope.
  var text: Text {
    var text = cause.label
    if let status { text += ", " + status.label }
    if let retryTimer { text += ", retry in " + Quantity.duration(UInt64(retryTimer)) }
    return text
  }
}
