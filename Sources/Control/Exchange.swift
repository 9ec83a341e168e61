import Bytes
import Link
import Linux

/// Why there is no answer.
public enum ExchangeFault: Error, Equatable, Sendable {
  /// Nobody listens.
  case notRunning(Text, SystemError)
  /// We may not speak to it.
  case refused(Text, SystemError)
  /// The connection can't be used.
  case failed(SystemError)
  /// The daemon ended the connection before its answer was whole.
  case closed
  /// The daemon says what no daemon of this version says.
  case broken
  /// The daemon doesn't answer.
  case timedOut
  /// The daemon says no.
  case ended(ControlOutcome, Text)

  /// How `cordonctl` ends.
  var status: ExitStatus {
    switch self {
    case .notRunning: .notRunning
    case .refused: .refused
    case .failed, .closed, .broken: .failed
    case .timedOut: .timedOut
    case .ended(let outcome, _): ExitStatus(outcome)
    }
  }
}

extension ExchangeFault: CustomTextConvertible {
  /// One line that says what was tried, what came back and what to check.
  public var text: Text {
    switch self {
    case .notRunning(let path, let error):
      "cordond is not running: nothing listens at \(path) (\(error)); start it, or say --socket"
    case .refused(let path, let error):
      "\(path) can't be opened (\(error)): try it as root"
    case .failed(let error): "the connection to cordond failed: \(error)"
    case .closed: "cordond ended the connection: its log may say why"
    case .broken: "cordond and cordonctl don't understand each other: are they of one version?"
    case .timedOut: "cordond doesn't answer"
    case .ended(_, let text) where text.isEmpty: "cordond refused without a reason"
    case .ended(_, let text): text
    }
  }
}

/// Asks core.
enum Exchange {
  /// How long each reply may take; core answers at once.
  static let patience = Span.seconds(10)

  /// Where core listens: on Debian, on OpenWrt.
  static let usualSockets: [Text] = ["/run/cordon/control", "/var/run/cordon/control"]

  // The numbers are the same on each architecture that Cordon is built for.
  private static let accessDenied: Int32 = 13
  private static let brokenPipe: Int32 = 32
  private static let connectionRefused: Int32 = 111

  /// Connects with the socket at `path`, or with the first of the usual ones that exists.
  static func connect(_ path: Text?) throws(ExchangeFault) -> PacketSocket {
    let paths = path.map { [$0] } ?? usualSockets
    var missing = ExchangeFault.closed
    for path in paths {
      do throws(SystemError) { return try PacketSocket.connect(to: path) } catch {
        switch error.number {
        case SystemError.notFound: missing = .notRunning(path, error)
        case connectionRefused: throw .notRunning(path, error)
        case accessDenied, SystemError.notPermitted: throw .refused(path, error)
        default: throw .failed(error)
        }
      }
    }
    throw missing
  }

  /// Sends the command and waits until its answer is whole.
  static func ask(
    _ command: ControlCommand,
    over socket: PacketSocket,
    patience: Span = patience
  ) throws(ExchangeFault) -> Answer {
    guard let message = try? command.encoded() else { throw .broken }
    var conversation = Conversation(command)
    do throws(SystemError) { try socket.send(message) } catch {
      let isClosed = error.number == brokenPipe || error.number == SystemError.connectionLost
      throw isClosed ? .closed : .failed(error)
    }
    while true {
      let bytes = try nextMessage(from: socket, patience: patience)
      guard let reply = try? ControlReply(parsing: bytes) else { throw .broken }
      switch conversation.received(reply) {
      case .wait: break
      case .answered(let answer): return answer
      case .ended(let outcome, let text): throw .ended(outcome, text)
      case .broken: throw .broken
      }
    }
  }

  private static func nextMessage(
    from socket: PacketSocket,
    patience: Span
  ) throws(ExchangeFault) -> [UInt8] {
    let deadline = Clock.now + patience
    while true {
      do throws(SystemError) {
        switch try socket.receive() {
        case .message(let bytes, _): return bytes
        case .closed: break
        case .nothing:
          let left = deadline - Clock.now
          if left > .zero {
            try wait(for: socket, timeout: left)
            continue
          }
        }
      } catch {
        throw .failed(error)
      }
      throw deadline > Clock.now ? .closed : .timedOut
    }
  }

  /// Lets time pass; a daemon that goes ends it early.
  static func rest(beside socket: PacketSocket, for time: Span) throws(ExchangeFault) {
    do throws(SystemError) { try wait(for: socket, timeout: time) } catch { throw .failed(error) }
  }

  private static func wait(for socket: PacketSocket, timeout: Span) throws(SystemError) {
    let poller = try Poller()
    try poller.add(socket.descriptor, token: 0, writing: socket.hasBacklog)
    _ = try poller.wait(timeout: timeout)
    try socket.flush()
  }
}
