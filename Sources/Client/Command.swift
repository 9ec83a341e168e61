import Bytes
import CoAP
import DOTS
import Model

/// What is asked of a server, as the command line says it.
public indirect enum Command: Hashable, Sendable {
  /// Mitigate this, or refresh it.
  case mitigate(mid: UInt32, MitigationScope, Lifetime)
  /// Stop mitigating.
  case withdraw(mid: UInt32)
  /// Tell one mitigation, or all; with `watching` each new state as well.
  case status(mid: UInt32?, watching: Bool)
  /// Tell how the attack goes on (RFC 9132, Section 4.4.3).
  case efficacy(mid: UInt32, AttackStatus, MitigationScope, Lifetime?)
  /// Tell what holds on the session.
  case retrieveConfiguration
  /// Use these parameters on the session.
  case configure(SessionConfiguration)
  /// Go back to the defaults.
  case resetConfiguration
  /// Answer a heartbeat.
  case heartbeat
  /// Connect to another client (RFC 9066, Section 5.2.2).
  case redirect(Redirection)

  /// Whether the request wants an acknowledgement over datagrams: only those on `/config`
  /// (RFC 9132, Sections 4.4, 4.5 and 4.7).
  var isConfirmable: Bool {
    switch self {
    case .retrieveConfiguration, .configure, .resetConfiguration: true
    default: false
    }
  }

  /// Whether notifications are asked for.
  var isWatching: Bool { if case .status(_, watching: true) = self { true } else { false } }

  /// The request; `sid` is the number of a new configuration.
  func request(cuid: Text, sid: UInt32) -> CoAPMessage? {
    var message = dots(cuid, sid).message
    if isWatching { message?.add(CoAPOption(.observe, uint: 0)) }
    return message
  }

  private func dots(_ cuid: Text, _ sid: UInt32) -> DOTSRequest {
    func name(_ mid: UInt32) -> MitigationName { MitigationName(cuid: cuid, mid: mid) }
    switch self {
    case .mitigate(let mid, let scope, let lifetime):
      return .mitigation(.mitigate(name(mid), scope, lifetime: lifetime, efficacy: nil))
    case .withdraw(let mid): return .mitigation(.withdraw(name(mid)))
    case .status(let mid, _):
      return .mitigation(.retrieve(cuid: cuid, cdid: nil, mid: mid, content: .all))
    case .efficacy(let mid, let status, let scope, let lifetime):
      return .mitigation(.mitigate(name(mid), scope, lifetime: lifetime, efficacy: status))
    case .retrieveConfiguration: return .retrieveConfiguration(sid: nil)
    case .configure(let configuration): return .configure(sid: sid, configuration)
    case .resetConfiguration: return .resetConfiguration(sid: nil)
    // None of the server's was heard yet.
    case .heartbeat: return .heartbeat(Heartbeat(peerStatus: false))
    case .redirect(let redirection): return .redirect(redirection)
    }
  }
}
