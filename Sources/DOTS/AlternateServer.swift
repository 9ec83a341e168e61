import Bytes
import CBOR

/// Another server that a client is sent to: the body of a 5.03 that redirects (RFC 9132,
/// Section 4.6).
public struct AlternateServer: Hashable, Sendable {
  /// Its name, which its certificate must carry: alt-server.
  public let name: Text
  /// Its addresses, as far as the server that sends there knows them: alt-server-record.
  public let addresses: [Text]

  /// A server of these parts.
  public init(name: Text, addresses: [Text]) {
    self.name = name
    self.addresses = addresses
  }

  /// The server of a setting: its name and its addresses, a space between.
  init(words: Text) {
    let words = words.split(0x20)
    self.init(name: words[0], addresses: [Text](words.dropFirst()))
  }

  /// Parses a payload; nil when it is the body of a 5.03 that doesn't redirect.
  init?(parsing payload: [UInt8]) throws(PeerError) {
    guard let container = try? Message.container(Key.redirectedSignal, parsing: payload) else {
      return nil
    }
    let attributes = try Attributes(
      container,
      under: Key.redirectedSignal,
      allowed: [Key.alternateServer, Key.alternateServerRecord]
    )
    name = try attributes.text(Key.alternateServer)
    addresses = try attributes.texts(Key.alternateServerRecord)
  }

  /// The payload.
  var encoded: [UInt8] {
    var entries = [CBOREntry(Key.alternateServer, .text(name))]
    entries.add(Key.alternateServerRecord, list: addresses.map { .text($0) })
    return CBORValue.map([CBOREntry(Key.redirectedSignal, .map(entries))]).encoded
  }
}
