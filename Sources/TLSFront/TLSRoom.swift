import Bytes
import Link
import Linux

/// `cordond-tls`: the room that ends TLS for the API of the page.
///
/// It holds one key and no power, and understands nothing of what it relays.
public enum TLSRoom {
  /// Where the launcher puts what the room gets: its door, then the empty root.
  private static let doorNumber: Int32 = 3
  private static let rootNumber: Int32 = 4
  /// How long the launcher may take to send all settings.
  private static let setupPatience = Span.seconds(10)

  /// What the room does beside what every program does.
  private static var calls: [SystemCall] {
    [
      // The loop, and what it watches.
      .epollWait, .epollControl,
      // Connections: taken, with the address of ours that they reached; read, written, ended.
      .accept, .socketName, .receive, .send, .shutdown,
      // The doors to the launcher and the portal, and the pair for each connection that is relayed.
      .receiveMessage, .sendMessage, .socketPair,
      // Descriptors are kept from programs (which can't be started).
      .fcntl,
      // OpenSSL asks which process it is in before it uses its random numbers, and has locks.
      .process, .futex,
    ]
  }

  /// Runs until the launcher ends it; gives the exit status.
  public static func run(_ arguments: [Text]) -> Int32 {
    if arguments == ["--version"] {
      StandardStream.output.write("cordond-tls " + Software.version + "\n")
      return 0
    }
    var log = Log(room: "tls")
    let door = PacketSocket(adopting: FileDescriptor(adopting: doorNumber))
    do throws(FrontFault) {
      let complete = try receiveSetup(door)
      let root = FileDescriptor(adopting: rootNumber)
      let setup: TLSSettings
      do { setup = try TLSSettings(parsing: complete.settings) } catch {
        throw FrontFault.link(error)
      }
      log.level = setup.logLevel
      try confine(complete.user, root: root)
      let front = try TLSFront(setup, complete.files, launcher: door, log: log)
      do { try CallFilter(calls).install() } catch {
        throw FrontFault.system("forbid system calls", error)
      }
      try front.report(.ready)
      try front.run()
      return 0
    } catch {
      log.error(error.text)
      if let message = try? RoomReport.failed(error.text).encoded() {
        try? door.send(message)
      }
      return 1
    }
  }

  private static func confine(_ user: RoomUser, root: FileDescriptor) throws(FrontFault) {
    let confinement = Confinement(user: User(user: user.user, group: user.group), root: root)
    do { try confinement.enter() } catch { throw .system("give up rights", error) }
  }

  private static func receiveSetup(
    _ door: PacketSocket
  ) throws(FrontFault) -> FrontAssembly.Complete {
    var assembly = FrontAssembly()
    let deadline = Clock.now + setupPatience
    while true {
      let received: Received
      do { received = try door.receive(within: deadline - Clock.now) } catch {
        throw .system("read settings", error)
      }
      guard case .message(let bytes, _) = received else { throw .noSettings }
      do {
        if let complete = try assembly.receive(FrontSetup(parsing: bytes)) { return complete }
      } catch { throw .link(error) }
    }
  }
}
