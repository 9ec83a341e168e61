import Bytes
import Model

extension ContentFilter: Coded {
  /// Both.
  public static var blank: ContentFilter { .all }
}

// A request and an outcome stand at the end of a message, where their parts, whose number depends on
// the case, need no array of their own.

extension MitigationRequest {
  private enum Kind: UInt8 {
    case mitigate = 1
    case mitigateNew = 2
    case retrieve = 3
    case withdraw = 4
  }

  /// Writes the kind and its parts.
  func write(to writer: inout ItemWriter) {
    switch self {
    case .mitigate(let name, let scope, let lifetime, let efficacy):
      writer.kind(Kind.mitigate)
      writer.value(name)
      writer.value(scope)
      writer.optional(lifetime)
      writer.optional(efficacy)
    case .mitigateNew(let name, let scope, let lifetime):
      writer.kind(Kind.mitigateNew)
      writer.value(name)
      writer.value(scope)
      writer.value(lifetime)
    case .retrieve(var cuid, var cdid, let mid, let content):
      writer.kind(Kind.retrieve)
      writer.name(&cuid)
      writer.optionalName(&cdid)
      writer.optional(mid)
      writer.value(content)
    case .withdraw(let name):
      writer.kind(Kind.withdraw)
      writer.value(name)
    }
  }

  /// Reads these.
  init(from reader: inout ItemReader) {
    switch Kind(rawValue: reader.value()) {
    case .mitigate:
      self = .mitigate(
        reader.value(),
        reader.value(),
        lifetime: reader.optional(),
        efficacy: reader.optional()
      )
    case .mitigateNew:
      self = .mitigateNew(reader.value(), reader.value(), lifetime: reader.value())
    case .retrieve:
      let cuid = reader.name()
      var cdid: Text?
      reader.optionalName(&cdid)
      self = .retrieve(cuid: cuid, cdid: cdid, mid: reader.optional(), content: reader.value())
    case .withdraw: self = .withdraw(reader.value())
    case nil:
      reader.fail()
      self = .withdraw(.blank)
    }
  }
}

extension RequestOutcome {
  private enum Kind: UInt8 {
    case created = 1
    case changed = 2
    case content = 3
    case deleted = 4
    case ignored = 5
    case refused = 6
  }

  /// Writes the kind and its parts.
  func write(to writer: inout ItemWriter) {
    switch self {
    case .created(let mid, let lifetime, let status, let conflict):
      writer.kind(Kind.created)
      writer.value(mid)
      writer.value(lifetime)
      writer.optional(status)
      writer.optional(conflict)
    case .changed(let mid, let lifetime, let conflict):
      writer.kind(Kind.changed)
      writer.value(mid)
      writer.value(lifetime)
      writer.optional(conflict)
    case .content(var reports):
      writer.kind(Kind.content)
      writer.list(&reports)
    case .deleted: writer.kind(Kind.deleted)
    case .ignored: writer.kind(Kind.ignored)
    case .refused(let refusal):
      writer.kind(Kind.refused)
      refusal.write(to: &writer)
    }
  }

  /// Reads these.
  init(from reader: inout ItemReader) {
    switch Kind(rawValue: reader.value()) {
    case .created:
      self = .created(
        mid: reader.value(),
        lifetime: reader.value(),
        status: reader.optional(),
        reader.optional()
      )
    case .changed:
      self = .changed(mid: reader.value(), lifetime: reader.value(), reader.optional())
    case .content:
      var reports: [MitigationReport] = []
      reader.list(&reports)
      self = .content(reports)
    case .deleted: self = .deleted
    case .ignored: self = .ignored
    case .refused: self = .refused(Refusal(from: &reader))
    case nil:
      reader.fail()
      self = .ignored
    }
  }
}

extension RefusalReason: Coded {
  /// Unavailable.
  public static var blank: RefusalReason { .unavailable }
}

extension Refusal {
  /// Writes an array of the reason, of the mid, the seconds and the conflict, each or null, and of
  /// the other server.
  func write(to writer: inout ItemWriter) {
    var alternate = alternate
    writer.array(of: 5)
    writer.value(reason)
    writer.optional(mid)
    writer.optional(retryAfter)
    writer.optional(conflict)
    writer.text(&alternate)
  }

  /// Reads these.
  init(from reader: inout ItemReader) {
    reader.array(of: 5)
    let reason: RefusalReason = reader.value()
    let mid: UInt32? = reader.optional()
    let retryAfter: UInt32? = reader.optional()
    let conflict: ConflictInformation? = reader.optional()
    var alternate: Text = ""
    reader.text(&alternate)
    self.init(
      reason,
      mid: mid,
      retryAfter: retryAfter,
      conflict: conflict,
      alternate: alternate
    )
  }
}
