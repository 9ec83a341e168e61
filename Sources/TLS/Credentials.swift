/// What a server shows and trusts, as the bytes of PEM files: the process that uses them has no files.
public struct Credentials: Sendable {
  /// Our certificate, then its intermediates.
  public var certificateChain: [UInt8]
  /// The key of the first certificate, not encrypted.
  public var privateKey: [UInt8]
  /// The authorities whose certificates clients must have.
  ///
  /// Intermediates here spare clients a full handshake on resumption, because a ticket holds their own
  /// certificate only.
  public var trust: [UInt8]
  /// The revocation list of each authority that issues to clients; nil: revocation isn't checked.
  ///
  /// When the list of a client's issuer is missing or out of date, the client is refused.
  public var revocations: [UInt8]?

  /// Collects credentials; what they hold is checked when a server takes them.
  public init(
    certificateChain: [UInt8],
    privateKey: [UInt8],
    trust: [UInt8],
    revocations: [UInt8]? = nil
  ) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
    self.trust = trust
    self.revocations = revocations
  }
}
