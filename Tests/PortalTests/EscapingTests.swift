import Bytes
import HTTP
import Model
import Testing

@testable import Portal

/// What has broken out of its place elsewhere, and bytes that are no text.
private let corpus: [Text] = [
  "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg/onload=alert(1)>",
  "\" autofocus onfocus=alert(1) x=\"", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
  "data:text/html,<script>alert(1)</script>", " javascript:alert(1)", "java\tscript:alert(1)",
  "</title><script>", "</bdi></dd></dl>", "<!--", "-->", "]]>", "&lt;script&gt;", "&#60;", "&",
  "{{7*7}}", "{}", "${x}", "`", "\\\"", "%3Cscript%3E", "a\r\nSet-Cookie: b=c\r\n\r\n<p>",
  "\u{202E}evil", "\u{2066}x", "\u{2028}", "\u{85}", "\u{FEFF}", "＜script＞", "x' or '1'='1",
  "https://a/\" onclick=\"alert(1)", "https://a/<b>", "mailto:a?subject=<b>", "vbscript:x",
  Text([0]), Text([0x3C, 0]), Text([0xFF, 0xFE]), Text([0xC0, 0xBC]), Text([0xE0, 0x80, 0xBC]),
  Text([0xC3]), Text([0xED, 0xA0, 0x80]), Text([0xF4, 0x90, 0x80, 0x80]), Text([0xC3, 0x3C, 0x62]),
  Text([0xF0, 0x9F, 0x93, 0x3C]), Text([UInt8](0...255)),
]

/// A theme in which every text and every field is `text`.
private func theme(_ text: Text) -> PortalTheme {
  var lines: Text = ""
  let names = ["isp", "phone", "hours", "mail", "url"] as [Text]
  for name in names + TextKey.allCases.map({ Catalogue(Texts.names).text($0) }) {
    lines += name + " = " + text + "\n"
  }
  return PortalTheme(parsing: lines.bytes)
}

private func settings(_ text: Text) -> PortalSettings {
  var settings = PortalSettings()
  settings.helpdesk = text
  settings.garden = [text]
  return settings
}

/// The names of elements, but for links: those may become words.
private func shape(_ page: String) -> [String] {
  MarkupReader(page).elements.map(\.name).filter { $0 != "a" }
}

@Test("no text of a device or the settings becomes markup, in any language", arguments: languages)
func deviceTexts(language: Text) throws {
  var plain = Scene(settings("word"))
  plain.view.story = story(text: "word")
  let expected = shape(try plain.page(language))
  for text in corpus {
    var scene = Scene(settings(text))
    scene.view.story = story(text: text)
    let page = try scene.page(language)
    #expect(MarkupReader(page).faults == [], "\(text.string)")
    #expect(shape(page) == expected, "\(text.string)")
    scene.view = PortalView(
      requester: device(text: text),
      released: wall,
      others: [story(text: text)]
    )
    #expect(MarkupReader(try scene.page(language)).faults == [], "\(text.string)")
  }
}

@Test("no text of a theme becomes markup, on any page", arguments: languages)
func themeTexts(language: Text) throws {
  for text in corpus {
    var scene = Scene(theme: theme(text))
    #expect(MarkupReader(try scene.page(language)).faults == [], "\(text.string)")
    scene.view = PortalView(requester: device(), released: wall, others: [story()])
    #expect(MarkupReader(try scene.page(language)).faults == [], "\(text.string)")
    let notice = try scene.answer("GET /x HTTP/1.1", "Host: 192.168.1.1")
    #expect(MarkupReader(Text(notice.body).string).faults == [], "\(text.string)")
  }
}

@Test("what is escaped is still what it was for who reads it")
func roundTrip() throws {
  var scene = Scene()
  for text in ["<b>\"it's\" & so", "küche", "客厅📷", "غرفة"] as [Text] {
    scene.view.story?.device.name = text
    #expect(MarkupReader(try scene.page()).text.contains(text.string))
  }
}

@Test(
  "only links to the web, telephones and mail are links",
  arguments: [
    ("https://a.example/?b=c&d", true), ("HTTP://a.example", true), ("tel:+1", true),
    ("mailto:a@b.example", true), ("javascript:alert(1)", false), ("//evil.example", false),
    ("data:,x", false), ("ftp://a", false), ("https://a b", false), ("https://a\u{E9}", false),
    ("", false), ("https:/a", false), ("blob:https://a", false),
  ] as [(Text, Bool)]
)
func links(url: Text, isLink: Bool) {
  var html = HTMLWriter()
  html.link(url, "words")
  let page = Text(html.bytes).string
  #expect(page.contains("<a href=") == isLink)
  #expect(page.contains("<bdi>words</bdi>"))
}

@Test("no name of the settings ends a header line")
func headerInjection() throws {
  for text in corpus {
    var settings = PortalSettings()
    settings.name = text
    settings.apiName = text
    var scene = Scene(settings)
    for isSecure in [false, true] {
      scene.connection.isSecure = isSecure
      for accept in ["*/*", "image/png"] {
        let response = try scene.answer("GET / HTTP/1.1", "Host: a.example", "Accept: \(accept)")
        let bytes = response.bytes(withBody: false, wall: nil)
        let lines = Text(bytes).split(0x0A)
        #expect(lines.count == response.fields.count + 5)
        #expect(!lines.contains { $0.asciiLowercased.hasPrefix("set-cookie") })
        if response.status == 302 { #expect(!Text(response.body).string.contains("<script")) }
      }
    }
  }
}
