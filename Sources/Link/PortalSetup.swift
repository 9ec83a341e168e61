import Bytes
import CBOR
import Model

/// What the portal is told of the settings.
public struct PortalSetup: Hashable, Sendable, CBORCoded {
  /// The most names of the garden that are told.
  public static let maximumGarden = 64

  /// How much is logged.
  public var logLevel: LogLevel
  /// What the page needs.
  public var portal: PortalSettings

  /// Settings of these parts.
  public init(logLevel: LogLevel, portal: PortalSettings) {
    self.logLevel = logLevel
    self.portal = portal
  }

  /// An array of the properties in their order; null for a name that isn't set.
  public var cbor: CBORValue {
    let garden = [Text](portal.garden.prefix(Self.maximumGarden))
    return .array([
      logLevel.cbor, portal.port.cbor, portal.name.cbor, portal.apiName.cbor,
      portal.helpdesk.cbor, garden.cbor,
    ])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    logLevel = try fields.next()
    portal = PortalSettings()
    portal.port = try fields.next()
    portal.name = try fields.optionalName()
    portal.apiName = try fields.optionalName()
    portal.helpdesk = try fields.text()
    portal.garden = try fields.list(limit: Self.maximumGarden)
    try fields.end()
  }
}
