import Bytes

/// The part of a target-uri that tells what is under attack: scheme, host and port (RFC 3986,
/// Section 3; RFC 9132, Section 4.4.1.1).
enum TargetURI {
  /// The schemes whose default port is known.
  private static let schemes: [Text] = [
    "http", "https", "ws", "wss", "ftp", "rtsp", "coap", "coaps", "coap+tcp", "coaps+tcp",
  ]

  /// Checks that `uri` names a host and, by its scheme or itself, a port.
  static func validate(_ uri: Text) throws(PeerError) {
    let syntaxError = PeerError(.uriSyntax, Key.targetURI)
    guard uri.bytes.allSatisfy({ (0x21...0x7E).contains($0) }),
      let colon = uri.bytes.firstIndex(of: 0x3A)
    else { throw syntaxError }
    let scheme = Text([UInt8](uri.bytes[..<colon]))
    let rest = uri.dropFirst(colon + 1)
    guard isScheme(scheme), rest.hasPrefix("//") else { throw syntaxError }
    let end = rest.bytes.dropFirst(2).firstIndex { $0 == 0x2F || $0 == 0x3F || $0 == 0x23 }
    let authority = rest.bytes[2..<(end ?? rest.count)]
    let afterUser = authority.lastIndex(of: 0x40).map { $0 + 1 } ?? authority.startIndex
    guard let parts = hostAndPort(Text([UInt8](authority[afterUser...]))) else {
      throw syntaxError
    }
    try validate(host: parts.host)
    if let port = parts.port, !port.isEmpty {
      guard let number = port.decimal(as: UInt16.self), number > 0 else { throw syntaxError }
    } else if !schemes.contains(scheme.asciiLowercased) {
      throw PeerError(.uriWithoutPort, Key.targetURI)
    }
  }

  private static func isScheme(_ text: Text) -> Bool {
    guard let first = text.bytes.first, first.isASCIILetter else { return false }
    return text.bytes.allSatisfy {
      $0.isASCIIAlphanumeric || $0 == 0x2B || $0 == 0x2D || $0 == 0x2E
    }
  }

  /// Splits at the colon before the port; an IPv6 address stands in brackets, which go.
  private static func hostAndPort(_ text: Text) -> (host: Text, port: Text?)? {
    if text.hasPrefix("[") {
      guard let close = text.bytes.firstIndex(of: 0x5D) else { return nil }
      let host = Text([UInt8](text.bytes[1..<close]))
      let after = text.dropFirst(close + 1)
      guard IPAddress(parsing: host)?.family == .v6, after.isEmpty || after.hasPrefix(":") else {
        return nil
      }
      return (host, after.isEmpty ? nil : after.dropFirst(1))
    }
    let parts = text.split(0x3A)
    guard parts.count <= 2, !parts[0].isEmpty else { return nil }
    return (parts[0], parts.count == 2 ? parts[1] : nil)
  }

  /// A host that is an address has to pass the same check as a target-prefix.
  private static func validate(host: Text) throws(PeerError) {
    if let address = IPAddress(parsing: host) {
      guard !Prefix(host: address).holdsNonUnicast else {
        throw PeerError(.prefixNotUnicast, Key.targetURI)
      }
    } else if !host.isDomainName {
      throw PeerError(.uriSyntax, Key.targetURI)
    }
  }
}
