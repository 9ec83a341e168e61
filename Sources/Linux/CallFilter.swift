import CLinux

/// The system calls that rooms make, named by what they do.
public enum SystemCall: UInt8, Sendable {
  // Descriptors and sockets.
  case read
  case write
  case close
  case fcntl
  case ioctl
  case epollWait
  case epollControl
  case poll
  case socket
  case socketPair
  case bind
  case connect
  case accept
  case shutdown
  case socketName
  case peerName
  case socketOption
  case setSocketOption
  case send
  case sendMessage
  case sendMessages
  case receive
  case receiveMessage
  // Files.
  case open
  case status
  case statusAt
  case seek
  case readAt
  case access
  case folderEntries
  case synchronise
  case changeMode
  case rename
  case unlink
  // The same without a folder, where the architecture has them: the C library prefers them.
  case oldOpen
  case oldStatus
  case oldAccess
  case oldRename
  case oldUnlink
  case oldReadLink
  // The process itself.
  case random
  case clock
  case futex
  case process
  case user
  case effectiveUser
  case group
  case effectiveGroup
  case systemName
  case systemInformation
  case signalMask
  /// What the kernel makes of a wait that a stop interrupted.
  case restart
  case exit
  // Memory.
  case heapEnd
  case map
  case unmap
  case remap
  case protect
  case advise

  /// The kernel's number of it on this architecture; negative when there is none.
  var number: Int32 {
    switch self {
    case .read: SYS_read
    case .write: SYS_write
    case .close: SYS_close
    case .fcntl: SYS_fcntl
    case .ioctl: SYS_ioctl
    case .epollWait: cordon_call_epoll_wait()
    case .epollControl: SYS_epoll_ctl
    case .poll: cordon_call_poll()
    case .socket: SYS_socket
    case .socketPair: SYS_socketpair
    case .bind: SYS_bind
    case .connect: SYS_connect
    case .accept: SYS_accept4
    case .shutdown: SYS_shutdown
    case .socketName: SYS_getsockname
    case .peerName: SYS_getpeername
    case .socketOption: SYS_getsockopt
    case .setSocketOption: SYS_setsockopt
    case .send: SYS_sendto
    case .sendMessage: SYS_sendmsg
    case .sendMessages: SYS_sendmmsg
    case .receive: SYS_recvfrom
    case .receiveMessage: SYS_recvmsg
    case .open: SYS_openat
    case .status: SYS_fstat
    case .statusAt: SYS_newfstatat
    case .seek: SYS_lseek
    case .readAt: SYS_pread64
    case .access: SYS_faccessat
    case .folderEntries: SYS_getdents64
    case .synchronise: SYS_fsync
    case .changeMode: SYS_fchmod
    case .rename: SYS_renameat
    case .unlink: SYS_unlinkat
    case .oldOpen: cordon_call_old(0)
    case .oldStatus: cordon_call_old(1)
    case .oldAccess: cordon_call_old(2)
    case .oldRename: cordon_call_old(3)
    case .oldUnlink: cordon_call_old(4)
    case .oldReadLink: cordon_call_old(5)
    case .random: SYS_getrandom
    case .clock: SYS_clock_gettime
    case .futex: SYS_futex
    case .process: SYS_getpid
    case .user: SYS_getuid
    case .effectiveUser: SYS_geteuid
    case .group: SYS_getgid
    case .effectiveGroup: SYS_getegid
    case .systemName: SYS_uname
    case .systemInformation: SYS_sysinfo
    case .signalMask: SYS_rt_sigprocmask
    case .restart: SYS_restart_syscall
    case .exit: SYS_exit_group
    case .heapEnd: SYS_brk
    case .map: SYS_mmap
    case .unmap: SYS_munmap
    case .remap: SYS_mremap
    case .protect: SYS_mprotect
    case .advise: SYS_madvise
    }
  }
}

/// Lets a process make the system calls of a list, and no other: seccomp(2).
public struct CallFilter: Sendable {
  /// What every program does to have memory, write to its log, tell the time and end.
  ///
  /// `clock` is a system call only where the kernel's own page can't tell the time.
  public static var always: [SystemCall] {
    [.write, .close, .clock, .random, .heapEnd, .map, .unmap, .remap, .restart, .exit]
  }

  private let calls: [SystemCall]
  private let mayLoadCode: Bool

  /// A filter for these calls beside `always`.
  ///
  /// Memory can't be made executable unless the process `mayLoadCode`.
  public init(_ calls: [SystemCall], mayLoadCode: Bool = false) {
    self.calls = calls
    self.mayLoadCode = mayLoadCode
  }

  /// From now on any other call ends the process, for good.
  ///
  /// Programs that gain rights must have been forbidden before (`Confinement.enter`).
  public func install() throws(SystemError) {
    let program = program
    try system("prctl") { cordon_filter_calls(program, program.count) }
  }

  /// Loads 32 bits of struct seccomp_data; compares; allows all bits of a mask; ends with a verdict.
  private static let load: UInt64 = 0x20
  private static let isEqual: UInt64 = 0x15
  private static let hasBits: UInt64 = 0x45
  private static let verdict: UInt64 = 0x06

  /// Offsets in struct seccomp_data: the call's number, the architecture, the lower half of the third
  /// argument (both architectures are little-endian), which is the protection of mmap and mprotect.
  private static let numberOffset: UInt64 = 0
  private static let architectureOffset: UInt64 = 4
  private static let protectionOffset: UInt64 = 32
  private static let executable: UInt64 = 4
  /// The number -1 that a tracer puts in the place of a call that it withholds, as tests do: the
  /// kernel does nothing for it.
  private static let withheld: UInt64 = 0xFFFF_FFFF

  private static func instruction(
    _ code: UInt64,
    _ operand: UInt64,
    then: UInt64 = 0,
    otherwise: UInt64 = 0
  ) -> UInt64 {
    code | then << 16 | otherwise << 24 | operand << 32
  }

  /// The filter in the kernel's language, which only jumps forward.
  private var program: [UInt64] {
    let allow = Self.instruction(Self.verdict, UInt64(SECCOMP_RET_ALLOW))
    let kill = Self.instruction(Self.verdict, UInt64(SECCOMP_RET_KILL_PROCESS))
    var program = [
      Self.instruction(Self.load, Self.architectureOffset),
      Self.instruction(Self.isEqual, UInt64(cordon_architecture), then: 1),
      kill,
      Self.instruction(Self.load, Self.numberOffset),
      Self.instruction(Self.isEqual, Self.withheld, otherwise: 1),
      allow,
    ]
    for call in Self.always + calls where call.number >= 0 {
      let number = UInt64(call.number)
      if !mayLoadCode, call == .map || call == .protect {
        program += [
          Self.instruction(Self.isEqual, number, otherwise: 4),
          Self.instruction(Self.load, Self.protectionOffset),
          Self.instruction(Self.hasBits, Self.executable, otherwise: 1),
          kill,
          allow,
        ]
      } else {
        program += [Self.instruction(Self.isEqual, number, otherwise: 1), allow]
      }
    }
    return program + [kill]
  }
}
