import Bytes
import CBOR

/// A value with one spelling in CBOR, the same between rooms, in the state file and in the kernel's
/// journal.
public protocol Coded {
  /// A value to read into; it means nothing.
  static var blank: Self { get }
  /// Visits each part in order: writes it, or replaces it by what is read.
  ///
  /// A value that is out of range fails the coder, in both directions.
  mutating func code(_ coder: inout some Coder)
}

extension Coded where Self: FixedWidthInteger, Self: UnsignedInteger {
  /// 0.
  public static var blank: Self { 0 }

  /// An unsigned number that fits.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    let number = coder.head(.unsigned, UInt64(self), maximum: UInt64(Self.max))
    self = Self(truncatingIfNeeded: number)
  }
}

extension UInt8: Coded {}
extension UInt16: Coded {}
extension UInt32: Coded {}
extension UInt64: Coded {}

extension Coded where Self: RawRepresentable, RawValue == UInt8 {
  /// The number of the case.
  public mutating func code(_ coder: inout some Coder) {
    var number = rawValue
    number.code(&coder)
    guard coder.isReading else { return }
    if let value = Self(rawValue: number) { self = value } else { coder.fail() }
  }
}

extension Text: Coded {
  /// No text.
  public static var blank: Text { Text([]) }

  /// Text of at least one byte; only the message bounds it.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    coder.text(&self, limit: LinkLimits.message)
    if isEmpty { coder.fail() }
  }
}
