import Bytes

/// How a reply is written for people.
public struct TextStyle: Hashable, Sendable {
  /// Whether headings and keys stand out: only for a terminal.
  public var isColoured: Bool
  /// The moment that ages count to.
  public var now: UnixTime

  /// A style of these parts.
  public init(isColoured: Bool, now: UnixTime) {
    self.isColoured = isColoured
    self.now = now
  }
}

/// Blocks of `key: value` lines under a heading, an empty line between two blocks.
struct BlockWriter {
  /// What is written so far.
  private(set) var text = Text("")
  private let isColoured: Bool

  /// An empty page.
  init(_ style: TextStyle) { isColoured = style.isColoured }

  /// Begins a block.
  mutating func block(_ key: Text, _ value: Text) {
    if !text.isEmpty { text += "\n" }
    text += coloured(key, "\u{1B}[1;32m") + ": " + coloured(value.printable, "\u{1B}[32m") + "\n"
  }

  /// Adds a line to the block.
  mutating func line(_ key: Text, _ value: Text) {
    text += "  " + coloured(key, "\u{1B}[1m") + ": " + value.printable + "\n"
  }

  /// Adds a line with all of the list; none for an empty one.
  mutating func line(_ key: Text, listing values: [Text]) {
    if !values.isEmpty { line(key, values.joined(", ")) }
  }

  private func coloured(_ text: Text, _ colour: Text) -> Text {
    isColoured ? colour + text + "\u{1B}[0m" : text
  }
}

extension [Text] {
  /// The texts with the separator between each two.
  func joined(_ separator: Text) -> Text {
    var result = Text("")
    for (index, text) in enumerated() {
      if index > 0 { result += separator }
      result += text
    }
    return result
  }
}

extension Text {
  /// The text with `?` for each control character, C1 ones included: it may come from a client or a
  /// device, and a terminal acts on those.
  public var printable: Text {
    var result: [UInt8] = []
    for byte in repaired.bytes {
      if byte < 0x20 || byte == 0x7F {
        result.append(UInt8(ascii: "?"))
      } else if byte < 0xA0, result.last == 0xC2 {
        result[result.count - 1] = UInt8(ascii: "?")
      } else {
        result.append(byte)
      }
    }
    return Text(result)
  }
}
