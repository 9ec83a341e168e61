import Bytes
import HTTP
import Model
import Portal
import Testing

/// What operating systems and browsers ask to find out whether they are online.
private let probes: [(String, String)] = [
  ("connectivitycheck.gstatic.com", "/generate_204"), ("captive.apple.com", "/hotspot-detect.html"),
  ("www.msftconnecttest.com", "/connecttest.txt"), ("www.msftconnecttest.com", "/redirect"),
  ("detectportal.firefox.com", "/canonical.html"),
  ("detectportal.firefox.com", "/success.txt?ipv4"),
  ("nmcheck.gnome.org", "/check_network_status.txt"), ("www.gstatic.com", "/generate_204"),
  ("clients3.google.com", "/generate_204"),
]

@Test(
  "CAP-15 each probe is led to the page by its address, never answered itself",
  arguments: probes
)
func probe(host: String, path: String) throws {
  for method in ["GET", "HEAD"] {
    for accept in ["", "Accept: */*\r\n", "Accept: text/html,application/xml;q=0.9\r\n"] {
      var scene = Scene()
      let response = try scene.answer("\(method) \(path) HTTP/1.1", "\(accept)Host: \(host)")
      #expect(response.status == 302)
      #expect(response.value("Location") == "http://192.168.1.1:8646/")
      #expect(response.value("Cache-Control") == "no-store")
      #expect(response.body.count > 4)
    }
  }
}

@Test("CAP-15 who doesn't accept text/html gets 511 with a link, never cached", arguments: probes)
func probeOfProgram(host: String, path: String) throws {
  var scene = Scene()
  for accept in ["application/json", "*/*, text/html;q=0", "image/*"] {
    let response = try scene.answer("GET \(path) HTTP/1.1", "Host: \(host)", "Accept: \(accept)")
    #expect(response.status == 511)
    #expect(response.value("Location") == nil)
    #expect(response.value("Cache-Control") == "no-store")
    #expect(Text(response.body).string.contains("http://192.168.1.1:8646/"))
    #expect(response.value("Link") == "<http://192.168.1.1:8646/>; rel=\"help\"")
  }
}

@Test("CAP-15 what is sent to a foreign host is answered 511 and does nothing")
func foreignPost() throws {
  var scene = Scene()
  let token = try scene.token()
  let body = "token=\(token)"
  let lines = [
    "POST /release HTTP/1.1", "Host: evil.example", "Content-Length: \(body.utf8.count)",
  ]
  let request = try Scene.request(lines, body: body)
  let step = scene.portal.receive(request, from: scene.connection, now: scene.now)
  #expect(step.response?.status == 511)
  #expect(try scene.post("/release", body) == .wish(.release(code: "")))
}

@Test(
  "only the router's addresses and its names, with a port of its own, are the portal",
  arguments: [
    ("192.168.1.1", true), ("192.168.1.1:8646", true), ("192.168.1.1:80", true),
    ("192.168.1.1:443", true), ("[fd00:0:0:1::1]:8646", true), ("[fd00:0:0:1::1]", true),
    ("router.lan:8646", true), ("ROUTER.lan", true), ("api.isp.example", true),
    ("192.168.1.1:22", false), ("192.168.1.1:", false), ("192.168.1.1:8646:1", false),
    ("192.168.1.2", false), ("192.168.1.1.evil.example", false), ("evil.example", false),
    ("router.lan.evil.example", false), ("fd00:0:0:1::1", false), ("[192.168.1.1]", false),
    ("[fd00:0:0:1::1", false), ("[fd00:0:0:1::1]x", false), ("[router.lan]", false), ("", false),
    ("[]", false), (":8646", false), ("192.168.1.01", false), ("3232235777", false),
  ] as [(String, Bool)]
)
func ownHost(host: String, isOwn: Bool) throws {
  var settings = PortalSettings()
  settings.name = "router.lan"
  settings.apiName = "api.isp.example"
  var scene = Scene(settings)
  let step = try scene.step("GET / HTTP/1.1", "Host: \(host)")
  #expect((step == .look) == isOwn)
  if !isOwn { #expect(step.response?.status == 302) }
}

@Test("an IPv6 address stands in brackets, and a link-local one gives way to one that works")
func addresses() throws {
  var scene = Scene()
  func location(_ local: IPAddress) throws -> Text? {
    scene.connection.local = local
    return try scene.answer("GET / HTTP/1.1", "Host: a.example").value("Location")
  }
  #expect(try location(routerV6) == "http://[fd00:0:0:1::1]:8646/")
  #expect(try location(linkLocal) == "http://[fd00:0:0:1::1]:8646/")
  scene.portal.home = [router, linkLocal]
  #expect(try location(linkLocal) == "http://192.168.1.1:8646/")
  scene.portal.home = []
  #expect(try location(linkLocal) == "http://[fe80::1]:8646/")
}

@Test("a configured name stands in the URL")
func configuredName() throws {
  var settings = PortalSettings()
  settings.name = "router.lan"
  settings.port = 8080
  var scene = Scene(settings)
  let response = try scene.answer("GET / HTTP/1.1", "Host: a.example")
  #expect(response.value("Location") == "http://router.lan:8080/")
}

@Test("a mapped IPv4 address of a connection is the IPv4 address")
func mapped() {
  let mapped = IPAddress(v6High: 0, low: 0xFFFF_C0A8_0101)
  #expect(PortalConnection(peer: mapped, local: mapped).local == router)
}

@Test("headers that claim to come from elsewhere change nothing")
func forwarded() throws {
  var scene = Scene()
  let step = try scene.step(
    "GET / HTTP/1.1",
    "Host: evil.example",
    "X-Forwarded-Host: 192.168.1.1:8646",
    "X-Forwarded-For: 192.168.1.51",
    "Forwarded: host=192.168.1.1"
  )
  #expect(step.response?.status == 302)
}

@Test(
  "other paths don't exist, whatever they look like",
  arguments: [
    "/index.html", "//", "/../../etc/passwd", "/..%2f..%2fetc/passwd", "/style.css/", "/%2e",
    "/logo", "/captive-portal/api", "/check/..", "/.git/config", "/style.css%00", "/\\..\\",
    "/~root",
  ]
)
func unknownPath(path: String) throws {
  var scene = Scene()
  for method in ["GET", "HEAD"] {
    let response = try scene.answer("\(method) \(path) HTTP/1.1", "Host: 192.168.1.1:8646")
    #expect(response.status == 404)
  }
}
