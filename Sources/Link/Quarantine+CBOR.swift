import Bytes
import CBOR
import Model

extension DeviceKind: CBORCoded {}
extension WishOutcome: CBORCoded {}

extension LinkLimits {
  /// Addresses of one device that are told.
  static let addresses = 32
  /// Targets and ports that one cause of a quarantine tells.
  static let causeTargets = 8
  /// Causes of one quarantine that are told.
  static let causes = 4
  /// Other devices in quarantine that one view tells.
  static let others = 8
}

extension Device: CBORCoded {
  /// An array of the properties in their order.
  public var cbor: CBORValue {
    let told = [IPAddress](addresses.prefix(LinkLimits.addresses))
    return .array([mac.cbor, name.cbor, vendor.cbor, kind.cbor, told.cbor])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      mac: try fields.next(),
      name: try fields.text(),
      vendor: try fields.text(),
      kind: try fields.next(),
      addresses: try fields.list(limit: LinkLimits.addresses)
    )
    try fields.end()
  }
}

extension DeviceSummary: CBORCoded {
  /// The most mitigations that are told.
  static let maximumMitigations = 1024

  /// An array of the properties in their order; null for what doesn't apply.
  public var cbor: CBORValue {
    let told = [MitigationID](mitigations.prefix(Self.maximumMitigations))
    return .array([device.cbor, state.cbor, since.cbor, releasesLeft.cbor, told.cbor])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      device: try fields.next(),
      state: try fields.next(),
      since: try fields.optional(),
      releasesLeft: try fields.optional(),
      mitigations: try fields.list(limit: Self.maximumMitigations)
    )
    try fields.end()
  }
}

extension QuarantineCause: CBORCoded {
  /// Null for the owner, else an array of the parts.
  public var cbor: CBORValue {
    switch self {
    case .owner: .null
    case .mitigation(let client, let targets, let protocols, let ports):
      .array([
        client.cbor, [Prefix](targets.prefix(LinkLimits.causeTargets)).cbor,
        [UInt8](protocols.prefix(LinkLimits.causeTargets)).cbor,
        [PortRange](ports.prefix(LinkLimits.causeTargets)).cbor,
      ])
    }
  }

  /// Null, or an array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    if cbor.isNull {
      self = .owner
      return
    }
    var fields = try Fields(cbor)
    self = .mitigation(
      client: try fields.text(),
      targets: try fields.list(limit: LinkLimits.causeTargets),
      protocols: try fields.list(limit: LinkLimits.causeTargets),
      ports: try fields.list(limit: LinkLimits.causeTargets)
    )
    try fields.end()
  }
}

extension QuarantineStory: CBORCoded {
  /// An array of the properties in their order; null for what isn't known.
  public var cbor: CBORValue {
    let told = [QuarantineCause](causes.prefix(LinkLimits.causes))
    return .array([
      device.cbor, since.cbor, lastSeen.cbor, ends.cbor, stopped.cbor, recentPackets.cbor,
      quietSeconds.cbor, told.cbor, releasesLeft.cbor, caseNumber.cbor,
    ])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      device: try fields.next(),
      since: try fields.next(),
      lastSeen: try fields.optional(),
      ends: try fields.optional(),
      stopped: try fields.next(),
      recentPackets: try fields.next(),
      quietSeconds: try fields.next(),
      causes: try fields.list(limit: LinkLimits.causes),
      releasesLeft: try fields.next(),
      caseNumber: try fields.text()
    )
    try fields.end()
  }
}

extension PortalView: CBORCoded {
  /// An array of the properties in their order; null for what isn't known.
  public var cbor: CBORValue {
    let told = [QuarantineStory](others.prefix(LinkLimits.others))
    return .array([requester.cbor, story.cbor, released.cbor, told.cbor])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      requester: try fields.optional(),
      story: try fields.optional(),
      released: try fields.optional(),
      others: try fields.list(limit: LinkLimits.others)
    )
    try fields.end()
  }
}
