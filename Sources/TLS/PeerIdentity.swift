import Bytes
import COpenSSL

/// Who a peer is, from the certificate or the pre-shared key that it proved to own.
public struct PeerIdentity: Hashable, Sendable {
  /// The DNS names of the certificate, then its common name, or the identity of a pre-shared key.
  ///
  /// At most 8, each of at most 255 bytes, none with a NUL; as the certificate spells them.
  public let names: [Text]
  /// SHA-256 of the public key's DER (SubjectPublicKeyInfo): 32 bytes; none of a
  /// pre-shared key.
  public let publicKeyDigest: [UInt8]
  /// When the certificate's time is over; a pre-shared key's never is.
  public let certificateExpires: UnixTime

  /// Collects an identity.
  public init(names: [Text], publicKeyDigest: [UInt8], certificateExpires: UnixTime) {
    self.names = names
    self.publicKeyDigest = publicKeyDigest
    self.certificateExpires = certificateExpires
  }

  /// The peer that has a pre-shared key under this name.
  init(presharedKey identity: Text) {
    self.init(
      names: [identity],
      publicKeyDigest: [],
      certificateExpires: UnixTime(seconds: .max)
    )
  }

  /// What tells the peer from others: its key's digest, or its name.
  var mark: [UInt8] {
    publicKeyDigest.isEmpty ? names.first?.bytes ?? [] : publicKeyDigest
  }

  /// How many names of a certificate count.
  public static let maximumNames = 8
  /// The longest name (RFC 1035, Section 2.3.4).
  public static let maximumNameLength = 255

  /// Reads an `X509`; nil when its key or time can't be read.
  init?(certificate: OpaquePointer) {
    let digest = Self.publicKeyDigest(of: certificate)
    guard digest.count == Int(SHA256_DIGEST_LENGTH), let expires = Self.expiry(of: certificate)
    else {
      return nil
    }
    publicKeyDigest = digest
    certificateExpires = expires
    let names = Self.dnsNames(of: certificate) + Self.commonNames(of: certificate)
    self.names = [Text](names.prefix(Self.maximumNames))
  }

  static func publicKeyDigest(of certificate: OpaquePointer) -> [UInt8] {
    var der: UnsafeMutablePointer<UInt8>?
    let length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der)
    guard length > 0, let der else { return [] }
    defer { CRYPTO_free(der, nil, 0) }
    return sha256([UInt8](UnsafeBufferPointer(start: der, count: Int(length))))
  }

  static func expiry(of certificate: OpaquePointer) -> UnixTime? {
    guard let epoch = ASN1_TIME_set(nil, 0) else { return nil }
    defer { ASN1_TIME_free(epoch) }
    var days: CInt = 0
    var seconds: CInt = 0
    guard ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(certificate)) == 1 else {
      return nil
    }
    return UnixTime(seconds: UInt64(max(0, Int64(days) * 86400 + Int64(seconds))))
  }

  private static func dnsNames(of certificate: OpaquePointer) -> [Text] {
    guard let raw = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
    let names = OpaquePointer(raw)
    defer { GENERAL_NAMES_free(names) }
    var result: [Text] = []
    for index in 0..<max(0, OPENSSL_sk_num(names)) where result.count < maximumNames {
      guard let element = OPENSSL_sk_value(names, index) else { continue }
      let name = element.assumingMemoryBound(to: GENERAL_NAME.self)
      if name.pointee.type == GEN_DNS, let text = text(name.pointee.d.dNSName) {
        result.append(text)
      }
    }
    return result
  }

  private static func commonNames(of certificate: OpaquePointer) -> [Text] {
    let subject = X509_get_subject_name(certificate)
    let index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
    guard index >= 0, let entry = X509_NAME_get_entry(subject, index),
      let name = utf8(X509_NAME_ENTRY_get_data(entry))
    else { return [] }
    return [name]
  }

  private static func text(_ string: UnsafePointer<ASN1_STRING>?) -> Text? {
    guard let string, let data = ASN1_STRING_get0_data(string) else { return nil }
    return usable(UnsafeBufferPointer(start: data, count: Int(max(0, ASN1_STRING_length(string)))))
  }

  private static func utf8(_ string: UnsafePointer<ASN1_STRING>?) -> Text? {
    guard let string else { return nil }
    var converted: UnsafeMutablePointer<UInt8>?
    let length = ASN1_STRING_to_UTF8(&converted, string)
    guard length >= 0, let converted else { return nil }
    defer { CRYPTO_free(converted, nil, 0) }
    return usable(UnsafeBufferPointer(start: converted, count: Int(length)))
  }

  private static func usable(_ bytes: UnsafeBufferPointer<UInt8>) -> Text? {
    guard !bytes.isEmpty, bytes.count <= maximumNameLength, !bytes.contains(0) else { return nil }
    return Text([UInt8](bytes))
  }
}
