import Bytes
import CBOR
import Model

extension SessionState: CBORCoded {}
extension DeviceEvidence: CBORCoded {}
extension DeviceState: CBORCoded {}

extension SessionSummary: CBORCoded {
  /// An array of the properties in their order.
  public var cbor: CBORValue {
    .array([
      client.cbor, peer.cbor, peerPort.cbor, role.cbor, transport.cbor, state.cbor, since.cbor,
    ])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      client: try fields.text(),
      peer: try fields.next(),
      peerPort: try fields.next(),
      role: try fields.next(),
      transport: try fields.next(),
      state: try fields.next(),
      since: try fields.next()
    )
    try fields.end()
  }
}

extension StatusReport: CBORCoded {
  /// The most sessions that are told, so that a report fits a message.
  public static let maximumSessions = 48

  /// An array of the properties in their order; the uptime in whole milliseconds.
  public var cbor: CBORValue {
    let told = [SessionSummary](sessions.prefix(Self.maximumSessions))
    return .array([
      software.cbor, UInt64(clamping: uptime.milliseconds).cbor, told.cbor, mitigations.cbor,
      quarantined.cbor, isKernelInSync.cbor, certificateExpires.cbor,
    ])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    let software = try fields.text()
    guard let uptime = Int64(exactly: try fields.next() as UInt64) else { throw .malformed }
    self.init(
      software: software,
      uptime: Span(milliseconds: uptime),
      sessions: try fields.list(limit: Self.maximumSessions),
      mitigations: try fields.next(),
      quarantined: try fields.next(),
      isKernelInSync: try fields.next(),
      certificateExpires: try fields.optional()
    )
    try fields.end()
  }
}

extension DeviceMatch: CBORCoded {
  /// An array of the properties in their order; null for what isn't known.
  public var cbor: CBORValue { .array([mac.cbor, name.cbor, found.cbor]) }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      mac: try fields.optional(),
      name: try fields.optionalName(),
      found: try fields.next()
    )
    try fields.end()
  }
}

extension MitigationSummary: CBORCoded {
  /// An array of the properties in their order; null for what isn't known.
  public var cbor: CBORValue {
    .array([
      id.cbor, client.cbor, cuid.cbor, mid.cbor, status.cbor, action.cbor, scope.cbor,
      lifetime.cbor, remaining.cbor, start.cbor, dropped.cbor, devices.cbor, conflict.cbor,
    ])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      id: try fields.next(),
      client: try fields.text(),
      cuid: try fields.name(),
      mid: try fields.next(),
      status: try fields.next(),
      action: try fields.next(),
      scope: try fields.next(),
      lifetime: try fields.next(),
      remaining: try fields.next(),
      start: try fields.optional(),
      dropped: try fields.optional(),
      devices: try fields.list(),
      conflict: try fields.optional()
    )
    try fields.end()
  }

  /// The same with less detail: without devices and what a conflict shares.
  fileprivate var shortened: MitigationSummary {
    var summary = self
    summary.devices = []
    summary.conflict?.scope = nil
    return summary
  }

  /// The same, with less detail where it would not fit a message.
  ///
  /// A scope that came as a request always fits (`MitigationScope.fitsMessage`).
  public var fittingMessage: MitigationSummary {
    let message = ControlReply.mitigation(self)
    return (try? message.encoded()) == nil ? shortened : self
  }
}

extension DeviceSubject: CBORCoded {
  /// A byte string of 4 or 16 bytes for an address, of 6 for a hardware address.
  public var cbor: CBORValue {
    switch self {
    case .address(let address): address.cbor
    case .mac(let mac): mac.cbor
    }
  }

  /// A byte string of one of these lengths.
  public init(cbor: CBORValue) throws(LinkError) {
    guard let bytes = cbor.bytes else { throw .malformed }
    if let mac = MACAddress(bytes: bytes) {
      self = .mac(mac)
    } else {
      self = .address(try IPAddress(cbor: cbor))
    }
  }
}
