import Bytes
import Testing

@testable import Portal

@Test("each language has each text once, none empty", arguments: 0..<Language.count)
func complete(index: Int) {
  let catalogue = Catalogue(Language(index).texts)
  #expect(catalogue.count == TextKey.allCases.count)
  for key in TextKey.allCases { #expect(!catalogue.text(key).isEmpty, "\(key)") }
}

@Test("each text has the same inserts in each language", arguments: 1..<Language.count)
func inserts(index: Int) {
  let english = Catalogue(Language(0).texts)
  let other = Catalogue(Language(index).texts)
  for key in TextKey.allCases {
    let expected = english.text(key).string.components(separatedBy: "{}").count
    #expect(other.text(key).string.components(separatedBy: "{}").count == expected, "\(key)")
    #expect(expected <= 2)
  }
}

@Test("no sentence of another language is the English one", arguments: 1..<Language.count)
func translated(index: Int) {
  let english = Catalogue(Language(0).texts)
  let other = Catalogue(Language(index).texts)
  for key in TextKey.allCases where english.text(key).count > 20 {
    #expect(other.text(key) != english.text(key), "\(key)")
  }
}

@Test("the names of texts are the keys, and no name of a theme's field")
func names() {
  let names = Catalogue(Texts.names)
  #expect(names.count == TextKey.allCases.count)
  for key in TextKey.allCases {
    #expect(names.text(key).string == "\(key)")
    let fields: [Text] = ["isp", "color", "phone", "hours", "mail", "url"]
    #expect(!fields.contains(names.text(key)))
  }
}

@Test("texts are small: at most 6 KB a language", arguments: 0..<Language.count)
func size(index: Int) {
  #expect(Language(index).texts.utf8CodeUnitCount <= 6000)
}

@Test("the stylesheet is small and calls for nothing from elsewhere")
func stylesheet() {
  let rules = Text(stringLiteral: Stylesheet.rules).string
  #expect(rules.utf8.count <= 3000)
  #expect(!rules.contains("url(") && !rules.contains("@import"))
  #expect(rules.components(separatedBy: "{").count == rules.components(separatedBy: "}").count)
}
