import Bytes
import CLinux

/// A program that was started and has not been reaped.
public struct Process: Hashable, Sendable {
  /// The kernel's number of it.
  public let identifier: Int32

  /// How a program ended.
  public enum Ending: Equatable, Sendable, CustomTextConvertible {
    /// It exited with this status.
    case exited(Int32)
    /// This signal ended it.
    case signalled(Int32)

    /// The same in words.
    public var text: Text {
      switch self {
      case .exited(let status): "ended with status \(status)"
      case .signalled(let number): "was ended by signal \(number)"
      }
    }
  }

  /// Descriptors of a started program are numbered below this.
  private static let lowestTemporary: Int32 = 64

  /// Starts the program at `path`; no shell and no search is involved.
  ///
  /// `arguments` begin with the program's name. The program gets the standard streams and each of
  /// `descriptors` under the number beside it (3 to 63); every other one is closed. Its signals are
  /// as at the start of a login, and its environment is `environment` alone (`NAME=value`).
  public static func start(
    _ path: Text,
    arguments: [Text],
    environment: [Text] = [],
    descriptors: [(FileDescriptor, as: Int32)] = []
  ) throws(SystemError) -> Process {
    // Above all targets, so that putting one in place never overwrites another.
    var moved: [FileDescriptor] = []
    for (descriptor, _) in descriptors {
      moved.append(try descriptor.duplicate(from: lowestTemporary))
    }
    let sources = moved.map { $0.number }
    let targets = descriptors.map { $0.as }
    let identifier = try system("posix_spawn") {
      withCharacterArrays(arguments) { arguments in
        withCharacterArrays(environment) { environment in
          cordon_spawn(path.characters, arguments, environment, sources, targets, sources.count)
        }
      }
    }
    moved.removeAll()
    return Process(identifier: Int32(truncatingIfNeeded: identifier))
  }

  /// Sends it a signal; one that has ended already is no error.
  public func send(_ signal: Signal) throws(SystemError) {
    do { try system("kill") { cordon_kill(identifier, signal.rawValue) } } catch {
      guard error.number == ESRCH else { throw error }
    }
  }

  /// The next child that has ended; nil when there is none now.
  public static func reap() throws(SystemError) -> (process: Process, ending: Ending)? {
    var status: Int32 = 0
    let identifier = try system("waitpid") { cordon_reap(&status) }
    guard identifier > 0 else { return nil }
    return (
      Process(identifier: Int32(truncatingIfNeeded: identifier)),
      status >= 256 ? .signalled(status - 256) : .exited(status)
    )
  }

  /// The program `name` in the folder of the running program, else in /usr/libexec/cordon.
  public static func program(_ name: Text) -> Text {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = cordon_readlink(Text("/proc/self/exe").characters, &buffer, buffer.count)
    if count > 0, count < buffer.count {
      let own = Text(buffer.prefix(count).map { UInt8(bitPattern: $0) })
      let beside = own.folder + "/" + name
      if cordon_access(beside.characters, X_OK) == 0 { return beside }
    }
    return "/usr/libexec/cordon/" + name
  }
}

/// Calls `body` with the texts as a C array of C strings that ends with a null pointer.
private func withCharacterArrays<Result>(
  _ texts: [Text],
  _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0.characters) }
  pointers.append(nil)
  defer { for pointer in pointers { free(pointer) } }
  return body(pointers)
}
