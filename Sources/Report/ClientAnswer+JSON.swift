import Bytes
import JSON
import Model

extension ClientAnswer {
  /// The answer of `cordon-client --json`, on one line.
  public var jsonLine: Text { JSONValue.object(members).text() + "\n" }

  private var members: [JSONMember] {
    let first = JSONMember("version", version)
    switch self {
    case .granted(let mitigation, let isNew):
      let result = JSONMember("result", .string(isNew ? "accepted" : "refreshed"))
      return [first, result] + mitigation.members(lifetime: "lifetime")
    case .withdrawn(let mid):
      return [
        first, JSONMember("result", .string("withdrawn")),
        JSONMember("mid", .unsigned(UInt64(mid))),
      ]
    case .mitigations(let list):
      let all = list.map { JSONValue.object($0.members(lifetime: "remaining")) }
      return [first, JSONMember("mitigations", .array(all))]
    case .configuration(let parameters):
      return [
        first,
        JSONMember("mitigating", .object(parameters.compactMap { $0.member($0.mitigating) })),
        JSONMember("idle", .object(parameters.compactMap { $0.member($0.idle) })),
      ]
    case .configured(let sid, let isNew):
      return [
        first, JSONMember("result", .string(isNew ? "accepted" : "changed")),
        JSONMember("sid", .unsigned(UInt64(sid))),
      ]
    case .configurationReset: return [first, JSONMember("result", .string("reset"))]
    case .heartbeat(let span):
      return [
        first, JSONMember("result", .string("answered")),
        JSONMember("milliseconds", .integer(span.milliseconds)),
      ]
    case .redirected(let server, let seconds):
      return [
        first, JSONMember("result", .string("redirected")), JSONMember("alternate", server.json),
        JSONMember("seconds", .optional(seconds) { .unsigned(UInt64($0)) }),
      ]
    case .sentTo(let name):
      return [
        first, JSONMember("result", .string("redirected")), JSONMember("to", .string(name)),
      ]
    case .sessions(let list):
      return [first, JSONMember("sessions", .array(list.map { .object($0.members) }))]
    }
  }
}

extension SeenServer {
  fileprivate var json: JSONValue {
    .object(["name": .string(name), "addresses": .array(addresses.map { .string($0) })])
  }
}

extension SeenMitigation {
  /// All that is known, with `null` for what isn't; `name` is what the lifetime is called here.
  fileprivate func members(lifetime name: Text) -> [JSONMember] {
    [
      JSONMember("mid", .optional(mid) { .unsigned(UInt64($0)) }),
      JSONMember("status", .optional(status) { .string($0.label) }),
      JSONMember("action", .optional(scope.requestedAction) { .string($0.label) }),
      JSONMember("trigger", .bool(scope.triggerMitigation)),
      JSONMember("sources", .array(scope.sourcePrefixes.map { .string($0.text) })),
      JSONMember("source_ports", .array(scope.sourcePortRanges.map { $0.json })),
      JSONMember("icmp_types", .array(scope.sourceICMPTypeRanges.map { $0.json })),
      JSONMember("targets", .array(scope.targetPrefixes.map { .string($0.text) })),
      JSONMember("fqdns", .array(scope.targetFQDNs.map { .string($0) })),
      JSONMember("uris", .array(scope.targetURIs.map { .string($0) })),
      JSONMember("aliases", .array(scope.aliasNames.map { .string($0) })),
      JSONMember("target_ports", .array(scope.targetPortRanges.map { $0.json })),
      JSONMember("protocols", .array(scope.targetProtocols.map { .unsigned(UInt64($0)) })),
      JSONMember("since", .optional(start) { .string($0.timestamp) }),
      JSONMember(name, .optional(lifetime) { $0.json }),
      JSONMember("packets_dropped", .optional(dropped) { .unsigned($0.packets) }),
      JSONMember("bytes_dropped", .optional(dropped) { .unsigned($0.bytes) }),
      JSONMember("packets_per_second", .optional(dropped) { .unsigned($0.packetsPerSecond) }),
      JSONMember("bytes_per_second", .optional(dropped) { .unsigned($0.bytesPerSecond) }),
      JSONMember("conflict", .optional(conflict) { $0.json }),
      JSONMember("conflict_acls", .array(conflictACLs.map { .string($0) })),
    ]
  }
}

extension SessionParameter {
  /// The parameter in one of its sets; nil where it is absent.
  fileprivate func member(_ value: Value?) -> JSONMember? {
    guard let value else { return nil }
    // Members are named with underscores throughout.
    let name = Text(name.bytes.map { $0 == 0x2D ? 0x5F : $0 })
    return JSONMember(
      name,
      .object([
        "current": json(value.current), "minimum": json(value.minimum),
        "maximum": json(value.maximum),
      ])
    )
  }

  /// Decimals are strings (RFC 7951, Section 6.1).
  private func json(_ value: UInt64?) -> JSONValue {
    .optional(value) { isDecimal ? .string(number($0)) : .unsigned($0) }
  }
}

extension RefusedRequest {
  /// What `cordon-client --json` says of a request that the server refused, on one line.
  public var jsonLine: Text {
    let conflicts = conflicts.map { seen in
      JSONValue.object([
        "mid": .optional(seen.mid) { .unsigned(UInt64($0)) },
        "conflict": .optional(seen.conflict) { $0.json },
        "acls": .array(seen.conflictACLs.map { .string($0) }),
      ])
    }
    let value = JSONValue.object([
      "version": version,
      "result": .string("refused"),
      "code": .string(code),
      "diagnostic": .string(diagnostic),
      "conflicts": .array(conflicts),
      "retry_after": .optional(retryAfter) { .unsigned(UInt64($0)) },
      "alternate": .optional(alternate) { $0.json },
    ])
    return value.text() + "\n"
  }
}

/// What `cordon-client --json` says, on one line, when the server has no part in the failure.
public func failureLine(_ result: Text, reason: Text) -> Text {
  let value = JSONValue.object([
    "version": version, "result": .string(result), "reason": .string(reason),
  ])
  return value.text() + "\n"
}

extension RouterSession {
  fileprivate var members: [JSONMember] {
    [
      JSONMember("router", .string(router)),
      JSONMember("peer", .string("\(peer)")),
      JSONMember("port", .unsigned(UInt64(peerPort))),
      JSONMember("transport", .string(transport.label)),
      JSONMember("since", .string(since.timestamp)),
    ]
  }
}
