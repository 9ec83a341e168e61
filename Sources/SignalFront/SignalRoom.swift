import Bytes
import Link
import Linux

/// `cordond-signal`: the room that the ISP can reach.
///
/// It holds the TLS keys and no power: no capability, no file, no root.
public enum SignalRoom {
  /// Where the launcher puts what the room gets: its door, the empty root, then the bound sockets.
  private static let doorNumber: Int32 = 3
  private static let rootNumber: Int32 = 4
  private static let firstSocket: Int32 = 5
  /// How long the launcher may take to send all settings.
  private static let setupPatience = Span.seconds(10)

  /// What the room does beside what every program does.
  private static var calls: [SystemCall] {
    [
      // The loop, and what it watches.
      .epollWait, .epollControl,
      // Datagrams, and the doors to the launcher and core.
      .receiveMessage, .sendMessage,
      // Connections: taken, with the address of ours that they reached; read, written.
      .accept, .socketName, .receive, .send,
      // Descriptors that came through a door are kept from programs (which can't be started).
      .fcntl,
      // OpenSSL asks which process it is in before it uses its random numbers, and has locks.
      .process, .futex,
    ]
  }

  /// What connecting to others takes beside: only a room that is to do it may make sockets.
  private static var dialling: [SystemCall] {
    [.socket, .connect, .socketOption, .setSocketOption]
  }

  /// Runs until the launcher ends it; gives the exit status.
  public static func run(_ arguments: [Text]) -> Int32 {
    if arguments == ["--version"] {
      StandardStream.output.write("cordond-signal " + Software.version + "\n")
      return 0
    }
    var log = Log(room: "signal")
    let door = PacketSocket(adopting: FileDescriptor(adopting: doorNumber))
    do throws(FrontFault) {
      let setup = try receiveSetup(door)
      log.level = setup.settings.logLevel
      let root = FileDescriptor(adopting: rootNumber)
      let sockets = setup.settings.listeners.indices.map { index in
        FileDescriptor(adopting: firstSocket + Int32(truncatingIfNeeded: index))
      }
      try confine(setup.user, root: root)
      let front = try SignalFront(setup: setup, descriptors: sockets, launcher: door, log: log)
      let allowed = calls + (front.mayDial ? dialling : [])
      do { try CallFilter(allowed).install() } catch {
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
  ) throws(FrontFault) -> SignalFront.Setup {
    var assembly = FrontAssembly()
    let deadline = Clock.now + setupPatience
    while true {
      let received: Received
      do { received = try door.receive(within: deadline - Clock.now) } catch {
        throw .system("read settings", error)
      }
      guard case .message(let bytes, _) = received else { throw .noSettings }
      do {
        if let complete = try assembly.receive(FrontSetup(parsing: bytes)) {
          return try SignalFront.Setup(complete)
        }
      } catch { throw .link(error) }
    }
  }
}
