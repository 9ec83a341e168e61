import Bytes
import Configuration
import Linux

/// The option that tells devices of the API: DHCPv4 114, DHCPv6 103, RA 37 (RFC 8910, Section 2), as
/// lines for the servers of DHCP, which this program doesn't configure itself.
///
/// They stand beside the control socket while the API has a certificate that devices accept.
struct CaptivePortalOption {
  private let dnsmasq: Text
  private let odhcpd: Text
  /// What is told now; nil: nothing.
  private(set) var uri: Text?

  /// Nothing is told until `tell`.
  init(folder: Text) {
    dnsmasq = folder + "/captive-portal.dnsmasq"
    odhcpd = folder + "/captive-portal.odhcpd"
  }

  /// The same in all options (RFC 8910, Section 2); nil without an API.
  static func uri(_ settings: QuarantineSettings) -> Text? {
    guard settings.apiPort != nil, let name = settings.name else { return nil }
    return "https://\(name)/captive-portal/api"
  }

  static func dnsmasqLines(_ uri: Text) -> Text {
    "dhcp-option=114,\(uri)\ndhcp-option=option6:103,\(uri)\n"
  }

  static func odhcpdLines(_ uri: Text) -> Text { "\toption captive_portal_uri '\(uri)'\n" }

  /// Writes the files, or with nil takes them away; answers whether what is told has changed.
  mutating func tell(_ new: Text?) throws(SystemError) -> Bool {
    if new == uri, new != nil { return false }
    let before = uri
    if let new {
      try File.replace(dnsmasq, with: Self.dnsmasqLines(new).bytes, mode: 0o644)
      try File.replace(odhcpd, with: Self.odhcpdLines(new).bytes, mode: 0o644)
      uri = new
    } else {
      uri = nil
      for path in [dnsmasq, odhcpd] where File.exists(path) { try File.remove(path) }
    }
    return before != uri
  }
}
