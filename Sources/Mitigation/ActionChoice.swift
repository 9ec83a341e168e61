import Bytes
import Model

extension CoreSettings {
  /// Sections whose action this version can't take: their requests are blocked instead.
  ///
  /// `agent` stands for the default action.
  var sectionsFallingBack: [Text] {
    var sections: [Text] = []
    if !action.isSupported { sections.append("agent") }
    for policy in policies where !policy.action.isSupported { sections.append(policy.section) }
    return sections
  }

  /// What the owner wants done about a request: the first `policy` section that matches, else the
  /// default.
  ///
  /// A section on a device or a source matches when each source is of it.
  func ownersAction(
    for scope: MitigationScope,
    of client: ClientSettings,
    macOf: (IPAddress) -> MACAddress?
  ) -> Action {
    for policy in policies where policy.matches(scope, of: client, macOf: macOf) {
      return policy.action.supported
    }
    return action.supported
  }
}

extension PolicySettings {
  fileprivate func matches(
    _ scope: MitigationScope,
    of client: ClientSettings,
    macOf: (IPAddress) -> MACAddress?
  ) -> Bool {
    if let section = self.client, section != client.section { return false }
    if source == nil, mac == nil { return true }
    guard !scope.sourcePrefixes.isEmpty else { return false }
    for prefix in scope.sourcePrefixes {
      if let source, !source.contains(prefix) { return false }
      if let mac {
        guard prefix.isHost, let device = macOf(prefix.address), mac.matches(device) else {
          return false
        }
      }
    }
    return true
  }
}

extension Action {
  fileprivate var isSupported: Bool { self != .quarantine && self != .ask }

  /// Blocking is what quarantine and consent have in common with this version.
  var supported: Action { isSupported ? self : .block }
}

extension RequestedAction {
  /// The action; nil when this version can't take it.
  var action: Action? {
    switch self {
    case .block: .block
    case .limit: .limit
    case .quarantine: nil
    }
  }
}
