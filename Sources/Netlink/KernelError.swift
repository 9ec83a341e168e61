import Bytes
import CNetfilter

/// What the kernel refused.
public struct KernelError: Error, Equatable, Sendable {
  private struct Parts: Equatable, Sendable {
    var errno: Int32
    var words: Text
    var operation: Int?
    var offset: UInt32?
  }

  private var parts: Behind<Parts>

  /// An error of these.
  public init(errno: Int32, words: Text = "", operation: Int? = nil, offset: UInt32? = nil) {
    parts = Behind(Parts(errno: errno, words: words, operation: operation, offset: offset))
  }

  /// The kernel's number.
  public var errno: Int32 { parts.value.errno }

  /// The kernel's own words; empty when it gave none.
  public var words: Text { parts.value.words }

  /// Which operation of the batch; nil when it was none in particular.
  public var operation: Int? {
    get { parts.value.operation }
    set { parts.value.operation = newValue }
  }

  /// Where in that operation's message the kernel saw the cause: bytes from its start.
  public var offset: UInt32? { parts.value.offset }

  /// The error of the last call that failed.
  static var last: KernelError { KernelError(errno: cordon_errno()) }

  /// Whether a table or the memory for it is full.
  public var isFull: Bool {
    [ENOMEM, ENOSPC, ENFILE, EMFILE, ENOBUFS, E2BIG, EMSGSIZE].contains(errno)
  }

  /// Whether the table belongs to another process, or this one lacks the capability.
  public var isForbidden: Bool { errno == EPERM || errno == EACCES }

  /// Whether what the kernel holds is not what was thought: read it and reconcile.
  public var isDrift: Bool {
    [ENOENT, EEXIST, EBUSY, ENOBUFS, EAGAIN, EINTR].contains(errno)
  }
}

extension KernelError: CustomTextConvertible {
  /// `errno NUMBER: TEXT (operation NUMBER)`.
  public var text: Text {
    var result: Text = "errno \(errno)"
    if !words.isEmpty { result += ": \(words)" }
    if let operation { result += " (operation \(operation))" }
    return result
  }
}
