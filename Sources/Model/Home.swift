import Bytes

/// The addresses of this home, as the router's interfaces have them now.
public struct Home: Hashable, Sendable {
  /// The router's addresses towards the ISP.
  public var wanAddresses: [IPAddress]
  /// The networks of the home: prefixes of the LAN interfaces' addresses.
  public var lanPrefixes: [Prefix]
  /// The router's own addresses in the home.
  public var lanAddresses: [IPAddress]

  /// A home of these parts.
  public init(
    wanAddresses: [IPAddress] = [],
    lanPrefixes: [Prefix] = [],
    lanAddresses: [IPAddress] = []
  ) {
    self.wanAddresses = wanAddresses
    self.lanPrefixes = lanPrefixes
    self.lanAddresses = lanAddresses
  }
}
