import Bytes

/// The bytes of pairs of hexadecimal digits, spaces skipped; nil when the text is something else.
public func hexadecimalBytes(_ text: String) -> [UInt8]? {
  var result: [UInt8] = []
  var upper: UInt8?
  for byte in text.utf8 where byte != 0x20 {
    guard let digit = hexadecimalDigit(byte) else { return nil }
    if let high = upper {
      result.append(high << 4 | digit)
      upper = nil
    } else {
      upper = digit
    }
  }
  return upper == nil ? result : nil
}
