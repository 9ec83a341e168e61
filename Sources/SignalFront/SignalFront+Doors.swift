import Bytes
import CoAP
import DOTS
import Link
import Linux
import Model
import TLS

// MARK: The launcher

extension SignalFront {
  /// Tells the launcher something.
  func report(_ report: RoomReport) throws(FrontFault) {
    let bytes: [UInt8]
    do { bytes = try report.encoded() } catch { throw .link(error) }
    do { try launcher.send(bytes) } catch { throw .system("reach cordond", error) }
  }

  /// Takes what the launcher sent; false when it is gone.
  func serveLauncher(_ event: Poller.Event) throws(FrontFault) -> Bool {
    while true {
      let received: Received
      do { received = try launcher.receive() } catch { throw .system("reach cordond", error) }
      switch received {
      case .nothing: return true
      case .closed: return false
      case .message(let bytes, let descriptor):
        let message: FrontSetup
        do { message = try FrontSetup(parsing: bytes) } catch { throw .link(error) }
        if case .door(.core) = message {
          if let descriptor { connect(PacketSocket(adopting: descriptor)) }
          continue
        }
        let setup: Setup?
        do {
          let complete = try assembly.receive(message)
          setup = try complete.map { (complete) throws(LinkError) in try Setup(complete) }
        } catch { throw .link(error) }
        if let setup { try reload(setup) }
      }
    }
  }
}

extension SignalFront {
  /// New settings or credentials: sessions stay whose certificates are good under them.
  private func reload(_ setup: Setup) throws(FrontFault) {
    log.level = setup.settings.logLevel
    for index in entrances.indices {
      entrances[index].server.timeFloor = setup.settings.timeFloor
      do throws(TLSError) {
        let actions = try entrances[index].server.reload(
          TLS.Credentials(setup.files),
          wall: Clock.wall
        )
        perform(actions, at: index)
      } catch {
        try report(.refused(FrontFault.credentials(error).text))
        return
      }
    }
    tellIdentity()
    log.info("settings read again")
  }
}

// MARK: Core

extension SignalFront {
  /// A new end of the door to core: it knows nothing of the sessions, and owes no answer.
  private func connect(_ door: PacketSocket) {
    disconnect()
    do { try door.watch(with: poller, token: Token.core) } catch {
      log.error("can't watch the door to core: \(error)")
      return
    }
    core = door
    tellIdentity()
    for id in sessions.keys.ordered() { announce(id) }
  }

  private func disconnect() {
    if let core { try? poller.remove(core.descriptor) }
    core = nil
    closedSince = Clock.now
    for handle in questions.keys.ordered() {
      let mid = questions[handle]?.request.mid
      answer(handle, .refused(Refusal(.unavailable, mid: mid, retryAfter: 1)))
    }
  }

  private func tellIdentity() {
    guard let expires = entrances.first?.server.certificateExpires else { return }
    tellCore(.identity(certificateExpires: expires))
  }

  func announce(_ id: UInt32) {
    guard let session = sessions[id] else { return }
    tellCore(.sessionOpened(session.announced))
  }

  func tellCore(_ message: SignalMessage) {
    guard let core else { return }
    do throws(SystemError) {
      guard let bytes = try? message.encoded() else { return }
      try core.send(bytes)
    } catch {
      log.warning("the door to core is closed: \(error)")
      disconnect()
    }
  }

  /// Puts a request to core.
  func ask(_ request: MitigationRequest, _ exchange: ExchangeID, on id: UInt32) {
    guard core != nil, questions.count < Self.maximumQuestions else {
      let refusal = RequestOutcome.refused(
        Refusal(.unavailable, mid: request.mid, retryAfter: 1)
      )
      if let response = refusal.response(to: request)?.message {
        respond(response, to: exchange, on: id)
      }
      return
    }
    let handle = nextHandle()
    questions[handle] = Question(
      session: id,
      exchange: exchange,
      request: request,
      deadline: Clock.now + Self.corePatience
    )
    tellCore(.request(session: id, handle: handle, request))
  }

  func serveCore(_ event: Poller.Event) {
    do throws(SystemError) {
      while let core {
        if event.isWritable { try core.flush() }
        switch try core.receive() {
        case .nothing: return
        case .closed:
          log.warning("core is gone; requests are refused until it is back")
          disconnect()
        case .message(let bytes, _):
          guard let message = try? CoreMessage(parsing: bytes) else {
            log.error("core sent what is no message")
            disconnect()
            return
          }
          received(message)
        }
      }
    } catch {
      log.warning("the door to core is closed: \(error)")
      disconnect()
    }
  }

  private func received(_ message: CoreMessage) {
    guard case .reply(let handle, let outcome, let more) = message else { return }
    guard case .content(let reports) = outcome else {
      answer(handle, outcome)
      return
    }
    questions[handle]?.reports += reports
    if !more { answer(handle, .content(questions[handle]?.reports ?? [])) }
  }

  /// Answers a request; nothing happens when its session has ended meanwhile.
  func answer(_ handle: UInt32, _ outcome: RequestOutcome) {
    guard let question = questions.removeValue(forKey: handle) else { return }
    guard let response = outcome.response(to: question.request)?.message else {
      leaveUnanswered(question.exchange, on: question.session)
      return
    }
    guard fits(response, question.session) else {
      var refusal = DOTSResponse(.internalServerError)
      refusal.diagnostic = "the answer does not fit a datagram: ask for one mid"
      respond(refusal.message, to: question.exchange, on: question.session)
      return
    }
    respond(response, to: question.exchange, on: question.session)
  }

  /// Whether a response goes into one datagram; blocks of it come with a later version.
  private func fits(_ response: CoAPMessage, _ id: UInt32) -> Bool {
    guard let session = sessions[id] else { return true }
    let limit = entrances[session.listener].server.maximumPayload(of: session.tls) ?? 0
    let longest = CoAPDatagram(.nonConfirmable, messageID: 0, response).encoded.count
    return longest + CoAPMessage.maximumTokenLength <= limit
  }
}
