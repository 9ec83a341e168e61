import Bytes
import CLinux

/// Waits until descriptors can be read or written: epoll(7), level-triggered.
public final class Poller {
  /// What a descriptor is ready for.
  public struct Event: Equatable, Sendable {
    /// The caller's number of the descriptor.
    public let token: UInt64
    /// Reading won't wait; true as well when the peer is gone, so that the read shows it.
    public let isReadable: Bool
    /// Writing won't wait.
    public let isWritable: Bool
  }

  private static let readable: UInt32 = 0x1
  private static let writable: UInt32 = 0x4
  /// EPOLLERR, EPOLLHUP, EPOLLRDHUP: reported as readable.
  private static let ended: UInt32 = 0x8 | 0x10 | 0x2000

  private let descriptor: FileDescriptor

  /// Makes a poller without any descriptor.
  public init() throws(SystemError) {
    descriptor = FileDescriptor(result: try system("epoll_create1") { cordon_epoll() })
  }

  /// Waits for one descriptor alone, which another module owns: until a read won't wait, or so long.
  public static func wait(number: Int32, timeout: Span) {
    let milliseconds = Int32(clamping: max(0, timeout.milliseconds))
    _ = try? system("poll") { cordon_wait_readable(number, milliseconds) }
  }

  /// Begins to watch `descriptor` for reading and, when asked, for writing.
  ///
  /// It stays watched until removed, or until nothing has it open.
  public func add(
    _ descriptor: FileDescriptor,
    token: UInt64,
    writing: Bool = false
  ) throws(SystemError) {
    try control(EPOLL_CTL_ADD, descriptor, token: token, writing: writing)
  }

  /// Begins to watch for reading the descriptor `number`, which another module owns.
  public func add(number: Int32, token: UInt64) throws(SystemError) {
    try system("epoll_ctl") {
      cordon_epoll_control(descriptor.number, EPOLL_CTL_ADD, number, Self.readable, token)
    }
  }

  /// Changes what `descriptor`, already watched, is watched for.
  ///
  /// One that isn't watched for reading is reported as readable only when the connection is broken,
  /// or closed in both directions.
  public func change(
    _ descriptor: FileDescriptor,
    token: UInt64,
    reading: Bool = true,
    writing: Bool
  ) throws(SystemError) {
    try control(EPOLL_CTL_MOD, descriptor, token: token, reading: reading, writing: writing)
  }

  /// Ends watching `descriptor`.
  public func remove(_ descriptor: FileDescriptor) throws(SystemError) {
    try control(EPOLL_CTL_DEL, descriptor, token: 0, writing: false)
  }

  private func control(
    _ operation: Int32,
    _ watched: FileDescriptor,
    token: UInt64,
    reading: Bool = true,
    writing: Bool
  ) throws(SystemError) {
    let events = (reading ? Self.readable : 0) | (writing ? Self.writable : 0)
    try system("epoll_ctl") {
      cordon_epoll_control(descriptor.number, operation, watched.number, events, token)
    }
  }

  /// Waits for at most `timeout` (nil: for ever) and answers up to 32 descriptors that are ready.
  ///
  /// A signal may end the wait early with no event.
  public func wait(timeout: Span?) throws(SystemError) -> [Event] {
    let capacity = Int(CORDON_EPOLL_EVENTS)
    var milliseconds: Int32 = -1
    if let timeout { milliseconds = Int32(clamping: max(0, timeout.milliseconds)) }
    return try withUnsafeTemporaryAllocation(of: UInt64.self, capacity: capacity) {
      (tokens) throws(SystemError) -> [Event] in
      try withUnsafeTemporaryAllocation(of: UInt32.self, capacity: capacity) {
        (events) throws(SystemError) -> [Event] in
        let count = cordon_epoll_wait(
          descriptor.number,
          tokens.baseAddress,
          events.baseAddress,
          milliseconds
        )
        if count == -Int(EINTR) { return [] }
        guard count >= 0 else {
          throw SystemError(Int32(truncatingIfNeeded: -count), "epoll_wait")
        }
        return (0..<min(count, capacity)).map { index in
          Event(
            token: tokens[index],
            isReadable: events[index] & (Self.readable | Self.ended) != 0,
            isWritable: events[index] & Self.writable != 0
          )
        }
      }
    }
  }
}
