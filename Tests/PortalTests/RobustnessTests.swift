import Bytes
import HTTP
import Model
import Portal
import TestSupport
import Testing

private let hosts: [Text] = [
  "192.168.1.1", "192.168.1.1:8646", "[fd00:0:0:1::1]:80", "[::1]", "[", "]", ":", "a:b",
  "a.example",
  "[]:80", "192.168.1.1:99999", "", "[fe80::1%25eth0]",
]
private let paths: [Text] = [
  "/", "/check", "/release", "/style.css", "/logo", "/captive-portal/api", "/x", "//", "/../",
]
private let words: [Text] = [
  "lang=de", "&", "=", "token=", "code=", "done=", "%", "%0", "%00", "+", "9", "255", "256", "-1",
  "00112233445566778899aabbccddeeff", "\u{FF}", "AB12", "lang=", "x",
]

extension SeededGenerator {
  fileprivate mutating func pick(_ texts: [Text]) -> Text {
    texts[Int.random(in: 0..<texts.count, using: &self)]
  }

  fileprivate mutating func phrase() -> Text {
    (0..<Int.random(in: 0..<6, using: &self)).reduce("") { text, _ in text + pick(words) }
  }
}

private func randomRequest(_ random: inout SeededGenerator) -> HTTPRequest {
  var request = HTTPRequest(
    method: [.get, .head, .post][Int.random(in: 0..<3, using: &random)],
    path: random.pick(paths),
    query: random.phrase(),
    host: random.pick(hosts)
  )
  for name in ["accept", "accept-language", "origin", "referer"] as [Text]
  where Bool.random(using: &random) {
    request.fields.append(
      HTTPField(name, random.pick(hosts + words + ["*/*", "text/html", ";q=", ",;"]))
    )
  }
  if request.method == .post { request.body = random.phrase().bytes }
  return request
}

@Test("no request makes the portal trap, act on GET, or answer 200 with nothing, or 204")
func requests() {
  let seed: UInt64 = 0x8908
  var random = SeededGenerator(seed: seed)
  var settings = PortalSettings()
  settings.apiName = "a.example"
  var portal = Portal(settings: settings)
  portal.home = [router]
  for round in 0..<1500 {
    let request = randomRequest(&random)
    var connection = PortalConnection(peer: camera, local: round % 2 == 0 ? router : linkLocal)
    connection.isSecure = round % 3 == 0
    let now = Instant(milliseconds: Int64(round))
    var response: HTTPResponse
    switch portal.receive(request, from: connection, now: now) {
    case .answer(let answer): response = answer
    case .wish:
      Issue.record("a wish without a token: seed \(seed), round \(round)")
      return
    case .look:
      #expect(request.method != .post)
      response = portal.answer(
        request,
        view: PortalView(requester: device(), story: round % 5 == 0 ? nil : story()),
        outcome: nil,
        from: connection,
        now: now,
        wall: wall,
        random: (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
      )
    }
    #expect([200, 302, 303, 403, 404, 405, 511].contains(response.status), "round \(round)")
    #expect(response.body.count > 4, "seed \(seed), round \(round)")
  }
}

@Test("extreme numbers, times and addresses are told without a trap")
func extremes() throws {
  var scene = Scene()
  let most = IPAddress(v6High: .max, low: .max)
  for value in [0, 9_999, 10_000, UInt64.max] {
    scene.view.story = QuarantineStory(
      device: Device(mac: MACAddress(.max), addresses: [most]),
      since: UnixTime(seconds: value),
      lastSeen: UnixTime(seconds: value),
      ends: UnixTime(seconds: value),
      stopped: DropCounters(packets: value, bytes: value),
      recentPackets: value,
      quietSeconds: .max,
      causes: [
        .mitigation(client: "", targets: [], protocols: [], ports: [PortRange(0), PortRange(.max)])
      ],
      releasesLeft: .max,
      caseNumber: ""
    )
    for language in languages { #expect(MarkupReader(try scene.page(language)).faults == []) }
  }
  #expect(
    try scene.page().contains(
      "18\u{202F}446\u{202F}744\u{202F}073\u{202F}709\u{202F}551\u{202F}615"
    )
  )
  scene.view.story?.causes = []
  #expect(MarkupReader(try scene.page()).faults == [])
}
