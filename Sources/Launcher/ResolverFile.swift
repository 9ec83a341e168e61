import Bytes

/// The resolver's files: which name servers the router itself asks.
enum ResolverFile {
  /// The C library's, and where OpenWrt and systemd leave whom the router's own forwarder asks, of
  /// which the first then knows nothing.
  static let paths: [Text] = [
    "/etc/resolv.conf", "/tmp/resolv.conf.d/resolv.conf.auto", "/tmp/resolv.conf.auto",
    "/run/systemd/resolve/resolv.conf",
  ]

  /// Larger files are not ours to understand.
  static let largestFile = 16_384
  /// The C library asks three; there is no harm in a few more.
  static let maximumServers = 8

  /// The name servers of all files; `contents` reads one, nil when it isn't there.
  static func nameServers(_ contents: (Text) -> [UInt8]?) -> [IPAddress] {
    var servers: [IPAddress] = []
    for path in paths {
      for server in contents(path).map({ nameServers($0) }) ?? [] where !servers.contains(server) {
        servers.append(server)
      }
    }
    return servers
  }

  /// The addresses after `nameserver`, without the interface of a link-local one.
  ///
  /// Lines that can't be understood are passed over, as the C library does.
  static func nameServers(_ file: [UInt8]) -> [IPAddress] {
    var servers: [IPAddress] = []
    for line in Text(file).split(0x0A) {
      let spaced = Text(line.bytes.map { $0 == 0x09 || $0 == 0x0D ? 0x20 : $0 })
      let words = spaced.split(0x20).filter { !$0.isEmpty }
      guard words.count >= 2, servers.count < maximumServers, words[0] == "nameserver" else {
        continue
      }
      if let server = IPAddress(parsing: words[1].split(0x25)[0]), !servers.contains(server) {
        servers.append(server)
      }
    }
    return servers
  }
}
