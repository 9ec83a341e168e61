import Bytes

/// Who has failed to prove who it is again and again, and is refused for a while (RFC 9132,
/// Section 11).
///
/// Only peers that proved their address get here, so nobody can have another one refused. What an
/// IPv6 /64 or an IPv4 address does counts together.
final class FailureTable {
  /// The one that failed longest ago makes room: slots for handshakes are bounded without it.
  static let maximumCount = 64
  /// What a client with a mistaken setting may need until somebody sees it.
  static let allowed = 10
  /// For how long who failed more often is refused; a pause as long forgets all.
  static let time = Span.seconds(60)

  /// A class, since it is less code to change one in place.
  private final class Entry {
    let address: IPAddress
    var count = 0
    var last: Instant

    init(_ address: IPAddress, _ last: Instant) {
      self.address = address
      self.last = last
    }
  }

  private var entries: [Entry] = []

  /// Whether a peer is refused.
  func refuses(_ peer: PeerAddress, now: Instant) -> Bool {
    guard let entry = entry(of: HalfOpenTable.address(of: peer)) else { return false }
    return entry.count >= Self.allowed && now - entry.last < Self.time
  }

  /// A peer's handshake failed.
  func failed(_ peer: PeerAddress, now: Instant) {
    let address = HalfOpenTable.address(of: peer)
    guard let entry = entry(of: address) else {
      add(Entry(address, now))
      return
    }
    entry.count = now - entry.last < Self.time ? entry.count + 1 : 1
    entry.last = now
  }

  /// A peer proved who it is.
  func authenticated(_ peer: PeerAddress) {
    entry(of: HalfOpenTable.address(of: peer))?.count = 0
  }

  private func add(_ entry: Entry) {
    entry.count = 1
    guard entries.count == Self.maximumCount else {
      entries.append(entry)
      return
    }
    var oldest = 0
    for index in entries.indices where entries[index].last < entries[oldest].last {
      oldest = index
    }
    entries[oldest] = entry
  }

  private func entry(of address: IPAddress) -> Entry? {
    for entry in entries where entry.address == address { return entry }
    return nil
  }
}
