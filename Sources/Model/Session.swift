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
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

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
    parts = Behind(
      Parts(
        id: id,
        peer: peer,
        peerPort: peerPort,
        local: local,
        localPort: localPort,
        transport: transport,
        role: role,
        identity: identity
      )
    )
  }
}

extension Session {
  /// The front's number of it; not used again while the front lives.
  public var id: UInt32 {
    get { parts.value.id }
    set { parts.value.id = newValue }
  }

  /// The peer's address.
  public var peer: IPAddress {
    get { parts.value.peer }
    set { parts.value.peer = newValue }
  }

  /// The peer's port.
  public var peerPort: UInt16 {
    get { parts.value.peerPort }
    set { parts.value.peerPort = newValue }
  }

  /// The router's address of the session.
  public var local: IPAddress {
    get { parts.value.local }
    set { parts.value.local = newValue }
  }

  /// The router's port of the session.
  public var localPort: UInt16 {
    get { parts.value.localPort }
    set { parts.value.localPort = newValue }
  }

  /// What carries it.
  public var transport: Transport {
    get { parts.value.transport }
    set { parts.value.transport = newValue }
  }

  /// Who opened it.
  public var role: SessionRole {
    get { parts.value.role }
    set { parts.value.role = newValue }
  }

  /// Who the peer proved to be.
  public var identity: PeerIdentity {
    get { parts.value.identity }
    set { parts.value.identity = newValue }
  }
}

extension Session {
  package struct Parts: Hashable, Sendable {
    package var id: UInt32
    package var peer: IPAddress
    package var peerPort: UInt16
    package var local: IPAddress
    package var localPort: UInt16
    package var transport: Transport
    package var role: SessionRole
    package var identity: PeerIdentity
  }
}
