import Bytes
import Model

extension CoreSettings {
  /// The first `policy` section that matches a request; nil when none does and the default holds.
  ///
  /// A section on a device or a source matches when each source is of it.
  func policy(
    for scope: MitigationScope,
    of client: ClientSettings,
    macOf: (IPAddress) -> MACAddress?
  ) -> PolicySettings? {
    for policy in policies where policy.matches(scope, of: client, macOf: macOf) { return policy }
    return nil
  }

  /// Whether no request may touch the device.
  ///
  /// A section that names nothing but devices protects all of them; others protect some of their
  /// traffic, in quarantine too.
  func isExempt(_ mac: MACAddress, addresses: [IPAddress]) -> Bool {
    protections.contains { section in
      guard section.prefixes.isEmpty, section.udpPorts.isEmpty, section.tcpPorts.isEmpty else {
        return false
      }
      if section.macs.isEmpty, section.sources.isEmpty { return false }
      let hasMAC = section.macs.isEmpty || section.macs.contains { $0.matches(mac) }
      let hasSource =
        section.sources.isEmpty
        || addresses.contains { Prefix(host: $0).lies(in: section.sources) }
      return hasMAC && hasSource
    }
  }
}

extension PolicySettings {
  /// The device that the section says has its source: it gives both, and the address wholly.
  ///
  /// So an owner can name the device behind an address that the router can't look up.
  var namedDevice: MACAddress? {
    source == nil ? nil : mac.flatMap { MACAddress(bytes: $0.bytes) }
  }

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
        guard prefix.isHost, let device = macOf(prefix.address) ?? namedDevice,
          mac.matches(device)
        else { return false }
      }
    }
    return true
  }
}

extension RequestedAction {
  /// The action.
  var action: Action {
    switch self {
    case .block: .block
    case .limit: .limit
    case .quarantine: .quarantine
    }
  }
}
