import Bytes

/// Who has failed to prove who it is again and again, and is refused for a while (RFC 9132,
/// Section 11).
///
/// Only peers that proved their address get here, so nobody can have another one refused. What an
/// IPv6 /64 or an IPv4 address does counts together.
struct FailureTable {
  /// The one that failed longest ago makes room: slots for handshakes are bounded without it.
  static let maximumCount = 64
  /// What a client with a mistaken setting may need until somebody sees it.
  static let allowed: UInt8 = 10
  /// For how long who failed more often is refused; a pause as long forgets all.
  static let time = Span.seconds(60)

  private struct Entry {
    var address: IPAddress
    var count: UInt8
    var last: Instant
  }

  private var entries: [Entry] = []

  /// Whether a peer is refused.
  func refuses(_ peer: PeerAddress, now: Instant) -> Bool {
    guard let index = index(of: HalfOpenTable.address(of: peer)) else { return false }
    return entries[index].count >= Self.allowed && now - entries[index].last < Self.time
  }

  /// A peer's handshake failed.
  mutating func failed(_ peer: PeerAddress, now: Instant) {
    let address = HalfOpenTable.address(of: peer)
    var entry = Entry(address: address, count: 1, last: now)
    if let index = index(of: address) {
      let before = entries[index]
      if now - before.last < Self.time { entry.count = min(before.count + 1, Self.allowed) }
      entries[index] = entry
    } else if entries.count < Self.maximumCount {
      entries.append(entry)
    } else {
      var oldest = 0
      for index in entries.indices where entries[index].last < entries[oldest].last {
        oldest = index
      }
      entries[oldest] = entry
    }
  }

  /// A peer proved who it is.
  mutating func authenticated(_ peer: PeerAddress) {
    if let index = index(of: HalfOpenTable.address(of: peer)) { entries[index].count = 0 }
  }

  private func index(of address: IPAddress) -> Int? {
    for index in entries.indices where entries[index].address == address { return index }
    return nil
  }
}
