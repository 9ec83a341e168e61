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
}
