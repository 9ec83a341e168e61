import Bytes

/// What the portal is told of the settings.
public struct PortalSettings: Hashable, Sendable {
  /// The port of the page.
  public var port: UInt16 = 8646
  /// The name in the page's URL; nil: the router's address is used.
  public var name: Text?
  /// The name in the certificate of the API (RFC 8908); nil: there is no API.
  public var apiName: Text?
  /// How the helpdesk is reached, as a URI; empty: not said.
  public var helpdesk: Text = ""
  /// Names that a quarantined device may reach over https.
  public var garden: [Text] = []

  /// The defaults.
  public init() {}
}
