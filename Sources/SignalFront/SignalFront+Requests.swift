import Bytes
import CoAP
import DOTS
import Link
import Linux
import Model

/// Requests: those on `/config` and `/hb` are answered here, those on `/mitigate` by core.
extension SignalFront {
  /// A request that the message layer found well formed.
  func received(_ message: CoAPMessage, _ exchange: ExchangeID, on session: FrontSession) {
    do throws(PeerError) {
      switch try DOTSRequest(message, role: session.announced.role) {
      case .mitigation(let request):
        switch request {
        case .mitigate(_, let scope, _, _) where !scope.fitsMessage,
          .mitigateNew(_, let scope, _) where !scope.fitsMessage:
          throw PeerError(.tooManyValues)
        default:
          // An observer is told again before what it was told is stale; who asks once gets it fresh.
          let isObserving = message.observe == 0
          ask(request, .answer(exchange, isObserved: isObserving), on: session)
        }
      case .unmatched: leaveUnanswered(exchange, on: session)
      case .heartbeat(let heartbeat):
        try checkClient(session)
        respond(CoAPMessage(.changed), to: exchange, on: session)
        perform(session.heartbeats.received(heartbeat, now: Clock.now), on: session)
      case .redirect(let redirection):
        try checkClient(session)
        try redirect(session, to: redirection, answering: exchange)
      case .retrieveConfiguration(let sid):
        try checkClient(session)
        let content = try session.configuration.retrieved(sid: sid).response
        respond(content, to: exchange, on: session, isObservable: true)
      case .configure(let sid, let asked):
        try checkClient(session)
        let isNew = try session.configuration.configure(sid: sid, asked)
        respond(CoAPMessage(isNew ? .created : .changed), to: exchange, on: session)
        configurationChanged(session)
      case .resetConfiguration(let sid):
        try checkClient(session)
        session.configuration.reset(sid: sid)
        respond(CoAPMessage(.deleted), to: exchange, on: session)
        configurationChanged(session)
      }
    } catch {
      respond(DOTSResponse(error).message, to: exchange, on: session)
    }
  }

  /// Core alone knows the clients, and has said whether the peer is one (RFC 9132, Section 9).
  private func checkClient(_ session: FrontSession) throws(PeerError) {
    guard session.isClient else { throw PeerError(.notAClient) }
  }

  func leaveUnanswered(_ exchange: ExchangeID, on session: FrontSession) {
    perform(session.layer.leaveUnanswered(exchange, now: Clock.now), on: session)
  }

  func respond(
    _ response: CoAPMessage,
    to exchange: ExchangeID,
    on session: FrontSession,
    isObservable: Bool = false
  ) {
    let actions = session.layer.respond(
      to: exchange,
      with: response,
      isObservable: isObservable,
      now: Clock.now
    )
    perform(actions, on: session)
  }

  /// Puts a request to core.
  func ask(_ request: MitigationRequest, _ purpose: Question.Purpose, on session: FrontSession) {
    let handle = nextHandle()
    let isFull = core == nil || !hasRoom(for: session)
    let deadline = Clock.now + Self.corePatience
    questions.append(
      Question(
        handle: handle,
        session: session,
        purpose: purpose,
        request: request,
        deadline: deadline
      )
    )
    if isFull {
      answer(handle, .refused(Refusal(.unavailable, mid: request.mid, retryAfter: 1)))
    } else {
      tellCore(
        .request(session: session.id, handle: handle, deadline: deadline, request)
      )
    }
  }

  /// Whether core may owe one more answer: to anybody, and to whom the session's client is.
  ///
  /// What nobody waits for takes half the room, so that requests find some.
  func hasRoom(for session: FrontSession, isRequest: Bool = true) -> Bool {
    let share = isRequest ? 1 : 2
    guard questions.count < Self.maximumQuestions / share else { return false }
    var own = 0
    for question in questions where question.session.isOfSameClient(as: session) { own += 1 }
    return own < Self.maximumQuestionsOfClient / share
  }

  /// Answers a request; nothing happens when its session has ended meanwhile.
  func answer(_ handle: UInt32, _ outcome: RequestOutcome) {
    guard let index = question(handle) else { return }
    let question = questions.remove(at: index)
    let session = question.session
    let response = outcome.response(to: question.request)
    switch question.purpose {
    case .answer(let exchange, let isObserved):
      guard let response else {
        leaveUnanswered(exchange, on: session)
        return
      }
      guard case .retrieve = question.request else {
        respond(response.message, to: exchange, on: session)
        return
      }
      var content = response
      content.maxAge = response.maxAge ?? lifetime(of: outcome, isObserved: isObserved)
      respond(content.message, to: exchange, on: session, isObservable: true)
      noteAnswer(outcome, on: session)
    case .notification(let asked):
      guard let response else { return }
      for observer in session.layer.observers where observer.request.options == asked.options {
        tell(response, outcome, to: observer, on: session)
      }
    }
  }
}
