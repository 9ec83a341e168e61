import Bytes
import CBOR
import Model

/// The kinds of message on the door between the signal front and core, both directions.
public enum SignalDoorKind: UInt8, CaseIterable, Sendable {
  case sessionOpened = 1
  case sessionClosed = 2
  case request = 3
  case reply = 4
  case identity = 5
}

/// What the signal front tells core.
///
/// Indirect: a copy is then one reference, not code for each list of each case.
public indirect enum SignalMessage: Hashable, LinkMessage {
  /// Until when the router's own certificate is valid.
  case identity(certificateExpires: UnixTime)
  /// A peer proved who it is.
  case sessionOpened(Session)
  /// A session has ended.
  case sessionClosed(UInt32)
  /// A valid request on a session; the reply carries the same handle.
  case request(session: UInt32, handle: UInt32, MitigationRequest)

  /// The kind and what it carries.
  public var elements: [CBORValue] {
    switch self {
    case .identity(let expires):
      [SignalDoorKind.identity.rawValue.cbor, expires.cbor]
    case .sessionOpened(let session):
      [SignalDoorKind.sessionOpened.rawValue.cbor, session.cbor]
    case .sessionClosed(let session):
      [SignalDoorKind.sessionClosed.rawValue.cbor, session.cbor]
    case .request(let session, let handle, let request):
      [SignalDoorKind.request.rawValue.cbor, session.cbor, handle.cbor, request.cbor]
    }
  }

  /// The message whose fields these are.
  public init(kind: UInt8, fields: inout Fields) throws(LinkError) {
    switch SignalDoorKind(rawValue: kind) {
    case .identity:
      self = .identity(certificateExpires: try fields.next())
    case .sessionOpened:
      self = .sessionOpened(try fields.next())
    case .sessionClosed:
      self = .sessionClosed(try fields.next())
    case .request:
      self = .request(
        session: try fields.next(),
        handle: try fields.next(),
        try fields.next()
      )
    case .reply, nil: throw .unknownKind
    }
  }
}

/// What core tells the signal front.
///
/// Indirect: a copy is then one reference, not code for each list of each case.
public indirect enum CoreMessage: Hashable, LinkMessage {
  /// What a request came to; with `more`, the reports of further messages belong to it.
  case reply(handle: UInt32, RequestOutcome, more: Bool)

  /// The kind and what it carries.
  public var elements: [CBORValue] {
    switch self {
    case .reply(let handle, let outcome, let more):
      [SignalDoorKind.reply.rawValue.cbor, handle.cbor, outcome.cbor, more.cbor]
    }
  }

  /// The message whose fields these are; only `content` has more to come.
  public init(kind: UInt8, fields: inout Fields) throws(LinkError) {
    guard kind == SignalDoorKind.reply.rawValue else { throw .unknownKind }
    let handle: UInt32 = try fields.next()
    let outcome: RequestOutcome = try fields.next()
    let more: Bool = try fields.next()
    if more {
      guard case .content = outcome else { throw .malformed }
    }
    self = .reply(handle: handle, outcome, more: more)
  }

  /// The messages that tell `outcome`, each within the limit.
  ///
  /// What two requests share in a conflict is left out where it doesn't fit beside the rest.
  public static func reply(_ handle: UInt32, _ outcome: RequestOutcome) -> [[UInt8]] {
    guard case .content(let reports) = outcome else {
      let whole = CoreMessage.reply(handle: handle, outcome, more: false)
      if let bytes = try? whole.encoded() { return [bytes] }
      let short = CoreMessage.reply(handle: handle, outcome.withoutConflictScope, more: false)
      return (try? short.encoded()).map { [$0] } ?? []
    }
    let groups = grouped(reports)
    return groups.enumerated().compactMap { index, group in
      let more = index + 1 < groups.count
      return try? CoreMessage.reply(handle: handle, .content(group), more: more).encoded()
    }
  }

  /// Bytes of a reply around its reports: 1 for the message, 1 for its kind, 5 for the handle, 2 for
  /// the outcome, 5 for the head of the list, 1 for `more`.
  private static let frame = 15

  private static func grouped(_ reports: [MitigationReport]) -> [[MitigationReport]] {
    var groups: [[MitigationReport]] = [[]]
    var size = frame
    for report in reports {
      var report = report
      var length = report.cbor.encoded.count
      if length + frame > LinkLimits.message {
        report.conflict?.scope = nil
        length = report.cbor.encoded.count
      }
      if size + length > LinkLimits.message, !groups[groups.count - 1].isEmpty {
        groups.append([])
        size = frame
      }
      groups[groups.count - 1].append(report)
      size += length
    }
    return groups
  }
}

extension RequestOutcome {
  /// The same without what the two requests of a conflict share.
  var withoutConflictScope: RequestOutcome {
    switch self {
    case .created(let mid, let lifetime, let status, let conflict):
      .created(mid: mid, lifetime: lifetime, status: status, conflict?.withoutScope)
    case .changed(let mid, let lifetime, let conflict):
      .changed(mid: mid, lifetime: lifetime, conflict?.withoutScope)
    case .refused(let refusal):
      .refused(
        Refusal(
          refusal.reason,
          mid: refusal.mid,
          retryAfter: refusal.retryAfter,
          conflict: refusal.conflict?.withoutScope
        )
      )
    case .content, .deleted, .ignored: self
    }
  }
}

extension ConflictInformation {
  fileprivate var withoutScope: ConflictInformation {
    ConflictInformation(cause: cause, status: status, retryTimer: retryTimer)
  }
}

extension MitigationScope {
  /// Whether a request with this scope, and any report of it, fits a message.
  ///
  /// The signal front refuses a request whose scope doesn't (4.13).
  public var fitsMessage: Bool { cbor.encoded.count <= LinkLimits.scope }
}
