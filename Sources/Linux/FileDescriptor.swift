import CLinux

/// An open file, socket or the like; closed when the last owner lets go of it.
public final class FileDescriptor {
  /// The number by which the kernel knows it.
  public let number: Int32

  /// Takes ownership of the open descriptor `number` and keeps it from programs that are started.
  public init(adopting number: Int32) {
    self.number = number
    _ = cordon_close_on_exec(number)
  }

  init(result: Int) { number = Int32(truncatingIfNeeded: result) }

  private var isOpen = true

  deinit { end() }

  /// Closes it before its owners let go of it; none of them may use it any more.
  public func end() {
    guard isOpen else { return }
    isOpen = false
    close(number)
  }

  /// Closes all but the standard streams: what whoever started the program left open.
  ///
  /// To be called before anything is opened.
  public static func closeInherited() { cordon_close_from(3) }

  /// Makes reads and writes return instead of wait.
  public func makeNonblocking() throws(SystemError) {
    try system("fcntl") { cordon_nonblocking(number) }
  }

  /// A second descriptor of the same thing whose number is `lowest` or more.
  func duplicate(from lowest: Int32) throws(SystemError) -> FileDescriptor {
    FileDescriptor(result: try system("fcntl") { cordon_duplicate(number, lowest) })
  }
}
