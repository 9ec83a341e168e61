import Bytes
import Model
import Testing

@testable import Core

@Suite struct HomeTests {
  private func home(wan: [IPAddress], lan: Prefix?) -> Home {
    Home(
      wanAddresses: wan,
      lanPrefixes: lan.map { [$0] } ?? [],
      lanAddresses: lan.map { [$0.address] } ?? []
    )
  }

  @Test("a side that lost all its addresses keeps those that it had, a changed one does not")
  func lostSides() throws {
    let old = try #require(IPAddress(parsing: "198.51.100.2"))
    let new = try #require(IPAddress(parsing: "198.51.100.9"))
    let lan = try #require(Prefix(parsing: "192.168.1.0/24"))
    let before = home(wan: [old], lan: lan)
    #expect(home(wan: [], lan: nil).keepingLostSides(of: before) == before)
    let moved = home(wan: [new], lan: nil).keepingLostSides(of: before)
    #expect(moved == home(wan: [new], lan: lan))
  }
}
