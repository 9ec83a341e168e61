import Bytes

extension JSONValue {
  /// How a value is laid out.
  public enum Layout: Sendable {
    /// On one line, without a space.
    case compact
    /// Each member and element on a line of its own, indented by two spaces a level; empty objects
    /// and arrays stay on their line.
    case pretty
  }

  /// The value as text, without a line break at its end.
  public func text(_ layout: Layout = .compact) -> Text {
    var output = Text("")
    write(to: &output, layout: layout)
    return output
  }

  /// Appends the value.
  public func write(to output: inout Text, layout: Layout = .compact) {
    write(to: &output, layout: layout, level: 0)
  }

  private func write(to output: inout Text, layout: Layout, level: Int) {
    switch self {
    case .object(let members):
      output += "{"
      for (index, member) in members.enumerated() {
        Self.writeSeparator(index, to: &output, layout: layout, level: level + 1)
        Self.writeString(member.name, to: &output)
        output += layout == .compact ? ":" : ": "
        member.value.write(to: &output, layout: layout, level: level + 1)
      }
      if !members.isEmpty { Self.writeLineBreak(to: &output, layout: layout, level: level) }
      output += "}"
    case .array(let elements):
      output += "["
      for (index, element) in elements.enumerated() {
        Self.writeSeparator(index, to: &output, layout: layout, level: level + 1)
        element.write(to: &output, layout: layout, level: level + 1)
      }
      if !elements.isEmpty { Self.writeLineBreak(to: &output, layout: layout, level: level) }
      output += "]"
    case .string(let text): Self.writeString(text, to: &output)
    case .integer(let value): output += Text(decimal: value)
    case .unsigned(let value): output += Text(decimal: value)
    case .bool(let value): output += value ? "true" : "false"
    case .null: output += "null"
    }
  }

  private static func writeSeparator(
    _ index: Int,
    to output: inout Text,
    layout: Layout,
    level: Int
  ) {
    if index > 0 { output += "," }
    writeLineBreak(to: &output, layout: layout, level: level)
  }

  private static func writeLineBreak(to output: inout Text, layout: Layout, level: Int) {
    guard layout == .pretty else { return }
    output.bytes.append(0x0A)
    output.bytes += [UInt8](repeating: 0x20, count: level * 2)
  }

  /// Appends a quoted string with what must be escaped (RFC 8259, Section 7), and DEL and the C1
  /// control characters, which a terminal might act on.
  private static func writeString(_ text: Text, to output: inout Text) {
    output.bytes.append(0x22)
    for byte in text.repaired.bytes {
      switch byte {
      case 0x22, 0x5C: output.bytes += [0x5C, byte]
      case 0x0A: output += "\\n"
      case 0x0D: output += "\\r"
      case 0x09: output += "\\t"
      case 0..<0x20, 0x7F:
        output += "\\u00"
        output.append(hexadecimal: byte, leadingZeros: true)
      case 0x80..<0xA0 where output.bytes.last == 0xC2:
        output.bytes.removeLast()
        output += "\\u00"
        output.append(hexadecimal: byte, leadingZeros: true)
      default: output.bytes.append(byte)
      }
    }
    output.bytes.append(0x22)
  }
}
