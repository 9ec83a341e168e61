import Bytes

/// What the peer's recent messages were answered with, so that a duplicate is answered alike and
/// processed once (RFC 7252, Section 4.5).
struct AnswerCache {
  /// One message of the peer.
  struct Entry {
    let exchange: ExchangeID
    let messageID: UInt16
    let isConfirmable: Bool
    let token: [UInt8]
    let expires: Instant
    /// What a duplicate gets; nil while there is nothing, or nothing is to be sent.
    var reply: [UInt8]?
    /// Whether the exchange is over; until then its entry isn't pushed out.
    var isFinished = false
    /// When the request is acknowledged without its response.
    var emptyAckDue: Instant?
    /// When the reply was last sent.
    var repliedAt: Instant
  }

  /// How many messages are remembered: what a client may have asked within a round trip or two.
  static let maximumEntries = 64
  /// How many bytes of replies are kept for a session.
  static let maximumBytes = 8192
  /// The least time between repetitions of the answer to a non-confirmable request.
  static let repetitionSpacing = Span.seconds(1)

  private(set) var entries: [Entry] = []
  private var bytes = 0

  /// Whether there is room for another message, if need be instead of a finished one.
  var hasRoom: Bool {
    entries.count < Self.maximumEntries || entries.contains { $0.isFinished }
  }

  mutating func insert(_ entry: Entry) {
    if entries.count >= Self.maximumEntries,
      let oldest = entries.firstIndex(where: { $0.isFinished })
    {
      remove(at: oldest)
    }
    entries.append(entry)
    bytes += entry.reply?.count ?? 0
    shrink()
  }

  mutating func removeExpired(now: Instant) {
    guard entries.contains(where: { $0.expires <= now }) else { return }
    entries.removeAll { $0.expires <= now }
    bytes = entries.reduce(0) { $0 + ($1.reply?.count ?? 0) }
  }

  func index(messageID: UInt16) -> Int? { entries.firstIndex { $0.messageID == messageID } }

  func unfinishedIndex(_ exchange: ExchangeID) -> Int? {
    entries.firstIndex { $0.exchange == exchange && !$0.isFinished }
  }

  /// What to send for a duplicate of the message at `index`; nil for nothing.
  mutating func replyToDuplicate(at index: Int, now: Instant) -> [UInt8]? {
    let entry = entries[index]
    guard let reply = entry.reply else { return nil }
    if !entry.isConfirmable, now < entry.repliedAt + Self.repetitionSpacing { return nil }
    entries[index].repliedAt = now
    return reply
  }

  /// Notes the reply to the message at `index`, or that it gets none, and ends the exchange.
  mutating func finish(at index: Int, reply: [UInt8]?, now: Instant) {
    entries[index].isFinished = true
    note(reply, at: index, now: now)
    shrink()
  }

  /// Notes that the message at `index` was acknowledged, while its response is still to come.
  mutating func acknowledge(at index: Int, reply: [UInt8], now: Instant) {
    note(reply, at: index, now: now)
  }

  private mutating func note(_ reply: [UInt8]?, at index: Int, now: Instant) {
    bytes += (reply?.count ?? 0) - (entries[index].reply?.count ?? 0)
    entries[index].reply = reply
    entries[index].emptyAckDue = nil
    entries[index].repliedAt = now
  }

  private mutating func shrink() {
    while bytes > Self.maximumBytes, let oldest = entries.firstIndex(where: { $0.isFinished }) {
      remove(at: oldest)
    }
  }

  private mutating func remove(at index: Int) {
    bytes -= entries.remove(at: index).reply?.count ?? 0
  }
}
