import Bytes
import TestSupport
import Testing

@Suite("UTF-8")
struct UTF8Tests {
  @Test(
    "whole sequences of each length are UTF-8",
    arguments: ["", "a", "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}"]
      + ["\u{FFFF}", "\u{10000}", "\u{10FFFF}", "aé€😀"] as [String]
  )
  func accepted(string: String) {
    #expect(Text(string).isUTF8)
    #expect(Text(string).repaired == Text(string))
  }

  @Test(
    "overlong forms, surrogates, too large numbers, stray and missing bytes are no UTF-8",
    arguments: [
      [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x9F, 0xBF], [0xE2, 0x82],
      [0xED, 0xA0, 0x80], [0xE2, 0x82, 0x41], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80],
      [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x98, 0xC0], [0xF5, 0x80, 0x80, 0x80], [0xFF],
    ] as [[UInt8]]
  )
  func refused(bytes: [UInt8]) {
    #expect(!Text(bytes).isUTF8)
    #expect(!Text([0x61] + bytes).isUTF8)
  }

  @Test("each byte outside a sequence becomes U+FFFD, the rest stays")
  func repaired() {
    #expect(
      Text([0x61, 0xFF, 0xE2, 0x82, 0x62, 0xC3, 0xA9]).repaired == "a\u{FFFD}\u{FFFD}\u{FFFD}bé"
    )
  }

  @Test("random bytes are UTF-8 exactly when Swift decodes them unchanged")
  func random() {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    let likely: [UInt8] = [
      0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xE0, 0xE1, 0xED, 0xF0, 0xF4,
    ]
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
        likely.randomElement(using: &generator) ?? 0
      }
      let text = Text(bytes)
      #expect(text.isUTF8 == text.string.utf8.elementsEqual(bytes), "\(bytes), seed \(seed)")
      #expect(text.repaired.isUTF8, "\(bytes), seed \(seed)")
    }
  }
}
