import Bytes
import CoAP
import DOTS
import Model
import Report

extension Command {
  /// What a response of class 2 comes to.
  func answer(
    _ response: CoAPMessage,
    sid: UInt32,
    after span: Span
  ) throws(PeerError) -> ClientAnswer {
    switch self {
    case .mitigate(let mid, _, _), .efficacy(let mid, _, _, _):
      let entry = try DOTSResponse(response).entries.first
      var seen = entry.map { SeenMitigation($0) } ?? SeenMitigation(mid: mid)
      seen.mid = seen.mid ?? mid
      return .granted(seen, isNew: response.code == .created)
    case .withdraw(let mid): return .withdrawn(mid: mid)
    case .status:
      return .mitigations(try DOTSResponse(response).entries.map { SeenMitigation($0) })
    case .retrieveConfiguration:
      let configuration = try SessionConfiguration(parsing: response.payload)
      return .configuration(configuration.parameters)
    case .configure: return .configured(sid: sid, isNew: response.code == .created)
    case .resetConfiguration: return .configurationReset
    case .heartbeat: return .heartbeat(span)
    case .redirect(let redirection): return .sentTo(redirection.name)
    }
  }

  /// What to know when no answer comes.
  var silence: Text {
    if case .efficacy = self {
      return "no answer: a server doesn't answer when it has no such mitigation"
    }
    return "the server doesn't answer: the request may have been taken"
  }
}

extension SeenMitigation {
  init(_ entry: MitigationEntry) {
    self.init(mid: entry.mid)
    scope = entry.scope
    lifetime = entry.lifetime
    status = entry.status
    start = entry.start
    dropped = entry.dropped
    conflict = entry.conflict
    conflictACLs = entry.conflictACLs.map { $0.name }
  }
}

extension RefusedRequest {
  init(_ response: CoAPMessage) {
    self.init(code: response.code.text, name: response.code.refusalName)
    if response.code == .serviceUnavailable { retryAfter = response.maxAge }
    do throws(PeerError) {
      let answer = try DOTSResponse(response)
      diagnostic = answer.diagnostic
      alternate = answer.alternate.map { SeenServer(name: $0.name, addresses: $0.addresses) }
      conflicts = answer.entries.filter { $0.conflict != nil }.map { SeenMitigation($0) }
    } catch {
      // Some servers send text where CBOR belongs.
      let text = Text(response.payload)
      diagnostic = text.isUTF8 ? text : ""
    }
  }
}

extension SessionConfiguration {
  /// The parameters as they are shown.
  var parameters: [SessionParameter] {
    func parameter(
      _ name: Text,
      isDecimal: Bool = false,
      _ value: (ConfigurationSet) -> ConfigurationValue?
    ) -> SessionParameter {
      SessionParameter(
        name,
        isDecimal: isDecimal,
        mitigating: value(mitigating)?.shown,
        idle: value(idle)?.shown
      )
    }
    return [
      parameter("heartbeat-interval") { $0.heartbeatInterval },
      parameter("missing-hb-allowed") { $0.missingHeartbeatsAllowed },
      parameter("max-retransmit") { $0.maximumRetransmit },
      parameter("ack-timeout", isDecimal: true) { $0.ackTimeout },
      parameter("ack-random-factor", isDecimal: true) { $0.ackRandomFactor },
      parameter("probing-rate") { $0.probingRate },
    ]
  }
}

extension ConfigurationValue {
  fileprivate var shown: SessionParameter.Value {
    SessionParameter.Value(current: current, minimum: minimum, maximum: maximum)
  }
}
