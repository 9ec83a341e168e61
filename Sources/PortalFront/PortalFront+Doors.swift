import Bytes
import HTTP
import Link
import Linux
import Model
import Portal

// MARK: The launcher

extension PortalFront {
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
        do { try take(FrontSetup(parsing: bytes), descriptor) } catch { throw .link(error) }
      }
    }
  }

  private func take(
    _ message: FrontSetup,
    _ descriptor: FileDescriptor?
  ) throws(LinkError) {
    switch message {
    case .door(let room):
      guard let descriptor else { return }
      connect(PacketSocket(adopting: descriptor), room)
    case .listener(let interface):
      listen(on: interface, descriptor.map { StreamListener(adopting: $0) })
    case .settings, .part, .complete, .addresses:
      guard let complete = try assembly.receive(message) else { return }
      let setup = try PortalSetup(parsing: complete.settings)
      log.level = setup.logLevel
      portal.settings = setup.portal
      portal.theme = Self.theme(complete.files)
      log.info("settings read again")
    }
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

  private func connect(_ door: PacketSocket, _ room: RoomName) {
    let isCore = room == .core
    if isCore { disconnectCore() } else { disconnectRelay() }
    do { try door.watch(with: poller, token: isCore ? Token.core : Token.relay) } catch {
      log.error("can't watch a door: \(error)")
      return
    }
    if isCore { core = door } else { relay = door }
  }
}

// MARK: Core

extension PortalFront {
  private func disconnectCore() {
    if let core { try? poller.remove(core.descriptor) }
    core = nil
    closedSince = Clock.now
    for number in connections.numbers where connections[number]?.isAsking == true {
      answered(number, nil, nil)
    }
  }

  func tellCore(_ message: PortalMessage) {
    guard let core, let bytes = try? message.encoded() else { return }
    do { try core.send(bytes) } catch {
      log.warning("the door to core is closed: \(error)")
      disconnectCore()
    }
  }

  func serveCore(_ event: Poller.Event) {
    do throws(SystemError) {
      while let core {
        if event.isWritable { try core.flush() }
        switch try core.receive() {
        case .nothing: return
        case .closed:
          log.warning("core is gone; the page is unavailable until it is back")
          disconnectCore()
        case .message(let bytes, _):
          guard let notice = try? PortalNotice(parsing: bytes) else {
            log.error("core sent what is no message")
            disconnectCore()
            return
          }
          switch notice {
          case .home(let addresses): portal.home = addresses
          case .view(let number, let view, let outcome): answered(number, view, outcome)
          }
        }
      }
    } catch {
      log.warning("the door to core is closed: \(error)")
      disconnectCore()
    }
  }
}

// MARK: The front of the API

extension PortalFront {
  private func disconnectRelay() {
    if let relay { try? poller.remove(relay.descriptor) }
    relay = nil
  }

  /// Takes connections whose TLS ends before this room.
  func serveRelay() {
    for _ in 0..<Self.connectionsPerTurn {
      let received: Received
      do {
        guard let relay else { return }
        received = try relay.receive()
      } catch {
        disconnectRelay()
        return
      }
      let (bytes, descriptor): ([UInt8], FileDescriptor?)
      switch received {
      case .nothing: return
      case .closed:
        disconnectRelay()
        return
      case .message(let message, let passed): (bytes, descriptor) = (message, passed)
      }
      guard case .connection(let peer, let local)? = try? RelayMessage(parsing: bytes),
        let descriptor
      else {
        log.error("the front of the API sent what is no message")
        disconnectRelay()
        return
      }
      begin(StreamSocket(adopting: descriptor, peer: peer, local: local), isSecure: true)
    }
  }
}
