import Bytes
import CBOR
import Model

extension ContentFilter: CBORCoded {}

extension MitigationRequest: CBORCoded {
  private enum Kind: UInt8, CBORCoded {
    case mitigate = 1
    case mitigateNew = 2
    case retrieve = 3
    case withdraw = 4
  }

  /// An array of the kind and its parts.
  public var cbor: CBORValue {
    switch self {
    case .mitigate(let name, let scope, let lifetime, let efficacy):
      .array([Kind.mitigate.cbor, name.cbor, scope.cbor, lifetime.cbor, efficacy.cbor])
    case .mitigateNew(let name, let scope, let lifetime):
      .array([Kind.mitigateNew.cbor, name.cbor, scope.cbor, lifetime.cbor])
    case .retrieve(let cuid, let cdid, let mid, let content):
      .array([Kind.retrieve.cbor, cuid.cbor, cdid.cbor, mid.cbor, content.cbor])
    case .withdraw(let name):
      .array([Kind.withdraw.cbor, name.cbor])
    }
  }

  /// An array of a kind and exactly its parts.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    let kind: Kind = try fields.next()
    switch kind {
    case .mitigate:
      self = .mitigate(
        try fields.next(),
        try fields.next(),
        lifetime: try fields.optional(),
        efficacy: try fields.optional()
      )
    case .mitigateNew:
      self = .mitigateNew(try fields.next(), try fields.next(), lifetime: try fields.next())
    case .retrieve:
      self = .retrieve(
        cuid: try fields.name(),
        cdid: try fields.optionalName(),
        mid: try fields.optional(),
        content: try fields.next()
      )
    case .withdraw:
      self = .withdraw(try fields.next())
    }
    try fields.end()
  }
}

extension RequestOutcome: CBORCoded {
  private enum Kind: UInt8, CBORCoded {
    case created = 1
    case changed = 2
    case content = 3
    case deleted = 4
    case ignored = 5
    case refused = 6
  }

  /// An array of the kind and its parts.
  public var cbor: CBORValue {
    switch self {
    case .created(let mid, let lifetime, let status, let conflict):
      .array([Kind.created.cbor, mid.cbor, lifetime.cbor, status.cbor, conflict.cbor])
    case .changed(let mid, let lifetime, let conflict):
      .array([Kind.changed.cbor, mid.cbor, lifetime.cbor, conflict.cbor])
    case .content(let reports): .array([Kind.content.cbor, reports.cbor])
    case .deleted: .array([Kind.deleted.cbor])
    case .ignored: .array([Kind.ignored.cbor])
    case .refused(let refusal): .array([Kind.refused.cbor, refusal.cbor])
    }
  }

  /// An array of a kind and exactly its parts.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    let kind: Kind = try fields.next()
    switch kind {
    case .created:
      self = .created(
        mid: try fields.next(),
        lifetime: try fields.next(),
        status: try fields.optional(),
        try fields.optional()
      )
    case .changed:
      self = .changed(
        mid: try fields.next(),
        lifetime: try fields.next(),
        try fields.optional()
      )
    case .content: self = .content(try fields.list())
    case .deleted: self = .deleted
    case .ignored: self = .ignored
    case .refused: self = .refused(try fields.next())
    }
    try fields.end()
  }
}

extension RefusalReason: CBORCoded {}

extension Refusal: CBORCoded {
  /// An array of the reason and, each or null, the mid, the seconds and the conflict.
  public var cbor: CBORValue {
    .array([reason.cbor, mid.cbor, retryAfter.cbor, conflict.cbor])
  }

  /// An array of exactly these.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(
      try fields.next(),
      mid: try fields.optional(),
      retryAfter: try fields.optional(),
      conflict: try fields.optional()
    )
    try fields.end()
  }
}
