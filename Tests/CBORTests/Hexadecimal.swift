import Bytes
import CBOR
import TestSupport
import Testing

/// The bytes of pairs of hexadecimal digits; spaces are skipped.
func bytes(_ hexadecimal: String) throws -> [UInt8] {
  try #require(hexadecimalBytes(hexadecimal))
}

/// The item that pairs of hexadecimal digits spell.
func parse(_ hexadecimal: String, limits: CBORLimits = CBORLimits()) throws -> CBORValue {
  try CBORValue(parsing: bytes(hexadecimal), limits: limits)
}

/// Why pairs of hexadecimal digits are refused; nil when they aren't.
func refusal(_ hexadecimal: String, limits: CBORLimits = CBORLimits()) throws -> CBORError? {
  let input = try bytes(hexadecimal)
  do throws(CBORError) {
    _ = try CBORValue(parsing: input, limits: limits)
    return nil
  } catch {
    return error
  }
}
