import Foundation
import Glibc

/// How many bytes of the heap are in use, in all arenas (malloc_info); nil when that can't be told.
func heapInUse() -> Int? {
  typealias MallocInfo = @convention(c) (CInt, UnsafeMutablePointer<FILE>) -> CInt
  guard let symbol = dlsym(nil, "malloc_info"), let file = tmpfile() else { return nil }
  defer { fclose(file) }
  guard unsafeBitCast(symbol, to: MallocInfo.self)(0, file) == 0 else { return nil }
  rewind(file)
  var bytes = [UInt8](repeating: 0, count: 1 << 20)
  let count = fread(&bytes, 1, bytes.count, file)
  let text = String(decoding: bytes.prefix(count), as: UTF8.self)
  // The totals of all arenas come last.
  func total(_ start: String) -> Int? {
    text.components(separatedBy: "\n").last { $0.hasPrefix(start) }?
      .components(separatedBy: "size=\"").last?.components(separatedBy: "\"").first.flatMap {
        Int($0)
      }
  }
  guard let current = total("<system type=\"current\""), let rest = total("<total type=\"rest\""),
    let fast = total("<total type=\"fast\""), let mapped = total("<total type=\"mmap\"")
  else { return nil }
  return current - rest - fast + mapped
}
