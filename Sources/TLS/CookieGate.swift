import Bytes

/// Makes cookies for peers that haven't proved their address, and recognises them, with two keys and
/// nothing else in memory (RFC 6347, Section 4.2.1).
///
/// A cookie is one byte that tells the key and 16 bytes of HMAC-SHA-256 over the peer's address, port,
/// our address and the client's random. A key serves `keyLifetime` and is accepted as long again.
struct CookieGate {
  /// The length of a cookie.
  static let cookieLength = 17
  /// How long cookies are made with one key.
  static let keyLifetime = Span.seconds(60)

  private var generation: UInt8 = 0
  private var current: [UInt8]
  private var previous: [UInt8]?
  private var madeAt: Instant

  /// Starts with `key`, 32 secret random bytes.
  init(key: [UInt8], now: Instant) {
    current = key
    madeAt = now
  }

  /// Whether `rotate` is due.
  func isStale(now: Instant) -> Bool { now - madeAt >= Self.keyLifetime }

  /// Makes cookies with `key` from now on.
  mutating func rotate(to key: [UInt8], now: Instant) {
    previous = now - madeAt < Self.keyLifetime * 2 ? current : nil
    current = key
    generation &+= 1
    madeAt = now
  }

  /// The cookie for a peer's ClientHello.
  func cookie(for peer: PeerAddress, random: [UInt8]) -> [UInt8] {
    Self.cookie(generation, current, peer, random)
  }

  /// Whether `cookie` was made here for this peer and this random, not too long ago.
  func accepts(_ cookie: [UInt8], for peer: PeerAddress, random: [UInt8]) -> Bool {
    guard cookie.count == Self.cookieLength else { return false }
    if cookie[0] == generation {
      return constantTimeEqual(cookie, self.cookie(for: peer, random: random))
    }
    guard let previous, cookie[0] == generation &- 1 else { return false }
    return constantTimeEqual(cookie, Self.cookie(cookie[0], previous, peer, random))
  }

  private static func cookie(
    _ generation: UInt8,
    _ key: [UInt8],
    _ peer: PeerAddress,
    _ random: [UInt8]
  ) -> [UInt8] {
    var message: [UInt8] = [peer.remote.family.rawValue]
    message += peer.remote.bytes
    message.append(bigEndian: peer.remotePort)
    message.append(peer.local.family.rawValue)
    message += peer.local.bytes
    message += random
    return [generation] + hmacSHA256(message, key: key).prefix(cookieLength - 1)
  }
}
