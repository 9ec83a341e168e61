import Bytes
import HTTP
import Model
import Testing

@testable import Portal

private func theme(_ file: Text) -> PortalTheme { PortalTheme(parsing: file.bytes) }

@Test("a theme's fields are read, comments and empty lines are nothing")
func fields() {
  let read = theme("# ours\n\nisp = Example = ISP\r\n\tphone=+1 555\nmail = \ncolor = #1a2B3c")
  #expect(read.isp == "Example = ISP")
  #expect(read.phone == "+1 555")
  #expect(read.mail == "")
  #expect(read.color == "#1a2B3c")
  #expect(read.ignored == 0)
}

@Test("lines that are no theme are ignored and counted")
func ignored() {
  let read = theme(
    "isp\nnothing = x\nxx.headline = y\nde.nothing = z\na.b.c = d\n= e\nisp = Example"
  )
  #expect(read.ignored == 6)
  #expect(read.isp == "Example")
}

@Test("a text is replaced in one language or in all, and the last line wins")
func replacements() throws {
  let file: Text = "headline = all {}\nde.headline = alt\nde.headline = neu {}!\nfr.never = jamais"
  var scene = Scene(theme: theme(file))
  #expect(try scene.page("de").contains("neu <bdi>Ihrer Kamera</bdi>!"))
  #expect(try scene.page("es").contains("all <bdi>"))
  #expect(try scene.page("fr").contains("<strong>jamais</strong>"))
  #expect(!(try scene.page("en").contains("jamais")))
}

@Test(
  "a colour counts only when white letters can be read on it",
  arguments: [
    ("#000000", true), ("#0b4f96", true), ("#767676", true), ("#777777", false),
    ("#ffffff", false), ("#ff0000", false), ("#d00000", true), ("#00ff00", false),
    ("#0000ff", true), ("#fff", false), ("0b4f96", false), ("#0b4f9g", false), ("red", false),
    ("", false), ("#0b4f96;}", false),
  ] as [(Text, Bool)]
)
func color(color: Text, isUsed: Bool) throws {
  let read = theme("color = " + color)
  #expect((read.color == color) == isUsed)
  #expect(read.ignored == (isUsed ? 0 : 1))
  var scene = Scene(theme: read)
  let style = try scene.answer("GET /style.css HTTP/1.1", "Host: 192.168.1.1")
  #expect(Text(style.body).string.contains("html{--c:") == isUsed)
  #expect(style.value("Content-Type") == "text/css")
}

@Test("the estimate of contrast is never above the truth, and near it")
func contrast() {
  for grey in 0...255 {
    let digits = hexadecimal([UInt8(grey), UInt8(grey), UInt8(grey)], separator: "")
    #expect(PortalTheme.carriesWhite("#" + digits) == (grey <= 0x76))
  }
}

@Test("a logo is what its bytes say, and bounded")
func logo() throws {
  let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  func type(_ bytes: [UInt8]) throws -> Text? {
    var scene = Scene(theme: PortalTheme(parsing: [], logo: bytes))
    let response = try scene.answer("GET /logo HTTP/1.1", "Host: 192.168.1.1")
    if response.status == 200 { #expect(response.body == bytes) }
    return response.status == 200 ? response.value("Content-Type") : nil
  }
  #expect(try type(png) == "image/png")
  #expect(try type([UInt8]("<svg xmlns='…'/>".utf8)) == "image/svg+xml")
  #expect(try type([UInt8]("<?xml version='1.0'?>\n<svg/>".utf8)) == "image/svg+xml")
  for wrong in ["<html><svg/>", "<?xml?><html/>", "GIF89a", ""] {
    #expect(try type([UInt8](wrong.utf8)) == nil)
  }
  let blank = [UInt8](repeating: 0, count: PortalLogo.maximum)
  #expect(try type(png + blank.dropFirst(8)) == "image/png")
  #expect(try type(png + blank) == nil)
}

@Test("a script in a logo can't run")
func logoPolicy() throws {
  var scene = Scene(theme: PortalTheme(parsing: [], logo: [UInt8]("<svg onload='x'/>".utf8)))
  let response = try scene.answer("GET /logo HTTP/1.1", "Host: 192.168.1.1")
  let policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox" as Text
  #expect(response.value("Content-Security-Policy") == policy)
}

@Test("a logo stands on the page under the ISP's name")
func logoOnPage() throws {
  let logo = [UInt8]("<svg/>".utf8)
  var scene = Scene(theme: PortalTheme(parsing: Text("isp = Example").bytes, logo: logo))
  #expect(try scene.page().contains("<img src=\"/logo\" alt=\"Example\">"))
}

@Test("a file that is too long, or has too many texts, is bounded")
func bounds() {
  let long = theme("isp = a\n#" + Text(String(repeating: "x", count: PortalTheme.maximum)))
  #expect(long.isp == "")
  #expect(long.ignored == 1)
  #expect(theme(Text(String(repeating: "name = a\n", count: 300))).ignored == 44)
}

@Test("no bytes make a theme trap")
func garbage() {
  #expect(PortalTheme(parsing: [UInt8](0...255), logo: [UInt8](0...255)).logo == nil)
  #expect(theme("=\n==\n.=\n..=\n.\n").ignored == 5)
}
