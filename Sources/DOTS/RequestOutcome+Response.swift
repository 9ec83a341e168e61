import Bytes
import CoAP
import Model

extension RequestOutcome {
  /// The response to `request`; nil when there must be none.
  public func response(to request: MitigationRequest) -> DOTSResponse? {
    switch self {
    case .created(let mid, let lifetime, let status, let conflict):
      return .granted(.created, mid, lifetime, status, conflict)
    case .changed(let mid, let lifetime, let conflict):
      return .granted(.changed, mid, lifetime, nil, conflict)
    case .content(let reports):
      let filter: ContentFilter =
        if case .retrieve(_, _, _, let content) = request { content } else { .all }
      return .content(reports, filter)
    case .deleted: return DOTSResponse(.deleted)
    case .ignored: return nil
    case .refused(let refusal): return refusal.response
    }
  }
}

extension DOTSResponse {
  /// 2.05 with what `filter` leaves of each mitigation: mid, lifetime and status always, the client's
  /// attributes without `n`, start, counters and conflict without `c` (RFC 9132, Section 4.4.2).
  public static func content(
    _ reports: [MitigationReport],
    _ filter: ContentFilter
  ) -> DOTSResponse {
    var response = DOTSResponse(.content)
    for report in reports {
      var entry = MitigationEntry()
      entry.mid = report.mid
      entry.lifetime = report.remaining
      entry.status = report.status
      if filter != .nonConfiguration { entry.scope = report.scope }
      if filter != .configuration {
        entry.start = report.start
        entry.dropped = report.dropped
        entry.conflict = report.conflict
      }
      response.entries.append(entry)
    }
    return response
  }

  fileprivate static func granted(
    _ code: CoAPCode,
    _ mid: UInt32,
    _ lifetime: Lifetime,
    _ status: MitigationStatus?,
    _ conflict: ConflictInformation?
  ) -> DOTSResponse {
    var entry = MitigationEntry()
    entry.mid = mid
    entry.lifetime = lifetime
    entry.status = status
    entry.conflict = conflict
    var response = DOTSResponse(code)
    response.entries = [entry]
    return response
  }
}

extension Refusal {
  /// How long a client waits after a 5.03 when nobody says anything else: the default of Max-Age
  /// (RFC 7252, Section 5.10.5), in seconds.
  private static let defaultRetry: UInt32 = 60

  /// The response: a body for 4.09 and 5.03, text for the others (RFC 9132, Section 9).
  public var response: DOTSResponse {
    let answer = reason.answer
    var response = DOTSResponse(answer.code)
    switch answer.code {
    case .conflict:
      var entry = MitigationEntry()
      // Against the client's own newer request the conflict's mid says all; a colliding cuid is told
      // with the cause alone (RFC 9132, Section 4.4.1.3 and Figure 11).
      if reason != .overlapsNewerRequest, reason != .cuidCollision { entry.mid = mid }
      entry.conflict =
        reason == .cuidCollision
        ? ConflictInformation(cause: .cuidCollision)
        : conflict ?? ConflictInformation(cause: reason.conflictCause)
      response.entries = [entry]
    case .serviceUnavailable:
      response.maxAge = retryAfter ?? Self.defaultRetry
      if !alternate.isEmpty {
        response.alternate = AlternateServer(words: alternate)
      } else if let mid {
        var entry = MitigationEntry()
        entry.mid = mid
        response.entries = [entry]
      }
    default: response.diagnostic = Text(stringLiteral: answer.text)
    }
    return response
  }
}

extension RefusalReason {
  /// The cause to tell when the refusal carries no conflict information.
  fileprivate var conflictCause: ConflictCause {
    self == .protectedTraffic || self == .releasedByOwner
      ? .requestRejectedLegitimateTraffic : .overlappingTargets
  }

  /// What is said of the refusal, in one line, in logs and, where the response carries text, to the
  /// peer.
  public var diagnostic: Text { Text(stringLiteral: answer.text) }

  /// The table of all refusals: the response code and the text (RFC 9132, Section 9).
  var answer: (code: CoAPCode, text: StaticString) {
    switch self {
    case .notEntitled: (.unauthorized, "this peer is not entitled to ask")
    case .actionNotAllowed: (.forbidden, "this client may not ask for that action")
    case .unknownMitigation: (.notFound, "no such mitigation")
    case .alreadyExists: (.preconditionFailed, "the mitigation exists already")
    case .differsFromStored: (.badRequest, "differs from the mitigation with this mid")
    case .targetOutsideDomain: (.badRequest, "target outside what this client may name")
    case .targetNotRoutable: (.badRequest, "target is not routable")
    case .sourceNotOfThisHome: (.badRequest, "source-prefix is not of this home")
    case .portsNotOfThisHome: (.badRequest, "source-port-range: the ports of this home are needed")
    case .sourceInsideOnly: (.badRequest, "source-prefix is not visible outside the home")
    case .targetEverything: (.badRequest, "target is everything, source is not inside the home")
    case .noCommonFamily: (.badRequest, "no target and source of the same family")
    case .namesNotSupported: (.badRequest, "names are not resolved here; give target-prefix")
    case .unknownAlias: (.badRequest, "unknown alias-name")
    case .sourceRequired: Fault.sourceRequired.answer
    case .targetPrefixRequired: Fault.targetPrefixRequired.answer
    case .triggerRequired: Fault.triggerRequired.answer
    case .protectedTraffic: (.conflict, "all of this traffic is protected")
    case .overlapsNewerRequest: (.conflict, "overlaps a newer request of this client")
    case .overlapsOtherClient: (.conflict, "overlaps a request of another client")
    case .cuidCollision: (.conflict, "the cuid is in use by another client")
    case .tooManyMitigations: (.serviceUnavailable, "too many mitigations")
    case .tooManyElements: (.serviceUnavailable, "too many addresses, ports and protocols")
    case .tooManyChanges: (.serviceUnavailable, "too many changes a second")
    case .tooManyQuarantined: (.serviceUnavailable, "too many devices in quarantine")
    case .kernelFull: (.serviceUnavailable, "no room for more rules")
    case .kernelRefused: (.internalServerError, "the rules could not be set")
    case .unavailable: (.serviceUnavailable, "temporarily unavailable")
    case .notSupported: (.serviceUnavailable, "not supported by this version")
    case .sourceIsNoDevice: (.badRequest, "no source-prefix means one device")
    case .unknownDevice: (.serviceUnavailable, "the device of source-prefix is not known yet")
    case .releasedByOwner: (.conflict, "the owner has released the device")
    case .redirected: (.serviceUnavailable, "another server takes this client's requests")
    }
  }
}
