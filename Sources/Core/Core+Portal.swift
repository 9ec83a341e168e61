import Bytes
import Link
import Linux
import Mitigation
import Model

// MARK: The portal

extension Core {
  /// Messages between looks at everything else.
  private static let portalMessagesPerTurn = 32
  /// A page that is loaded again and again doesn't have the kernel's counters read more often.
  private static let countingPatience = Span.seconds(1)
  /// Other devices in quarantine that one page tells.
  private static let others = 8

  /// A new end of the door to the portal.
  func connectPortal(_ door: PacketSocket) {
    disconnectPortal()
    do { try door.watch(with: poller, token: Token.portal) } catch {
      log.error("can't watch the door to portal: \(error)")
      return
    }
    portal = door
    tell(.home(engine.home.lanAddresses))
  }

  private func disconnectPortal() {
    if let portal { try? poller.remove(portal.descriptor) }
    portal = nil
  }

  func servePortal(_ event: Poller.Event) {
    do throws(SystemError) {
      for _ in 0..<Self.portalMessagesPerTurn {
        guard let portal else { return }
        if event.isWritable { try portal.flush() }
        switch try portal.receive() {
        case .nothing: return
        case .closed:
          log.warning("portal is gone")
          disconnectPortal()
          return
        case .message(let bytes, _):
          guard let message = try? PortalMessage(parsing: bytes) else {
            log.error("portal sent what is no message")
            disconnectPortal()
            return
          }
          answer(message)
        }
      }
    } catch {
      log.warning("the door to portal is closed: \(error)")
      disconnectPortal()
    }
  }

  private func answer(_ message: PortalMessage) {
    let now = Clock.now
    advance(to: now)
    if now - countedAt >= Self.countingPatience { readCounters(now) }
    names.refresh(now: now, wall: Clock.wall)
    let neighbours = neighbours()
    switch message {
    case .look(let handle, let address):
      tell(handle, view(for: device(at: address, among: neighbours), neighbours, now), nil)
    case .wish(let handle, let address, let wish):
      let mac = device(at: address, among: neighbours)
      let outcome: WishOutcome =
        mac.map { self.outcome(of: wish, at: $0, now: now) } ?? .notQuarantined
      tell(handle, view(for: mac, neighbours, now), outcome)
    }
  }

  /// What the page may show to this device; nil: to somebody whom the router doesn't know.
  private func view(
    for mac: MACAddress?,
    _ neighbours: [DeviceAddress],
    _ now: Instant
  ) -> PortalView {
    func story(_ mac: MACAddress) -> QuarantineStory? {
      let device = names.device(mac, addresses(of: mac, among: neighbours))
      return engine.story(of: device, now: now, wall: Clock.wall)
    }
    var view = PortalView()
    if let mac {
      view.requester = names.device(mac, addresses(of: mac, among: neighbours))
      view.story = story(mac)
      view.released = engine.released(mac)
    }
    if view.story == nil {
      view.others = engine.quarantinedDevices.prefix(Self.others).compactMap { story($0) }
    }
    return view
  }

  /// Tells as many of the others as a message takes.
  private func tell(_ handle: UInt32, _ view: PortalView, _ outcome: WishOutcome?) {
    var view = view
    while !tell(.view(handle: handle, view, outcome)), !view.others.isEmpty {
      view.others.removeLast()
    }
  }

  /// Sends a message; false when it is too large.
  @discardableResult
  func tell(_ notice: PortalNotice) -> Bool {
    guard let portal else { return true }
    guard let bytes = try? notice.encoded() else { return false }
    do { try portal.send(bytes) } catch {
      log.warning("the door to portal is closed: \(error)")
      disconnectPortal()
    }
    return true
  }
}
