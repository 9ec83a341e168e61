import Bytes

/// The cuid that RFC 9132, Section 4.4.1.1 recommends: the first 16 bytes of the digest of the
/// client's public key or of its key's identity, in base64url without padding; 22 characters.
func recommendedCuid(digest: [UInt8]) -> Text {
  let alphabet =
    ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" as Text).bytes
  var characters: [UInt8] = []
  var bits: UInt32 = 0
  var count: UInt32 = 0
  for byte in digest.prefix(16) {
    bits = bits << 8 | UInt32(byte)
    count += 8
    while count >= 6 {
      count -= 6
      characters.append(alphabet[Int(bits >> count & 63)])
    }
  }
  if count > 0 { characters.append(alphabet[Int(bits << (6 - count) & 63)]) }
  return Text(characters)
}
