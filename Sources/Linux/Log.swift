import Bytes
import Model

/// Writes one line for each event to the standard error stream.
///
/// Under systemd each line begins with its priority, as sd-daemon(3) says. What peers sent may stand
/// in a line: control characters become `?`, and a line ends after 1,024 bytes.
public struct Log: Sendable {
  /// How much is logged.
  public var level: LogLevel
  private let room: Text
  private let hasPriorities: Bool

  private static let longestLine = 1024

  /// A log of the room with this name.
  public init(room: Text, level: LogLevel = .info) {
    self.room = room
    self.level = level
    hasPriorities = Environment.value(of: "JOURNAL_STREAM") != nil
  }

  /// Something that needs somebody's help.
  public func error(_ text: @autoclosure () -> Text) { write(.error, text) }

  /// Something unusual that Cordon dealt with.
  public func warning(_ text: @autoclosure () -> Text) { write(.warning, text) }

  /// A change of state.
  public func info(_ text: @autoclosure () -> Text) { write(.info, text) }

  /// What only a developer wants to know.
  public func debug(_ text: @autoclosure () -> Text) { write(.debug, text) }

  private func write(_ level: LogLevel, _ text: () -> Text) {
    guard level <= self.level else { return }
    StandardStream.error.write(line(level, text()))
  }

  func line(_ level: LogLevel, _ text: Text) -> [UInt8] {
    var line: [UInt8] = []
    if hasPriorities { line += Self.priority(level).bytes }
    line += room.bytes + [0x3A, 0x20]
    for byte in text.bytes.prefix(Self.longestLine - line.count - 1) {
      line.append(byte < 0x20 || byte == 0x7F ? 0x3F : byte)
    }
    return line + [0x0A]
  }

  /// The syslog priorities err, warning, info and debug.
  private static func priority(_ level: LogLevel) -> Text {
    switch level {
    case .error: "<3>"
    case .warning: "<4>"
    case .info: "<6>"
    case .debug: "<7>"
    }
  }
}
