import Bytes
import Control
import Link
import Model
import Testing

/// What a command line, its words between spaces, asks for.
private func read(_ line: String) throws(Arguments.Mistake) -> Arguments {
  try Arguments(line.split(separator: " ").map { Text(String($0)) })
}

/// What is said of a command line that is wrong; nil when it is right.
private func complaint(_ line: String) -> String? {
  do throws(Arguments.Mistake) {
    _ = try read(line)
    return nil
  } catch {
    return error.description
  }
}

@Test("each command of this version is read")
func commands() throws {
  #expect(try read("status").command == .ask(.status))
  #expect(try read("mitigations").command == .ask(.mitigations))
  let mac = MACAddress(0x0011_2233_44AB)
  #expect(try read("why 00:11:22:33:44:aB").command == .ask(.why(.mac(mac))))
  let address = try #require(IPAddress(parsing: "192.0.2.1"))
  #expect(try read("why 192.0.2.1").command == .ask(.why(.address(address))))
  #expect(try read("devices").command == .ask(.devices))
  #expect(try read("quarantine 00:11:22:33:44:aB").command == .ask(.quarantine(mac)))
  #expect(try read("release 00:11:22:33:44:aB").command == .ask(.release(mac)))
  #expect(try read("code 00:11:22:33:44:aB").command == .ask(.code(mac)))
  #expect(try read("consent 7 yes").command == .ask(.consent(MitigationID(7), true)))
  #expect(try read("consent 7 no").command == .ask(.consent(MitigationID(7), false)))
  #expect(try read("why ::ffff:192.0.2.1").command == .ask(.why(.address(address))))
}

@Test("metrics, watch and reload are read, metrics in their one form")
func monitoring() throws {
  #expect(try read("metrics").command == .metrics)
  #expect(try read("watch --json").command == .watch)
  #expect(try read("reload").command == .ask(.reload))
  #expect(complaint("--json metrics") == "'--json' is one word too many")
  #expect(complaint("reload now") == "'now' is one word too many")
}

@Test("options stand before or behind the command")
func options() throws {
  for line in ["--json --socket /s status", "status --socket=/s --json"] {
    let arguments = try read(line)
    #expect(arguments.isJSON && arguments.socket == "/s" && arguments.command == .ask(.status))
  }
  let plain = try read("status")
  #expect(!plain.isJSON && plain.socket == nil)
}

@Test("version and help need no command", arguments: ["--version", "--help", "-h"])
func information(line: String) throws {
  #expect(try read(line).command == (line == "--version" ? .version : .help))
  #expect(try read("--json " + line + " nonsense").command == read(line).command)
}

@Test(
  "what is wrong with a command line is said in one line",
  arguments: [
    ("", "a command is missing"), ("--json", "a command is missing"),
    ("stat", "there is no command 'stat'"), ("--jason status", "there is no option '--jason'"),
    ("status --socket", "--socket needs a path"), ("status --socket=", "--socket needs a path"),
    ("status x", "'x' is one word too many"), ("why", "why needs ADDRESS|MAC"),
    ("why 1.2.3.4 5", "'5' is one word too many"),
    ("why camera", "'camera' is no IP address and no hardware address"),
    ("why 00:11:22", "'00:11:22' is no IP address and no hardware address"),
    ("quarantine", "quarantine needs MAC"), ("devices x", "'x' is one word too many"),
    ("code 00:11:22", "'00:11:22' is no hardware address (00:11:22:33:44:55)"),
    ("quarantine 00:11:22:33:44:55 x", "'x' is one word too many"),
    ("release 192.0.2.1", "'192.0.2.1' is no hardware address (00:11:22:33:44:55)"),
    ("consent 1", "consent needs yes|no"), ("consent", "consent needs ID"),
    ("consent x yes", "'x' is no mitigation's number"),
    ("consent 0 yes", "'0' is no mitigation's number"),
    ("consent 1 maybe", "'maybe' is neither yes nor no"),
    ("reload now", "'now' is one word too many"),
  ]
)
func mistakes(line: String, expected: String) { #expect(complaint(line) == expected) }

@Test("an empty word is no command")
func emptyWord() {
  #expect(throws: Arguments.Mistake.unknownCommand("")) { try Arguments([""]) }
}
