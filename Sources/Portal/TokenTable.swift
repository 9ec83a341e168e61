import Bytes
import Model

/// The one-time tokens of the pages that are open: who has one has seen the page, from the address to
/// which it was given.
struct TokenTable: Sendable {
  /// Pages that one device can have open.
  static let maximumPerDevice = 4
  /// Tokens altogether: more devices than can be in quarantine.
  static let maximum = 64
  /// For how long a page stays good: people do the steps first.
  static let lifetime = Span.seconds(7200)
  /// 128 bits.
  static let length = 16

  private struct Token {
    var high: UInt64
    var low: UInt64
    var mac: MACAddress
    var peer: IPAddress
    var expires: Instant
  }

  /// Oldest first.
  private var table: [Token] = []

  var count: Int { table.count }

  /// A new token in hexadecimal digits; nil when `random` is too short.
  ///
  /// A device that asks too often loses its own oldest, not another's.
  mutating func issue(
    to mac: MACAddress,
    at peer: IPAddress,
    random: [UInt8],
    now: Instant
  ) -> Text? {
    guard random.count >= Self.length else { return nil }
    table.removeAll { $0.expires < now }
    var others = 0
    var oldest = 0
    for index in table.indices.reversed() {
      if table[index].mac == mac { oldest = index } else { others += 1 }
    }
    if table.count - others >= Self.maximumPerDevice {
      table.remove(at: oldest)
    } else if table.count >= Self.maximum {
      table.removeFirst()
    }
    let digits = hexadecimal(random.prefix(Self.length), separator: "")
    guard let (high, low) = Self.value(of: digits) else { return nil }
    let expires = now + Self.lifetime
    table.append(Token(high: high, low: low, mac: mac, peer: peer, expires: expires))
    return digits
  }

  /// Whether `text` is a token given to `peer`; it is then used up.
  ///
  /// All are compared to the last bit, so the time taken tells nothing of any of them.
  mutating func consume(_ text: Text, from peer: IPAddress, now: Instant) -> Bool {
    guard let (high, low) = Self.value(of: text) else { return false }
    var found = -1
    for (index, token) in table.enumerated() where (token.high ^ high) | (token.low ^ low) == 0 {
      found = index
    }
    guard found >= 0, table[found].peer == peer, now < table[found].expires else { return false }
    table.remove(at: found)
    return true
  }

  private static func value(of text: Text) -> (high: UInt64, low: UInt64)? {
    guard text.count == length * 2 else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    for byte in text.bytes {
      guard let digit = hexadecimalDigit(byte) else { return nil }
      high = high << 4 | low >> 60
      low = low << 4 | UInt64(digit)
    }
    return (high, low)
  }
}

/// Two digits for each byte, with `separator` between two bytes.
func hexadecimal(_ bytes: ArraySlice<UInt8>, separator: Text) -> Text {
  var result = Text([])
  for byte in bytes {
    if !result.isEmpty { result += separator }
    for digit in [byte >> 4, byte & 15] {
      result.bytes.append(digit < 10 ? digit + 0x30 : digit + 0x57)
    }
  }
  return result
}
