import Bytes

/// What an end shows and trusts, as the bytes of PEM files: the process that uses them has no files.
public struct Credentials: Sendable {
  /// Our certificate, then its intermediates; empty: none, which asks for a pre-shared key.
  public var certificateChain: [UInt8]
  /// The key of the first certificate, not encrypted.
  public var privateKey: [UInt8]
  /// The authorities whose certificates peers must have.
  ///
  /// Intermediates here spare a server's clients a full handshake on resumption, because a ticket holds
  /// their own certificate only.
  public var trust: [UInt8]
  /// The revocation list of each authority that issues to peers; nil: revocation isn't checked.
  ///
  /// When the list of a peer's issuer is missing or out of date, the peer is refused.
  public var revocations: [UInt8]?
  /// What peers may prove instead of a certificate; a client shows the first.
  public var presharedKeys: [PresharedKey]

  /// Collects credentials; what they hold is checked when an end takes them.
  public init(
    certificateChain: [UInt8] = [],
    privateKey: [UInt8] = [],
    trust: [UInt8] = [],
    revocations: [UInt8]? = nil,
    presharedKeys: [PresharedKey] = []
  ) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
    self.trust = trust
    self.revocations = revocations
    self.presharedKeys = presharedKeys
  }
}

/// A key that two ends have from elsewhere, and its name (RFC 4279).
public struct PresharedKey: Equatable, Sendable {
  /// Who has it: 1 to 128 bytes, none of them zero.
  public var identity: Text
  /// 16 to 128 secret bytes.
  public var key: [UInt8]

  /// Less could be guessed (RFC 9257, Section 4.2).
  public static let minimumKeyLength = 16
  /// More says nothing more.
  public static let maximumKeyLength = 128
  /// The longest identity, in bytes (RFC 4279, Section 5.3).
  public static let maximumIdentityLength = 128

  /// A key under a name; both are checked when an end takes them.
  public init(identity: Text, key: [UInt8]) {
    self.identity = identity
    self.key = key
  }

  /// As the desk holds it: lengths of identity and key, tag, identity, key; nil when it is unusable.
  var entry: [UInt8]? {
    guard (1...Self.maximumIdentityLength).contains(identity.count), !identity.bytes.contains(0),
      (Self.minimumKeyLength...Self.maximumKeyLength).contains(key.count)
    else { return nil }
    let tag = hmacSHA256(identity.bytes, key: key)
    guard !tag.isEmpty else { return nil }
    let lengths = [identity.count, key.count].map { UInt8(truncatingIfNeeded: $0) }
    return lengths + tag + identity.bytes + key
  }
}
