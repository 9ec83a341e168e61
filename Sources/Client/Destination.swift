import Bytes

/// Where a server is: what stands behind `--connect`.
public struct Destination: Hashable, Sendable {
  /// The port of the signal channel (RFC 9132, Section 10.1).
  public static let defaultPort: UInt16 = 4646

  /// A name, or an address in its text form without brackets.
  public var host: Text
  /// The port.
  public var port: UInt16

  /// Reads `NAME`, `NAME:PORT`, an address, `IPV4:PORT` or `[IPV6]:PORT`.
  init(_ word: Text) throws(Mistake) {
    port = Self.defaultPort
    host = word
    if IPAddress(parsing: word) != nil { return }
    let what: Text = "HOST[:PORT]"
    var rest = word
    if word.hasPrefix("[") {
      guard let close = word.bytes.firstIndex(of: 0x5D) else { throw .not(word, what: what) }
      host = Text([UInt8](word.bytes[1..<close]))
      rest = word.dropFirst(close + 1)
      guard IPAddress(parsing: host)?.family == .v6, rest.isEmpty || rest.hasPrefix(":") else {
        throw .not(word, what: what)
      }
      if rest.isEmpty { return }
    } else {
      host = word.split(0x3A)[0]
      rest = word.dropFirst(host.count)
      guard !host.isEmpty, !host.bytes.contains(0x2F) else { throw .not(word, what: what) }
      if rest.isEmpty { return }
    }
    guard let port = rest.dropFirst(1).decimal(as: UInt16.self), port > 0 else {
      throw .not(word, what: what)
    }
    self.port = port
  }

  /// The address, when the host is one.
  public var address: IPAddress? { IPAddress(parsing: host) }
}
