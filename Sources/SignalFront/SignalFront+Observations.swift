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
  /// For how many seconds a state holds: longer than until the next is told, as often as not.
  static let notificationLifetime: UInt32 = 60

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
    for observer in session.layer.observers {
      guard let request = retrieval(observer, of: session), core != nil,
        questions.count < Self.maximumQuestions / 2
      else { continue }
      ask(request, .notification(token: observer.token), on: session)
    }
    observationsChanged(session)
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
    to token: [UInt8],
    on session: FrontSession
  ) {
    guard let observer = session.layer.observers.first(where: { $0.token == token }) else { return }
    guard case .content(let reports) = outcome else {
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
    notify(token, response, on: session)
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
  func ended(_ report: MitigationReport, of cuid: Text, on session: FrontSession) {
    for observer in session.layer.observers {
      guard
        case .retrieve(let observed, _, let mid, let content) = retrieval(observer, of: session),
        observed == cuid, mid == nil || mid == report.mid
      else { continue }
      notify(observer.token, .content([report], content), on: session)
      if mid != nil {
        notify(observer.token, DOTSResponse(PeerError(.mitigationGone)), on: session)
      }
      session.told.removeAll { $0.token == observer.token }
    }
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
