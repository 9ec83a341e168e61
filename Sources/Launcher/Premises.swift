import Bytes
import Configuration
import Link
import Linux
import Model

/// What is made once, as root, and stays until cordond is restarted: users, folders, sockets.
final class Premises {
  /// The users of the rooms, in the order of `RoomKind`.
  private let users: [RoomUser]
  let control: Text
  let listeners: [Listener]
  let sockets: [FileDescriptor]
  /// A root for rooms that need no file.
  let emptyRoot: FileDescriptor

  init(_ settings: Settings, log: Log) throws(StartFault) {
    guard User.isRoot else { throw .notRoot }
    var lacking: [Text] = []
    var users: [RoomUser] = []
    for kind in RoomKind.allCases {
      let fallback = Self.firstFallback + UInt32(kind.rawValue) - 1
      users.append(Self.user(kind.user(settings), fallback: fallback, &lacking))
    }
    self.users = users
    if !lacking.isEmpty {
      var names = Text([])
      for name in lacking { names += (names.isEmpty ? "" : ", ") + name }
      log.warning("no such user: \(names); numbers from 64901 on stand in")
    }
    control = settings.control
    try Self.makeFolders(settings, owner: User(user: users[0].user, group: users[0].group))
    (listeners, sockets) = try Self.bind(settings.listen, log: log)
    do { emptyRoot = try File.emptyRoot() } catch { throw .system(error) }
  }

  /// Numbers of users that the system lacks begin here.
  private static let firstFallback: UInt32 = 64_901

  /// The user that a room becomes.
  func user(of kind: RoomKind) -> RoomUser { users[Int(kind.rawValue) - 1] }

  /// What a room gets beside its door.
  func descriptors(for kind: RoomKind) -> [FileDescriptor] {
    (kind.hasEmptyRoot ? [emptyRoot] : []) + (kind == .signal ? sockets : [])
  }

  private static func user(_ name: Text, fallback: UInt32, _ lacking: inout [Text]) -> RoomUser {
    if let user = User(named: name) { return RoomUser(user: user.user, group: user.group) }
    lacking.append(name)
    return RoomUser(user: fallback, group: fallback)
  }

  private static func makeFolders(_ settings: Settings, owner: User) throws(StartFault) {
    let state = settings.core.state
    do { try File.makeFolder(state, mode: 0o700, owner: owner) } catch {
      throw .folder(state, error)
    }
    let control = settings.control.folder
    do { try File.makeFolder(control, mode: 0o755) } catch { throw .folder(control, error) }
  }

  private static func bind(
    _ sections: [ListenSettings],
    log: Log
  ) throws(StartFault) -> ([Listener], [FileDescriptor]) {
    let everyV6 = IPAddress(v6High: 0, low: 0)
    var listeners: [Listener] = []
    var sockets: [FileDescriptor] = []
    for section in sections {
      var addresses = section.addresses
      if addresses.contains(everyV6) { addresses.append(IPAddress(v4: 0)) }
      for transport in section.transports {
        for address in addresses {
          let listener = Listener(address: address, port: section.port, transport: transport)
          do { sockets.append(try socket(for: listener)) } catch {
            guard address == everyV6, error.number == SystemError.familyMissing else {
              throw .listen(listener, error)
            }
            log.warning("this machine has no IPv6: listening for IPv4 only")
            continue
          }
          listeners.append(listener)
        }
      }
    }
    return (listeners, sockets)
  }

  private static func socket(for listener: Listener) throws(SystemError) -> FileDescriptor {
    let local = Endpoint(listener.address, port: listener.port)
    return switch listener.transport {
    case .udp: try UDPSocket(binding: local).descriptor
    case .tcp: try StreamListener(binding: local).descriptor
    }
  }
}
