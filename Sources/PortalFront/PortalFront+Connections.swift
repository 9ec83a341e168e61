import Bytes
import HTTP
import Link
import Linux
import Model
import Portal

/// Connections: from their beginning to their end.
extension PortalFront {
  func accept(_ index: Int) throws(FrontFault) {
    guard listeners.indices.contains(index), let listener = listeners[index].listener else {
      return
    }
    for _ in 0..<Self.connectionsPerTurn {
      let accepted: StreamSocket?
      // Descriptors or memory are short: the launcher starts the room again, which frees what it has.
      do { accepted = try listener.accept() } catch { throw .system("take connections", error) }
      guard let accepted else { return }
      begin(accepted, isSecure: false)
    }
  }

  func begin(_ socket: StreamSocket, isSecure: Bool) {
    let deadline = Clock.now + Self.requestPatience
    let (number, evicted) = table.admit(socket.peer, until: deadline)
    if let evicted { forget(evicted) }
    let connection = Connection(socket, isSecure: isSecure)
    connections.add(connection, number)
    do { try poller.add(socket.descriptor, token: Token.connections + UInt64(number)) } catch {
      log.error("can't watch a connection: \(error)")
      end(number)
      return
    }
    // A request mostly comes with the connection.
    read(connection, number)
  }

  /// Ends a connection.
  func end(_ number: UInt32) {
    table.remove(number)
    forget(number)
  }

  /// Ends a connection that is in the table no more.
  private func forget(_ number: UInt32) {
    guard let connection = connections.remove(number) else { return }
    if connection.isAsking { questions -= 1 }
    // Nobody else holds it, and what nobody holds nobody watches.
    connection.socket.descriptor.end()
  }

  private func hold(_ bytes: Int, by number: UInt32) {
    for evicted in table.hold(bytes, by: number) { forget(evicted) }
  }

  func serve(_ event: Poller.Event) {
    let number = UInt32(truncatingIfNeeded: event.token - Token.connections)
    // An event of this turn may be of one that an earlier event ended.
    guard let connection = connections[number] else { return }
    switch connection.state {
    case .reading: read(connection, number)
    // It isn't watched for reading: the peer is gone.
    case .asking: end(number)
    case .writing:
      if event.isWritable { write(connection, number) } else { end(number) }
    case .ending: drain(connection, number)
    }
  }

  private func read(_ connection: Connection, _ number: UInt32) {
    guard case .reading = connection.state else { return }
    let bytes: [UInt8]?
    do { bytes = try connection.socket.receive(limit: Self.readLength) } catch {
      end(number)
      return
    }
    guard let bytes else { return }
    guard !bytes.isEmpty else {
      end(number)
      return
    }
    connection.received += bytes.count
    switch connection.reader.receive(bytes) {
    case .incomplete: hold(connection.received, by: number)
    case .refused(let fault):
      note { "refused a request of \(connection.socket.peer): \(fault.rawValue)" }
      answer(connection, number, HTTPResponse(fault), withBody: true)
    case .request(let request): received(request, on: connection, number)
    }
  }

  private func received(_ request: HTTPRequest, on connection: Connection, _ number: UInt32) {
    connection.reader = HTTPRequestReader()
    let peer = connection.socket.peer
    switch portal.receive(request, from: connection.place, now: Clock.now) {
    case .answer(let response): answer(connection, number, response, to: request)
    case .look: ask(.look(handle: number, peer), request, connection, number)
    case .wish(let wish): ask(.wish(handle: number, peer, wish), request, connection, number)
    }
  }

  private func ask(
    _ message: PortalMessage,
    _ request: HTTPRequest,
    _ connection: Connection,
    _ number: UInt32
  ) {
    guard core != nil, questions < Self.maximumQuestions else {
      answer(connection, number, portal.unavailable(request, from: connection.place), to: request)
      return
    }
    connection.state = .asking(request)
    questions += 1
    table.extend(number, until: Clock.now + Self.corePatience)
    watch(connection, number, reading: false, writing: false)
    tellCore(message)
  }

  /// Core has answered, or can't: nil.
  func answered(_ number: UInt32, _ view: PortalView?, _ outcome: WishOutcome?) {
    guard let connection = connections[number], case .asking(let request) = connection.state else {
      return
    }
    questions -= 1
    connection.state = .reading
    guard let view else {
      answer(connection, number, portal.unavailable(request, from: connection.place), to: request)
      return
    }
    let response = portal.answer(
      request,
      view: view,
      outcome: outcome,
      from: connection.place,
      now: Clock.now,
      wall: Clock.wall,
      random: (try? randomBytes(16)) ?? []
    )
    answer(connection, number, response, to: request)
  }

  private func answer(
    _ connection: Connection,
    _ number: UInt32,
    _ response: HTTPResponse,
    to request: HTTPRequest
  ) {
    answer(connection, number, response, withBody: request.method != .head)
  }

  private func answer(
    _ connection: Connection,
    _ number: UInt32,
    _ response: HTTPResponse,
    withBody: Bool
  ) {
    let wall = Clock.wall
    let bytes = response.bytes(withBody: withBody, wall: wall < Self.firstWall ? nil : wall)
    connection.state = .writing(bytes)
    table.extend(number, until: Clock.now + Self.answerPatience)
    write(connection, number)
  }

  /// A clock that shows an earlier time was never set: 2025.
  private static let firstWall = UnixTime(seconds: 1_735_689_600)

  private func write(_ connection: Connection, _ number: UInt32) {
    guard case .writing(let bytes) = connection.state else { return }
    connection.state = .ending
    do {
      let rest = try connection.socket.send(all: bytes)
      guard rest.isEmpty else {
        connection.state = .writing(rest)
        hold(rest.count, by: number)
        watch(connection, number, reading: false, writing: true)
        return
      }
      try connection.socket.endSending()
    } catch {
      end(number)
      return
    }
    hold(0, by: number)
    connection.received = 0
    table.retire(number, until: Clock.now + Self.endPatience)
    watch(connection, number, reading: true, writing: false)
  }

  private func drain(_ connection: Connection, _ number: UInt32) {
    let bytes: [UInt8]?
    do { bytes = try connection.socket.receive(limit: Self.readLength) } catch {
      end(number)
      return
    }
    guard let bytes else { return }
    connection.received += bytes.count
    if bytes.isEmpty || connection.received > Self.maximumLeftover { end(number) }
  }

  private func watch(_ connection: Connection, _ number: UInt32, reading: Bool, writing: Bool) {
    guard connections[number] != nil else { return }
    let token = Token.connections + UInt64(number)
    let descriptor = connection.socket.descriptor
    do {
      try poller.change(descriptor, token: token, reading: reading, writing: writing)
    } catch { end(number) }
  }

  /// The time of a connection is over.
  func timedOut(_ number: UInt32) {
    guard let connection = connections[number] else {
      table.remove(number)
      return
    }
    switch connection.state {
    case .reading:
      if connection.reader.isEmpty {
        end(number)
      } else {
        answer(connection, number, HTTPResponse(.requestTimeout), withBody: true)
      }
    case .asking: answered(number, nil, nil)
    case .writing, .ending: end(number)
    }
  }
}
