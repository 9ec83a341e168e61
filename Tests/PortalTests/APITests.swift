import Bytes
import Foundation
import HTTP
import Model
import Portal
import Testing

/// A portal with an API, asked over TLS.
private func secureScene() -> Scene {
  var settings = PortalSettings()
  settings.apiName = "portal.example"
  var scene = Scene(settings)
  scene.connection.isSecure = true
  return scene
}

private func ask(_ scene: inout Scene, _ fields: String...) throws -> HTTPResponse {
  let lines = "Host: portal.example\r\n" + fields.map { $0 + "\r\n" }.joined() + "X: y"
  return try scene.answer("GET /captive-portal/api HTTP/1.1", lines)
}

/// The JSON of a worked answer in the vectors' folder.
private func vector(_ file: String) throws -> NSDictionary {
  let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Vectors/" + file)
  let object = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? NSDictionary
  return try #require(object?["json"] as? NSDictionary)
}

private func object(_ response: HTTPResponse) throws -> NSDictionary {
  let object = try JSONSerialization.jsonObject(with: Data(response.body))
  return try #require(object as? NSDictionary)
}

@Test("CAP-03 CAP-04 a captive device is told so, and where the page is")
func captive() throws {
  var scene = secureScene()
  scene.view.story = story(releasesLeft: 0)
  let response = try ask(&scene, "Accept: application/captive+json")
  #expect(try object(response) == vector("p01-captive.json"))
  scene.view.story = story(releasesLeft: 1)
  #expect(try object(ask(&scene))["can-extend-session"] as? Bool == true)
}

@Test("CAP-03 a device that isn't captive is told so")
func notCaptive() throws {
  var scene = secureScene()
  scene.view = PortalView(requester: device())
  #expect(try object(ask(&scene)) == vector("p02-not-captive.json"))
  scene.view = PortalView()
  #expect(try object(ask(&scene)) == vector("p02-not-captive.json"))
}

@Test("CAP-04 another device is told where the status page is")
func venue() throws {
  var scene = secureScene()
  scene.view = PortalView(requester: device(), others: [story()])
  let expected: NSDictionary = ["captive": false, "venue-info-url": "https://portal.example/"]
  #expect(try object(ask(&scene)) == expected)
}

@Test("CAP-02 CAP-05 the answer's media type and caching are the API's")
func media() throws {
  var scene = secureScene()
  let response = try ask(&scene)
  #expect(response.status == 200)
  #expect(response.value("Content-Type") == "application/captive+json")
  #expect(response.value("Cache-Control") == "private, no-store")
  #expect(response.value("Vary") == "Accept")
}

@Test(
  "CAP-11 a browser that comes upon the API is led to the page, by media range",
  arguments: [
    ("text/html", 302), ("text/html,application/xhtml+xml,*/*;q=0.8", 302),
    ("application/captive+json", 200), ("*/*", 200), ("application/json", 200),
    ("application/captive+json, text/html;q=0.5", 200), ("application/*", 200), ("text/*", 302),
  ]
)
func negotiation(accept: String, status: Int) throws {
  var scene = secureScene()
  let response = try ask(&scene, "Accept: \(accept)")
  #expect(Int(response.status) == status)
  #expect(response.value("Vary") == "Accept")
  if status == 302 { #expect(response.value("Location") == "https://portal.example/") }
}

@Test("CAP-01 without TLS or a name there is no API")
func noAPI() throws {
  var scene = secureScene()
  scene.connection.isSecure = false
  #expect(try ask(&scene).status == 404)
  scene = Scene()
  scene.connection.isSecure = true
  let response = try scene.answer("GET /captive-portal/api HTTP/1.1", "Host: 192.168.1.1")
  #expect(response.status == 404)
}

@Test("CAP-07 nothing in a request chooses another device")
func noChoice() throws {
  var scene = secureScene()
  for target in [
    "/captive-portal/api?ip=192.168.1.51", "/captive-portal/api?mac=00:00:00:00:00:01",
  ] {
    #expect(try scene.step("GET \(target) HTTP/1.1", "Host: portal.example") == .look)
  }
  let step = try scene.step("GET /captive-portal/api/x HTTP/1.1", "Host: portal.example")
  #expect(step.response?.status == 404)
}

@Test("over TLS the page is at the API's name, and so are its forms")
func securePage() throws {
  var scene = secureScene()
  let token = try scene.token()
  let origin = "Origin: https://portal.example"
  #expect(try scene.post("/check", "token=\(token)", origin) == .wish(.checkAgain))
}
