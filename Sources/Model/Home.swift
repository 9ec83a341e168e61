import Bytes

/// The addresses of this home, as the router's interfaces have them now.
public struct Home: Hashable, Sendable {
  /// Behind one reference, so that a copy is one word.
  private var parts: Behind<Parts>

  /// A home of these parts.
  public init(
    wanAddresses: [IPAddress] = [],
    lanPrefixes: [Prefix] = [],
    lanAddresses: [IPAddress] = []
  ) {
    parts = Behind(
      Parts(
        wanAddresses: wanAddresses,
        lanPrefixes: lanPrefixes,
        lanAddresses: lanAddresses
      )
    )
  }
}

extension Home {
  /// The router's addresses towards the ISP.
  public var wanAddresses: [IPAddress] {
    get { parts.value.wanAddresses }
    set { parts.value.wanAddresses = newValue }
  }

  /// The networks of the home: prefixes of the LAN interfaces' addresses.
  public var lanPrefixes: [Prefix] {
    get { parts.value.lanPrefixes }
    set { parts.value.lanPrefixes = newValue }
  }

  /// The router's own addresses in the home.
  public var lanAddresses: [IPAddress] {
    get { parts.value.lanAddresses }
    set { parts.value.lanAddresses = newValue }
  }
}

extension Home {
  fileprivate struct Parts: Hashable, Sendable {
    var wanAddresses: [IPAddress]
    var lanPrefixes: [Prefix]
    var lanAddresses: [IPAddress]
  }
}
