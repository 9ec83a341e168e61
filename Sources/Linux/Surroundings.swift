import Bytes
import CLinux

/// The standard output and error streams.
public enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  /// Writes all of `bytes`; a closed or full stream is no error of ours.
  public func write(_ bytes: [UInt8]) { try? writeAll(bytes, number: rawValue) }

  /// Writes `text` as it is.
  public func write(_ text: Text) { write(text.bytes) }

  /// Whether somebody looks at it: a terminal.
  public var isTerminal: Bool { isatty(rawValue) == 1 }

  /// Whether somebody looks at it and has not asked for plain text (NO_COLOR).
  public var wantsColour: Bool {
    guard isTerminal, Environment.value(of: "NO_COLOR")?.isEmpty ?? true else { return false }
    return Environment.value(of: "TERM") != "dumb"
  }
}

/// What the process was started with beside its arguments.
public enum Environment {
  /// The value of the variable `name`; nil when it isn't set.
  public static func value(of name: Text) -> Text? {
    guard let value = getenv(name.characters) else { return nil }
    return Text(cString: value)
  }
}

/// The arguments of a program, the program's own name left out.
public func arguments(
  _ count: CInt,
  _ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> [Text] {
  guard let values, count > 1 else { return [] }
  var arguments: [Text] = []
  for index in 1..<Int(count) {
    if let value = values[index] { arguments.append(Text(cString: value)) }
  }
  return arguments
}
