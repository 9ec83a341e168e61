import Bytes
import CBOR
import Model

extension LogLevel: CBORCoded {}
extension ConflictPolicy: CBORCoded {}
extension OverlapRule: CBORCoded {}

extension CoreSettings: CBORCoded {
  /// An array of the properties in their order, but for the lists of sections.
  ///
  /// Those pass as messages of their own, so that each fits.
  public var cbor: CBORValue {
    .array([
      wan.cbor, lan.cbor, action.cbor, limit.cbor, askTimeout.cbor, askDefaultsToBlock.cbor,
      terminating.cbor, conflict.cbor, maximumQuarantined.cbor, flushesOffload.cbor, user.cbor,
      state.cbor, leases.cbor, logLevel.cbor, listenPorts.cbor, resolvers.cbor,
      quarantine.cbor, releases.cbor, vendors.cbor,
    ])
  }

  /// An array of exactly these; the lists of sections are empty.
  public init(cbor: CBORValue) throws(LinkError) {
    self.init()
    var fields = try Fields(cbor)
    wan = try fields.list()
    lan = try fields.list()
    action = try fields.next()
    limit = try fields.next()
    askTimeout = try fields.next()
    askDefaultsToBlock = try fields.next()
    terminating = try fields.next()
    conflict = try fields.next()
    maximumQuarantined = try fields.next()
    flushesOffload = try fields.next()
    user = try fields.text()
    state = try fields.text(limit: LinkLimits.path)
    leases = try fields.text(limit: LinkLimits.path)
    logLevel = try fields.next()
    listenPorts = try fields.list()
    resolvers = try fields.list()
    quarantine = try fields.next()
    releases = try fields.next()
    vendors = try fields.text(limit: LinkLimits.path)
    try fields.end()
  }
}

extension QuarantineAccess: CBORCoded {
  /// An array of the properties in their order; null without an API.
  public var cbor: CBORValue { .array([portalPort.cbor, apiPort.cbor, garden.cbor]) }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      portalPort: try fields.next(),
      apiPort: try fields.optional(),
      garden: try fields.list()
    )
    try fields.end()
  }
}

extension ClientSettings: CBORCoded {
  /// An array of the properties in their order.
  public var cbor: CBORValue {
    .array([
      section.cbor, name.cbor, pin.map { .bytes($0) } ?? .null, may.cbor, targets.cbor,
      mayNameInternal.cbor, overlap.cbor, isGateway.cbor, maximumMitigations.cbor,
      maximumElements.cbor, maximumRate.cbor, maximumLifetime.cbor, alternateServer.cbor,
    ])
  }

  /// An array of exactly these; a pin has 32 bytes.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(section: try fields.text(), name: try fields.text())
    let pin = try fields.item()
    if !pin.isNull {
      guard let digest = pin.bytes, digest.count == PeerIdentity.digestLength else {
        throw .malformed
      }
      self.pin = digest
    }
    may = try fields.list(limit: RequestedAction.allCases.count)
    targets = try fields.list()
    mayNameInternal = try fields.next()
    overlap = try fields.next()
    isGateway = try fields.next()
    maximumMitigations = try fields.next()
    maximumElements = try fields.next()
    maximumRate = try fields.next()
    maximumLifetime = try fields.next()
    alternateServer = try fields.text()
    try fields.end()
  }
}

extension PolicySettings: CBORCoded {
  /// An array of the properties in their order; null for what doesn't matter.
  public var cbor: CBORValue {
    .array([section.cbor, mac.cbor, source.cbor, client.cbor, action.cbor])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    let section = try fields.text()
    let mac: MACPrefix? = try fields.optional()
    let source: Prefix? = try fields.optional()
    let client = try fields.optionalName()
    self.init(section: section, action: try fields.next())
    self.mac = mac
    self.source = source
    self.client = client
    try fields.end()
  }
}

extension ProtectSettings: CBORCoded {
  /// An array of the properties in their order.
  public var cbor: CBORValue {
    .array([
      section.cbor, macs.cbor, sources.cbor, prefixes.cbor, udpPorts.cbor, tcpPorts.cbor,
    ])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(section: try fields.text())
    macs = try fields.list()
    sources = try fields.list()
    prefixes = try fields.list()
    udpPorts = try fields.list()
    tcpPorts = try fields.list()
    try fields.end()
  }
}
