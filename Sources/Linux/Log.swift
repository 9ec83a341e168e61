import Bytes
import Model

/// Writes one line for each event to the standard error stream.
///
/// Under systemd each line begins with its priority, as sd-daemon(3) says. What peers sent may stand
/// in a line: control characters become `?`, those from U+0080 `¿`, and a line ends after 1,024
/// bytes.
///
/// The text of a line is made whether or not it is written: to ask before would take more code at each
/// place than it saves time.
public struct Log: Sendable {
  private struct Parts {
    var level: LogLevel
    let room: Text
    let hasPriorities: Bool
  }

  private var parts: Behind<Parts>

  private static let longestLine = 1024

  /// A log of the room with this name.
  public init(room: Text, level: LogLevel = .info) {
    parts = Behind(
      Parts(
        level: level,
        room: room,
        hasPriorities: Environment.value(of: "JOURNAL_STREAM") != nil
      )
    )
  }

  /// How much is logged.
  public var level: LogLevel {
    get { parts.value.level }
    set { parts.value.level = newValue }
  }

  /// Something that needs somebody's help.
  public func error(_ text: Text) { write(.error, text) }

  /// Something unusual that Cordon dealt with.
  public func warning(_ text: Text) { write(.warning, text) }

  /// A change of state.
  public func info(_ text: Text) { write(.info, text) }

  /// What only a developer wants to know.
  public func debug(_ text: Text) { write(.debug, text) }

  @inline(never)
  private func write(_ level: LogLevel, _ text: Text) {
    if level <= self.level { StandardStream.error.write(line(level, text)) }
  }

  func line(_ level: LogLevel, _ text: Text) -> [UInt8] {
    var line: [UInt8] = []
    if parts.value.hasPriorities { line += Self.priority(level).bytes }
    line += parts.value.room.bytes + [0x3A, 0x20]
    var last: UInt8 = 0
    for byte in text.bytes.prefix(Self.longestLine - line.count - 1) {
      // Of those from U+0080 to U+009F this is the second byte.
      let isLate = last == 0xC2 && byte & 0xE0 == 0x80
      line.append(byte < 0x20 || byte == 0x7F ? 0x3F : isLate ? 0xBF : byte)
      last = byte
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
