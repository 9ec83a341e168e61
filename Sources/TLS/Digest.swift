import COpenSSL

/// Corresponds to `RAND_bytes`: secret random bytes; nil when the system gives none.
func randomBytes(_ count: Int) -> [UInt8]? {
  var bytes = [UInt8](repeating: 0, count: count)
  let filled = RAND_bytes(&bytes, CInt(clamping: count))
  ERR_clear_error()
  return filled == 1 ? bytes : nil
}

/// Corresponds to `HMAC` with SHA-256: 32 bytes, or none when memory is short.
func hmacSHA256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
  var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
  var length: CUnsignedInt = 0
  let made = HMAC(
    EVP_sha256(),
    key,
    CInt(clamping: key.count),
    message,
    message.count,
    &digest,
    &length
  )
  return made == nil ? [] : digest
}

/// Corresponds to `EVP_Digest` with SHA-256: 32 bytes, or none when memory is short.
func sha256(_ message: [UInt8]) -> [UInt8] {
  var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
  let made = EVP_Digest(message, message.count, &digest, nil, EVP_sha256(), nil)
  return made == 1 ? digest : []
}

/// Corresponds to `CRYPTO_memcmp`: compares in a time that doesn't tell where the two differ.
func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
}
