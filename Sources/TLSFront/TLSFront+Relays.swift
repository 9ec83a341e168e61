import Bytes
import Link
import Linux
import TLS

/// Connections: from their beginning to their end.
extension TLSFront {
  func accept(_ index: Int) throws(FrontFault) {
    guard listeners.indices.contains(index), let listener = listeners[index].listener else {
      return
    }
    for _ in 0..<Self.connectionsPerTurn {
      let accepted: StreamSocket?
      // Descriptors or memory are short: the launcher starts the room again, which frees what it has.
      do { accepted = try listener.accept() } catch { throw .system("take connections", error) }
      guard let accepted else { return }
      begin(accepted)
    }
  }

  private func begin(_ socket: StreamSocket) {
    // Without the portal there is nothing to say.
    guard portal != nil, let tls = server.connection() else { return }
    let (number, evicted) = table.admit(socket.peer, until: Clock.now + Self.requestPatience)
    if let evicted { forget(evicted) }
    relays.add(Relay(socket, tls), number)
    do { try poller.add(socket.descriptor, token: Token.clients + UInt64(number)) } catch {
      end(number)
    }
  }

  /// Ends a connection.
  func end(_ number: UInt32) {
    table.remove(number)
    forget(number)
  }

  private func forget(_ number: UInt32) {
    guard let relay = relays.remove(number) else { return }
    // Nobody else holds them, and what nobody holds nobody watches.
    relay.socket.descriptor.end()
    relay.portal?.descriptor.end()
  }

  func serveClient(_ number: UInt32, _ event: Poller.Event) {
    // An event of this turn may be of one that an earlier event ended.
    guard let relay = relays[number] else { return }
    do throws(SystemError) {
      if event.isWritable { try flush(relay, number) }
      guard event.isReadable, relays[number] != nil else { return }
      guard let bytes = try relay.socket.receive(limit: Self.readLength) else { return }
      let received = relay.tls.receive(bytes)
      // What follows the end of the answer is thrown away.
      if !relay.isEnding, !received.bytes.isEmpty { try pass(received.bytes, relay, number) }
      try flush(relay, number)
      if received.isOver || bytes.isEmpty { end(number) }
    } catch { end(number) }
  }

  /// Passes what the client said on to the portal.
  private func pass(
    _ bytes: [UInt8],
    _ relay: Relay,
    _ number: UInt32
  ) throws(SystemError) {
    relay.received += bytes.count
    guard relay.received <= Self.maximumRequest else {
      throw SystemError(SystemError.tooLarge, "recv")
    }
    let stream: StreamSocket
    if let open = relay.portal { stream = open } else { stream = try connect(relay, number) }
    // The kernel holds that much: what it doesn't take nobody reads.
    guard try stream.send(bytes) == bytes.count else {
      throw SystemError(SystemError.connectionLost, "send")
    }
  }

  /// Gives the portal a stream for this client.
  private func connect(_ relay: Relay, _ number: UInt32) throws(SystemError) -> StreamSocket {
    let socket = relay.socket
    let message = RelayMessage.connection(peer: socket.peer, local: socket.local)
    guard let portal, let encoded = try? message.encoded() else {
      throw SystemError(SystemError.connectionLost, "send")
    }
    let (ours, theirs) = try StreamSocket.pair(peer: socket.peer, local: socket.local)
    try portal.send(encoded, passing: theirs.descriptor)
    try poller.add(ours.descriptor, token: Token.streams + UInt64(number))
    relay.portal = ours
    table.extend(number, until: Clock.now + Self.answerPatience)
    return ours
  }

  /// The portal has something for a client.
  func servePortalStream(_ number: UInt32) {
    guard let relay = relays[number], let stream = relay.portal, !relay.isEnding else { return }
    do throws(SystemError) {
      guard let bytes = try stream.receive(limit: Self.readLength) else { return }
      if bytes.isEmpty {
        relay.isEnding = true
        relay.tls.close()
        try poller.remove(stream.descriptor)
        stream.descriptor.end()
        relay.portal = nil
        table.retire(number, until: Clock.now + Self.endPatience)
      } else if !relay.tls.send(bytes) {
        throw SystemError(SystemError.connectionLost, "send")
      }
      try flush(relay, number)
    } catch { end(number) }
  }

  /// Sends what the client's side takes; while something is left the portal isn't listened to.
  private func flush(_ relay: Relay, _ number: UInt32) throws(SystemError) {
    let hadOutput = !relay.output.isEmpty
    relay.output += relay.tls.takeOutput()
    relay.output = try relay.socket.send(all: relay.output)
    let hasOutput = !relay.output.isEmpty
    for evicted in table.hold(relay.output.count, by: number) { forget(evicted) }
    guard relays[number] != nil else { return }
    if hasOutput != hadOutput {
      let token = UInt64(number)
      try poller.change(relay.socket.descriptor, token: Token.clients + token, writing: hasOutput)
      if let stream = relay.portal {
        try poller.change(
          stream.descriptor,
          token: Token.streams + token,
          reading: !hasOutput,
          writing: false
        )
      }
    }
    if !hasOutput, relay.isEnding { try relay.socket.endSending() }
  }
}
