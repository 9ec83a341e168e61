import Bytes
import Model

extension Transport: Coded {
  /// UDP.
  public static var blank: Transport { .udp }
}

extension SessionRole: Coded {
  /// The client connected.
  public static var blank: SessionRole { .base }
}

extension PeerIdentity: Coded {
  /// The most names of a certificate that are told.
  public static let maximumNames = 16
  /// The length of a SHA-256 digest in bytes.
  public static let digestLength = 32

  /// Without a name.
  public static var blank: PeerIdentity { PeerIdentity(names: [], publicKeyDigest: []) }

  /// At most 16 names of 1 to 255 bytes, and a digest of 32 bytes or none; other names are left out.
  public mutating func code(_ coder: inout some Coder) {
    if !coder.isReading {
      names = names.filter { !$0.isEmpty && $0.count <= LinkLimits.text && $0.isUTF8 }
    }
    coder.array(of: 2)
    coder.list(&names, limit: Self.maximumNames, isCut: true)
    for name in names where name.count > LinkLimits.text { coder.fail() }
    coder.bytes(&publicKeyDigest, limit: Self.digestLength)
    if !publicKeyDigest.isEmpty, publicKeyDigest.count != Self.digestLength { coder.fail() }
  }
}

extension Session: Coded {
  /// A session of nobody.
  public static var blank: Session {
    Session(
      id: 0,
      peer: .blank,
      peerPort: 0,
      local: .blank,
      localPort: 0,
      transport: .blank,
      role: .blank,
      identity: .blank
    )
  }

  /// An array of the properties in their order; both addresses are of one family.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension Session.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 8)
    id.code(&coder)
    peer.code(&coder)
    peerPort.code(&coder)
    local.code(&coder)
    localPort.code(&coder)
    transport.code(&coder)
    role.code(&coder)
    identity.code(&coder)
    if peer.family != local.family { coder.fail() }
  }
}
