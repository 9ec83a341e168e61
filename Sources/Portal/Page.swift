import Bytes
import HTTP
import Model

/// A page being written in one language.
final class Page {
  let language: Language
  let theme: PortalTheme
  let wall: UnixTime
  private let catalogue: Catalogue
  var html = HTMLWriter()
  /// Whether one of several devices is being told of.
  var isInArticle = false

  init(_ language: Language, _ theme: PortalTheme, wall: UnixTime) {
    self.language = language
    self.theme = theme
    self.wall = wall
    catalogue = Catalogue(language.texts)
  }

  /// What the page says under `key`.
  func text(_ key: TextKey) -> Text { theme.text(key, in: language) ?? catalogue.text(key) }

  /// A text with `insert` in the place of `{}`.
  func text(_ key: TextKey, with insert: Text) -> Text {
    let (before, after) = parts(key)
    return before + (after == nil ? "" : insert) + (after ?? "")
  }

  /// What stands before and after `{}`; nothing after when there is none.
  private func parts(_ key: TextKey) -> (before: Text, after: Text?) {
    let text = text(key)
    guard let start = text.bytes.firstIndex(of: 0x7B), text.dropFirst(start).hasPrefix("{}") else {
      return (text, nil)
    }
    return (Text([UInt8](text.bytes.prefix(start))), text.dropFirst(start + 2))
  }

  /// Writes a text; `insert` takes the place of `{}`.
  func say(_ key: TextKey, _ insert: Text = "") {
    let (before, after) = parts(key)
    html.text(before)
    guard let after else { return }
    html.isolated(insert)
    html.text(after)
  }

  /// `<p>`, a text, `</p>`.
  func paragraph(_ key: TextKey, _ insert: Text = "") {
    html.markup("<p>")
    say(key, insert)
    html.markup("</p>")
  }

  func item(_ key: TextKey, _ insert: Text = "") {
    html.markup("<li>")
    say(key, insert)
    html.markup("</li>")
  }

  /// A heading below the title, or below the device of an article.
  func heading(_ key: TextKey) {
    html.markup(isInArticle ? "<h3>" : "<h2>")
    say(key)
    html.markup(isInArticle ? "</h3>" : "</h2>")
  }

  /// A term and what is said of it; nothing when that is empty.
  func entry(_ key: TextKey, _ value: Text) {
    guard !value.isEmpty else { return }
    html.markup("<dt>")
    say(key)
    html.markup("</dt><dd>")
    html.isolated(value)
    html.markup("</dd>")
  }

  /// A term and a link.
  func entry(_ key: TextKey, link url: Text, _ words: Text) {
    guard !words.isEmpty else { return }
    html.markup("<dt>")
    say(key)
    html.markup("</dt><dd>")
    html.link(url, words)
    html.markup("</dd>")
  }

  /// A term and a moment, as in `2026-11-24 01:13 UTC (3 h 12 min ago)`; nothing when it isn't known.
  ///
  /// A clock that was wrong may have made it the future.
  func entry(_ key: TextKey, at moment: UnixTime?) {
    guard let moment else { return }
    html.markup("<dt>")
    say(key)
    html.markup("</dt><dd>")
    html.isolated(date(moment))
    if moment.seconds <= wall.seconds {
      html.markup(" (")
      html.text(text(.ago, with: duration(wall.seconds - moment.seconds)))
      html.markup(")")
    }
    html.markup("</dd>")
  }

  /// Everything before the first heading; the language of the page is chosen here.
  func begin(_ title: TextKey) {
    html.markup("<!DOCTYPE html><html lang=\"")
    html.text(language.tag)
    html.markup(language.isRightToLeft ? "\" dir=\"rtl\">" : "\" dir=\"ltr\">")
    html.markup(
      """
      <head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">\
      <link rel="stylesheet" href="/style.css"><title>
      """
    )
    html.text(text(title))
    html.markup("</title></head><body><header>")
    if theme.logo != nil {
      html.markup("<img src=\"/logo\" alt=\"")
      html.text(theme.isp)
      html.markup("\">")
    } else {
      html.isolated(theme.isp)
    }
    languages()
    html.markup("</header><main>")
  }

  private func languages() {
    html.markup("<nav aria-label=\"")
    html.text(text(.language))
    html.markup("\"><ul>")
    for index in 0..<Language.count {
      let other = Language(index)
      html.markup("<li><a href=\"/?lang=")
      html.text(other.tag)
      html.markup("\" lang=\"")
      html.text(other.tag)
      html.markup(other == language ? "\" aria-current=\"true\">" : "\">")
      html.text(other.name)
      html.markup("</a></li>")
    }
    html.markup("</ul></nav>")
  }

  /// A page of one sentence.
  func notice(_ key: TextKey) {
    begin(.home)
    html.markup("<h1>")
    say(key)
    html.markup("</h1><p><a href=\"/?lang=")
    html.text(language.tag)
    html.markup("\">")
    say(.back)
    html.markup("</a></p>")
  }

  /// What came of a wish.
  func banner(_ outcome: WishOutcome?) {
    guard let outcome else { return }
    html.markup("<p class=\"n\" role=\"status\">")
    switch outcome {
    case .released: say(.released)
    case .stillActive: say(.stillActive)
    case .quiet: say(.quiet)
    case .noneLeft: say(.noneLeft)
    case .wrongCode: say(.wrongCode)
    case .notQuarantined: say(.notQuarantined)
    case .tooSoon: say(.tooSoon)
    case .failed: say(.failed)
    }
    html.markup("</p>")
  }

  /// The whole answer.
  consuming func response(_ status: UInt16) -> HTTPResponse {
    html.markup("</main></body></html>")
    var response = HTTPResponse(status, body: html.bytes)
    response.add("Cache-Control", "no-store")
    response.add("Vary", "Accept-Language")
    response.add("Content-Language", language.tag)
    response.addPageFields()
    return response
  }
}

/// Numbers and times, the same in every language but for its words.
extension Page {
  /// As in `2026-11-24 01:13 UTC`.
  func date(_ moment: UnixTime) -> Text {
    let date = CalendarDate(moment)
    return date.date + " " + Text([UInt8](date.time.bytes.prefix(5))) + " UTC"
  }

  /// The two largest units that count.
  func duration(_ seconds: UInt64) -> Text {
    let minutes = seconds / 60
    let days = minutes / 1440
    let hours = minutes / 60 % 24
    if days > 0 { return unit(days, .day) + " " + unit(hours, .hour) }
    let rest = unit(minutes % 60, .minute)
    return hours > 0 ? unit(hours, .hour) + " " + rest : rest
  }

  private func unit(_ number: UInt64, _ key: TextKey) -> Text {
    Text(decimal: number) + "\u{A0}" + text(key)
  }

  /// Thousands apart, by narrow spaces that don't break.
  func number(_ value: UInt64) -> Text {
    let digits = Text(decimal: value)
    var result = Text([])
    for (index, digit) in digits.bytes.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { result += "\u{202F}" }
      result.bytes.append(digit)
    }
    return result
  }

  /// In the unit that leaves two to five digits.
  func size(_ bytes: UInt64) -> Text {
    if bytes < 10_000 { return number(bytes) + "\u{A0}B" }
    if bytes < 10_000_000 { return number(bytes / 1000) + "\u{A0}kB" }
    if bytes < 10_000_000_000 { return number(bytes / 1_000_000) + "\u{A0}MB" }
    return number(bytes / 1_000_000_000) + "\u{A0}GB"
  }
}
