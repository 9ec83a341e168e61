import Testing

/// Reads HTML as strictly as our own pages are written, independently of how they are written.
struct MarkupReader {
  /// Elements in their order.
  var elements: [Element] = []
  /// What stands between tags, entities replaced.
  var text = ""
  /// What is wrong.
  var faults: [String] = []

  struct Element: Equatable {
    var name: String
    var attributes: [String: String]
  }

  private static let void: Set = ["meta", "link", "img", "input"]
  /// The attributes that each element may have.
  private static let allowed: [String: Set<String>] = [
    "html": ["lang", "dir"], "head": [], "meta": ["charset", "name", "content"],
    "link": ["rel", "href"], "title": [], "body": [], "header": [], "main": [], "article": [],
    "nav": ["aria-label"], "ul": [], "ol": [], "li": [], "a": ["href", "lang", "aria-current"],
    "img": ["src", "alt"], "h1": [], "h2": [], "h3": [], "p": ["class", "role"], "dl": [],
    "dt": [], "dd": [], "bdi": [], "details": ["open"], "summary": [], "strong": [], "label": [],
    "form": ["method", "action"], "button": [],
    "input": ["type", "name", "value", "maxlength", "autocomplete", "required"],
  ]

  init(_ page: String) {
    let prefix = "<!DOCTYPE html>"
    if !page.hasPrefix(prefix) { faults.append("no doctype") }
    var open: [String] = []
    var rest = page.dropFirst(prefix.count)
    while let first = rest.first {
      guard first == "<" else {
        let words = rest.prefix { $0 != "<" }
        text += decoded(words)
        rest = rest.dropFirst(words.count)
        continue
      }
      let tag = rest.dropFirst().prefix { $0 != ">" }
      rest = rest.dropFirst(tag.count + 2)
      if tag.first == "/" {
        if open.popLast() != String(tag.dropFirst()) { faults.append("unbalanced \(tag)") }
        continue
      }
      let element = self.element(tag)
      elements.append(element)
      if !Self.void.contains(element.name) { open.append(element.name) }
    }
    if !open.isEmpty { faults.append("not closed: \(open)") }
  }

  private mutating func element(_ tag: Substring) -> Element {
    let name = String(tag.prefix { $0 != " " })
    var element = Element(name: name, attributes: [:])
    guard let allowed = Self.allowed[name] else {
      faults.append("element <\(tag)>")
      return element
    }
    var rest = tag.dropFirst(name.count)
    while !rest.isEmpty {
      rest = rest.dropFirst()
      let attribute = rest.prefix { $0 != "=" && $0 != " " }
      rest = rest.dropFirst(attribute.count)
      var value = ""
      if rest.hasPrefix("=\"") {
        let quoted = rest.dropFirst(2).prefix { $0 != "\"" }
        value = decoded(quoted)
        rest = rest.dropFirst(quoted.count + 3)
      } else if !rest.isEmpty, rest.first != " " {
        faults.append("attribute without quotes in <\(tag)>")
        return element
      }
      if !allowed.contains(String(attribute)) {
        faults.append("attribute \(attribute) of <\(tag)>")
      }
      if element.attributes.updateValue(value, forKey: String(attribute)) != nil {
        faults.append("attribute twice in <\(tag)>")
      }
      if attribute == "href", !isHarmless(value) { faults.append("link \(value)") }
    }
    return element
  }

  private func isHarmless(_ url: String) -> Bool {
    ["http://", "https://", "tel:", "mailto:", "/"].contains { url.hasPrefix($0) }
      && url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }

  private mutating func decoded(_ text: Substring) -> String {
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0..<0x20, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069: faults.append("control")
      default: break
      }
      if "<>\"'".unicodeScalars.contains(scalar) { faults.append("\(scalar) in \(text)") }
    }
    var parts = text.split(separator: "&", omittingEmptySubsequences: false)
    var result = String(parts.removeFirst())
    let entities = ["amp;": "&", "lt;": "<", "gt;": ">", "quot;": "\"", "#39;": "'"]
    for part in parts {
      if let (entity, character) = entities.first(where: { part.hasPrefix($0.key) }) {
        result += character + part.dropFirst(entity.count)
      } else {
        faults.append("lone & in \(text)")
      }
    }
    return result
  }
}
