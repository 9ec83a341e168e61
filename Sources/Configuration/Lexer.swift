import Bytes

/// One word of the settings file, its quotes and escapes resolved.
struct Word {
  /// What it says.
  var text: Text
  /// Where it begins; a quote belongs to it.
  var location: SettingsLocation
}

/// Cuts a file in UCI syntax into statements, and those into words.
///
/// As libuci reads it: a statement ends with its line or with a semicolon; `#` begins a comment
/// wherever no quote is open; inside '…' every byte is itself; elsewhere a backslash makes the next
/// byte itself, and joins lines at the end of one; quoted and bare parts without a space between
/// them are one word. Unlike there, a quote must close on its own line: no value holds a newline, and
/// a forgotten quote is found where it is.
struct Lexer {
  private let bytes: [UInt8]
  private var index = 0
  private var line = 1
  private var lineStart = 0

  /// Starts at the first of `bytes`.
  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Where the next byte is.
  private var location: SettingsLocation {
    SettingsLocation(line: line, column: index - lineStart + 1)
  }

  /// The next byte; nil at the end.
  private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

  /// The first four words of the next statement that has any; nil at the end.
  mutating func statement() throws(SettingsError) -> [Word]? {
    var words: [Word] = []
    while let byte = peek {
      switch byte {
      case Self.newline, UInt8(ascii: ";"):
        take()
        if !words.isEmpty { return words }
      case UInt8(ascii: "#"):
        while let byte = peek, byte != Self.newline { take() }
      case UInt8(ascii: "\\") where next == Self.newline:
        take()
        take()
      case _ where Self.isSpace(byte):
        take()
      default:
        words.append(try word())
        // No statement has more than three words: the fourth is enough for the error.
        if words.count > 3 { return words }
      }
    }
    return words.isEmpty ? nil : words
  }

  private static let newline = UInt8(ascii: "\n")

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || (0x0B...0x0D).contains(byte)
  }

  /// The byte after the next one.
  private var next: UInt8? { index + 1 < bytes.count ? bytes[index + 1] : nil }

  private mutating func take() {
    if peek == Self.newline {
      line += 1
      lineStart = index + 1
    }
    index += 1
  }

  private mutating func word() throws(SettingsError) -> Word {
    let start = location
    var text: [UInt8] = []
    loop: while let byte = peek {
      switch byte {
      case UInt8(ascii: "'"): try quoted(by: byte, into: &text, escapes: false)
      case UInt8(ascii: "\""): try quoted(by: byte, into: &text, escapes: true)
      case UInt8(ascii: "#"), UInt8(ascii: ";"), Self.newline: break loop
      case UInt8(ascii: "\\"): try escaped(into: &text)
      case _ where Self.isSpace(byte): break loop
      default: try append(to: &text)
      }
      if text.count > SettingsLimits.wordLength { throw SettingsError(.wordTooLong, at: start) }
    }
    let word = Text(text)
    // Decoding replaces what is no UTF-8: only valid text comes back unchanged.
    guard word.isUTF8 else { throw SettingsError(.notUTF8, at: start) }
    return Word(text: word, location: start)
  }

  private mutating func quoted(
    by quote: UInt8,
    into text: inout [UInt8],
    escapes: Bool
  ) throws(SettingsError) {
    let start = location
    take()
    while let byte = peek, byte != quote {
      if byte == UInt8(ascii: "\\"), escapes {
        try escaped(into: &text)
      } else if byte == Self.newline {
        break
      } else {
        try append(to: &text)
      }
      if text.count > SettingsLimits.wordLength { throw SettingsError(.wordTooLong, at: start) }
    }
    guard peek == quote else { throw SettingsError(.unterminatedQuote, at: start) }
    take()
  }

  /// Takes a backslash and what it protects; at the end of a line both go.
  private mutating func escaped(into text: inout [UInt8]) throws(SettingsError) {
    take()
    if peek == Self.newline {
      take()
    } else if peek != nil {
      try append(to: &text)
    }
  }

  private mutating func append(to text: inout [UInt8]) throws(SettingsError) {
    guard let byte = peek else { return }
    guard byte == 0x09 || (byte >= 0x20 && byte != 0x7F) else {
      throw SettingsError(.controlCharacter(byte), at: location)
    }
    text.append(byte)
    take()
  }
}
