import Bytes

/// Who a peer proved to be with its certificate or key.
public struct PeerIdentity: Hashable, Sendable {
  /// dNSNames of the certificate, then its common name; or the PSK identity.
  public var names: [Text]
  /// SHA-256 of the public key in its SubjectPublicKeyInfo (32 bytes); empty for a PSK.
  public var publicKeyDigest: [UInt8]

  /// An identity of these parts.
  public init(names: [Text], publicKeyDigest: [UInt8]) {
    self.names = names
    self.publicKeyDigest = publicKeyDigest
  }
}

/// Who opened the connection (RFC 9066, Section 1).
public enum SessionRole: UInt8, Hashable, Sendable {
  /// The client connected to the router.
  case base = 1
  /// The router connected to the client.
  case callHome = 2
}

/// What carries a session.
public enum Transport: UInt8, Hashable, Sendable {
  case udp = 1
  case tcp = 2
}

/// A session that the signal front holds: authenticated, not yet authorised.
public struct Session: Hashable, Sendable {
  /// The front's number of it; not used again while the front lives.
  public var id: UInt32
  /// The peer's address.
  public var peer: IPAddress
  /// The peer's port.
  public var peerPort: UInt16
  /// The router's address of the session.
  public var local: IPAddress
  /// The router's port of the session.
  public var localPort: UInt16
  /// What carries it.
  public var transport: Transport
  /// Who opened it.
  public var role: SessionRole
  /// Who the peer proved to be.
  public var identity: PeerIdentity

  /// A session of these parts.
  public init(
    id: UInt32,
    peer: IPAddress,
    peerPort: UInt16,
    local: IPAddress,
    localPort: UInt16,
    transport: Transport,
    role: SessionRole,
    identity: PeerIdentity
  ) {
    self.id = id
    self.peer = peer
    self.peerPort = peerPort
    self.local = local
    self.localPort = localPort
    self.transport = transport
    self.role = role
    self.identity = identity
  }
}
