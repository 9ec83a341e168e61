import Foundation
import FuzzEntries
import Testing

/// The inputs that the fuzzers begin with, each that once broke something among them.
@Suite struct CorpusTests {
  @Test("every input of a fuzzer's corpus keeps what must hold", arguments: FuzzTarget.allCases)
  func corpus(_ target: FuzzTarget) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fuzz/Corpus/\(target.rawValue)")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(!files.isEmpty)
    for file in files.sorted() {
      let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(file)))
      #expect(throws: Never.self, "\(target.rawValue)/\(file)") { try target.examine(bytes) }
    }
  }
}
