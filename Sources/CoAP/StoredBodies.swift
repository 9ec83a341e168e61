import Bytes

/// The bodies of a session that go in blocks: those of requests while they come in, and those of
/// responses while they are fetched (RFC 7959).
struct StoredBodies: Sendable {
  /// One body.
  struct Entry {
    /// A request that is incomplete, or a whole response.
    let isRequest: Bool
    /// What all requests of the transfer have in common.
    let key: [UInt8]
    var message: CoAPMessage
    var expires: Instant
  }

  /// How many incomplete requests are kept, and how many responses.
  static let maximumEntries = 2
  /// The largest body of a request, in bytes.
  static let maximumRequest = 16_384
  /// The largest body of a response that is kept, in bytes; a larger one is made again for each
  /// block.
  static let maximumResponse = 65_536

  private(set) var entries: [Entry] = []

  /// When the first body is given up.
  var nextTimeout: Instant? { entries.reduce(nil) { .earlier($0, $1.expires) } }

  mutating func removeExpired(now: Instant) { entries.removeAll { $0.expires <= now } }

  func index(isRequest: Bool, key: [UInt8]) -> Int? {
    entries.firstIndex { $0.isRequest == isRequest && $0.key == key }
  }

  mutating func remove(isRequest: Bool, key: [UInt8]) {
    if let index = index(isRequest: isRequest, key: key) { entries.remove(at: index) }
  }

  /// Keeps a body instead of the last one with its key, if need be instead of the oldest.
  mutating func insert(_ entry: Entry) {
    remove(isRequest: entry.isRequest, key: entry.key)
    if entries.count(where: { $0.isRequest == entry.isRequest }) >= Self.maximumEntries,
      let oldest = entries.firstIndex(where: { $0.isRequest == entry.isRequest })
    {
      entries.remove(at: oldest)
    }
    entries.append(entry)
  }

  /// The body with a key, which stays until `expires`.
  mutating func message(isRequest: Bool, key: [UInt8], until expires: Instant) -> CoAPMessage? {
    guard let index = index(isRequest: isRequest, key: key) else { return nil }
    entries[index].expires = expires
    return entries[index].message
  }

  /// Takes the next block of a request's body, which is not the last one; false when it leaves a gap.
  ///
  /// The last block may come twice, from a client that missed the answer.
  mutating func append(_ block: CoAPBlock, of request: CoAPMessage, to index: Int) -> Bool {
    let body = entries[index].message.payload
    if block.offset < body.count {
      return body.suffix(from: block.offset).elementsEqual(request.payload)
    }
    guard block.offset == body.count else { return false }
    entries[index].message.payload += request.payload
    return true
  }
}

extension CoAPBlock {
  /// Where the block begins in the body, in bytes.
  var offset: Int { Int(number) * size }

  /// Whether a block that isn't the last may have `count` bytes: its size, or on a stream for the
  /// reserved exponent a multiple of 1024 (RFC 8323, Section 6).
  func isFilled(by count: Int) -> Bool {
    sizeExponent < 7 ? count == size : count > 0 && count % size == 0
  }

  /// The exponent of the largest block of at most `room` bytes, but at most `exponent` and 6.
  static func exponent(fitting room: Int, atMost exponent: UInt8) -> UInt8 {
    var result = min(exponent, 6)
    while result > 0, 16 << Int(result) > room { result -= 1 }
    return result
  }
}

extension CoAPMessage {
  /// What the requests of one transfer in blocks have in common: all but the options that say which
  /// block is meant, and those that are no part of the cache key (RFC 9175, Section 3.3).
  var transferKey: [UInt8] {
    var key = [code.rawValue]
    let isKept = { (number: CoAPOptionNumber) in
      switch number {
      case .block1, .block2, .observe, .contentFormat: false
      default: !number.isNoCacheKey
      }
    }
    CoAPMessage(.empty, options: options.filter { isKept($0.number) }).writeContent(to: &key)
    return key
  }

  /// The same without a payload.
  var withoutPayload: CoAPMessage { CoAPMessage(code, token: token, options: options) }

  /// How many bytes token and options take.
  var optionsSize: Int {
    var content: [UInt8] = []
    withoutPayload.writeContent(to: &content)
    return content.count
  }

  /// An entity tag of the payload (FNV-1a, 64 bits): another payload has another.
  var payloadTag: CoAPOption {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in payload { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    var value: [UInt8] = []
    value.append(bigEndian: hash)
    return CoAPOption(.eTag, value)
  }
}
