import Bytes
import CLinux

/// What the kernel or the C library answered to a call that failed.
public struct SystemError: Error, Equatable, Sendable {
  /// The error's number, as in errno(3).
  public let number: Int32
  /// Where the name of the C function stands: a literal with a NUL at its end.
  ///
  /// It lasts as long as the process. A `StaticString` would be two words more wherever something may
  /// throw.
  private let name: UInt

  /// The error `number` of `call`.
  public init(_ number: Int32, _ call: StaticString) {
    self.number = number
    name = UInt(bitPattern: call.utf8Start)
  }

  /// The C function.
  public var call: Text {
    UnsafePointer<CChar>(bitPattern: name).map { Text(cString: $0) } ?? ""
  }

  /// Whether the errors' numbers are the same.
  public static func == (left: SystemError, right: SystemError) -> Bool {
    left.number == right.number
  }

  /// There is no such file, user or process.
  public static let notFound = ENOENT
  /// It is there already.
  public static let exists = EEXIST
  /// Not permitted.
  public static let notPermitted = EPERM
  /// Larger than the limit that was given.
  public static let tooLarge = EMSGSIZE
  /// The peer has gone.
  public static let connectionLost = ECONNRESET
  /// This machine doesn't know the family of the address.
  public static let familyMissing = EAFNOSUPPORT
}

extension SystemError: CustomTextConvertible {
  /// The function and the C library's words for the number.
  public var text: Text {
    guard let words = strerror(number) else { return "\(call): error \(number)" }
    return "\(call): \(Text(cString: words))"
  }
}

/// Repeats `body` while a signal interrupts it and turns -errno into an error.
///
/// Every call of this module goes through here or through `available`.
@discardableResult
func system(_ call: StaticString, _ body: () -> Int) throws(SystemError) -> Int {
  while true {
    let result = body()
    if result >= 0 { return result }
    if result != -Int(EINTR) { throw SystemError(Int32(truncatingIfNeeded: -result), call) }
  }
}

/// The same for a call that does not wait; nil when it would have to.
func available(_ call: StaticString, _ body: () -> Int) throws(SystemError) -> Int? {
  do { return try system(call, body) } catch {
    if error.number == EAGAIN || error.number == EWOULDBLOCK { return nil }
    throw error
  }
}
