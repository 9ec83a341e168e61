import Bytes
import Model

/// A client that the signal front connects to (RFC 9066, Section 5.1).
public struct CallHomePeer: Hashable, Sendable, Coded {
  /// The most domains that a redirect may name.
  public static let maximumDomains = 64

  /// The section's name; may be empty.
  public var section: Text
  /// The client's name or address.
  public var host: Text
  /// The name or address that its certificate must carry.
  public var name: Text
  /// Its port.
  public var port: UInt16
  /// What may carry the session, the preferred first.
  public var transports: [Transport]
  /// Domains that a redirect may name.
  public var redirectDomains: [Text]

  /// A client of these parts.
  public init(
    section: Text,
    host: Text,
    name: Text,
    port: UInt16,
    transports: [Transport],
    redirectDomains: [Text]
  ) {
    self.section = section
    self.host = host
    self.name = name
    self.port = port
    self.transports = transports
    self.redirectDomains = redirectDomains
  }

  /// Nobody.
  public static var blank: CallHomePeer {
    CallHomePeer(
      section: .blank,
      host: .blank,
      name: .blank,
      port: 0,
      transports: [],
      redirectDomains: []
    )
  }

  /// An array of the properties in their order.
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 6)
    coder.text(&section)
    coder.name(&host)
    coder.name(&name)
    port.code(&coder)
    coder.list(&transports, limit: 2)
    coder.list(&redirectDomains, limit: Self.maximumDomains)
  }
}
