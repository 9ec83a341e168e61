import Bytes
import Model

extension ClientAnswer {
  /// The answer in words.
  public func text(_ style: TextStyle) -> Text {
    var writer = BlockWriter(style)
    switch self {
    case .granted(let mitigation, let isNew):
      mitigation.write(to: &writer, style, result: isNew ? "accepted" : "refreshed")
    case .withdrawn(let mid):
      writer.block("mitigation", Text(decimal: mid))
      writer.line("result", "withdrawn")
    case .mitigations(let list):
      if list.isEmpty { return "no mitigations\n" }
      for mitigation in list { mitigation.write(to: &writer, style, result: nil) }
    case .configuration(let parameters):
      writer.block("configuration", "mitigating")
      for parameter in parameters { parameter.write(parameter.mitigating, to: &writer) }
      writer.block("configuration", "idle")
      for parameter in parameters { parameter.write(parameter.idle, to: &writer) }
    case .configured(let sid, let isNew):
      writer.block("configuration", isNew ? "accepted" : "changed")
      writer.line("sid", Text(decimal: sid))
    case .configurationReset: writer.block("configuration", "reset")
    case .heartbeat(let span): writer.block("heartbeat", "answered after \(span.milliseconds) ms")
    case .redirected(let server, let seconds):
      writer.block("redirected", server.name)
      writer.line("addresses", listing: server.addresses)
      if let seconds { writer.line("for", Quantity.duration(UInt64(seconds))) }
    case .sentTo(let name): writer.block("redirected to", name)
    case .sessions(let list):
      if list.isEmpty { return "no sessions\n" }
      for session in list {
        writer.block("router", session.router)
        writer.line("peer", "\(session.peer) port \(session.peerPort)")
        writer.line("transport", session.transport.label)
        writer.line("since", Quantity.age(of: session.since, now: style.now))
      }
    }
    return writer.text
  }
}

extension SeenMitigation {
  fileprivate func write(to writer: inout BlockWriter, _ style: TextStyle, result: Text?) {
    writer.block("mitigation", mid.map { Text(decimal: $0) } ?? "without a number")
    if let result { writer.line("result", result) }
    if let status { writer.line("status", status.label) }
    if let action = scope.requestedAction { writer.line("action", action.label) }
    if !scope.triggerMitigation { writer.line("trigger", "loss of the session") }
    writer.line("sources", listing: scope.sourcePrefixes.map { $0.text })
    writer.line("source ports", listing: scope.sourcePortRanges.map { $0.text })
    writer.line("icmp types", listing: scope.sourceICMPTypeRanges.map { $0.text })
    writer.line("targets", listing: scope.targets)
    writer.line("target ports", listing: scope.targetPortRanges.map { $0.text })
    writer.line("protocols", listing: scope.targetProtocols.map { protocolLabel($0) })
    if let start { writer.line("since", Quantity.age(of: start, now: style.now)) }
    if let lifetime { writer.line(result == nil ? "remaining" : "lifetime", lifetime.text) }
    if let dropped { writer.line("dropped", dropped.text + dropped.rates) }
    if let conflict { writer.line("conflict", conflict.words(acls: conflictACLs)) }
  }
}

extension MitigationScope {
  /// Whatever is named as a target.
  fileprivate var targets: [Text] {
    targetPrefixes.map { $0.text } + targetFQDNs + targetURIs + aliasNames
  }
}

extension DropCounters {
  /// The rates, where there are any.
  fileprivate var rates: Text {
    guard packetsPerSecond > 0 || bytesPerSecond > 0 else { return "" }
    return " (" + Quantity.count(packetsPerSecond, "packet") + ", "
      + Quantity.size(bytesPerSecond) + " a second)"
  }
}

extension ConflictInformation {
  /// The conflict with all that is known of it.
  func words(acls: [Text]) -> Text {
    var parts = [text]
    if let scope { parts += scope.words }
    if !acls.isEmpty { parts.append("acls " + acls.joined(", ")) }
    return parts.joined("; ")
  }
}

extension ConflictScope {
  /// What is shared, one text for each kind.
  fileprivate var words: [Text] {
    var parts: [Text] = []
    func add(_ name: Text, _ values: [Text]) {
      if !values.isEmpty { parts.append(name + " " + values.joined(", ")) }
    }
    if let mid { add("with mitigation", [Text(decimal: mid)]) }
    add("targets", targetPrefixes.map { $0.text } + targetFQDNs + targetURIs + aliasNames)
    add("ports", targetPortRanges.map { $0.text })
    add("protocols", targetProtocols.map { protocolLabel($0) })
    return parts
  }
}

extension SessionParameter {
  fileprivate func write(_ value: Value?, to writer: inout BlockWriter) {
    guard let value, let current = value.current else { return }
    var text = number(current)
    if let minimum = value.minimum, let maximum = value.maximum {
      text += " (" + number(minimum) + " to " + number(maximum) + ")"
    }
    writer.line(name, text)
  }

  /// The number as it is meant: hundredths with their point.
  func number(_ value: UInt64) -> Text {
    guard isDecimal else { return Text(decimal: value) }
    let padding: Text = value % 100 < 10 ? "0" : ""
    return Text(decimal: value / 100) + "." + padding + Text(decimal: value % 100)
  }
}

extension RefusedRequest {
  /// The refusal in one line.
  public var text: Text {
    var text = "the server refused with " + code
    if !name.isEmpty { text += " " + name }
    if !diagnostic.isEmpty { text += ": " + diagnostic }
    for seen in conflicts {
      if let conflict = seen.conflict { text += "; " + conflict.words(acls: seen.conflictACLs) }
    }
    if let alternate {
      return text + "; it sends to " + alternate.name + ", which was asked already"
    }
    if let retryAfter { text += "; try again in " + Quantity.duration(UInt64(retryAfter)) }
    return text
  }
}
