import Bytes
import Model

/// The kinds of message on the door between the signal front and core, both directions.
public enum SignalDoorKind: UInt8, CaseIterable, Sendable {
  case sessionOpened = 1
  case sessionClosed = 2
  case request = 3
  case reply = 4
  case identity = 5
  case sessionLost = 6
  case standing = 7
  case ended = 8
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
  /// A session has ended, and its client didn't say so. If it isn't back after so many seconds, it
  /// wasn't heard for as long as was agreed on: requests that wait for that begin (RFC 9132, Section
  /// 4.7).
  case sessionLost(UInt32, patience: UInt32)
  /// A valid request on a session; the reply carries the same handle. After the deadline nobody waits
  /// for it.
  case request(session: UInt32, handle: UInt32, deadline: Instant, MitigationRequest)

  /// Writes the kind and what it carries.
  public func write(to writer: inout ItemWriter) {
    switch self {
    case .identity(let expires):
      writer.kind(SignalDoorKind.identity)
      writer.value(expires)
    case .sessionOpened(let session):
      writer.kind(SignalDoorKind.sessionOpened)
      writer.value(session)
    case .sessionClosed(let session):
      writer.kind(SignalDoorKind.sessionClosed)
      writer.value(session)
    case .sessionLost(let session, let patience):
      writer.kind(SignalDoorKind.sessionLost)
      writer.value(session)
      writer.value(patience)
    case .request(let session, let handle, let deadline, let request):
      writer.kind(SignalDoorKind.request)
      writer.value(session)
      writer.value(handle)
      writer.value(deadline)
      request.write(to: &writer)
    }
  }

  /// Reads the kind and what it carries.
  public init(from reader: inout ItemReader) {
    switch SignalDoorKind(rawValue: reader.value()) {
    case .identity: self = .identity(certificateExpires: reader.value())
    case .sessionOpened: self = .sessionOpened(reader.value())
    case .sessionClosed: self = .sessionClosed(reader.value())
    case .sessionLost: self = .sessionLost(reader.value(), patience: reader.value())
    case .request:
      self = .request(
        session: reader.value(),
        handle: reader.value(),
        deadline: reader.value(),
        MitigationRequest(from: &reader)
      )
    case .reply, .standing, .ended, nil:
      reader.fail(.unknownKind)
      self = .sessionClosed(0)
    }
  }
}

/// What core tells the signal front.
///
/// Indirect: a copy is then one reference, not code for each list of each case.
public indirect enum CoreMessage: Hashable, LinkMessage {
  /// What a request came to; with `more`, the reports of further messages belong to it.
  case reply(handle: UInt32, RequestOutcome, more: Bool)
  /// Whether a `client` section names the peer of a session, and whether it has an active mitigation.
  case standing(session: UInt32, isClient: Bool, isMitigating: Bool)
  /// A mitigation of a session's client is over: its last report.
  ///
  /// Behind a gateway `cdid` says whose it was, empty for the gateway's own; else it is nil.
  case ended(session: UInt32, cuid: Text, cdid: Text?, MitigationReport)

  /// Writes the kind and what it carries.
  public func write(to writer: inout ItemWriter) {
    switch self {
    case .reply(let handle, let outcome, var more):
      writer.kind(SignalDoorKind.reply)
      writer.value(handle)
      writer.flag(&more)
      outcome.write(to: &writer)
    case .standing(let session, var isClient, var isMitigating):
      writer.kind(SignalDoorKind.standing)
      writer.value(session)
      writer.flag(&isClient)
      writer.flag(&isMitigating)
    case .ended(let session, var cuid, let cdid, let report):
      writer.kind(SignalDoorKind.ended)
      writer.value(session)
      writer.name(&cuid)
      if writer.isPresent(cdid != nil), var cdid { writer.text(&cdid) }
      writer.value(report)
    }
  }

  /// Reads the kind and what it carries.
  public init(from reader: inout ItemReader) {
    switch SignalDoorKind(rawValue: reader.value()) {
    case .reply: self.init(replyFrom: &reader)
    case .standing:
      let session: UInt32 = reader.value()
      var isClient = false
      var isMitigating = false
      reader.flag(&isClient)
      reader.flag(&isMitigating)
      self = .standing(session: session, isClient: isClient, isMitigating: isMitigating)
    case .ended:
      let session: UInt32 = reader.value()
      let cuid: Text = reader.name()
      var cdid: Text?
      if reader.isPresent(false) {
        var domain: Text = ""
        reader.text(&domain)
        cdid = domain
      }
      self = .ended(session: session, cuid: cuid, cdid: cdid, reader.value())
    default:
      reader.fail(.unknownKind)
      self = .standing(session: 0, isClient: false, isMitigating: false)
    }
  }

  /// Reads a reply; only `content` has more to come.
  private init(replyFrom reader: inout ItemReader) {
    let handle: UInt32 = reader.value()
    var more = false
    reader.flag(&more)
    let outcome = RequestOutcome(from: &reader)
    if more {
      if case .content = outcome {} else { reader.fail() }
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

  /// Bytes of a reply around its reports, at most: 1 for the kind, 5 for the handle, 1 for `more`, 1
  /// for the kind of the outcome, 3 for the head of the list.
  private static let frame = 11

  private static func grouped(_ reports: [MitigationReport]) -> [[MitigationReport]] {
    var groups: [[MitigationReport]] = [[]]
    var size = frame
    for report in reports {
      var report = report
      var length = report.encodedLength
      if length + frame > LinkLimits.message {
        report.conflict?.scope = nil
        length = report.encodedLength
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
          conflict: refusal.conflict?.withoutScope,
          alternate: refusal.alternate
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
