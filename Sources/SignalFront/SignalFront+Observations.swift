import Bytes
import CoAP
import DOTS
import Link
import Linux
import Model

/// What clients observe: looked at every second, told when there is something to tell (RFC 9132,
/// Section 4.4.2.1).
extension SignalFront {
  /// How often core is asked while somebody observes: a change of status is told that soon.
  static let pollInterval = Span.seconds(1)
  /// When it is asked again if there was no room for a question.
  private static let shortage = Span.milliseconds(100)
  /// For how many seconds a state holds unless something says more.
  static let notificationLifetime: UInt32 = 60
  /// How often one of a session's observations is told something (RFC 9132, Section 4.4.2.1).
  private static let turn = Span.seconds(3)
  /// How many mitigations that have ended a session is still told of.
  private static let maximumPartings = 64

  /// An observation may have begun or ended.
  func observationsChanged(_ session: FrontSession) {
    let observers = session.layer.observers
    session.told.removeAll { told in !observers.contains { $0.token == told.token } }
    if observers.isEmpty {
      session.pollAt = nil
    } else if session.pollAt == nil {
      session.pollAt = Clock.now + Self.pollInterval
    }
  }

  /// Looks at all that a session observes of mitigations.
  func poll(_ session: FrontSession, now: Instant) {
    session.pollAt = nil
    session.partings.removeAll { $0.until <= now }
    // What waits for the peer's side of a full line is told when it has gone: then what is new.
    if waiting(on: session) == 0 {
      for observer in session.layer.observers {
        guard let request = retrieval(observer, of: session), core != nil,
          !isAsked(observer, on: session)
        else { continue }
        guard hasRoom(for: session, isRequest: false) else {
          // Not with the client's other sessions, which would have the room again.
          session.pollAt = now + Self.shortage
          break
        }
        ask(request, .notification(of: observer.request), on: session)
      }
    }
    observationsChanged(session)
  }

  /// Whether core owes an answer that is for this observation too.
  private func isAsked(_ observer: Observer, on session: FrontSession) -> Bool {
    for question in questions where question.session === session {
      if case .notification(let asked) = question.purpose,
        asked.options == observer.request.options
      {
        return true
      }
    }
    return false
  }

  private func retrieval(_ observer: Observer, of session: FrontSession) -> MitigationRequest? {
    let request = try? DOTSRequest(observer.request, role: session.announced.role)
    guard case .mitigation(let retrieval) = request else { return nil }
    return retrieval
  }

  /// Core has said how what is observed stands.
  func tell(
    _ response: DOTSResponse,
    _ outcome: RequestOutcome,
    to observer: Observer,
    on session: FrontSession
  ) {
    let token = observer.token
    guard let (response, reports) = withPartings(response, outcome, of: observer, on: session)
    else {
      // A core that restarts is no reason to forget who observes.
      guard response.code != .serviceUnavailable else { return }
      notify(token, response, on: session)
      return
    }
    let now = Clock.now
    let state = ToldState(reports, to: token)
    if let index = session.told.firstIndex(where: { $0.token == token }) {
      let last = session.told[index]
      guard state.isDue(after: last, at: observer.notified, now: now) else { return }
      session.told[index] = state
    } else {
      session.told.append(state)
    }
    var content = response
    content.maxAge = state.lifetime
    notify(token, content, on: session)
  }

  /// What an observation is told when core has answered; nil when that is an error.
  ///
  /// Who observes all hears of what has ended before it is gone (RFC 9132, Section 4.4.2.1).
  private func withPartings(
    _ response: DOTSResponse,
    _ outcome: RequestOutcome,
    of observer: Observer,
    on session: FrontSession
  ) -> (DOTSResponse, [MitigationReport])? {
    var reports: [MitigationReport] = []
    switch outcome {
    case .content(let current): reports = current
    case .refused(let refusal) where refusal.reason == .unknownMitigation: break
    default: return nil
    }
    let count = reports.count
    if case .retrieve(let cuid, let cdid, nil, let content) = retrieval(observer, of: session) {
      for parting in session.partings where parting.concerns(cuid, cdid) {
        let mid = parting.report.mid
        if !reports.contains(where: { $0.mid == mid }) { reports.append(parting.report) }
      }
      if reports.count > count { return (.content(reports, content), reports) }
    }
    return reports.isEmpty ? nil : (response, reports)
  }

  /// For how long an answer to a GET holds, in seconds.
  func lifetime(of outcome: RequestOutcome, isObserved: Bool) -> UInt32 {
    guard isObserved, case .content(let reports) = outcome else {
      return Self.notificationLifetime
    }
    return ToldState(reports, to: []).lifetime
  }

  /// What a GET was answered with its observation was told.
  func noteAnswer(_ outcome: RequestOutcome, on session: FrontSession) {
    observationsChanged(session)
    guard case .content(let reports) = outcome else { return }
    for observer in session.layer.observers
    where !session.told.contains(where: { $0.token == observer.token }) {
      session.told.append(ToldState(reports, to: observer.token))
    }
  }

  /// A mitigation is over: its last status is told, and that it isn't there any more.
  func ended(_ parting: Parting, on session: FrontSession) {
    var isTold = false
    for observer in session.layer.observers {
      guard
        case .retrieve(let cuid, let cdid, let mid, let content) = retrieval(observer, of: session),
        parting.concerns(cuid, cdid)
      else { continue }
      guard let mid else {
        isTold = true
        continue
      }
      guard mid == parting.report.mid else { continue }
      notify(observer.token, .content([parting.report], content), on: session)
      notify(observer.token, DOTSResponse(PeerError(.mitigationGone)), on: session)
      session.told.removeAll { $0.token == observer.token }
    }
    guard isTold else { return }
    // Until each observation of the session has had its turn.
    var parting = parting
    let now = Clock.now
    parting.until = now + Self.turn * Int64(session.layer.observers.count + 1)
    if session.partings.count == Self.maximumPartings { session.partings.remove(at: 0) }
    session.partings.append(parting)
    session.pollAt = now
  }

  private func notify(_ token: [UInt8], _ response: DOTSResponse, on session: FrontSession) {
    var response = response
    response.maxAge = response.maxAge ?? Self.notificationLifetime
    perform(session.layer.notify(token, with: response.message, now: Clock.now), on: session)
    observationsChanged(session)
  }

  /// The configuration of a session is another: it holds at once, and observers are told.
  func configurationChanged(_ session: FrontSession) {
    let now = Clock.now
    session.useParameters(now: now)
    for observer in session.layer.observers {
      guard
        case .retrieveConfiguration(let sid) =
          try? DOTSRequest(observer.request, role: session.announced.role)
      else { continue }
      let state: CoAPMessage
      do throws(PeerError) { state = try session.configuration.retrieved(sid: sid).response } catch
      {
        state = DOTSResponse(error).message
      }
      perform(session.layer.notify(observer.token, with: state, now: now), on: session)
    }
  }
}
