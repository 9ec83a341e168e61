import Bytes
import CLinux

/// A user's number and that of its group.
public struct User: Hashable, Sendable {
  /// The user.
  public let user: UInt32
  /// Its group.
  public let group: UInt32

  /// A user with these numbers.
  public init(user: UInt32, group: UInt32) {
    self.user = user
    self.group = group
  }

  /// Root.
  public static let root = User(user: 0, group: 0)

  /// Looks `name` up in the user database; nil when it isn't there.
  public init?(named name: Text) {
    var user: UInt32 = 0
    var group: UInt32 = 0
    guard cordon_user(name.characters, &user, &group) == 0 else { return nil }
    self.init(user: user, group: group)
  }

  /// Whether this process runs as root.
  public static var isRoot: Bool { geteuid() == 0 }
}

/// A right that the kernel grants apart from the user; the raw value is the kernel's number.
public enum Capability: UInt8, Sendable {
  case changeOwner = 0
  case kill = 5
  case setGroup = 6
  case setUser = 7
  case setCapabilities = 8
  case administerNetwork = 12
  case changeRoot = 18
}

/// What a process keeps when it gives up everything else, for good.
public struct Confinement {
  /// The user that it becomes; nil: stays what it is.
  public var user: User?
  /// The capabilities that stay permitted and effective.
  public var capabilities: [Capability]
  /// The folder that becomes the root of its files, and is closed then; nil: stays what it is.
  public var root: FileDescriptor?
  /// Whether it ends when the process that started it does.
  public var endsWithParent: Bool

  /// A confinement of these parts.
  public init(
    user: User?,
    keeping capabilities: [Capability] = [],
    root: FileDescriptor? = nil,
    endsWithParent: Bool = true
  ) {
    self.user = user
    self.capabilities = capabilities
    self.root = root
    self.endsWithParent = endsWithParent
  }

  /// Gives up everything else, and dumps of memory with it.
  ///
  /// A room's first act, before it reads anything from outside. When it throws, the process must
  /// end: some of it may have happened. Programs started later gain nothing (no_new_privs).
  public func enter() throws(SystemError) {
    if let root {
      try system("chroot") { cordon_change_root(root.number) }
      root.end()
    }
    try emptyBoundingSet()
    if let user {
      try control("PR_SET_KEEPCAPS", PR_SET_KEEPCAPS, 1)
      try system("setresuid") { cordon_become(user.user, user.group) }
      try control("PR_SET_KEEPCAPS", PR_SET_KEEPCAPS, 0)
    }
    try control("PR_CAP_AMBIENT", PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_CLEAR_ALL))
    var kept: UInt64 = 0
    for capability in capabilities { kept |= 1 << UInt64(capability.rawValue) }
    let mask = kept
    try system("capset") { cordon_capabilities(mask) }
    try control("PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1)
    try control("PR_SET_DUMPABLE", PR_SET_DUMPABLE, 0)
    try system("setrlimit") { cordon_no_core_files() }
    // After the change of user, which resets it.
    if endsWithParent { try control("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, UInt(SIGKILL)) }
  }

  /// Takes from the bounding set what isn't kept, as far as this process may.
  ///
  /// Without CAP_SETPCAP, as under our systemd unit, the set stays; nothing can be gained from it
  /// after no_new_privs.
  private func emptyBoundingSet() throws(SystemError) {
    for number in UInt(0)..<64 where !capabilities.contains(where: { $0.rawValue == number }) {
      do { try control("PR_CAPBSET_DROP", PR_CAPBSET_DROP, number) } catch {
        // Beyond the kernel's last one, or not allowed.
        guard error.number == EINVAL || error.number == EPERM else { throw error }
        return
      }
    }
  }

  private func control(
    _ name: StaticString,
    _ option: Int32,
    _ argument: UInt
  ) throws(SystemError) {
    try system(name) { cordon_prctl(option, argument, 0) }
  }
}
