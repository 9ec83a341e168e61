import Bytes
import CBOR
import CoAP

/// Why a message of the peer can't be taken; always the peer's fault.
///
/// Answered with `DOTSResponse(_:)`; a message that isn't a request is only logged.
public struct PeerError: Error, Hashable, Sendable {
  /// What is wrong.
  public let fault: Fault
  /// Where or with what: the meaning goes with the fault, for instance a CBOR key.
  public let number: UInt64?

  /// The error for `fault`.
  public init(_ fault: Fault, _ number: UInt64? = nil) {
    self.fault = fault
    self.number = number
  }

  init(_ error: CBORError) {
    let fault: Fault =
      switch error.reason {
      case .truncated: .truncated
      case .trailingBytes: .trailingBytes
      case .duplicateKey: .duplicateKey
      case .invalidUTF8: .invalidUTF8
      case .tooDeep: .tooDeep
      case .tooManyItems: .tooManyItems
      case .reservedInformation, .unexpectedBreak, .invalidSimpleValue, .invalidChunk: .malformed
      }
    self.init(fault, UInt64(clamping: error.offset))
  }

  /// The response code.
  public var code: CoAPCode { fault.answer.code }

  /// One line for the peer: what is wrong and where.
  public var diagnostic: Text {
    let text = Text(stringLiteral: fault.answer.text)
    guard let number else { return text }
    return text + " " + Text(decimal: number)
  }
}

/// What can be wrong with a message, in the order of the checks.
public enum Fault: UInt8, Hashable, Sendable, CaseIterable {
  // The resource and the method.
  case unknownResource
  case resourceNotServed
  case pathSegment
  case pathValue
  case pathNumber
  case methodNotAllowed
  case cuidMissing
  case midMissing
  case sidMissing
  // The options.
  case contentFormat
  case accept
  case query
  case contentFilter
  case hopLimit
  case conditional
  // The encoding.
  case bodyMissing
  case truncated
  case trailingBytes
  case duplicateKey
  case invalidUTF8
  case tooDeep
  case tooManyItems
  case malformed
  case notAMap
  case keyNotUnsigned
  case keyOutOfRange
  case unknownKey
  case misplacedKey
  case unsupportedKey
  case missingKey
  case wrongType
  case valueOutOfRange
  case emptyValue
  case tooManyValues
  case tooLongValue
  // What it means.
  case scopeCount
  case noTarget
  case lifetimeZero
  case lifetimeNegative
  case prefixSyntax
  case prefixNotUnicast
  case targetEverything
  case boundsInverted
  case portsWithoutProtocol
  case domainNameSyntax
  case uriSyntax
  case uriWithoutPort
  case attackStatusMissing
  case attackStatusMisplaced
  case sourceRequired
  case targetPrefixRequired
  case triggerRequired
  case configurationEmpty
  case configurationRefused
  case configurationOutdated
  case unknownConfiguration
  case notAClient
  case mitigationGone
  case unknownAction
  case redirectRefused
}

extension Fault {
  /// The table of all answers: the response code and what the diagnostic payload says.
  ///
  /// RFC 9132, Section 9. Where the text ends in a noun, the error's number follows it.
  ///
  /// One flat table, so that no case can go without its answer.
  var answer: (code: CoAPCode, text: StaticString) {
    switch self {
    case .unknownResource: (.notFound, "no such resource")
    case .resourceNotServed: (.notFound, "resource not served by this version")
    case .pathSegment: (.badRequest, "unexpected path segment")
    case .pathValue: (.badRequest, "empty, overlong or invalid path segment")
    case .pathNumber: (.badRequest, "not a 32-bit decimal number: path segment")
    case .methodNotAllowed: (.methodNotAllowed, "method not allowed")
    case .cuidMissing: (.badRequest, "cuid missing in the path")
    case .midMissing: (.badRequest, "mid missing in the path")
    case .sidMissing: (.badRequest, "sid missing in the path")
    case .contentFormat: (.unsupportedContentFormat, "only 271 is read, not Content-Format")
    case .accept: (.notAcceptable, "only Content-Format 271 is sent, not")
    case .query: (.badRequest, "unsupported Uri-Query")
    case .contentFilter: (.badRequest, "Uri-Query c is c, n or a")
    case .hopLimit: (.badRequest, "Hop-Limit is not 1 to 255")
    case .conditional: (.badRequest, "If-Match or If-None-Match does not go with this request")
    case .bodyMissing: (.badRequest, "no payload")
    case .truncated: (.badRequest, "CBOR ends inside an item, at byte")
    case .trailingBytes: (.badRequest, "something follows the CBOR item, at byte")
    case .duplicateKey: (.badRequest, "CBOR map with the same key twice, at byte")
    case .invalidUTF8: (.badRequest, "CBOR text is not UTF-8, at byte")
    case .tooDeep: (.badRequest, "CBOR nested too deep, at byte")
    case .tooManyItems: (.badRequest, "too many CBOR items, at byte")
    case .malformed: (.badRequest, "malformed CBOR, at byte")
    case .notAMap: (.badRequest, "the payload is not a CBOR map")
    case .keyNotUnsigned: (.badRequest, "CBOR map key is not an unsigned integer")
    case .keyOutOfRange: (.badRequest, "not 1 to 65535: CBOR key")
    case .unknownKey: (.badRequest, "unknown attribute, CBOR key")
    case .misplacedKey: (.badRequest, "attribute does not belong here, CBOR key")
    case .unsupportedKey: (.badRequest, "attribute not supported by this version, CBOR key")
    case .missingKey: (.badRequest, "mandatory attribute missing, CBOR key")
    case .wrongType: (.badRequest, "wrong type, CBOR key")
    case .valueOutOfRange: (.badRequest, "value out of range, CBOR key")
    case .emptyValue: (.badRequest, "empty value, CBOR key")
    case .tooManyValues: (.badRequest, "too many values, CBOR key")
    case .tooLongValue: (.badRequest, "value too long, CBOR key")
    case .scopeCount: (.badRequest, "not exactly one scope but")
    case .noTarget: (.badRequest, "none of target-prefix, -fqdn, -uri and alias-name is there")
    case .lifetimeZero: (.badRequest, "lifetime is 0")
    case .lifetimeNegative: (.badRequest, "negative lifetime other than -1")
    case .prefixSyntax: (.badRequest, "not a prefix, in CBOR key")
    case .prefixNotUnicast:
      (.badRequest, "prefix with loopback, multicast or broadcast addresses, in CBOR key")
    case .targetEverything: (.badRequest, "target is everything and source-prefix is missing")
    case .boundsInverted: (.badRequest, "upper bound below the lower, in CBOR key")
    case .portsWithoutProtocol: (.badRequest, "ports, but no listed protocol has them")
    case .domainNameSyntax: (.badRequest, "not a domain name, in CBOR key")
    case .uriSyntax: (.badRequest, "not a URI with an authority, in CBOR key")
    case .uriWithoutPort: (.badRequest, "URI without port and of unknown scheme, in CBOR key")
    case .attackStatusMissing: (.badRequest, "efficacy update without attack-status")
    case .attackStatusMisplaced: (.badRequest, "attack-status without If-Match")
    case .sourceRequired: (.badRequest, "source-prefix missing")
    case .targetPrefixRequired: (.badRequest, "target-prefix missing")
    case .triggerRequired: (.badRequest, "trigger-mitigation is false")
    case .configurationEmpty: (.badRequest, "no parameter to configure")
    case .configurationRefused: (.unprocessableEntity, "value not acceptable, CBOR key")
    case .configurationOutdated: (.badRequest, "sid below the one in force")
    case .unknownConfiguration: (.notFound, "no configuration with this sid")
    case .notAClient: (.unauthorized, "this peer is not entitled to ask")
    case .mitigationGone: (.notFound, "the mitigation is over")
    case .unknownAction: (.forbidden, "no such action")
    case .redirectRefused: (.badRequest, "the router does not go there")
    }
  }
}
