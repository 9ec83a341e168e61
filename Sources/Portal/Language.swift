import Bytes

/// A language of the page.
struct Language: Equatable, Sendable {
  /// Its place in `tags`.
  let index: Int

  /// The language at this place; English for one that isn't there.
  init(_ index: Int) { self.index = index >= 0 && index < Self.count ? index : 0 }

  static let count = 6

  /// Primary subtags (RFC 5646), the default first.
  static var tags: [Text] { ["en", "de", "fr", "es", "ja", "ar"] }

  var tag: Text { Self.tags[index] }

  /// What its speakers call it.
  var name: Text {
    switch index {
    case 1: "Deutsch"
    case 2: "Français"
    case 3: "Español"
    case 4: "日本語"
    case 5: "العربية"
    default: "English"
    }
  }

  var isRightToLeft: Bool { index == 5 }

  var texts: StaticString {
    switch index {
    case 1: Texts.german
    case 2: Texts.french
    case 3: Texts.spanish
    case 4: Texts.japanese
    case 5: Texts.arabic
    default: Texts.english
    }
  }
}

/// The texts of a language, one a line in the order of `TextKey`: a table costs no more flash than
/// its letters.
struct Catalogue: Sendable {
  private let lines: StaticString
  /// Where each line begins, and one more.
  private var starts: [Int] = [0]

  init(_ lines: StaticString) {
    self.lines = lines
    let starts = lines.withUTF8Buffer { buffer in
      var starts = [0]
      for index in 0..<buffer.count where buffer[index] == 0x0A { starts.append(index + 1) }
      starts.append(buffer.count + 1)
      return starts
    }
    self.starts = starts
  }

  /// How many lines there are.
  var count: Int { starts.count - 1 }

  /// The text; empty when the table is too short.
  func text(_ key: TextKey) -> Text {
    let index = Int(key.rawValue)
    guard index < count else { return Text([]) }
    let range = starts[index]..<starts[index + 1] - 1
    return lines.withUTF8Buffer { Text([UInt8]($0[range])) }
  }
}
