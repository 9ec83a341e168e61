import Bytes

/// Who may be in the middle of a handshake: caps, evictions and deadlines, without the handshakes.
///
/// Only peers that proved their address get here. They can still be many and slow, so slots are few,
/// short-lived and partly kept for prefixes that have authenticated before.
struct HalfOpenTable {
  /// All slots: each costs some 60 kB of OpenSSL's memory.
  let maximumCount: Int
  /// Slots that only known prefixes get.
  private var reservedCount: Int { maximumCount / 4 }
  /// For one IPv4 address or IPv6 /64, two of 16: a client that starts anew beside its former self.
  private var maximumPerAddress: Int { maximumCount / 8 }
  /// A handshake takes a few round trips and at most three retransmissions.
  static let deadline = Span.seconds(10)
  /// Younger ones aren't evicted: a genuine client is through by then.
  static let protectedAge = Span.seconds(1)

  /// What happens to a peer that wants a slot.
  enum Admission: Equatable {
    /// It gets one.
    case admitted
    /// It gets the slot of this peer, whose handshake ends.
    case admittedInstead(of: PeerAddress)
    /// There is none; it may try again.
    case refused
  }

  private struct Entry {
    let peer: PeerAddress
    let isKnown: Bool
    let started: Instant
  }

  /// Oldest first.
  private var entries: [Entry] = []

  /// An empty table.
  init(maximumCount: Int) { self.maximumCount = maximumCount }

  /// How many handshakes are half open.
  var count: Int { entries.count }

  /// The peers in the table, oldest first.
  var peers: [PeerAddress] { entries.map { $0.peer } }

  /// The first deadline of all.
  var nextDeadline: Instant? { entries.first.map { $0.started + Self.deadline } }

  /// Gives `peer` a slot if there is one; it must not have one already.
  mutating func admit(_ peer: PeerAddress, isKnown: Bool, now: Instant) -> Admission {
    let address = Self.address(of: peer)
    let neighbours = entries.filter { Self.address(of: $0.peer) == address }
    let strangers = entries.filter { !$0.isKnown }
    if neighbours.count >= maximumPerAddress {
      return admit(peer, isKnown, insteadOf: neighbours, now)
    }
    if isKnown {
      guard entries.count >= maximumCount else { return add(peer, isKnown, now) }
      let evicted = admit(peer, isKnown, insteadOf: strangers, now)
      return evicted == .refused ? admit(peer, isKnown, insteadOf: entries, now) : evicted
    }
    let isFull =
      strangers.count >= maximumCount - reservedCount
      || entries.count >= maximumCount
    return isFull ? admit(peer, isKnown, insteadOf: strangers, now) : add(peer, isKnown, now)
  }

  /// Frees the slot of `peer`.
  mutating func remove(_ peer: PeerAddress) { entries.removeAll { $0.peer == peer } }

  /// The peers whose deadline has passed, oldest first; their slots stay until `remove`.
  func expired(now: Instant) -> [PeerAddress] {
    entries.filter { now - $0.started >= Self.deadline }.map { $0.peer }
  }

  private mutating func add(_ peer: PeerAddress, _ isKnown: Bool, _ now: Instant) -> Admission {
    entries.append(Entry(peer: peer, isKnown: isKnown, started: now))
    return .admitted
  }

  private mutating func admit(
    _ peer: PeerAddress,
    _ isKnown: Bool,
    insteadOf candidates: [Entry],
    _ now: Instant
  ) -> Admission {
    guard let oldest = candidates.first, now - oldest.started > Self.protectedAge else {
      return .refused
    }
    remove(oldest.peer)
    _ = add(peer, isKnown, now)
    return .admittedInstead(of: oldest.peer)
  }

  /// What a peer's address counts for: itself for IPv4, its /64 for IPv6.
  static func address(of peer: PeerAddress) -> IPAddress {
    peer.remote.masked(to: peer.remote.family == .v4 ? 32 : 64)
  }
}
