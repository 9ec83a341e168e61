import Bytes
import CoAP
import Model

/// A request of the signal channel (RFC 9132, Section 4).
///
/// Indirect: a copy is then one reference, not code for each list of each case.
public indirect enum DOTSRequest: Hashable, Sendable {
  /// On `/mitigate`.
  case mitigation(MitigationRequest)
  /// On `/mitigate`, conditional on an entity tag that no mitigation has: it gets no answer, like an
  /// efficacy update of an unknown mitigation (Section 4.4.3).
  case unmatched
  /// PUT on `/hb`.
  case heartbeat(Heartbeat)
  /// PUT on `/redirect`, of Call Home alone (RFC 9066, Section 5.2.2).
  case redirect(Redirection)
  /// GET on `/config`.
  case retrieveConfiguration(sid: UInt32?)
  /// PUT on `/config`.
  case configure(sid: UInt32, SessionConfiguration)
  /// DELETE on `/config`.
  case resetConfiguration(sid: UInt32?)

  /// Reads and checks a request that came on a session of `role`: path, method, options, payload, in
  /// this order; the first fault decides.
  ///
  /// Critical options that nobody understands were refused before by the message layer.
  public init(_ message: CoAPMessage, role: SessionRole) throws(PeerError) {
    let path = try ResourcePath(message.uriPath)
    switch path {
    case .mitigate(let cuid, let cdid, let mid):
      guard message.code == .get || message.code == .put || message.code == .delete else {
        throw PeerError(.methodNotAllowed)
      }
      guard let cuid else { throw PeerError(.cuidMissing) }
      guard message.code != .get else {
        let content = try RequestOptions(message, on: path).content
        self = .mitigation(.retrieve(cuid: cuid, cdid: cdid, mid: mid, content: content))
        return
      }
      guard let mid else { throw PeerError(.midMissing) }
      let name = MitigationName(cuid: cuid, cdid: cdid, mid: mid)
      let options = try RequestOptions(message, on: path)
      self =
        message.code == .put
        ? try Self.mitigate(name, message, options, role) : .mitigation(.withdraw(name))
    case .configuration(let sid): self = try Self.configuration(sid, message, path)
    case .heartbeat:
      guard message.code == .put else { throw PeerError(.methodNotAllowed) }
      _ = try RequestOptions(message, on: path)
      self = .heartbeat(try Heartbeat(parsing: message.payload))
    case .redirect:
      guard role == .callHome else { throw PeerError(.resourceNotServed) }
      guard message.code == .put else { throw PeerError(.methodNotAllowed) }
      _ = try RequestOptions(message, on: path)
      self = .redirect(try Redirection(parsing: message.payload))
    }
  }

  private static func mitigate(
    _ name: MitigationName,
    _ message: CoAPMessage,
    _ options: RequestOptions,
    _ role: SessionRole
  ) throws(PeerError) -> DOTSRequest {
    guard !options.matchesNothing else { return .unmatched }
    let entry = try MitigationBody.request(
      parsing: message.payload,
      role: role,
      isEfficacyUpdate: options.isEfficacyUpdate
    )
    guard options.mustBeNew, let lifetime = entry.lifetime else {
      return .mitigation(
        .mitigate(name, entry.scope, lifetime: entry.lifetime, efficacy: entry.attackStatus)
      )
    }
    return .mitigation(.mitigateNew(name, entry.scope, lifetime: lifetime))
  }

  private static func configuration(
    _ sid: UInt32?,
    _ message: CoAPMessage,
    _ path: ResourcePath
  ) throws(PeerError) -> DOTSRequest {
    switch message.code {
    case .get, .delete:
      _ = try RequestOptions(message, on: path)
      return message.code == .get
        ? .retrieveConfiguration(sid: sid) : .resetConfiguration(sid: sid)
    case .put:
      guard let sid else { throw PeerError(.sidMissing) }
      _ = try RequestOptions(message, on: path)
      let configuration = try SessionConfiguration(parsing: message.payload)
      try configuration.validateRequest()
      return .configure(sid: sid, configuration)
    default: throw PeerError(.methodNotAllowed)
    }
  }
}

extension DOTSRequest {
  /// The request as a client sends it; nil for `unmatched`, which no client of ours sends.
  public var message: CoAPMessage? {
    switch self {
    case .mitigation(let request): request.message
    case .unmatched: nil
    case .heartbeat(let heartbeat): heartbeat.message
    case .redirect(let redirection):
      CoAPMessage(.put, path: .redirect, body: redirection.encoded)
    case .retrieveConfiguration(let sid): CoAPMessage(.get, path: .configuration(sid: sid))
    case .configure(let sid, let configuration):
      CoAPMessage(.put, path: .configuration(sid: sid), body: configuration.encoded)
    case .resetConfiguration(let sid): CoAPMessage(.delete, path: .configuration(sid: sid))
    }
  }
}

extension Heartbeat {
  /// The heartbeat as a request; by itself, since a server sends no other.
  public var message: CoAPMessage { CoAPMessage(.put, path: .heartbeat, body: encoded) }
}

extension MitigationRequest {
  fileprivate var message: CoAPMessage {
    switch self {
    case .mitigate(let name, let scope, let lifetime, let efficacy):
      var entry = MitigationEntry()
      entry.scope = scope
      entry.lifetime = lifetime
      entry.attackStatus = efficacy
      var message = name.message(.put, entry)
      if efficacy != nil { message.add(CoAPOption(.ifMatch, [])) }
      return message
    case .mitigateNew(let name, let scope, let lifetime):
      var entry = MitigationEntry()
      entry.scope = scope
      entry.lifetime = lifetime
      var message = name.message(.put, entry)
      message.add(CoAPOption(.ifNoneMatch, []))
      return message
    case .retrieve(let cuid, let cdid, let mid, let content):
      let path = ResourcePath.mitigate(cuid: cuid, cdid: cdid, mid: mid)
      var message = CoAPMessage(.get, path: path)
      if let query = content.query { message.add(CoAPOption(.uriQuery, query.bytes)) }
      return message
    case .withdraw(let name): return name.message(.delete, nil)
    }
  }
}

extension MitigationName {
  fileprivate func message(_ code: CoAPCode, _ entry: MitigationEntry?) -> CoAPMessage {
    let path = ResourcePath.mitigate(cuid: cuid, cdid: cdid, mid: mid)
    return CoAPMessage(code, path: path, body: entry.map { MitigationBody.encoded([$0]) } ?? [])
  }
}

extension CoAPMessage {
  fileprivate init(_ code: CoAPCode, path: ResourcePath, body: [UInt8] = []) {
    self.init(
      code,
      options: path.segments.map { CoAPOption(.uriPath, $0.bytes) },
      payload: body
    )
    if !body.isEmpty { add(CoAPOption(.contentFormat, uint: UInt32(dotsContentFormat))) }
  }
}
