import CLinux

/// The signals that mean something to Cordon; the raw value is the kernel's number.
public enum Signal: Int32, Sendable {
  /// Read the settings again.
  case hangUp = 1
  /// Stop: the terminal's key.
  case interrupt = 2
  /// End at once; can't be refused.
  case kill = 9
  /// Stop.
  case terminate = 15
  /// A child has ended.
  case child = 17
}

/// Signals as something to read instead of an interruption: signalfd(2).
public final class SignalReader {
  /// Becomes readable when a signal has come.
  public let descriptor: FileDescriptor

  /// From now on `signals` no longer interrupt or end the process but wait here.
  public init(_ signals: [Signal]) throws(SystemError) {
    var numbers: UInt64 = 0
    for signal in signals { numbers |= 1 << UInt64(signal.rawValue) }
    let blocked = numbers
    descriptor = FileDescriptor(result: try system("signalfd") { cordon_signals(blocked) })
  }

  /// The next signal that has come; nil when there is none.
  public func next() throws(SystemError) -> Signal? {
    guard let number = try available("read", { cordon_next_signal(descriptor.number) }) else {
      return nil
    }
    return Signal(rawValue: Int32(truncatingIfNeeded: number))
  }

  /// Makes a write to a closed pipe an error instead of the end of the process.
  public static func ignoreBrokenPipes() { cordon_ignore_broken_pipe() }
}
