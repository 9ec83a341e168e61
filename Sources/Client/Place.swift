import Bytes

/// Where routers are waited for: what stands behind `--listen`.
public struct Place: Hashable, Sendable {
  /// Addresses of this machine: one, or all of both families.
  public var addresses: [IPAddress]
  /// The port.
  public var port: UInt16

  /// Reads `:PORT`, `IPV4:PORT` or `[IPV6]:PORT`.
  init(_ word: Text) throws(Mistake) {
    let what: Text = "[ADDRESS]:PORT"
    guard let colon = word.bytes.lastIndex(of: 0x3A),
      let port = Text([UInt8](word.bytes[(colon + 1)...])).decimal(as: UInt16.self), port > 0
    else { throw .not(word, what: what) }
    self.port = port
    var host = Text([UInt8](word.bytes[..<colon]))
    if host.isEmpty {
      addresses = [IPAddress(v6High: 0, low: 0), IPAddress(v4: 0)]
      return
    }
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { host = Text([UInt8](host.bytes.dropFirst().dropLast())) }
    guard let address = IPAddress(parsing: host), (address.family == .v6) == isBracketed else {
      throw .not(word, what: what)
    }
    addresses = [address]
  }
}
