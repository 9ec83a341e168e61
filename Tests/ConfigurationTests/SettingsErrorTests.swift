import Bytes
import Configuration
import Testing

/// The error line of a file, without the file's name; nil when the file is fine.
private func complaint(_ file: String) -> String? {
  do throws(SettingsError) {
    _ = try Settings(parsing: [UInt8](file.utf8))
    return nil
  } catch {
    return error.description
  }
}

/// The error line of a file whose agent section, three lines, is followed by `text`.
private func complaint(after text: String) -> String? { complaint(agent + text) }

@Test(
  "what is no UCI is refused where it stands",
  arguments: [
    ("\n confg agent", "2:2: 'confg' is none of config, option, list and package"),
    ("config", "1:1: the line ends too early"),
    (
      "config agent 'a' b", "1:18: the line should have ended before this word: a quote is missing?"
    ),
    ("option a b", "1:1: this stands before the first config line"),
    ("config agent\n option user 'a\n", "2:14: this quote is not closed on its line"),
    ("config agent\n option user \"a", "2:14: this quote is not closed on its line"),
    ("config agent 'a.b'", "1:14: 'a.b': a name is 1 to 64 letters, digits, _ and -"),
    ("config agent\n option user 'a\u{7}b'", "2:16: a control character (byte 7)"),
    ("package", "1:1: the line ends too early"),
  ]
)
func syntax(file: String, expected: String) { #expect(complaint(file) == expected) }

@Test(
  "unknown sections and options are refused where they stand",
  arguments: [
    ("config clint 'a'", "4:8: there is no section 'clint'"),
    (" option usr 'x'", "4:9: a section agent has no option 'usr'"),
    (" option port '1'", "4:9: a section agent has no option 'port'"),
    ("config listen\n\toption wan 'x'", "5:9: a section listen has no option 'wan'"),
    ("config identity\n option user x", "5:9: a section identity has no option 'user'"),
  ]
)
func unknown(text: String, expected: String) { #expect(complaint(after: text) == expected) }

@Test(
  "option and list can't stand for each other, and an option stands once",
  arguments: [
    (" list user x", "4:2: user has one value: write option, not list"),
    (" option wan x", "4:2: wan is a list: write list, not option"),
    (" option user a\n option user b", "5:9: user stands here a second time"),
    (
      "config protect\n option mac 00:11\n list mac 00:12", "6:7: mac stands here a second time"
    ),
  ]
)
func kinds(text: String, expected: String) { #expect(complaint(after: text) == expected) }

@Test(
  "sections can't repeat each other",
  arguments: [
    ("config agent 'b'", "4:1: there can be one section agent only"),
    ("config quarantine\nconfig quarantine", "5:1: there can be one section quarantine only"),
    (
      "config client a\n option name x\nconfig client 'a'\n option name y",
      "6:15: there is another section client 'a'"
    ),
    (
      "config client a\n option name x\nconfig client b\n option name X",
      "7:14: another section client has the name 'X'"
    ),
    ("config listen\nconfig listen", "5:1: another section listen has this address and port"),
  ]
)
func repetition(text: String, expected: String) { #expect(complaint(after: text) == expected) }

@Test(
  "RUL-03 CH-CON-02 what has no default can't be left out, the port of a call home too",
  arguments: [
    ("config client\n option name x", "4:1: a section client needs a name: config client 'NAME'"),
    ("config client a", "4:1: section client lacks name"),
    ("config policy", "4:1: section policy lacks action"),
    ("config call_home\n option host a", "4:1: section call_home lacks port"),
    ("config call_home\n option port 1", "4:1: section call_home lacks host"),
    ("config psk\n option identity a", "4:1: section psk lacks key_file"),
    ("config psk\n option key_file /a", "4:1: section psk lacks identity"),
    ("config quarantine\n option api_key /a", "4:1: section quarantine lacks api_certificate"),
    (
      "config quarantine\n option api_key /a\n option api_certificate /b",
      "4:1: section quarantine lacks name"
    ),
    ("config protect", "4:1: section protect needs mac, source or prefix"),
    ("config protect\n list udp 1", "4:1: section protect needs mac, source or prefix"),
  ]
)
func missing(text: String, expected: String) { #expect(complaint(after: text) == expected) }

@Test("an agent section with both kinds of interfaces is needed")
func agentNeeded() {
  #expect(complaint("") == "1:1: there is no section agent")
  #expect(complaint("\nconfig agent\n list lan a") == "2:1: section agent lacks wan")
  #expect(complaint("config agent\n list wan a") == "1:1: section agent lacks lan")
}

@Test(
  "sections that contradict each other are refused",
  arguments: [
    (" list lan eth0", "4:11: 'eth0' is in wan and in lan"),
    (
      "config policy\n option client x\n option action block",
      "5:16: there is no section client 'x'"
    ),
    (
      "config protect\n list source 192.0.2.1\n list udp 1\n list tcp 1",
      "4:1: no packet is udp and tcp at once: write two sections"
    ),
  ]
)
func contradictions(text: String, expected: String) { #expect(complaint(after: text) == expected) }

@Test(
  "values of the agent section have their form",
  arguments: [
    ("enabled", "2", "a switch (1 or 0, yes or no, on or off, true or false)"),
    ("action", "drop", "block, limit, quarantine, ask or observe"),
    ("limit", "8mbyte", "a rate (a number and bit, kbit, mbit or gbit; at least 8 bit)"),
    ("limit", "7bit", "a rate (a number and bit, kbit, mbit or gbit; at least 8 bit)"),
    ("limit", "kbit", "a rate (a number and bit, kbit, mbit or gbit; at least 8 bit)"),
    ("limit", "4294967296", "a rate (a number and bit, kbit, mbit or gbit; at least 8 bit)"),
    ("terminating", "301", "a number from 0 to 300"),
    ("terminating", "-1", "a number from 0 to 300"),
    ("terminating", "", "a number from 0 to 300"),
    ("ask_timeout", "0", "a number from 1 to 86400"),
    ("max_quarantined", "257", "a number from 0 to 256"),
    ("ask_default", "limit", "block or refuse"),
    ("conflict", "yes", "accept or reject"),
    ("offload", "on", "flush or empty"),
    ("log_level", "Info", "error, warning, info or debug"),
    ("user", "1a", "a user's name"),
    ("user", "a b", "a user's name"),
    ("user", "", "a user's name"),
    ("state", "relative", "an absolute path of at most 1024 bytes"),
    ("control", "/" + String(repeating: "a", count: 107), "an absolute path of at most 107 bytes"),
  ]
)
func agentValues(option: String, value: String, expected: String) {
  let shown = value.utf8.count > 80 ? value.prefix(80) + "…" : value[...]
  #expect(
    complaint(after: " option \(option) '\(value)'")
      == "4:\(10 + option.utf8.count): \(option): '\(shown)' is not \(expected)"
  )
}

@Test(
  "interfaces have names that the kernel allows",
  arguments: ["", ".", "..", "a/b", "a b", "a:b", "sixteen-bytes-ok", "é"]
)
func interfaces(name: String) {
  #expect(
    complaint(after: " list wan '\(name)'")
      == "4:11: wan: '\(name)' is not an interface's name (1 to 15 characters)"
  )
}

@Test(
  "values of the other sections have their form",
  arguments: [
    ("listen", "option port '0'", "a number from 1 to 65535"),
    ("listen", "option port '65536'", "a number from 1 to 65535"),
    ("listen", "list address '192.0.2'", "an IP address"),
    ("listen", "list transport 'sctp'", "udp or tcp"),
    ("call_home", "option transport 'any'", "udp, tcp or auto"),
    ("call_home", "option host 'a/b'", "a host's name or address"),
    ("call_home", "list redirect_allow '.'", "a host's name or address"),
    ("client c", "list target '192.0.2.0/33'", "an IP prefix (ADDRESS/LENGTH)"),
    (
      "client c", "option alt_server '192.0.2.1'",
      "a server's name, then its addresses if they are known"
    ),
    (
      "client c", "option alt_server 'a.example/b'",
      "a server's name, then its addresses if they are known"
    ),
    ("client c", "option pin 'ab'", "a SHA-256 digest (64 hexadecimal digits)"),
    ("client c", "list may 'ask'", "block, limit or quarantine"),
    ("client c", "option overlap 'any'", "scope or target"),
    ("client c", "option max_mitigations '0'", "a number from 1 to 65536"),
    ("client c", "option max_lifetime '2147483648'", "a number from 1 to 2147483647"),
    ("protect", "option mac '00:1'", "a hardware address or the first bytes of one (00:11:22)"),
    ("protect", "list udp '0'", "a port from 1 to 65535 or a range of them (A-B)"),
    ("protect", "list udp '2-1'", "a port from 1 to 65535 or a range of them (A-B)"),
    ("protect", "list udp '1-2-3'", "a port from 1 to 65535 or a range of them (A-B)"),
    ("psk", "option identity ''", "a text of 1 to 128 bytes"),
  ]
)
func otherValues(section: String, line: String, expected: String) throws {
  // What the section needs besides stands after the line, so that the line is the first fault.
  let needed = [
    "client c": "option name n", "psk": "option key_file /k",
    "call_home": "option port 1\noption " + (line.contains("host") ? "name n" : "host h"),
  ]
  let text = "config \(section)\n\(line)\n" + (needed[section] ?? "") + "\n"
  let words = line.split(separator: " ")
  let column = words[0].count + words[1].count + 3
  #expect(
    complaint(after: text)
      == "5:\(column): \(words[1]): \(words[2]) is not \(expected)"
  )
}

@Test(
  "a pin with wrong digits or colons in odd places is refused",
  arguments: [
    String(repeating: "0g", count: 32), String(repeating: "00", count: 31) + "0",
    String(repeating: "000:", count: 23) + "000",
  ]
)
func badPins(pin: String) {
  let text = "config client c\n option name n\n option pin \(pin)\n"
  #expect(complaint(after: text)?.hasPrefix("6:13: pin: ") == true)
}

@Test("a section's name has at most 64 characters")
func longName() {
  let name = String(repeating: "a", count: 64)
  #expect(complaint(after: "config listen \(name)") == nil)
  #expect(complaint(after: "config listen \(name)a")?.hasPrefix("4:15: ") == true)
}

@Test("a word that is no UTF-8 is refused where it begins")
func notUTF8() {
  let file = [UInt8]((agent + "config client a\n option name 'b").utf8) + [0xFF, 0x27]
  #expect(throws: SettingsError(.notUTF8, at: SettingsLocation(line: 5, column: 14))) {
    try Settings(parsing: file)
  }
}
