import Bytes
import CBOR

/// Where a client wants its router to connect to instead (RFC 9066, Section 5.2.2).
public struct Redirection: Hashable, Sendable {
  /// The most addresses that are read.
  static let maximumRecords = 16

  /// The name of the other client, which its certificate has to carry.
  public var name: Text
  /// Its addresses; none: the name is looked up.
  public var addresses: [IPAddress]
  /// For how many seconds it holds; nil or 0: until nobody is reached there.
  public var lifetime: UInt32?

  /// A redirection of these parts.
  public init(name: Text, addresses: [IPAddress] = [], lifetime: UInt32? = nil) {
    self.name = name
    self.addresses = addresses
    self.lifetime = lifetime
  }

  /// Parses the payload of a PUT on `/redirect`.
  init(parsing payload: [UInt8]) throws(PeerError) {
    let container = try Message.container(Key.redirectedSignal, parsing: payload)
    let attributes = try Attributes(
      container,
      under: Key.redirectedSignal,
      allowed: [Key.alternateClient, Key.alternateClientRecord, Key.timeToLive]
    )
    name = try attributes.text(Key.alternateClient)
    guard name.isDomainName else { throw PeerError(.domainNameSyntax, Key.alternateClient) }
    addresses = []
    let records = try attributes.texts(Key.alternateClientRecord, limit: Self.maximumRecords)
    for record in records {
      guard let address = IPAddress(parsing: record) else {
        throw PeerError(.prefixSyntax, Key.alternateClientRecord)
      }
      addresses.append(address.unmapped)
    }
    lifetime = try attributes.unsigned(Key.timeToLive)
  }

  /// The payload.
  var encoded: [UInt8] {
    var entries = [CBOREntry(Key.alternateClient, .text(name))]
    entries.add(Key.alternateClientRecord, list: addresses.map { .text("\($0)") })
    entries.add(Key.timeToLive, lifetime)
    return CBORValue.map([CBOREntry(Key.redirectedSignal, .map(entries))]).encoded
  }

  /// Whether the name is one of `domains`, or lies in one (RFC 9132, Section 4.6, leaves it to policy
  /// whom a router lets itself be sent to).
  public func lies(in domains: [Text]) -> Bool {
    let name = self.name.asciiLowercased
    for domain in domains {
      let domain = domain.asciiLowercased
      if name == domain || name.hasSuffix("." + domain) { return true }
    }
    return false
  }
}
