import Bytes
import CoAP
import DOTS
import Dial
import Link
import Linux
import Model
import TLS

/// Call Home: the router connects and serves (RFC 9066, Section 5.1).
extension SignalFront {
  // MARK: Settings

  /// Takes the sections and credentials of new settings: who is called as before under the same
  /// credentials isn't disturbed, all others begin anew.
  func useCallHomes(_ setup: Setup) throws(TLSError) {
    let peers = setup.settings.callHomes
    let credentials = TLS.Credentials(setup)
    let isSame = diallers.first.map { $0.uses(credentials) } ?? false
    var new = isSame ? diallers : []
    for peer in peers {
      for transport in peer.transports where !new.contains(where: { $0.transport == transport }) {
        new.append(try Client(credentials, over: transport))
      }
    }
    for client in new { client.timeFloor = setup.settings.timeFloor }
    var rest = callHomes
    var homes: [CallHome] = []
    for peer in peers {
      if isSame, let index = rest.firstIndex(where: { $0.peer == peer }) {
        homes.append(rest.remove(at: index))
      } else {
        homes.append(CallHome(peer, now: Clock.now, random: randomNumber() ?? 0))
      }
    }
    for home in rest {
      if let session = session(of: home) { close(session, isLost: false) }
      abandon(home)
    }
    diallers = new
    callHomes = homes
  }

  private func dialler(over transport: Transport) -> Client? {
    diallers.first { $0.transport == transport }
  }

  // MARK: Addresses

  /// The launcher has looked a name up.
  func found(_ addresses: [IPAddress], of name: Text) {
    let now = Clock.now
    for home in callHomes where home.host == name && home.askAt != nil {
      if addresses.isEmpty, home.race == nil, home.redial.ends != nil {
        log.warning("call home: \(name) could not be looked up")
      }
      home.found(addresses, now: now)
    }
  }

  /// The router's addresses towards the ISP are others, or there again: what came from one that is
  /// gone begins anew.
  func moved(to addresses: [IPAddress]) {
    // A line that is down may come back with the same: heartbeats tell what it has cost.
    log.debug("addresses towards the ISP: \(addresses.count)")
    if addresses.isEmpty { return }
    let now = Clock.now
    let before = wan
    wan = addresses
    for home in callHomes {
      if home.current == nil { home.redial.woken(now: now) }
      if home.askAt != nil { home.askAt = now }
      if home.race != nil, home.current == nil {
        abandon(home)
        home.enter(now: now)
      }
      guard let session = session(of: home) else { continue }
      let local = session.announced.local
      if before.contains(local), !addresses.contains(local) {
        // It ends for nothing that the client did.
        home.redial.heard(now: now)
        close(session, isLost: false)
      }
    }
  }

  // MARK: Attempts

  /// Does what is due for one client.
  func goOn(_ home: CallHome, now: Instant) {
    if let session = session(of: home) { home.isMitigating = session.isMitigating }
    guard let due = home.nextTimeout, due <= now else { return }
    if let due = home.redial.due, due <= now { home.begin(now: now) }
    if let name = home.question(now: now) { try? report(.name(name)) }
    if let ends = home.redial.ends, ends <= now { failed(home) }
    while let candidate = home.race?.start(now: now) { start(candidate, of: home) }
    for attempt in home.attempts { take(attempt.timedOut(now: now), of: attempt) }
    guard let session = session(of: home) else { return }
    if home.returns(now: now) {
      close(session, isLost: false)
      home.turn(to: nil, now: now)
    } else if home.redial.probes(now: now) {
      home.enter(over: [.udp], now: now)
    }
  }

  private func start(_ candidate: Candidate, of home: CallHome) {
    let stalled = home.attempts.filter { $0.isStalled && $0.candidate == candidate }
    if stalled.count >= CallHome.maximumStalled {
      stalled[0].close()
      drop(stalled[0], of: home)
      home.race?.failed(now: Clock.now)
    }
    let server = IPAddress(parsing: home.name).map { ServerName.address($0) } ?? .name(home.name)
    guard let client = dialler(over: candidate.transport),
      let connection = ClientConnection(
        client,
        to: server,
        ticket: candidate.transport == home.ticketTransport ? home.ticket : [],
        wall: Clock.wall
      )
    else { return }
    do throws(SystemError) {
      let token = nextAttempt()
      let attempt = try Attempt(candidate, port: home.peer.port, connection, token: token)
      try poller.add(attempt.descriptor, token: token, writing: attempt.wantsWriting)
      home.attempts.append(attempt)
      take(attempt.start(now: Clock.now), of: attempt)
    } catch { home.race?.broke(candidate, now: Clock.now) }
  }

  func serveAttempt(_ event: Poller.Event) {
    for home in callHomes {
      for attempt in home.attempts where attempt.token == event.token {
        take(attempt.ready(event, now: Clock.now), of: attempt)
        watch(attempt)
        return
      }
    }
  }

  /// The client that an attempt is for; nil once it is over.
  private func home(of attempt: Attempt?) -> CallHome? {
    for home in callHomes {
      for other in home.attempts where other === attempt { return home }
    }
    return nil
  }

  /// A stream may have more to send than the kernel took.
  private func watch(_ attempt: Attempt) {
    guard attempt.candidate.transport == .tcp, home(of: attempt) != nil else { return }
    let writing = attempt.wantsWriting
    try? poller.change(attempt.descriptor, token: attempt.token, writing: writing)
  }

  /// Sends on a session that the router opened; a peer that doesn't read loses it.
  func send(_ bytes: [UInt8], through attempt: Attempt) {
    take(attempt.send(bytes), of: attempt)
    guard let home = home(of: attempt) else { return }
    watch(attempt)
    if attempt.waiting > Self.maximumOutput { over(attempt, of: home, "nothing is read") }
  }

  /// Nothing answers on a session: while it goes on, another is tried for.
  func doubt(_ session: FrontSession) {
    let now = Clock.now
    guard let home = home(of: session.dialled), home.race == nil, home.redial.looks(now: now)
    else { return }
    if let attempt = home.current { home.keepTicket(of: attempt) }
    home.isDoubted = true
    home.enter(now: now)
  }

  /// Takes what an attempt, or the session that it became, has to tell.
  func take(_ events: [Attempt.Event], of attempt: Attempt) {
    for event in events {
      guard let home = home(of: attempt) else { return }
      switch event {
      case .established(let identity): established(identity, attempt, of: home)
      case .received(let bytes):
        guard let session = session(on: attempt) else { continue }
        if home.isDoubted { abandon(home) }
        home.redial.heard(now: Clock.now)
        session.heartbeats.received(now: Clock.now)
        perform(session.layer.received(bytes, now: Clock.now), on: session)
      case .stalled: home.race?.stalled(attempt.candidate)
      case .closed(let reason): over(attempt, of: home, reason.text)
      case .broken(let error):
        guard attempt !== home.current else {
          over(attempt, of: home, error.text)
          continue
        }
        drop(attempt, of: home)
        home.race?.broke(attempt.candidate, now: Clock.now)
      case .failed(let failure):
        drop(attempt, of: home)
        log.warning("call home \(home.name) at \(attempt.candidate.address): \(failure)")
        home.race?.failed(now: Clock.now)
        if home.race?.isLost == true, home.askAt == nil { failed(home) }
      }
    }
  }

  /// A session that was there is over.
  private func over(_ attempt: Attempt, of home: CallHome, _ reason: Text) {
    guard let session = session(on: attempt) else {
      drop(attempt, of: home)
      return
    }
    logSession { "session \(session.id) is over: \(reason)" }
    close(session, isLost: false)
  }

  private func established(_ identity: TLS.PeerIdentity, _ attempt: Attempt, of home: CallHome) {
    guard let seed = randomNumber(), let own = attempt.descriptor.ownEnd else { return }
    let earlier = session(of: home)
    let layer: SessionLayer
    if attempt.candidate.transport == .tcp {
      layer = SessionLayer(StreamLayer())
    } else {
      layer = SessionLayer(MessageLayer(seed: seed))
      layer.maximumSize = min(layer.maximumSize, attempt.maximumPayload)
    }
    home.won(attempt, now: Clock.now)
    for other in home.attempts where other !== attempt && other !== earlier?.dialled {
      other.close()
      drop(other, of: home)
    }
    let candidate = attempt.candidate
    let peer = PeerAddress(
      remote: candidate.address,
      remotePort: home.peer.port,
      local: own.address
    )
    let end = Listener(address: own.address, port: own.port, transport: candidate.transport)
    open(identity, peer, end, layer, dialled: attempt)
    // Over UDP at last, or after silence.
    if let earlier { close(earlier, isLost: false) }
  }

  /// The attempt is over without a session.
  private func failed(_ home: CallHome) {
    abandon(home)
    let now = Clock.now
    // Looking for a better way came to nothing.
    if home.current != nil { return }
    log.warning("call home: no session with \(home.host) yet")
    home.redial.failed(now: now, random: randomNumber() ?? 0)
    if home.alternate != nil { home.turn(to: nil, now: now) }
  }

  // MARK: Ends

  /// A session that the router opened has been closed.
  func hungUp(_ attempt: Attempt) {
    guard let home = home(of: attempt) else { return }
    drop(attempt, of: home)
    guard attempt === home.current else { return }
    home.keepTicket(of: attempt)
    home.current = nil
    let now = Clock.now
    guard home.redial.hasHeld(now: now) else {
      failed(home)
      return
    }
    abandon(home)
    home.redial.ended(now: now, random: randomNumber() ?? 0)
  }

  /// Ends all that is tried; a session stays.
  private func abandon(_ home: CallHome) {
    home.race = nil
    home.isDoubted = false
    if home.current != nil { home.redial.stayed() }
    for attempt in home.attempts where attempt !== home.current {
      attempt.close()
      drop(attempt, of: home)
    }
  }

  private func drop(_ attempt: Attempt, of home: CallHome) {
    try? poller.remove(attempt.descriptor)
    home.attempts.removeAll { $0 === attempt }
  }

  private func session(of home: CallHome) -> FrontSession? {
    home.current.flatMap { session(on: $0) }
  }

  private func session(on attempt: Attempt) -> FrontSession? {
    for session in sessions where session.dialled === attempt { return session }
    return nil
  }

  // MARK: Redirection

  /// The client wants the router to go elsewhere (RFC 9066, Section 5.2.2).
  func redirect(
    _ session: FrontSession,
    to redirection: Redirection,
    answering exchange: ExchangeID
  ) throws(PeerError) {
    let now = Clock.now
    guard let home = home(of: session.dialled), home.accepts(redirection, now: now)
    else {
      log.warning("session \(session.id): not led to \(redirection.name)")
      throw PeerError(.redirectRefused)
    }
    logSession { "session \(session.id): led to \(redirection.name)" }
    respond(CoAPMessage(.created), to: exchange, on: session)
    close(session, isLost: false)
    home.turn(to: redirection, now: now)
  }
}

extension CallHome {
  /// What resumes the session is there.
  fileprivate func keepTicket(of attempt: Attempt) {
    ticket = attempt.ticket ?? []
    ticketTransport = attempt.candidate.transport
  }

  /// This way was the first to lead to a session.
  fileprivate func won(_ attempt: Attempt, now: Instant) {
    race = nil
    isDoubted = false
    current = attempt
    redial.established(over: attempt.candidate, among: peer.transports, now: now)
  }
}
