import Bytes
import HTTP
import Link
import Model
import Testing

@testable import Portal

@Test("a form with the page's token is a wish, and answered with a page that can be reloaded")
func wish() throws {
  var scene = Scene()
  #expect(try scene.post("/check?lang=de", "token=\(scene.token())") == .wish(.checkAgain))
  #expect(try scene.post("/release", "token=\(scene.token())") == .wish(.release(code: "")))
  #expect(
    try scene.post("/release", "code=+AB+12+&token=\(scene.token())")
      == .wish(.release(code: "AB12"))
  )
  let request = try Scene.request(
    ["POST /check?lang=ja HTTP/1.1", "Host: 192.168.1.1", "Content-Length: 0"]
  )
  let response = scene.portal.answer(
    request,
    view: scene.view,
    outcome: .quiet,
    from: scene.connection,
    now: scene.now,
    wall: wall,
    random: []
  )
  #expect(response.status == 303)
  #expect(response.value("Location") == "/?lang=ja&done=3")
  #expect(response.value("Cache-Control") == "no-store")
}

@Test("a token works once")
func onlyOnce() throws {
  var scene = Scene()
  let body = "token=\(try scene.token())"
  #expect(try scene.post("/release", body) == .wish(.release(code: "")))
  #expect(try scene.post("/release", body).response?.status == 403)
}

@Test("a token of one device doesn't work from another address, and still works from its own")
func otherDevice() throws {
  var scene = Scene()
  let body = "token=\(try scene.token())"
  scene.connection.peer = laptop
  #expect(try scene.post("/release", body).response?.status == 403)
  scene.connection.peer = camera
  #expect(try scene.post("/release", body) == .wish(.release(code: "")))
}

@Test("a token expires")
func expires() throws {
  var scene = Scene()
  let body = "token=\(try scene.token())"
  scene.now = scene.now + TokenTable.lifetime
  #expect(try scene.post("/check", body).response?.status == 403)
}

@Test(
  "a token that was never given is refused",
  arguments: [
    "", "token=", "token=0", "token=00000000000000000000000000000000", "toke=1", "code=1",
    "token=zz112233445566778899aabbccddeeff", "token=%00",
  ]
)
func forged(body: String) throws {
  var scene = Scene()
  _ = try scene.token()
  #expect(try scene.post("/check", body).response?.status == 403)
}

@Test("every bit of a token counts")
func everyBit() {
  let random = [UInt8](repeating: 0x5A, count: 16)
  let now = Instant(milliseconds: 0)
  for bit in 0..<128 {
    var table = TokenTable()
    _ = table.issue(to: MACAddress(1), at: camera, random: random, now: now)
    var other = random
    other[bit / 8] ^= 1 << UInt8(bit % 8)
    let wrong = table.consume(hexadecimal(other[...], separator: ""), from: camera, now: now)
    let right = table.consume(hexadecimal(random[...], separator: ""), from: camera, now: now)
    #expect(!wrong)
    #expect(right)
  }
}

@Test("one device has at most four tokens and can't drive out another's; the table is bounded")
func bounded() throws {
  var table = TokenTable()
  let now = Instant(milliseconds: 0)
  func random(_ seed: Int) -> [UInt8] { (0..<16).map { UInt8(truncatingIfNeeded: $0 + seed * 17) } }
  let other = table.issue(to: MACAddress(1), at: laptop, random: random(0), now: now)
  let first = table.issue(to: MACAddress(2), at: camera, random: random(1), now: now)
  for seed in 2..<200 {
    _ = table.issue(to: MACAddress(2), at: camera, random: random(seed), now: now)
  }
  #expect(table.count == 1 + TokenTable.maximumPerDevice)
  let isFirstThere = table.consume(try #require(first), from: camera, now: now)
  let isOtherThere = table.consume(try #require(other), from: laptop, now: now)
  #expect(!isFirstThere)
  #expect(isOtherThere)
  for seed in 0..<200 {
    _ = table.issue(to: MACAddress(UInt64(seed)), at: camera, random: random(seed), now: now)
  }
  #expect(table.count == TokenTable.maximum)
}

@Test("with too little randomness there is no token and no button")
func noRandomness() throws {
  var scene = Scene()
  let request = try Scene.request(["GET / HTTP/1.1", "Host: 192.168.1.1"])
  let page = scene.portal.answer(
    request,
    view: scene.view,
    outcome: nil,
    from: scene.connection,
    now: scene.now,
    wall: wall,
    random: [UInt8](repeating: 1, count: 15)
  )
  #expect(!Text(page.body).string.contains("<form"))
}

@Test(
  "a form that another page sent is refused before its token counts",
  arguments: [
    "Origin: http://evil.example", "Origin: null", "Origin: https://192.168.1.1:8646",
    "Origin: http://192.168.1.1:8646.evil.example", "Referer: http://evil.example/",
    "Referer: http://192.168.1.1:22/", "Origin: http://192.168.1.1:8646\r\nReferer: http://a/",
    "Origin: http://192.168.1.1\r\nOrigin: http://evil.example", "Origin:",
  ]
)
func foreignPage(field: String) throws {
  var scene = Scene()
  let body = "token=\(try scene.token())"
  #expect(try scene.post("/release", body, field).response?.status == 403)
  let own = "Origin: http://192.168.1.1:8646\r\nReferer: http://192.168.1.1:8646/?lang=en"
  #expect(try scene.post("/release", body, own) == .wish(.release(code: "")))
}

@Test("the page lets browsers say where its forms come from")
func referrerPolicy() throws {
  var scene = Scene()
  let response = try scene.answer("GET / HTTP/1.1", "Host: 192.168.1.1")
  // With no-referrer browsers send `Origin: null`, which the portal refuses.
  #expect(response.value("Referrer-Policy") == "same-origin")
}

@Test(
  "nothing happens on GET: what led from a form leads to the page",
  arguments: ["/check", "/release"]
)
func reload(path: String) throws {
  var scene = Scene()
  let target = "\(path)?lang=de&token=\(try scene.token())"
  for method in ["GET", "HEAD"] {
    let response = try scene.answer("\(method) \(target) HTTP/1.1", "Host: 192.168.1.1:8646")
    #expect(response.status == 303)
    #expect(response.value("Location") == "/?lang=de")
  }
}

@Test("POST goes nowhere else")
func postElsewhere() throws {
  var scene = Scene()
  let body = "token=\(try scene.token())"
  for path in ["/", "/style.css", "/captive-portal/api"] {
    let response = try scene.post(path, body).response
    #expect(response?.status == 405)
    #expect(response?.value("Allow") == "GET, HEAD")
  }
  #expect(try scene.post("/x", body).response?.status == 404)
  #expect(try scene.post("/check", body) == .wish(.checkAgain))
}

@Test(
  "what can't be a code is a wrong one, and never a release without a code",
  arguments: ["%00", "%C3%A9", "%0D%0A", String(repeating: "A", count: 33)]
)
func impossibleCode(code: String) throws {
  var scene = Scene()
  let response = try scene.post("/release", "token=\(scene.token())&code=\(code)").response
  #expect(response?.value("Location") == "/?lang=en&done=5")
}

@Test("the longest code is the one that core takes")
func codeLength() {
  #expect(Portal.maximumCode == PortalMessage.maximumCode)
}

@Test("each outcome is one sentence in each language", arguments: WishOutcome.allCases, languages)
func outcome(outcome: WishOutcome, language: Text) throws {
  var scene = Scene()
  switch outcome {
  case .released: scene.view = PortalView(requester: device(), released: wall)
  case .notQuarantined: scene.view = PortalView(requester: device())
  case .noneLeft: scene.view.story = story(releasesLeft: 0)
  case .stillActive: scene.view.story = story(recentPackets: 7)
  case .quiet, .wrongCode, .tooSoon, .failed: break
  }
  let page = try scene.page(language, done: outcome)
  let parts = page.components(separatedBy: "role=\"status\">")
  #expect(parts.count == 2)
  #expect(try #require(parts[1].components(separatedBy: "</p>").first).count > 10)
  #expect(try scene.page(language).components(separatedBy: "role=\"status\">").count == 1)
}

@Test("a link to an outcome that isn't true says nothing false")
func falseOutcome() throws {
  var scene = Scene()
  for outcome in [WishOutcome.released, .notQuarantined, .noneLeft] {
    #expect(!(try scene.page(done: outcome).contains("role=\"status\"")))
  }
  scene.view.story = story(recentPackets: 1)
  #expect(try scene.page(done: .quiet).contains("The attack was seen"))
  scene.view = PortalView(requester: device())
  for outcome in WishOutcome.allCases where outcome != .notQuarantined {
    #expect(!(try scene.page(done: outcome).contains("role=\"status\"")))
  }
}
