import Bytes
import Linux
import Model
import Report
import TLS

/// A router's session with the service.
final class Router {
  /// What is to be asked of it, and for whom.
  struct Errand {
    var command: Command
    /// Nil: for the service itself.
    var control: UInt64?
    var isJSON = false
    /// Names what it watches.
    var watch: UInt64 = 0

    init(_ command: Command) { self.command = command }
  }

  /// As much may wait to be asked of one router.
  static let maximumErrands = 64

  let visitor: Reception.Visitor
  let names: [Text]
  let peer: PeerAddress
  let transport: Transport
  let since = Clock.wall
  let conversation: Conversation
  /// The first is asked, when it is busy.
  var errands: [Errand] = []
  /// Those whose answers go on.
  var watches: [Errand] = []
  var isBusy = false
  /// When the conversation has something to do: kept, because among a thousand it is looked for often.
  private(set) var due: Instant?

  init(
    _ visitor: Reception.Visitor,
    names: [Text],
    peer: PeerAddress,
    transport: Transport,
    conversation: Conversation
  ) {
    self.visitor = visitor
    self.names = names
    self.peer = peer
    self.transport = transport
    self.conversation = conversation
  }

  /// What it is called.
  var name: Text { names.first ?? "no name" }

  /// Whether this is one of its names.
  func isCalled(_ name: Text) -> Bool {
    let wanted = name.asciiLowercased
    return names.contains { $0.asciiLowercased == wanted }
  }

  /// The conversation went on.
  func note() { due = conversation.nextTimeout }

  var report: RouterSession {
    RouterSession(
      router: name,
      peer: peer.remote,
      peerPort: peer.remotePort,
      transport: transport,
      since: since
    )
  }
}
