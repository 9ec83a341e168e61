import Bytes
import HTTP
import Model
import Portal
import Testing

let camera = IPAddress(v4: 0xC0A8_0132)
let laptop = IPAddress(v4: 0xC0A8_0133)
let router = IPAddress(v4: 0xC0A8_0101)
let routerV6 = IPAddress(v6High: 0xFD00_0000_0000_0001, low: 1)
let linkLocal = IPAddress(v6High: 0xFE80_0000_0000_0000, low: 1)
let wall = UnixTime(seconds: 1_795_482_808)  // 2026-11-24T01:13:28Z
let languages: [Text] = ["en", "de", "fr", "es", "ja", "ar"]

/// A device whose every text is `text`.
func device(_ kind: DeviceKind = .camera, text: Text = "front-door") -> Device {
  Device(
    mac: MACAddress(0x0211_22AA_BBCC),
    name: text,
    vendor: text,
    kind: kind,
    addresses: [camera]
  )
}

/// A quarantine whose every text is `text`.
func story(
  _ kind: DeviceKind = .camera,
  text: Text = "front-door",
  releasesLeft: UInt32 = 2,
  recentPackets: UInt64 = 0
) -> QuarantineStory {
  QuarantineStory(
    device: device(kind, text: text),
    since: UnixTime(seconds: wall.seconds - 11_520),
    lastSeen: UnixTime(seconds: wall.seconds - 60),
    ends: UnixTime(seconds: wall.seconds + 3600),
    stopped: DropCounters(packets: 1_234_567, bytes: 98_765_432),
    recentPackets: recentPackets,
    causes: [
      .mitigation(
        client: text,
        targets: [Prefix(host: IPAddress(v4: 0xCB00_7105))],
        protocols: [17, 99],
        ports: [PortRange(53)]
      )
    ],
    releasesLeft: releasesLeft,
    caseNumber: text
  )
}

/// Portal, connection and clock of a test.
struct Scene {
  var portal: Portal
  var connection = PortalConnection(peer: camera, local: router)
  var now = Instant(milliseconds: 1_000_000)
  var view = PortalView(requester: device(), story: story())
  private var draws: UInt8 = 0

  init(_ settings: PortalSettings = PortalSettings(), theme: PortalTheme = PortalTheme()) {
    portal = Portal(settings: settings, theme: theme)
    portal.home = [router, linkLocal, routerV6]
  }

  /// The step for a request, given as its lines without their ends.
  mutating func step(_ lines: String...) throws -> PortalStep {
    portal.receive(try Self.request(lines), from: connection, now: now)
  }

  /// The answer to a GET, core being asked where that is the step.
  mutating func answer(_ lines: String..., outcome: WishOutcome? = nil) throws -> HTTPResponse {
    let request = try Self.request(lines)
    switch portal.receive(request, from: connection, now: now) {
    case .answer(let response): return response
    case .look, .wish:
      draws &+= 1
      let random = (0..<16).map { UInt8($0) &+ draws &* 16 }
      return portal.answer(
        request,
        view: view,
        outcome: outcome,
        from: connection,
        now: now,
        wall: wall,
        random: random
      )
    }
  }

  /// The page in a language.
  mutating func page(_ language: Text = "en", done: WishOutcome? = nil) throws -> String {
    let tag = language.string
    let done = done.map { "&done=\($0.rawValue)" } ?? ""
    let response = try answer("GET /?lang=\(tag)\(done) HTTP/1.1", "Host: 192.168.1.1:8646")
    #expect(response.status == 200)
    return Text(response.body).string
  }

  /// A token of a page that is opened now.
  mutating func token() throws -> String {
    let parts = try page().components(separatedBy: "name=\"token\" value=\"")
    return String(try #require(parts.last).prefix(32))
  }

  /// What a form with this body leads to.
  mutating func post(_ path: String, _ body: String, _ fields: String...) throws -> PortalStep {
    let lines = ["POST \(path) HTTP/1.1", "Host: 192.168.1.1:8646"] + fields
    let request = try Self.request(lines + ["Content-Length: \(body.utf8.count)"], body: body)
    return portal.receive(request, from: connection, now: now)
  }

  static func request(_ lines: [String], body: String = "") throws -> HTTPRequest {
    var reader = HTTPRequestReader()
    let text = lines.joined(separator: "\r\n") + "\r\n\r\n" + body
    guard case .request(let request) = reader.receive([UInt8](text.utf8)) else {
      throw Unread(text: text)
    }
    return request
  }

  struct Unread: Error { var text: String }
}

extension HTTPResponse {
  func value(_ name: Text) -> Text? { fields.first { $0.name == name }?.value }
}

extension PortalStep {
  /// The answer, when it is one.
  var response: HTTPResponse? {
    if case .answer(let response) = self { response } else { nil }
  }
}

extension String {
  /// What stands between each `separator`.
  func components(separatedBy separator: String) -> [String] {
    var result: [String] = []
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      result.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return result + [String(rest)]
  }
}
