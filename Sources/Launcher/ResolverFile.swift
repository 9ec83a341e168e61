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
    for line in file.split(separator: 0x0A) {
      let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
      guard words.count >= 2, servers.count < maximumServers,
        Text([UInt8](words[0])) == "nameserver"
      else { continue }
      let address = words[1].prefix { $0 != 0x25 }
      if let server = IPAddress(parsing: Text([UInt8](address))), !servers.contains(server) {
        servers.append(server)
      }
    }
    return servers
  }
}
