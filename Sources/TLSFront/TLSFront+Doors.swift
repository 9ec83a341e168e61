import Bytes
import Link
import Linux
import TLS

/// The doors to the launcher and the portal.
extension TLSFront {
  /// Tells the launcher something.
  func report(_ report: RoomReport) throws(FrontFault) {
    let bytes: [UInt8]
    do { bytes = try report.encoded() } catch { throw .link(error) }
    do { try launcher.send(bytes) } catch { throw .system("reach cordond", error) }
  }

  /// Takes what the launcher sent; false when it is gone.
  func serveLauncher() throws(FrontFault) -> Bool {
    while true {
      let received: Received
      do { received = try launcher.receive() } catch { throw .system("reach cordond", error) }
      switch received {
      case .nothing: return true
      case .closed: return false
      case .message(let bytes, let descriptor):
        let message: FrontSetup
        let complete: FrontAssembly.Complete?
        do {
          message = try FrontSetup(parsing: bytes)
          switch message {
          case .door, .listener: complete = nil
          default: complete = try assembly.receive(message)
          }
        } catch { throw .link(error) }
        if let complete { try reload(complete) }
        if case .door = message, let descriptor { connect(PacketSocket(adopting: descriptor)) }
        if case .listener(let interface) = message {
          listen(on: interface, descriptor.map { StreamListener(adopting: $0) })
        }
      }
    }
  }

  /// New settings or credentials: connections that there are go on with the old ones.
  private func reload(_ complete: FrontAssembly.Complete) throws(FrontFault) {
    let new: TLSSettings
    do { new = try TLSSettings(parsing: complete.settings) } catch { throw .link(error) }
    log.level = new.logLevel
    do { server = try StreamServer(TLS.Credentials(complete.files)) } catch {
      try report(.refused(FrontFault.credentials(error).text))
      return
    }
    settings = new
    try judge()
    log.info("settings read again")
  }

  private func listen(on interface: Text, _ listener: StreamListener?) {
    var index = listeners.firstIndex { $0.interface == interface } ?? listeners.count
    if index < listeners.count {
      close(listener: index)
    } else if let free = listeners.firstIndex(where: { $0.listener == nil }) {
      index = free
    }
    guard let listener else { return }
    do { try poller.add(listener.descriptor, token: Token.firstListener + UInt64(index)) } catch {
      log.error("can't watch the listener of \(interface): \(error)")
      return
    }
    if index == listeners.count {
      listeners.append((interface, listener))
    } else {
      listeners[index] = (interface, listener)
    }
  }

  private func close(listener index: Int) {
    guard let listener = listeners[index].listener else { return }
    // Others hold the socket too: closing it here wouldn't end the watch.
    try? poller.remove(listener.descriptor)
    listeners[index].listener = nil
  }

  private func connect(_ door: PacketSocket) {
    disconnect()
    do { try door.watch(with: poller, token: Token.portal) } catch {
      log.error("can't watch the door to the portal: \(error)")
      return
    }
    portal = door
  }

  private func disconnect() {
    if let portal { try? poller.remove(portal.descriptor) }
    portal = nil
  }

  /// The portal says nothing on its door: it takes what was sent, or is gone.
  func servePortal(_ event: Poller.Event) {
    guard let portal else { return }
    do throws(SystemError) {
      if event.isWritable { try portal.flush() }
      if event.isReadable, case .nothing = try portal.receive() { return }
      if event.isReadable { disconnect() }
    } catch { disconnect() }
  }
}
