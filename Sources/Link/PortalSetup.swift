import Bytes
import Model

/// What the portal is told of the settings.
public struct PortalSetup: Hashable, Coded, LinkMessage {
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

  /// The defaults.
  public static var blank: PortalSetup { PortalSetup(logLevel: .blank, portal: PortalSettings()) }

  /// The properties in their order; null for a name that isn't set; of the garden, the first are told.
  public mutating func code(_ coder: inout some Coder) {
    logLevel.code(&coder)
    portal.port.code(&coder)
    coder.optionalName(&portal.name)
    coder.optionalName(&portal.apiName)
    coder.text(&portal.helpdesk)
    coder.list(&portal.garden, limit: Self.maximumGarden, isCut: true)
  }
}
