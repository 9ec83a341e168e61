import Bytes
import Link
import Linux
import Model

/// `cordond-core`: the room that decides, enforces, remembers and reports.
///
/// It has CAP_NET_ADMIN and nothing else, and reads nothing from a network.
public enum CoreRoom {
  /// Where the launcher puts its door.
  private static let doorNumber: Int32 = 3
  /// How long the launcher may take to send all settings.
  private static let setupPatience = Span.seconds(10)

  /// What the room does beside what every program does.
  private static var calls: [SystemCall] {
    [
      // The loop, and what it watches; one answer of the launcher or the kernel is waited for.
      .epollWait, .epollControl, .poll,
      // The doors to the launcher and the fronts, and netlink, whose sockets are made anew after a
      // fault.
      .receiveMessage, .sendMessage, .receive, .send, .socket, .bind, .socketName, .setSocketOption,
      // The control socket: who connects, and whether it may ask.
      .accept, .socketOption,
      // Descriptors that came through a door are kept from programs (which can't be started).
      .fcntl,
      // The state file, which is replaced; the files of leases and makers' names, which are read.
      .open, .oldOpen, .read, .changeMode, .synchronise, .rename, .oldRename, .unlink, .oldUnlink,
      .status, .statusAt, .oldStatus, .access, .oldAccess, .seek,
    ]
  }

  /// Runs until the launcher ends it; gives the exit status.
  public static func run(_ arguments: [Text]) -> Int32 {
    if arguments == ["--version"] {
      StandardStream.output.write("cordond-core " + Software.version + "\n")
      return 0
    }
    var log = Log(room: "core")
    let door = PacketSocket(adopting: FileDescriptor(adopting: doorNumber))
    do throws(CoreFault) {
      let (user, settings) = try receiveSetup(door)
      log.level = settings.logLevel
      try confine(user)
      let core = try Core(settings: settings, launcher: door, log: log)
      do { try CallFilter(calls).install() } catch {
        throw CoreFault.system("forbid system calls", error)
      }
      try core.report(.ready)
      try core.run()
      return 0
    } catch {
      log.error(error.text)
      if let message = try? RoomReport.failed(error.text).encoded() {
        try? door.send(message)
      }
      return 1
    }
  }

  private static func confine(_ user: RoomUser) throws(CoreFault) {
    let confinement = Confinement(
      user: User(user: user.user, group: user.group),
      keeping: [.administerNetwork]
    )
    do { try confinement.enter() } catch { throw .system("give up rights", error) }
  }

  private static func receiveSetup(
    _ door: PacketSocket
  ) throws(CoreFault) -> (RoomUser, CoreSettings) {
    var assembly = CoreSettingsAssembly()
    let deadline = Clock.now + setupPatience
    while true {
      let received: Received
      do { received = try door.receive(within: deadline - Clock.now) } catch {
        throw .system("read settings", error)
      }
      guard case .message(let bytes, _) = received else { throw .noSettings }
      do {
        if let user = try assembly.receive(CoreSetup(parsing: bytes)) {
          return (user, assembly.settings)
        }
      } catch { throw .link(error) }
    }
  }
}
