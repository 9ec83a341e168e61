import Bytes
import CBOR
import CoAP
import DOTS
import Model
import Testing

let cuid = "cuid=dz6pHjaADkaFTbjr0JGBpw"

/// The options of a path after the well-known prefix.
func path(_ segments: [String]) -> [CoAPOption] {
  [".well-known", "dots"].map { CoAPOption(.uriPath, [UInt8]($0.utf8)) }
    + segments.map { CoAPOption(.uriPath, [UInt8]($0.utf8)) }
}

/// A request on a path after the well-known prefix.
func request(
  _ code: CoAPCode,
  _ segments: String...,
  options: [CoAPOption] = [],
  payload: [UInt8] = []
) -> CoAPMessage {
  CoAPMessage(code, options: path(segments) + options, payload: payload)
}

/// A PUT of a mitigation with this payload.
func put(_ payload: [UInt8], options: [CoAPOption] = []) -> CoAPMessage {
  request(.put, "mitigate", cuid, "mid=200", options: options, payload: payload)
}

/// A PUT of a mitigation whose scope has these attributes.
func put(_ attributes: [UInt64: CBORValue], options: [CoAPOption] = []) -> CoAPMessage {
  put(body([scope(attributes)]), options: options)
}

/// A map of attributes.
func scope(_ attributes: [UInt64: CBORValue]) -> CBORValue {
  .map(attributes.map { CBOREntry($0.key, $0.value) })
}

/// The payload with these scopes.
func body(_ scopes: [CBORValue]) -> [UInt8] {
  CBORValue.map([CBOREntry(1, .map([CBOREntry(2, .array(scopes))]))]).encoded
}

/// An array of texts.
func texts(_ texts: String...) -> CBORValue { .array(texts.map { .text(Text($0)) }) }

/// A valid scope with some attributes added or changed and some left out.
func valid(
  _ changes: [UInt64: CBORValue] = [:],
  without absent: UInt64...
) -> [UInt64: CBORValue] {
  let attributes: [UInt64: CBORValue] = [6: texts("192.0.2.1/32"), 14: .unsigned(60)]
  return attributes.merging(changes) { $1 }.filter { !absent.contains($0.key) }
}

/// What a request is refused for; nil when it isn't.
func refusal(_ message: CoAPMessage, role: SessionRole = .base) -> PeerError? {
  do throws(PeerError) {
    _ = try DOTSRequest(message, role: role)
    return nil
  } catch {
    return error
  }
}

/// The fault of a request; nil when there is none.
func fault(_ message: CoAPMessage, role: SessionRole = .base) -> Fault? {
  refusal(message, role: role)?.fault
}

/// The fault of a PUT with these attributes; nil when there is none.
func fault(_ attributes: [UInt64: CBORValue], role: SessionRole = .base) -> Fault? {
  fault(put(attributes), role: role)
}

/// The scope that a PUT with these attributes asks for.
func parsedScope(_ attributes: [UInt64: CBORValue]) throws -> MitigationScope {
  let request = try DOTSRequest(put(attributes), role: .base)
  guard case .mitigation(.mitigate(_, let scope, _, _)) = request else {
    throw PeerError(.malformed)
  }
  return scope
}
