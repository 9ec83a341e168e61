import Bytes
import Configuration
import Link
import Linux
import Model

/// The `lan` interfaces that are there, and what listens on them.
struct LANSockets {
  /// As core told them last.
  var present: [Interface] = []
  /// What is bound: for which room, to which interface and port.
  var bound: [(kind: RoomKind, interface: Interface, port: UInt16, listener: StreamListener)] = []
}

/// What the quarantine's page needs of the launcher: sockets, names, the option of DHCP.
extension Supervisor {
  // MARK: Sockets towards the home

  /// Core tells which interfaces are there now.
  func changed(_ present: [Interface]) {
    sockets.present = present.filter { settings.core.lan.contains($0.name) }
    bind()
  }

  /// The port may be another one now, or the interfaces.
  func rebind() {
    sockets.present = sockets.present.filter { settings.core.lan.contains($0.name) }
    bind()
  }

  /// Makes what is bound equal to what is there.
  private func bind() {
    unbind()
    for room in rooms {
      guard let port = room.kind.port(settings) else { continue }
      for interface in sockets.present
      where !sockets.bound.contains(where: { $0.kind == room.kind && $0.interface == interface }) {
        do {
          let listener = try StreamListener(port: port, interface: interface.name)
          sockets.bound.append((room.kind, interface, port, listener))
          give(interface.name, listener, to: room)
        } catch {
          log.error("cannot listen on \(interface.name) TCP port \(port): \(error)")
        }
      }
    }
  }

  /// Closes sockets of interfaces that have gone, and of ports that are others now.
  private func unbind() {
    for index in sockets.bound.indices.reversed() {
      let (kind, interface, port, _) = sockets.bound[index]
      if sockets.present.contains(interface), kind.port(settings) == port { continue }
      sockets.bound.remove(at: index)
      if let room = ready(kind) { give(interface.name, nil, to: room) }
    }
  }

  private func give(_ interface: Text, _ listener: StreamListener?, to room: Room) {
    guard room.isReady, let message = try? FrontSetup.listener(interface).encoded() else { return }
    room.send(message, passing: listener?.descriptor)
  }

  /// A room that has become ready gets all that is bound for it.
  func giveSockets(to room: Room) {
    for one in sockets.bound where one.kind == room.kind {
      give(one.interface.name, one.listener, to: room)
    }
  }

  // MARK: Names of the garden

  /// Starts the look-up that is due.
  func ask(_ now: Instant) {
    guard isRunning, resolver.process == nil else { return }
    // The garden first: signal, which others can reach, must not keep its names from their turn.
    guard let name = garden.ask(now: now) ?? wanted.first else { return }
    asked = name
    resolver.messages = Preparation.question(name, premises)
    do { try resolver.start(now: now) } catch {
      log.error("cannot start \(resolver.name): \(error)")
      answered(nil)
    }
  }

  /// The look-up has ended; nil when it found nothing.
  func answered(_ found: [IPAddress]?) {
    guard let name = asked else { return }
    asked = nil
    if let index = wanted.firstIndex(of: name) {
      wanted.remove(at: index)
      tellSignal(name, found ?? [])
    }
    guard garden.isAsking else { return }
    if found == nil { log.warning("the garden's name \(name) could not be looked up") }
    let before = garden.addresses
    garden.answered(name, found, now: Clock.now)
    if garden.addresses != before { tellGarden() }
  }

  /// Signal wants to know where a name leads to; it repeats what is forgotten.
  func want(_ name: Text) {
    guard !wanted.contains(name), wanted.count < Self.maximumWanted else { return }
    wanted.append(name)
  }

  /// More than can be asked for at a time; each costs a process.
  private static let maximumWanted = 32

  /// Tells signal where a name leads to or, with an empty one, the router's own addresses.
  func tellSignal(_ name: Text, _ addresses: [IPAddress]) {
    guard let signal = ready(.signal), let list = try? AddressList(addresses).encoded(),
      let message = try? FrontSetup.addresses(name, list).encoded()
    else { return }
    signal.send(message)
  }

  /// Tells core where the names lead to.
  func tellGarden() {
    guard let core = ready(.core), let message = try? CoreSetup.garden(garden.addresses).encoded()
    else { return }
    core.send(message)
  }

  // MARK: The option of DHCP

  /// The API's certificate is good until then; nil: it isn't good, or nobody answers.
  func tell(_ expires: UnixTime?) {
    let uri = expires.flatMap { _ in CaptivePortalOption.uri(settings.quarantine) }
    do {
      guard try option.tell(uri) else { return }
      if let uri {
        log.info("\(uri) may be told by DHCP: see captive-portal.* beside the control socket")
      } else {
        log.warning("the API of the page must not be told by DHCP any more")
      }
    } catch { log.error("cannot write or remove captive-portal.*: \(error)") }
  }
}
