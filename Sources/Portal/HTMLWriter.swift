import Bytes

/// Writes HTML.
///
/// Markup is what this program was built with; all else goes in through `text`, which leaves nothing
/// that could be markup, in an element and between quotes of an attribute alike.
struct HTMLWriter {
  private(set) var bytes: [UInt8] = []

  /// Our own markup.
  mutating func markup(_ literal: StaticString) {
    literal.withUTF8Buffer { bytes += $0 }
  }

  /// Text from anywhere: what means something to HTML is escaped; controls and bytes that are no
  /// UTF-8 become U+FFFD.
  mutating func text(_ text: Text) {
    var rest = text.bytes[...]
    while let first = rest.first {
      let length = first < 0x80 ? 1 : validLength(rest)
      if length > 1 {
        bytes += rest.prefix(length)
      } else {
        switch first {
        case 0x26: markup("&amp;")
        case 0x3C: markup("&lt;")
        case 0x3E: markup("&gt;")
        case 0x22: markup("&quot;")
        case 0x27: markup("&#39;")
        case 0x20..<0x7F: bytes.append(first)
        default: markup("\u{FFFD}")
        }
      }
      rest = rest.dropFirst(max(1, length))
    }
  }

  /// The same, kept apart from the direction of the text around it.
  mutating func isolated(_ content: Text) {
    markup("<bdi>")
    text(content)
    markup("</bdi>")
  }

  /// A link where the scheme is harmless, else only its words.
  mutating func link(_ url: Text, _ words: Text) {
    let lower = url.asciiLowercased
    let isHarmless = (["https://", "http://", "tel:", "mailto:"] as [Text]).contains {
      lower.hasPrefix($0)
    }
    guard isHarmless, url.bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      return isolated(words)
    }
    markup("<a href=\"")
    text(url)
    markup("\">")
    isolated(words)
    markup("</a>")
  }
}

/// The length of the UTF-8 sequence at the start (RFC 3629, Section 4), which begins with no ASCII
/// byte; 0 when it is no such sequence, or a control, or one that turns the direction of text.
private func validLength(_ bytes: ArraySlice<UInt8>) -> Int {
  guard let first = bytes.first, first >= 0xC2, first < 0xF5 else { return 0 }
  let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
  guard bytes.count >= length else { return 0 }
  var value = UInt32(first) & (0x7F >> UInt32(length))
  for byte in bytes.prefix(length).dropFirst() {
    guard byte & 0xC0 == 0x80 else { return 0 }
    value = value << 6 | UInt32(byte & 0x3F)
  }
  let least: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x1_0000
  guard value >= least, value < 0x11_0000 else { return 0 }
  switch value {
  case 0x80...0x9F, 0xD800...0xDFFF, 0x202A...0x202E, 0x2066...0x2069, 0x2028, 0x2029: return 0
  default: return length
  }
}
