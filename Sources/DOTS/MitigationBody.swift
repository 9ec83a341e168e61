import Bytes
import CBOR
import Model

/// The body of messages on `/mitigate`: the container mitigation-scope with its list `scope`
/// (RFC 9132, Section 4.4).
enum MitigationBody {
  /// Reads and checks the body of a request, which has exactly one scope.
  static func request(
    parsing payload: [UInt8],
    role: SessionRole,
    isEfficacyUpdate: Bool
  ) throws(PeerError) -> MitigationEntry {
    let elements = try scope(parsing: payload)
    guard let element = elements.first, elements.count == 1 else {
      throw PeerError(.scopeCount, UInt64(elements.count))
    }
    return try MitigationEntry(
      request: element,
      role: role,
      isEfficacyUpdate: isEfficacyUpdate
    )
  }

  /// Reads the body of a response or notification.
  static func response(parsing payload: [UInt8]) throws(PeerError) -> [MitigationEntry] {
    let elements = try scope(parsing: payload)
    guard elements.count <= Limits.entries else { throw PeerError(.tooManyValues, Key.scope) }
    var entries: [MitigationEntry] = []
    for element in elements { entries.append(try MitigationEntry(response: element)) }
    return entries
  }

  /// The body with these entries.
  static func encoded(_ entries: [MitigationEntry]) -> [UInt8] {
    let scope = CBOREntry(Key.scope, .array(entries.map { $0.value }))
    return CBORValue.map([CBOREntry(Key.mitigationScope, .map([scope]))]).encoded
  }

  private static func scope(parsing payload: [UInt8]) throws(PeerError) -> [CBORValue] {
    let container = try Message.container(Key.mitigationScope, parsing: payload)
    let attributes = try Attributes(
      container,
      under: Key.mitigationScope,
      allowed: [Key.scope]
    )
    guard let scope = try attributes.required(Key.scope).array else {
      throw PeerError(.wrongType, Key.scope)
    }
    return scope
  }
}

/// What all bodies have in common: a map with the message's container as its one known attribute.
enum Message {
  /// The container under `key` of a payload, which may carry tag 271 (RFC 9132, Section 10.5).
  static func container(
    _ key: UInt64,
    parsing payload: [UInt8]
  ) throws(PeerError) -> CBORValue {
    guard !payload.isEmpty else { throw PeerError(.bodyMissing) }
    var value: CBORValue
    do throws(CBORError) { value = try CBORValue(parsing: payload) } catch {
      throw PeerError(error)
    }
    if case .tagged(Key.tag, let tagged) = value { value = tagged }
    let attributes = try Attributes(value, allowed: [key], error: PeerError(.notAMap))
    return try attributes.required(key)
  }
}
