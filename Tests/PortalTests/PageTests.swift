import Bytes
import HTTP
import Model
import Portal
import Testing

@Test(
  "the page says what it must in each language and for each kind of device",
  arguments: languages
)
func items(language: Text) throws {
  for kind in DeviceKind.allCases {
    var settings = PortalSettings()
    settings.helpdesk = "tel:+1-555-0100"
    settings.garden = ["help.isp.example"]
    let theme = Text(
      "isp = Example ISP\nhours = 9-17\nmail = a@isp.example\nurl = https://isp.example/"
    )
    var scene = Scene(settings, theme: PortalTheme(parsing: theme.bytes))
    scene.view.story = story(kind)
    let page = try scene.page(language)
    let read = MarkupReader(page)
    #expect(read.faults == [])
    #expect(read.elements.filter { $0.name == "h1" }.count == 1)
    #expect(read.elements.filter { $0.name == "ol" }.count == 1)
    for part in [
      "front-door", "192.168.1.50", "aa:bb:cc", "2026-11-23 22:01 UTC", "1\u{202F}234\u{202F}567",
      "(\u{200E}98\u{A0}MB)", "203.0.113.5", "UDP", "53", "2026-11-24 02:13 UTC", "+1-555-0100",
      "help.isp.example", "Example ISP", "9-17", "a@isp.example", "https://isp.example/",
    ] {
      let isThere = read.text.contains(part)
      #expect(isThere, "\(part)")
    }
    #expect(!read.text.contains("{}"))
    #expect(!page.contains("<script") && !page.contains("style="))
  }
}

@Test("the page begins with the language, the direction and one title", arguments: languages)
func beginning(language: Text) throws {
  var scene = Scene()
  let read = MarkupReader(try scene.page(language))
  let html = try #require(read.elements.first)
  #expect(html.attributes["lang"] == language.string)
  #expect(html.attributes["dir"] == (language == "ar" ? "rtl" : "ltr"))
  let links = read.elements.filter { $0.name == "a" && $0.attributes["lang"] != nil }
  #expect(links.map { $0.attributes["href"] } == languages.map { "/?lang=" + $0.string })
  let current = links.filter { $0.attributes["aria-current"] != nil }
  #expect(current.map { $0.attributes["lang"] } == [language.string])
}

@Test("forms carry the token, the language and nothing else that is hidden")
func forms() throws {
  var scene = Scene()
  let read = MarkupReader(try scene.page("fr"))
  let forms = read.elements.filter { $0.name == "form" }.map(\.attributes)
  #expect(forms.map { $0["method"] } == ["post", "post", "post"])
  #expect(
    forms.map { $0["action"] } == ["/check?lang=fr", "/release?lang=fr", "/release?lang=fr"]
  )
  let hidden = read.elements.filter { $0.attributes["type"] == "hidden" }
  #expect(hidden.count == 3)
  #expect(Set(hidden.map { $0.attributes["value"] }).count == 1)
}

@Test("when releases are used up the only release is by code, and its field isn't folded away")
func noneLeft() throws {
  var scene = Scene()
  scene.view.story = story(releasesLeft: 0)
  let page = try scene.page()
  #expect(page.components(separatedBy: "action=\"/release").count == 2)
  #expect(page.contains("name=\"code\""))
  let after = try #require(page.components(separatedBy: "action=\"/check").last)
  #expect(!after.contains("<details"))
}

@Test("a wrong code leaves the field open")
func wrongCode() throws {
  var scene = Scene()
  #expect(try scene.page(done: .wrongCode).contains("<details open>"))
}

@Test("times are told in UTC and as how long ago, unless the clock was wrong")
func times() throws {
  var scene = Scene()
  #expect(
    MarkupReader(try scene.page()).text.contains("2026-11-23 22:01 UTC (3\u{A0}h 12\u{A0}min ago)")
  )
  scene.view.story?.since = UnixTime(seconds: wall.seconds - 90_000)
  #expect(MarkupReader(try scene.page("de")).text.contains("(vor 1\u{A0}T 1\u{A0}Std.)"))
  scene.view.story?.since = UnixTime(seconds: wall.seconds + 1)
  scene.view.story?.lastSeen = nil
  #expect(!(try scene.page().contains("ago)")))
  scene.view.story?.since = UnixTime(seconds: .max)
  #expect(try scene.page().contains("9999-12-31"))
}

@Test("the owner's own quarantine isn't called an attack")
func byOwner() throws {
  var scene = Scene()
  scene.view.story?.causes = [.owner]
  scene.view.story?.ends = nil
  let text = MarkupReader(try scene.page()).text
  #expect(!text.contains("Attack traffic is coming"))
  #expect(text.contains("not by your provider"))
  #expect(text.contains("It doesn’t end by itself."))
}

@Test("a made-up hardware address is explained, a maker's isn't")
func randomAddress() throws {
  var scene = Scene()
  #expect(try scene.page().contains("made this hardware address up"))
  scene.view.story?.device.mac = MACAddress(0x0011_22AA_BBCC)
  #expect(!(try scene.page().contains("made this hardware address up")))
}

@Test("another device sees the same story from outside, without a form", arguments: languages)
func status(language: Text) throws {
  var scene = Scene()
  scene.view = PortalView(
    requester: device(.phone),
    others: [story(), story(.printer, text: "hp")]
  )
  let page = try scene.page(language)
  let read = MarkupReader(page)
  #expect(read.faults == [])
  #expect(read.elements.filter { $0.name == "h1" }.count == 1)
  #expect(read.elements.filter { $0.name == "article" }.count == 2)
  #expect(!page.contains("<form") && !page.contains("token"))
  for part in ["front-door", "hp", "1\u{202F}234\u{202F}567", "http://192.168.1.1:8646/"] {
    #expect(read.text.contains(part))
  }
}

@Test("when nothing is wrong the page says so")
func clear() throws {
  var scene = Scene()
  scene.view = PortalView()
  #expect(try scene.page().contains("<h1>No device in your home is in quarantine.</h1>"))
}

@Test("a device released lately is reminded of the steps", arguments: languages)
func reminder(language: Text) throws {
  var scene = Scene()
  scene.view = PortalView(requester: device(.printer), released: UnixTime(seconds: wall.seconds))
  let read = MarkupReader(try scene.page(language))
  #expect(read.faults == [])
  #expect(read.text.contains("2026-11-24 01:13 UTC"))
  #expect(read.elements.contains { $0.name == "ol" })
}

@Test(
  "the language is the chosen one, else the browser's, else English",
  arguments: [
    ("/?lang=ar", "de", "ar"), ("/", "de-CH, en;q=0.5", "de"), ("/", "tlh", "en"),
    ("/?lang=xx", "fr", "fr"), ("/?lang=%00", "fr", "fr"), ("/?lang=de&lang=fr", "ja", "ja"),
    ("/", "*", "en"),
  ]
)
func language(target: String, accepted: String, language: String) throws {
  var scene = Scene()
  let response = try scene.answer(
    "GET \(target) HTTP/1.1",
    "Host: 192.168.1.1",
    "Accept-Language: \(accepted)"
  )
  #expect(response.value("Content-Language")?.string == language)
  #expect(response.value("Vary") == "Accept-Language")
}

@Test("every page has the fields that keep others' content and frames out")
func pageFields() throws {
  var scene = Scene()
  scene.portal.theme.logo = PortalLogo([UInt8]("<svg/>".utf8))
  for line in ["GET / HTTP/1.1", "GET /nothing HTTP/1.1", "GET /check HTTP/1.1"] {
    let response = try scene.answer(line, "Host: 192.168.1.1")
    #expect(
      response.value("Content-Security-Policy")
        == "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    #expect(response.value("X-Content-Type-Options") == "nosniff")
    #expect(response.value("Content-Type") == "text/html; charset=utf-8")
    #expect(response.value("Cache-Control") == "no-store")
    #expect(response.value("Set-Cookie") == nil)
  }
  for path in ["/style.css", "/logo"] {
    let response = try scene.answer("GET \(path) HTTP/1.1", "Host: 192.168.1.1")
    #expect(response.status == 200)
    #expect(response.value("Cache-Control") == "max-age=3600")
    #expect(response.value("X-Content-Type-Options") == "nosniff")
  }
}

@Test("when core can't be asked the page says so and asks to come again")
func unavailable() throws {
  let request = try Scene.request(["GET / HTTP/1.1", "Host: 192.168.1.1", "Accept-Language: de"])
  let response = Scene().portal.unavailable(request, from: Scene().connection)
  #expect(response.status == 503)
  #expect(response.value("Retry-After") == "5")
  #expect(MarkupReader(Text(response.body).string).faults == [])
}

@Test("pages stay small: at most 20 kB for one device, 50 kB for all", arguments: languages)
func size(language: Text) throws {
  var longest = story(text: Text(String(repeating: "&", count: 63)))
  longest.device.addresses = (0..<32).map { IPAddress(v6High: ~0, low: ~$0) }
  longest.causes = (0..<4).map { _ in
    .mitigation(
      client: "telemetry.isp.example",
      targets: (0..<8).map { Prefix(host: IPAddress(v6High: ~0, low: ~$0)) },
      protocols: [UInt8](200..<208),
      ports: (0..<8).compactMap { PortRange(60_000 + $0, 60_001 + $0) }
    )
  }
  var scene = Scene()
  let usual = try scene.page(language).utf8.count
  #expect(usual <= 20_000)
  scene.view.story = longest
  let full = try scene.page(language).utf8.count
  #expect(full <= 20_000)
  scene.view = PortalView(
    requester: device(),
    released: wall,
    others: [QuarantineStory](repeating: longest, count: 8)
  )
  let others = try scene.page(language).utf8.count
  #expect(others <= 50_000)
  print("\(language.string): \(usual), \(full), \(others) bytes")
}
