import Bytes
import COpenSSL

extension Credentials {
  /// What a client's identifier is made from: SHA-256 of the public key of our certificate
  /// (SubjectPublicKeyInfo, DER), else of the first pre-shared key's identity (RFC 9132,
  /// Section 4.4.1.1); 32 bytes.
  ///
  /// Nil when there is neither, or the certificate can't be read.
  public var identityDigest: [UInt8]? {
    guard !certificateChain.isEmpty else {
      guard let key = presharedKeys.first else { return nil }
      return digest(sha256(key.identity.bytes))
    }
    var found: [UInt8] = []
    let isRead = forEachPEM(certificateChain, cordon_pem_certificate) { certificate in
      defer { X509_free(certificate) }
      if found.isEmpty { found = PeerIdentity.publicKeyDigest(of: certificate) }
      return true
    }
    return isRead ? digest(found) : nil
  }

  private func digest(_ bytes: [UInt8]) -> [UInt8]? { bytes.isEmpty ? nil : bytes }

  /// Tells these from any others, and nothing about them: SHA-256 of all parts with their lengths.
  var fingerprint: [UInt8] {
    var parts = [certificateChain, privateKey, trust, revocations ?? []]
    for key in presharedKeys { parts += [key.identity.bytes, key.key] }
    var all: [UInt8] = [revocations == nil ? 0 : 1]
    for part in parts {
      all.append(bigEndian: UInt32(truncatingIfNeeded: part.count))
      all += part
    }
    return sha256(all)
  }
}
