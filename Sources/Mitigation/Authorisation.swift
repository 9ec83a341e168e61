import Bytes
import Model

extension CoreSettings {
  /// The first `client` section that an identity belongs to; nil when none does.
  ///
  /// Names of certificates are compared without regard to ASCII case (RFC 4343), PSK identities
  /// exactly. A section with a pin wants that public key.
  func client(for identity: PeerIdentity) -> ClientSettings? {
    for client in clients where client.covers(identity) { return client }
    return nil
  }

  /// The `client` section of this name.
  func client(section: Text) -> ClientSettings? {
    for client in clients where client.section == section { return client }
    return nil
  }
}

extension ClientSettings {
  fileprivate func covers(_ identity: PeerIdentity) -> Bool {
    if let pin, pin != identity.publicKeyDigest { return false }
    guard !name.isEmpty else { return false }
    let isKey = identity.publicKeyDigest.isEmpty
    for other in identity.names {
      if isKey ? other == name : other.asciiLowercased == name.asciiLowercased { return true }
    }
    return false
  }

  /// The identifier of a request's domain, which only a trusted gateway may set
  /// (RFC 9132, Section 4.4.1.2).
  func effective(_ cdid: Text?) -> Text? { isGateway ? cdid : nil }
}
