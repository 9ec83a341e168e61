import Bytes
import Firewall
import Link
import Linux
import Mitigation
import Model
import Netlink

// MARK: The signal front

extension Core {
  /// A new end of the door to the signal front, which tells its sessions again.
  func connectSignal(_ door: PacketSocket) {
    disconnectSignal()
    do { try door.watch(with: poller, token: Token.signal) } catch {
      log.error("can't watch the door to signal: \(error)")
      return
    }
    signal = door
  }

  private func disconnectSignal() {
    if let signal { try? poller.remove(signal.descriptor) }
    signal = nil
    let left = sessions
    sessions = []
    for known in left {
      if let client = engine.client(for: known.session) { expect(client.section) }
    }
  }

  func serveSignal(_ event: Poller.Event) {
    do throws(SystemError) {
      for _ in 0..<Self.messagesPerTurn {
        guard let signal else { return }
        if event.isWritable { try signal.flush() }
        switch try signal.receive() {
        case .nothing: return
        case .closed:
          log.warning("signal is gone")
          disconnectSignal()
          return
        case .message(let bytes, _):
          guard let message = try? SignalMessage(parsing: bytes) else {
            log.error("signal sent what is no message")
            disconnectSignal()
            return
          }
          received(message)
        }
      }
    } catch {
      log.warning("the door to signal is closed: \(error)")
      disconnectSignal()
    }
  }

  private func received(_ message: SignalMessage) {
    switch message {
    case .identity(let expires):
      certificateExpires = expires
    case .sessionOpened(let session):
      guard sessions.count < Self.maximumSessions else { return }
      let known = KnownSession(session: session, since: Clock.wall)
      let place = place(of: session.id)
      if self.session(session.id) != nil { sessions.remove(at: place) }
      sessions.insert(known, at: place)
      if let client = engine.client(for: session) { losses.heard(client.section) }
    case .sessionClosed(let id):
      if session(id) != nil { sessions.remove(at: place(of: id)) }
    case .sessionLost(let id, let patience):
      guard let session = session(id) else { return }
      sessions.remove(at: place(of: id))
      guard let client = engine.client(for: session) else { return }
      expect(client.section, for: .seconds(patience))
    case .request(let id, let handle, let deadline, let request):
      // It was refused meanwhile, which then has to hold.
      guard Clock.now < deadline else { return }
      guard let session = session(id) else {
        reply(handle, .refused(Refusal(.unavailable, retryAfter: 1)))
        return
      }
      reply(handle, outcome(of: request, from: session))
    }
  }

  private func place(of id: UInt32) -> Int { sessions.insertion { $0.session.id < id } }

  private func session(_ id: UInt32) -> Session? {
    let place = place(of: id)
    guard place < sessions.count, sessions[place].session.id == id else { return nil }
    return sessions[place].session
  }

  /// Messages between looks at everything else: a signal room that never stops must not keep elements
  /// from being renewed.
  private static let messagesPerTurn = 64
  /// As many as the signal front has with all listeners that it can have; some kilobytes each.
  private static let maximumSessions = 2048

  private func reply(_ handle: UInt32, _ outcome: RequestOutcome) {
    tellSignal(CoreMessage.reply(handle, outcome))
  }

  private func tellSignal(_ messages: [[UInt8]]) {
    guard let signal else { return }
    do throws(SystemError) {
      for bytes in messages { try signal.send(bytes) }
    } catch {
      log.warning("the door to signal is closed: \(error)")
      disconnectSignal()
    }
  }
}

// MARK: Clients and their sessions

extension Core {
  /// Tells the signal front which sessions are of clients, and which have something mitigated, where
  /// that is news.
  func tellStandings() {
    guard signal != nil else { return }
    var messages: [[UInt8]] = []
    for index in sessions.indices {
      let session = sessions[index].session
      let isClient = engine.client(for: session) != nil
      let isMitigating = engine.isMitigating(for: session)
      if let told = sessions[index].told, told == (isClient, isMitigating) { continue }
      sessions[index].told = (isClient, isMitigating)
      let standing = CoreMessage.standing(
        session: session.id,
        isClient: isClient,
        isMitigating: isMitigating
      )
      if let bytes = try? standing.encoded() { messages.append(bytes) }
    }
    if !messages.isEmpty { tellSignal(messages) }
  }

  /// Tells the sessions of a mitigation's client that it is over.
  func tellEnding(_ ending: MitigationEnding) {
    guard signal != nil else { return }
    var messages: [[UInt8]] = []
    for known in sessions {
      guard let client = engine.client(for: known.session), client.section == ending.client else {
        continue
      }
      let ended = CoreMessage.ended(
        session: known.session.id,
        cuid: ending.name.cuid,
        cdid: client.isGateway ? ending.name.cdid ?? "" : nil,
        ending.report
      )
      if let bytes = try? ended.encoded() { messages.append(bytes) }
    }
    if !messages.isEmpty { tellSignal(messages) }
  }
}

// MARK: Requests

extension Core {
  /// Decides about a request and does what follows from it, before the answer leaves.
  private func outcome(of request: MitigationRequest, from session: Session) -> RequestOutcome {
    let now = Clock.now
    advance(to: now)
    let decision = engine.received(
      request,
      from: session,
      now: now,
      wall: Clock.wall,
      surroundings: surroundings()
    )
    let outcome: RequestOutcome
    var kernelRemembers = false
    switch decision {
    case .answer(let answer): outcome = answer
    case .enforce(let changes):
      let changes = journalled(changes, now: now)
      kernelRemembers = changes.rememberMitigation
      outcome = enforce(changes, now: now)
      // One that another stood in the place of begins with a refresh.
      if case .changed = outcome { findAnew(changes, now: now) }
    }
    logOutcome(outcome, of: request, from: session)
    logEndings()
    switch outcome {
    case .created, .changed, .deleted:
      store.changed()
      neighboursReadAt = neighboursReadAt ?? now + Self.neighbourPatience
      // Before a 2.01 whose mitigation the kernel can't give back: one that it doesn't hold, or whose
      // journal is too long for it.
      if case .created = outcome {
        tellQuestions()
        if !kernelRemembers { save() }
      }
    case .content, .ignored, .refused: break
    }
    return outcome
  }

  /// Has the kernel carry out what the engine decided; the answer to the request.
  func enforce(_ changes: [RuleChange], now: Instant) -> RequestOutcome {
    do throws(KernelFault) {
      try commit(changes, now: now)
      return engine.enforced()
    } catch {
      log.error("the kernel refused a change: \(error)")
      if error.wantsRepair { repairAt = now }
      return engine.refusedByKernel(isFull: error.isFull)
    }
  }

  /// The same changes, with what a restarted core needs to know in each rule's and device's journal.
  func journalled(_ changes: [RuleChange], now: Instant) -> [RuleChange] {
    changes.map { change in
      switch change {
      case .install(var rule, let remaining):
        guard let record = engine.record(of: rule.id, now: now) else { return change }
        rule.journal = Journal(record, writtenAt: now).encoded ?? []
        return .install(rule, remaining: remaining)
      case .quarantine(var quarantine, let remaining):
        guard let record = engine.deviceRecord(of: quarantine.mac, now: now) else { return change }
        quarantine.journal = record.journal(at: now)
        return .quarantine(quarantine, remaining: remaining)
      case .renew, .remove, .release: return change
      }
    }
  }

  private func logOutcome(
    _ outcome: RequestOutcome,
    of request: MitigationRequest,
    from session: Session
  ) {
    let client = engine.client(for: session)?.section ?? session.identity.names.first ?? "nobody"
    switch outcome {
    case .created(let mid, _, .some, _):
      log.info("\(client) mid \(mid): waits for the owner's consent (cordonctl consent)")
    case .created(let mid, .seconds(let seconds), _, _):
      log.info("\(client) mid \(mid): mitigating for \(seconds) s")
    case .created(let mid, .indefinite, _, _):
      log.info("\(client) mid \(mid): mitigating until withdrawn")
    case .changed(let mid, _, _): log.debug("\(client) mid \(mid): refreshed")
    case .deleted:
      if case .withdraw(let name) = request {
        log.info("\(client) mid \(name.mid): withdrawn")
      }
    case .refused(let refusal):
      guard refusals.allows(now: Clock.now) else { return }
      let missing = refusals.takeSuppressed()
      if missing > 0 { log.info("\(missing) more refusals were not logged") }
      log.info("\(client): refused, reason \(refusal.reason.rawValue)")
    case .content, .ignored: break
    }
  }
}

extension [RuleChange] {
  /// Whether the kernel keeps what a restarted core needs to know of a new mitigation and its devices.
  ///
  /// One without a rule has no counter, and so no journal there.
  fileprivate var rememberMitigation: Bool {
    var hasRule = false
    for change in self {
      switch change {
      case .install(let rule, _):
        if rule.journal.isEmpty { return false }
        hasRule = true
      case .quarantine(let quarantine, _):
        if quarantine.journal.isEmpty { return false }
      case .renew, .remove, .release: continue
      }
    }
    return hasRule
  }
}
