import Bytes

/// The resolver's file, /etc/resolv.conf: which name servers the router itself asks.
enum ResolverFile {
  /// Larger files are not ours to understand.
  static let largestFile = 16_384
  /// The C library asks three; there is no harm in a few more.
  static let maximumServers = 8

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
