import Bytes
import CBOR
import Model

extension MitigationStatus: CBORCoded {}
extension ConflictStatus: CBORCoded {}
extension ConflictCause: CBORCoded {}

extension DropCounters: CBORCoded {
  /// An array of packets, bytes and the two rates.
  public var cbor: CBORValue {
    .array([packets.cbor, bytes.cbor, packetsPerSecond.cbor, bytesPerSecond.cbor])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      packets: try fields.next(),
      bytes: try fields.next(),
      packetsPerSecond: try fields.next(),
      bytesPerSecond: try fields.next()
    )
    try fields.end()
  }
}

extension ConflictInformation: CBORCoded {
  /// An array of the cause and, each or null, the status, the retry timer and the scope.
  public var cbor: CBORValue { .array([cause.cbor, status.cbor, retryTimer.cbor, scope.cbor]) }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      cause: try fields.next(),
      status: try fields.optional(),
      retryTimer: try fields.optional(),
      scope: try fields.optional()
    )
    try fields.end()
  }
}

extension MitigationReport: CBORCoded {
  /// An array of the properties in their order; null for what isn't known.
  public var cbor: CBORValue {
    .array([
      mid.cbor, scope.cbor, remaining.cbor, status.cbor, start.cbor, dropped.cbor, conflict.cbor,
    ])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      mid: try fields.next(),
      scope: try fields.next(),
      remaining: try fields.next(),
      status: try fields.next(),
      start: try fields.optional(),
      dropped: try fields.optional(),
      conflict: try fields.optional()
    )
    try fields.end()
  }
}
