import Bytes
import Model
import Testing

@testable import Linux

@Test("a line of the log holds no control character, and ends after 1,024 bytes")
func logLine() {
  let log = Log(room: "core")
  let line = log.line(.info, "a\u{1B}[31m\nb\u{7F}")
  #expect(Text(line) == "core: a?[31m?b?\n")
  let controls = log.line(.info, "\u{9B}31m\u{80}\u{9F}\u{A0}\u{C0}")
  #expect(Text(controls) == "core: ¿31m¿¿\u{A0}\u{C0}\n")
  let long = log.line(.info, Text([UInt8](repeating: 0x78, count: 3000)))
  #expect(long.count == 1024)
  #expect(long.last == 0x0A)
}

@Test("arguments leave out the program's name")
func argumentList() {
  #expect(arguments(0, nil).isEmpty)
  #expect(Environment.value(of: "CORDON_NOT_SET") == nil)
  #expect(Environment.value(of: "PATH")?.isEmpty == false)
}
