import Bytes
import Model

extension MitigationScope {
  /// Checks what holds for a request in `role` whatever the home and the client are.
  func validate(role: SessionRole) throws(PeerError) {
    guard
      !targetPrefixes.isEmpty || !targetFQDNs.isEmpty || !targetURIs.isEmpty || !aliasNames.isEmpty
    else { throw PeerError(.noTarget) }
    for prefix in targetPrefixes {
      if prefix.isEverything {
        guard !sourcePrefixes.isEmpty else { throw PeerError(.targetEverything) }
      } else if prefix.holdsNonUnicast {
        throw PeerError(.prefixNotUnicast, Key.targetPrefix)
      }
    }
    for prefix in sourcePrefixes where prefix.holdsNonUnicast {
      throw PeerError(.prefixNotUnicast, Key.sourcePrefix)
    }
    try validatePorts()
    for name in targetFQDNs where !name.isDomainName {
      throw PeerError(.domainNameSyntax, Key.targetFQDN)
    }
    for uri in targetURIs { try TargetURI.validate(uri) }
    if role == .callHome { try validateCallHome() }
  }

  private func validatePorts() throws(PeerError) {
    guard !targetPortRanges.isEmpty || !sourcePortRanges.isEmpty, !targetProtocols.isEmpty,
      !targetProtocols.contains(where: { Self.protocolsWithPorts.contains($0) })
    else { return }
    throw PeerError(.portsWithoutProtocol)
  }

  /// TCP, UDP, DCCP, SCTP and UDP-Lite.
  private static let protocolsWithPorts: [UInt8] = [6, 17, 33, 132, 136]

  /// RFC 9066, Section 5.3.1.
  private func validateCallHome() throws(PeerError) {
    guard !sourcePrefixes.isEmpty else { throw PeerError(.sourceRequired) }
    guard !targetPrefixes.isEmpty else { throw PeerError(.targetPrefixRequired) }
    guard triggerMitigation else { throw PeerError(.triggerRequired) }
  }
}

extension Prefix {
  /// Whether the block holds, or lies in, addresses that no single host has: loopback, multicast,
  /// the limited broadcast address (RFC 9132, Section 4.4.1.1).
  var holdsNonUnicast: Bool { Self.nonUnicast.contains { overlaps($0) } }

  private static let nonUnicast: [Prefix] = [
    Prefix(IPAddress(v4: 0x7F00_0000), length: 8),
    Prefix(IPAddress(v4: 0xE000_0000), length: 4),
    Prefix(IPAddress(v4: 0xFFFF_FFFF), length: 32),
    Prefix(IPAddress(v6High: 0, low: 1), length: 128),
    Prefix(IPAddress(v6High: 0xFF00_0000_0000_0000, low: 0), length: 8),
  ].compactMap { $0 }
}

extension Text {
  /// Whether this is the name of a host in the preferred form, in ASCII, underscores allowed
  /// (RFC 6991, `domain-name`); the root alone isn't a host.
  var isDomainName: Bool {
    guard (1...253).contains(count) else { return false }
    var labels = split(0x2E)
    if labels.last?.isEmpty == true { labels.removeLast() }
    return !labels.isEmpty && labels.allSatisfy { $0.isDomainLabel }
  }

  private var isDomainLabel: Bool {
    guard let first = bytes.first, let last = bytes.last, count <= 63 else { return false }
    return first != 0x2D && last != 0x2D
      && bytes.allSatisfy { $0.isASCIIAlphanumeric || $0 == 0x2D || $0 == 0x5F }
  }
}

extension UInt8 {
  var isASCIIAlphanumeric: Bool { isASCIILetter || (0x30...0x39).contains(self) }

  var isASCIILetter: Bool { (0x61...0x7A).contains(self | 0x20) }
}
