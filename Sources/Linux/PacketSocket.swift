import Bytes
import CLinux

/// What a look into a packet socket found.
public enum Received {
  /// One whole message, and the descriptor that came with it.
  case message([UInt8], FileDescriptor?)
  /// Nothing waits.
  case nothing
  /// The other end is closed.
  case closed
}

/// The user and process at the other end of a connection, as they were when it was made.
public struct PeerCredentials: Equatable, Sendable {
  /// The process.
  public let process: Int32
  /// Its user.
  public let user: UInt32
  /// Its group.
  public let group: UInt32
}

/// One end of a connection between processes that carries whole messages: AF_UNIX, SOCK_SEQPACKET.
///
/// What the kernel won't take yet stands in a bounded backlog. An end that a poller watches is
/// reported as writable while there is one, and its owner then calls `flush`.
public final class PacketSocket {
  /// The largest message, in bytes; a longer one is refused in both directions.
  public static let largestMessage = 16_384
  /// How many bytes may stand in the backlog: all settings and credentials of a room at once.
  ///
  /// An end that lets more pile up is broken.
  public static let largestBacklog = 2_097_152

  /// Readable when a message waits or the other end has gone.
  public let descriptor: FileDescriptor

  private var backlog: [(message: [UInt8], passed: FileDescriptor?)] = []
  private var backlogLength = 0
  private var watch: (poller: Poller, token: UInt64)?

  /// Takes an end that is open already.
  public init(adopting descriptor: FileDescriptor) { self.descriptor = descriptor }

  /// Makes two ends that are connected with each other.
  public static func pair() throws(SystemError) -> (PacketSocket, PacketSocket) {
    var first: Int32 = -1
    var second: Int32 = -1
    try withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2) {
      (ends) throws(SystemError) in
      ends.initialize(repeating: -1)
      try system("socketpair") { cordon_packet_pair(ends.baseAddress) }
      first = ends[0]
      second = ends[1]
    }
    return (
      PacketSocket(adopting: FileDescriptor(adopting: first)),
      PacketSocket(adopting: FileDescriptor(adopting: second))
    )
  }

  /// Connects with the socket that listens at `path`.
  public static func connect(to path: Text) throws(SystemError) -> PacketSocket {
    let number = try system("connect") {
      cordon_unix_connect(path.characters, path.count, 0)
    }
    return PacketSocket(adopting: FileDescriptor(result: number))
  }

  /// Who is at the other end.
  public func peer() throws(SystemError) -> PeerCredentials {
    var process: Int32 = 0
    var user: UInt32 = 0
    var group: UInt32 = 0
    try system("getsockopt") { cordon_peer(descriptor.number, &process, &user, &group) }
    return PeerCredentials(process: process, user: user, group: group)
  }

  /// Whether messages wait for the kernel to take them.
  public var hasBacklog: Bool { !backlog.isEmpty }

  /// Lets `poller` watch this end until it is closed: for reading, and for writing while there is a
  /// backlog.
  public func watch(with poller: Poller, token: UInt64) throws(SystemError) {
    try poller.add(descriptor, token: token, writing: hasBacklog)
    watch = (poller, token)
  }

  /// Sends a message of 1 to 16,384 bytes, or puts it behind those that already wait.
  ///
  /// Throws when it is empty or too long, when the backlog is full, or when the other end is closed:
  /// then nothing more can be sent.
  public func send(_ message: [UInt8], passing passed: FileDescriptor? = nil) throws(SystemError) {
    guard !message.isEmpty, message.count <= Self.largestMessage else {
      throw SystemError(EMSGSIZE, "sendmsg")
    }
    if backlog.isEmpty, try write(message, passed) { return }
    guard backlogLength + message.count <= Self.largestBacklog else {
      throw SystemError(ENOBUFS, "sendmsg")
    }
    backlog.append((message, passed))
    backlogLength += message.count
    if let watch, backlog.count == 1 {
      try watch.poller.change(descriptor, token: watch.token, writing: true)
    }
  }

  /// Sends what the kernel takes of the backlog.
  public func flush() throws(SystemError) {
    while let first = backlog.first {
      guard try write(first.message, first.passed) else { return }
      backlogLength -= first.message.count
      backlog.remove(at: 0)
    }
    if let watch { try watch.poller.change(descriptor, token: watch.token, writing: false) }
  }

  private func write(_ message: [UInt8], _ passed: FileDescriptor?) throws(SystemError) -> Bool {
    let sent = try available("sendmsg") {
      message.withUnsafeBytes {
        cordon_send_message(descriptor.number, $0.baseAddress, $0.count, passed?.number ?? -1)
      }
    }
    return sent != nil
  }

  /// Takes the next message, and waits for it up to `timeout`.
  public func receive(within timeout: Span) throws(SystemError) -> Received {
    let milliseconds = Int32(clamping: max(0, timeout.milliseconds))
    let ready = try system("poll") { cordon_wait_readable(descriptor.number, milliseconds) }
    return ready == 0 ? .nothing : try receive()
  }

  /// Takes the next message, without waiting.
  ///
  /// Throws when it is longer than 16,384 bytes: the other end is broken.
  public func receive() throws(SystemError) -> Received {
    try withUnsafeTemporaryAllocation(byteCount: Self.largestMessage, alignment: 1) {
      (buffer) throws(SystemError) -> Received in
      var passed: Int32 = -1
      guard let count = try take(buffer, &passed) else { return .nothing }
      let descriptor = passed < 0 ? nil : FileDescriptor(adopting: passed)
      guard count <= buffer.count else { throw SystemError(EMSGSIZE, "recvmsg") }
      return count == 0
        ? .closed : .message([UInt8](copying: buffer.baseAddress, count: count), descriptor)
    }
  }

  /// Answers the message's true length; 0 when the other end is closed, nil when nothing waits.
  private func take(
    _ buffer: UnsafeMutableRawBufferPointer,
    _ passed: inout Int32
  ) throws(SystemError) -> Int? {
    while true {
      let number = descriptor.number
      do throws(SystemError) {
        return try available("recvmsg") {
          cordon_receive_message(number, buffer.baseAddress, buffer.count, &passed)
        }
      } catch {
        // The other end closed without reading everything. Said once; its last words come next.
        guard error.number == ECONNRESET else { throw error }
      }
    }
  }
}

/// A socket at a path, which takes connections that carry whole messages.
public final class PacketListener {
  /// Readable when somebody connects.
  public let descriptor: FileDescriptor

  /// Takes a listening socket that another room has made.
  public init(adopting descriptor: FileDescriptor) { self.descriptor = descriptor }

  /// Listens at `path`, with these permission bits, in place of a socket that is left over there.
  ///
  /// Anything else than a socket at `path` stays, and the call throws. The folder must be one that
  /// only the caller can write to.
  public convenience init(path: Text, mode: UInt32) throws(SystemError) {
    if cordon_is_socket(path.characters) == 1 { try File.remove(path) }
    let number = try system("bind") { cordon_packet_listen(path.characters, path.count) }
    self.init(adopting: FileDescriptor(result: number))
    try system("chmod") { cordon_chmod(path.characters, mode) }
  }

  /// The next connection; nil when nobody waits.
  public func accept() throws(SystemError) -> PacketSocket? {
    do {
      let number = try available("accept") { cordon_accept(descriptor.number) }
      return number.map { PacketSocket(adopting: FileDescriptor(result: $0)) }
    } catch {
      if error.number == ECONNABORTED { return nil }
      throw error
    }
  }
}
