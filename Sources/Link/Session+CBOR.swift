import Bytes
import CBOR
import Model

extension Transport: CBORCoded {}
extension SessionRole: CBORCoded {}

extension PeerIdentity: CBORCoded {
  /// The most names of a certificate that are told.
  public static let maximumNames = 16
  /// The length of a SHA-256 digest in bytes.
  public static let digestLength = 32

  /// An array of the names and the digest; names beyond the limits are left out.
  public var cbor: CBORValue {
    let told = names.filter { !$0.isEmpty && $0.count <= LinkLimits.text }
    return .array([[Text](told.prefix(Self.maximumNames)).cbor, .bytes(publicKeyDigest)])
  }

  /// At most 16 names of 1 to 255 bytes, and a digest of 32 bytes or none.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    let names: [Text] = try fields.list(limit: Self.maximumNames)
    for name in names where name.count > LinkLimits.text { throw .malformed }
    let digest = try fields.bytes(limit: Self.digestLength)
    guard digest.isEmpty || digest.count == Self.digestLength else { throw .malformed }
    self.init(names: names, publicKeyDigest: digest)
    try fields.end()
  }
}

extension Session: CBORCoded {
  /// An array of the properties in their order.
  public var cbor: CBORValue {
    .array([
      id.cbor, peer.cbor, peerPort.cbor, local.cbor, localPort.cbor, transport.cbor, role.cbor,
      identity.cbor,
    ])
  }

  /// An array of exactly these; both addresses are of one family.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      id: try fields.next(),
      peer: try fields.next(),
      peerPort: try fields.next(),
      local: try fields.next(),
      localPort: try fields.next(),
      transport: try fields.next(),
      role: try fields.next(),
      identity: try fields.next()
    )
    try fields.end()
    guard peer.family == local.family else { throw .malformed }
  }
}
