import Bytes

/// A message of the peer or for it that is kept for a while; an object, because arrays of objects
/// share their code.
final class KeptMessage {
  let exchange: ExchangeID
  /// What all requests of a transfer in blocks have in common.
  let key: [UInt8]
  var message: CoAPMessage
  var expires: Instant

  init(_ message: CoAPMessage, _ exchange: ExchangeID, key: [UInt8], expires: Instant) {
    self.message = message
    self.exchange = exchange
    self.key = key
    self.expires = expires
  }
}

/// Some messages of a session: the oldest goes when there are too many, each when its time is up.
struct KeptMessages {
  private(set) var entries: [KeptMessage] = []
  private let maximum: Int

  init(maximum: Int) { self.maximum = maximum }

  /// When the first message is given up.
  var nextTimeout: Instant? {
    var next: Instant?
    for entry in entries { next = .earlier(next, entry.expires) }
    return next
  }

  mutating func removeExpired(now: Instant) { entries.removeAll { $0.expires <= now } }

  func entry(_ key: [UInt8]) -> KeptMessage? { entries.first { $0.key == key } }

  mutating func remove(_ key: [UInt8]) { entries.removeAll { $0.key == key } }

  mutating func take(_ exchange: ExchangeID) -> CoAPMessage? {
    let index = entries.firstIndex { $0.exchange == exchange }
    return index.map { entries.remove(at: $0).message }
  }

  mutating func insert(_ entry: KeptMessage) {
    if entries.count >= maximum { entries.remove(at: 0) }
    entries.append(entry)
  }
}
