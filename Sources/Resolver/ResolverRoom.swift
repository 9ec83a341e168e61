import Bytes
import Link
import Linux

/// `cordond-resolve`: looks one name up and ends.
///
/// libc's parser of DNS, and the modules that its settings name, run here: in a process without any
/// right, that lives for one question and knows nothing but it.
public enum ResolverRoom {
  /// Where the launcher puts its door.
  private static let doorNumber: Int32 = 3
  /// How long the launcher may take to ask.
  private static let setupPatience = Span.seconds(10)
  /// A look-up waits for others; it doesn't compute.
  private static let processorSeconds: UInt32 = 2
  /// The most addresses of one name that are told.
  private static let maximumAddresses = 16

  /// What getaddrinfo does beside what every program does: it runs no program and traces none.
  private static var calls: [SystemCall] {
    [
      // The door.
      .receiveMessage, .sendMessage,
      // Files of the C library: nsswitch.conf, resolv.conf, hosts, modules that they name.
      .open, .read, .readAt, .seek, .status, .statusAt, .access, .oldOpen, .oldStatus, .oldAccess,
      // Sockets to name servers, and to daemons that answer in their place.
      .socket, .connect, .bind, .send, .sendMessages, .receive, .poll, .ioctl, .fcntl,
      .socketName, .peerName, .socketOption, .setSocketOption,
      // Modules are loaded; what they and the C library ask for on the way.
      .protect, .advise, .futex, .signalMask, .process, .user, .effectiveUser, .group,
      .effectiveGroup, .systemName, .systemInformation,
    ]
  }

  /// Runs until the question is answered; gives the exit status.
  public static func run(_ arguments: [Text]) -> Int32 {
    if arguments == ["--version"] {
      StandardStream.output.write("cordond-resolve " + Software.version + "\n")
      return 0
    }
    let door = PacketSocket(adopting: FileDescriptor(adopting: doorNumber))
    guard let (user, name) = question(door) else {
      Log(room: "resolve").error("no question over descriptor 3; cordond starts this program")
      return 1
    }
    var reply: RoomReport
    do {
      try confine(user)
      reply = .addresses(try addresses(of: name, limit: maximumAddresses))
    } catch { reply = .failed("\(name): \(error)") }
    guard let message = try? reply.encoded() else { return 1 }
    try? door.send(message)
    return 0
  }

  private static func confine(_ user: RoomUser) throws(SystemError) {
    try limitProcessor(seconds: processorSeconds)
    try Confinement(user: User(user: user.user, group: user.group)).enter()
    try CallFilter(calls, mayLoadCode: true).install()
  }

  private static func question(_ door: PacketSocket) -> (RoomUser, Text)? {
    var assembly = FrontAssembly()
    let deadline = Clock.now + setupPatience
    while case .message(let bytes, _)? = try? door.receive(within: deadline - Clock.now) {
      guard let message = try? FrontSetup(parsing: bytes) else { return nil }
      if let complete = try? assembly.receive(message) {
        guard let settings = try? ResolverSettings(parsing: complete.settings) else { return nil }
        return (complete.user, settings.name)
      }
    }
    return nil
  }
}
