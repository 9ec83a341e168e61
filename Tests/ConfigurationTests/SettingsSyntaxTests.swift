import Bytes
import Configuration
import Model
import TestSupport
import Testing

/// What `option helpdesk` followed by `value` says.
private func helpdesk(_ value: String) throws -> Text? {
  try parsed(agent + "config quarantine\noption helpdesk \(value)\n").quarantine.helpdesk
}

@Test(
  "words are quoted and escaped as UCI does",
  arguments: [
    ("plain", "plain"), ("'a b'", "a b"), ("\"a b\"", "a b"), ("a'b'\"c\"", "abc"),
    ("'a\\b'", "a\\b"), ("\"a\\\"b\"", "a\"b"), ("a\\ b", "a b"), ("'#;'", "#;"), ("a#b", "a"),
    ("a;", "a"), ("a\\\nb", "ab"), ("\"a\\\nb\"", "ab"), ("a \\\n # c", "a"), ("'\"'\"'\"", "\"'"),
    ("'é'", "é"), ("''", ""),
  ]
)
func words(written: String, meant: String) throws {
  #expect(try helpdesk(written) == Text(meant))
}

@Test("blank lines, comments, tabs, carriage returns and a package line mean nothing")
func layout() throws {
  let file = "package cordon\r\n\r\n# x\n\n\tconfig\tagent\r\n\tlist wan a # y\n\n list lan b\n#"
  let settings = try parsed(file)
  #expect(settings.core.wan == ["a"] && settings.core.lan == ["b"])
}

@Test("a semicolon ends a statement, and keywords may be their first letter")
func compact() throws {
  #expect(try parsed("c agent; l wan a; l lan b; o action observe").core.action == .observe)
}

@Test("a file with too many bytes, sections, options or a too long word is refused")
func limits() {
  let option = " list wan eth0\n"
  let client = "config policy\n option action block\n"
  for (file, fault) in [
    (String(repeating: " ", count: SettingsLimits.fileSize + 1), SettingsFault.fileTooLarge),
    (String(repeating: client, count: SettingsLimits.sections + 1), .tooManySections),
    (
      "config agent\n" + String(repeating: option, count: SettingsLimits.optionsPerSection + 1),
      .tooManyOptions
    ),
    (String(repeating: "a", count: SettingsLimits.wordLength + 1), .wordTooLong),
    ("'" + String(repeating: "a", count: SettingsLimits.wordLength + 1) + "'", .wordTooLong),
  ] {
    #expect(throws: SettingsError.self) { try parsed(file) }
    do { _ = try parsed(file) } catch { #expect((error as? SettingsError)?.fault == fault) }
  }
}

@Test("a file of the largest size is read")
func largest() throws {
  let file = agent + String(repeating: "#", count: SettingsLimits.fileSize - agent.utf8.count)
  #expect(try parsed(file).core.wan == ["eth0"])
}

@Test("every truncation of the sample gives settings or an error within the file")
func truncations() {
  let bytes = [UInt8](sample.utf8)
  for count in bytes.indices { check([UInt8](bytes[..<count])) }
}

@Test(
  "10,000 mutations of the sample give settings or an error within the file",
  arguments: [1, 2]
)
func mutations(seed: UInt64) {
  var random = SeededGenerator(seed: seed)
  let bytes = [UInt8](sample.utf8)
  let spice: [UInt8] = [0, 9, 10, 13, 32, 34, 35, 39, 45, 46, 47, 48, 57, 58, 59, 92, 127, 255]
  for _ in 0..<5000 {
    var mutated = bytes
    for _ in 0...Int.random(in: 0..<4, using: &random) {
      let index = Int.random(in: mutated.indices, using: &random)
      switch UInt8.random(in: 0..<4, using: &random) {
      case 0: mutated[index] = spice[Int.random(in: spice.indices, using: &random)]
      case 1: mutated.remove(at: index)
      case 2: mutated.insert(UInt8.random(in: 0...255, using: &random), at: index)
      default: mutated.swapAt(index, Int.random(in: mutated.indices, using: &random))
      }
    }
    if !check(mutated) { Issue.record("seed \(seed)") }
  }
}

/// Reads the file; whether an error, if any, says something about a place in it.
@discardableResult
private func check(_ file: [UInt8]) -> Bool {
  do {
    let settings = try Settings(parsing: file)
    return settings.warnings.allSatisfy { !$0.description.isEmpty }
  } catch {
    let lines = file.split(separator: 10, omittingEmptySubsequences: false)
    let isInside =
      lines.indices.contains(error.location.line - 1) && error.location.column >= 1
      && error.location.column <= lines[error.location.line - 1].count + 1
    #expect(isInside && !error.fault.description.isEmpty)
    return isInside
  }
}
