import Bytes

/// The prefixes from which a client has authenticated lately, and those that the settings name: they
/// come first when replies or half-open slots are short.
struct KnownPrefixes {
  /// Operators have few sites; the one not seen for longest makes room.
  static let maximumCount = 16

  private let configured: [Prefix]
  private var seen: [Prefix] = []

  /// Knows `configured` for ever.
  init(configured: [Prefix]) { self.configured = configured }

  /// The network that an address counts for: an IPv4 /24 or an IPv6 /64.
  static func network(of address: IPAddress) -> Prefix {
    Prefix(address, length: address.family == .v4 ? 24 : 64) ?? Prefix(host: address)
  }

  /// Whether a client has authenticated from around `address`.
  func contains(_ address: IPAddress) -> Bool {
    configured.contains { $0.contains(address) } || seen.contains { $0.contains(address) }
  }

  /// Remembers that a client authenticated from `address`.
  mutating func authenticated(from address: IPAddress) {
    let network = Self.network(of: address)
    seen.removeAll { $0 == network }
    seen.append(network)
    if seen.count > Self.maximumCount { seen.removeFirst() }
  }
}
