import FuzzEntries
import TestServer

/// libFuzzer's own `main`, for one who has another: `int LLVMFuzzerRunDriver(int *, char ***,
/// int (*)(const uint8_t *, size_t))`.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ values: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ examine: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

nonisolated(unsafe) private var target = FuzzTarget.datagram

/// `cordon-fuzz TARGET [OPTION]... [FOLDER OR FILE]...`: libFuzzer's options, for one target.
func launch(
  _ count: CInt,
  _ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  guard count > 1, let name = values?[1],
    let found = FuzzTarget(rawValue: String(cString: name))
  else {
    print("usage: cordon-fuzz \(FuzzTarget.allCases.map(\.rawValue).joined(separator: "|"))")
    return 2
  }
  target = found
  // The fuzzer sees a program without the word that named the target.
  var rest = count - 1
  values?[1] = values?[0]
  var arguments = values.map { $0 + 1 }
  return runFuzzer(&rest, &arguments) { bytes, length in
    let input = [UInt8](UnsafeBufferPointer(start: bytes, count: length))
    do throws(Broken) { try target.examine(input) } catch {
      fatalError("\(target.rawValue): \(error)")
    }
    return 0
  }
}
