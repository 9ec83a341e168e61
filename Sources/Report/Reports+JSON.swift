import Bytes
import JSON
import Model

/// The number of the form of every JSON reply: it changes when a member is taken away or changes its
/// meaning, not when one is added.
let version = JSONValue.unsigned(1)

extension StatusReport {
  /// The reply of `cordonctl --json status`, on one line.
  public var jsonLine: Text { json.text() + "\n" }

  /// The same as a value.
  public var json: JSONValue {
    .object([
      "version": version,
      "software": .string(software),
      "uptime": .unsigned(UInt64(uptime.wholeSeconds)),
      "sessions": .array(sessions.map { $0.json }),
      "mitigations": .unsigned(UInt64(mitigations)),
      "quarantined": .unsigned(UInt64(quarantined)),
      "kernel": .object(["in_sync": .bool(isKernelInSync)]),
      "certificate_expires": .optional(certificateExpires) { .string($0.timestamp) },
    ])
  }
}

extension SessionSummary {
  fileprivate var json: JSONValue {
    .object([
      "client": client.isEmpty ? .null : .string(client),
      "peer": .string(endpoint),
      "role": .string(role.label),
      "transport": .string(transport.label),
      "state": .string(state.label),
      "since": .string(since.timestamp),
    ])
  }
}

extension [MitigationSummary] {
  /// The reply of `cordonctl --json mitigations`, on one line.
  public var jsonLine: Text { json.text() + "\n" }

  /// The same as a value.
  public var json: JSONValue {
    .object(["version": version, "mitigations": .array(map { $0.json })])
  }
}

extension WhyReport {
  /// The reply of `cordonctl --json why`, on one line.
  public var jsonLine: Text { json.text() + "\n" }

  /// The same as a value.
  public var json: JSONValue {
    .object([
      "version": version,
      "subject": .string(subject.label),
      "state": .string(state.label),
      "mitigations": .array(mitigations.map { $0.json }),
    ])
  }
}

extension MitigationSummary {
  /// The mitigation as a value.
  var json: JSONValue {
    .object([
      "id": .unsigned(UInt64(id.value)),
      "client": .string(client),
      "cuid": .string(cuid),
      "mid": .unsigned(UInt64(mid)),
      "status": .string(status.label),
      "action": .string(action.label),
      "sources": .array(scope.sourcePrefixes.map { .string($0.text) }),
      "source_ports": .array(scope.sourcePortRanges.map { $0.json }),
      "targets": .array(scope.targetPrefixes.map { .string($0.text) }),
      "target_ports": .array(scope.targetPortRanges.map { $0.json }),
      "protocols": .array(scope.targetProtocols.map { .unsigned(UInt64($0)) }),
      "icmp_types": .array(scope.sourceICMPTypeRanges.map { $0.json }),
      "since": .optional(start) { .string($0.timestamp) },
      "lifetime": lifetime.json,
      "remaining": remaining.json,
      "packets_dropped": .optional(dropped) { .unsigned($0.packets) },
      "bytes_dropped": .optional(dropped) { .unsigned($0.bytes) },
      "devices": .array(devices.map { $0.json }),
      "conflict": .optional(conflict) { $0.json },
    ])
  }
}

extension Lifetime {
  /// Seconds; -1 when indefinite, as on the wire (RFC 9132, Section 4.4.1.1).
  var json: JSONValue {
    switch self {
    case .seconds(let seconds): .unsigned(UInt64(seconds))
    case .indefinite: .integer(-1)
    }
  }
}

extension DeviceMatch {
  fileprivate var json: JSONValue {
    .object([
      "mac": .optional(mac) { .string($0.text) },
      "name": .optional(name) { .string($0) },
      "found": .string(found.label),
    ])
  }
}

extension ConflictInformation {
  /// The conflict as a value.
  var json: JSONValue {
    .object([
      "status": .optional(status) { .string($0.label) },
      "cause": .string(cause.label),
      "retry_timer": .optional(retryTimer) { .unsigned(UInt64($0)) },
      "scope": .optional(scope) { $0.json },
    ])
  }
}

extension ConflictScope {
  fileprivate var json: JSONValue {
    .object([
      "targets": .array(targetPrefixes.map { .string($0.text) }),
      "target_ports": .array(targetPortRanges.map { $0.json }),
      "protocols": .array(targetProtocols.map { .unsigned(UInt64($0)) }),
      "fqdns": .array(targetFQDNs.map { .string($0) }),
      "uris": .array(targetURIs.map { .string($0) }),
      "aliases": .array(aliasNames.map { .string($0) }),
      "mid": .optional(mid) { .unsigned(UInt64($0)) },
    ])
  }
}

extension PortRange {
  /// The range as a value.
  var json: JSONValue {
    .object(["lower": .unsigned(UInt64(lower)), "upper": .unsigned(UInt64(upper))])
  }
}

extension ICMPTypeRange {
  /// The range as a value.
  var json: JSONValue {
    .object(["lower": .unsigned(UInt64(lower)), "upper": .unsigned(UInt64(upper))])
  }
}

extension JSONValue {
  /// `null` without a value.
  static func optional<Value>(
    _ value: Value?,
    _ transform: (Value) -> JSONValue
  ) -> JSONValue {
    value.map(transform) ?? .null
  }
}
