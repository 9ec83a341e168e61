import Bytes
import Configuration
import Foundation
import Linux
import Testing

@testable import Launcher

struct GardenNamesTests {
  private let start = Instant(milliseconds: 0)
  private let first = IPAddress(v4: 1)
  private let second = IPAddress(v4: 2)

  private func garden(_ names: [Text]) -> GardenNames {
    var garden = GardenNames()
    garden.replace(names, now: start)
    return garden
  }

  @Test("each name is asked for once, one at a time, then again after five minutes")
  func round() {
    var garden = garden(["a", "b"])
    #expect(garden.ask(now: start) == "a")
    #expect(garden.ask(now: start) == nil && garden.due == nil)
    garden.answered("a", [second], now: start)
    #expect(garden.ask(now: start) == "b")
    garden.answered("b", [first, second], now: start)
    #expect(garden.addresses == [second, first])
    #expect(garden.ask(now: start) == nil)
    #expect(garden.due == start + .seconds(300))
    #expect(garden.ask(now: start + .seconds(300)) == "a")
  }

  @Test("a name that can't be looked up keeps its addresses")
  func failed() {
    var garden = garden(["a"])
    _ = garden.ask(now: start)
    garden.answered("a", [first], now: start)
    _ = garden.ask(now: start + .seconds(300))
    garden.answered("a", nil, now: start + .seconds(300))
    #expect(garden.addresses == [first])
    #expect(garden.due == start + .seconds(600))
  }

  @Test("a name that was never found is asked for again after half a minute")
  func notYet() {
    var garden = garden(["a"])
    _ = garden.ask(now: start)
    garden.answered("a", nil, now: start)
    #expect(garden.due == start + .seconds(30))
  }

  @Test("new settings keep what is known of names that stay")
  func replaced() {
    var garden = garden(["a", "b"])
    for name in ["a", "b"] as [Text] {
      _ = garden.ask(now: start)
      garden.answered(name, [name == "a" ? first : second], now: start)
    }
    garden.replace(["b", "c"], now: start)
    #expect(garden.addresses == [second])
    #expect(garden.ask(now: start) == "b")
  }

  @Test("an answer that comes after new settings belongs to its own name, or to none")
  func late() {
    var garden = garden(["a"])
    _ = garden.ask(now: start)
    garden.replace(["b"], now: start)
    #expect(garden.due == nil)
    garden.answered("a", [first], now: start)
    #expect(garden.addresses.isEmpty)
    #expect(garden.ask(now: start) == "b")
  }

  @Test("without names nothing is ever due")
  func none() {
    var garden = garden(["a"])
    _ = garden.ask(now: start)
    garden.replace([], now: start)
    garden.answered("a", [first], now: start)
    #expect(garden.due == nil && garden.addresses.isEmpty)
  }
}

struct CaptivePortalOptionTests {
  private func settings(_ more: Text) throws -> QuarantineSettings {
    let text: Text = "config agent\n list wan w\n list lan l\nconfig quarantine\n" + more
    return try Settings(parsing: text.bytes).quarantine
  }

  private let api: Text =
    " option name cordon.example\n option api_certificate /c\n option api_key /k\n"

  @Test("CAP-08 one URI stands in all options; without an API there is none")
  func uri() throws {
    let uri = try #require(CaptivePortalOption.uri(try settings(api)))
    #expect(uri == "https://cordon.example/captive-portal/api")
    #expect(
      CaptivePortalOption.dnsmasqLines(uri)
        == "dhcp-option=114,\(uri)\ndhcp-option=option6:103,\(uri)\n"
    )
    #expect(CaptivePortalOption.odhcpdLines(uri) == "\toption captive_portal_uri '\(uri)'\n")
    #expect(CaptivePortalOption.uri(try settings(" option name cordon.example\n")) == nil)
  }

  @Test("CAP-08 the longest name makes a URI of 255 bytes")
  func longest() throws {
    let name = Text([UInt8](repeating: 0x61, count: 228))
    let text = " option api_certificate /c\n option api_key /k\n option name \(name)\n" as Text
    #expect(CaptivePortalOption.uri(try settings(text))?.count == 255)
  }

  @Test("the files are there while something is told, and readable by all")
  func files() throws {
    let folder = NSTemporaryDirectory() + "cordon-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var option = CaptivePortalOption(folder: Text(folder))
    #expect(try option.tell("https://a/captive-portal/api"))
    #expect(try !option.tell("https://a/captive-portal/api"))
    let paths = ["/captive-portal.dnsmasq", "/captive-portal.odhcpd"].map { folder + $0 }
    for path in paths {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect(attributes[.posixPermissions] as? Int == 0o644)
    }
    #expect(try option.tell(nil))
    for path in paths { #expect(!FileManager.default.fileExists(atPath: path)) }
  }
}

struct RoomKindTests {
  @Test("both ends of each door can be told of it, and no other pair")
  func doors() {
    for one in RoomKind.allCases {
      for other in RoomKind.allCases {
        let isDoor = RoomKind.doors.contains {
          $0.0 == one && $0.1 == other || $0.0 == other && $0.1 == one
        }
        if isDoor { #expect(one.door(to: other) != nil && other.door(to: one) != nil) }
      }
    }
  }

  @Test("the rooms are numbered from 1, as the poller and the users' numbers need")
  func numbers() {
    #expect(RoomKind.allCases.map { $0.rawValue } == [1, 2, 3, 4, 5])
  }
}
