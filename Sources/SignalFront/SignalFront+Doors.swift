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
        if case .addresses(let name, let told) = message {
          let addresses: [IPAddress]
          do { addresses = try AddressList(parsing: told).addresses } catch { throw .link(error) }
          if name.isEmpty { moved(to: addresses) } else { found(addresses, of: name) }
          continue
        }
        let setup: Setup?
        do {
          let complete = try assembly.receive(message)
          setup = try complete.map { (complete) throws(LinkError) in try Setup(complete) }
        } catch { throw .link(error) }
        guard let setup else { continue }
        // A room that may not make sockets begins anew to be one that may.
        if !mayDial, !setup.settings.callHomes.isEmpty { return false }
        try reload(setup)
      }
    }
  }
}

extension SignalFront {
  /// New settings or credentials: sessions stay whose certificates are good under them.
  private func reload(_ setup: Setup) throws(FrontFault) {
    log.level = setup.settings.logLevel
    for (index, entrance) in entrances.enumerated() {
      entrance.server.timeFloor = setup.settings.timeFloor
      do throws(TLSError) {
        let actions = try entrance.server.reload(TLS.Credentials(setup), wall: Clock.wall)
        perform(actions, at: index)
      } catch {
        try report(.refused(FrontFault.credentials(error).text))
        return
      }
    }
    do { try useCallHomes(setup) } catch {
      try report(.refused(FrontFault.credentials(error).text))
      return
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
    for session in sessions { announce(session) }
  }

  private func disconnect() {
    if let core { try? poller.remove(core.descriptor) }
    core = nil
    closedSince = Clock.now
    for question in questions {
      let mid = question.request.mid
      answer(question.handle, .refused(Refusal(.unavailable, mid: mid, retryAfter: 1)))
    }
  }

  private func tellIdentity() {
    let own = entrances.first?.server.certificateExpires
    guard let expires = own ?? diallers.first?.certificateExpires else { return }
    tellCore(.identity(certificateExpires: expires))
  }

  func announce(_ session: FrontSession) { tellCore(.sessionOpened(session.announced)) }

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
    switch message {
    case .standing(let id, let isClient, let isMitigating):
      guard let session = session(id) else { return }
      session.isClient = isClient
      session.isMitigating = isMitigating
      session.useParameters(now: Clock.now)
    case .ended(let id, let cuid, let cdid, let report):
      if let session = session(id) {
        ended(Parting(report, cuid: cuid, cdid: cdid), on: session)
      }
    case .reply(let handle, let outcome, let more):
      guard case .content(let reports) = outcome else {
        answer(handle, outcome)
        return
      }
      guard let index = question(handle) else { return }
      questions[index].reports += reports
      if !more { answer(handle, .content(questions[index].reports)) }
    }
  }
}
