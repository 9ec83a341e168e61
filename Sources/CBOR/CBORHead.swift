import Bytes

/// The kind of a data item, as the three upper bits of its first byte tell it (RFC 8949, Section 3.1).
public enum CBORMajorType: UInt8, Sendable {
  case unsigned = 0
  case negative = 1
  case bytes = 2
  case text = 3
  case array = 4
  case map = 5
  case tag = 6
  /// A simple value or a floating-point number.
  case simple = 7
}

/// The numbers of simple values (RFC 8949, Section 3.3).
public enum CBORSimple {
  /// The argument of `false`.
  public static let no: UInt64 = 20
  /// The argument of `true`.
  public static let yes: UInt64 = 21
  /// The argument of `null`.
  public static let null: UInt64 = 22
}

// For who reads and writes items one by one: that needs no tree and none of the tree's limits.

extension [UInt8] {
  /// Appends the shortest head of an item (RFC 8949, Section 4.2.1).
  public mutating func append(cborHead majorType: CBORMajorType, _ argument: UInt64) {
    let major = majorType.rawValue << 5
    if argument < 24 {
      append(major | UInt8(argument))
    } else if let value = UInt8(exactly: argument) {
      append(major | 24)
      append(value)
    } else if let value = UInt16(exactly: argument) {
      append(major | 25)
      append(bigEndian: value)
    } else if let value = UInt32(exactly: argument) {
      append(major | 26)
      append(bigEndian: value)
    } else {
      append(major | 27)
      append(bigEndian: argument)
    }
  }
  /// Takes the head of an item of this kind at `offset`: gives its argument, the number, the length of
  /// a string, or how many items an array has, and moves `offset` behind it.
  ///
  /// Nil when another kind of item is there, when the bytes end inside the head, when the length is
  /// indefinite, or when a shorter spelling exists (RFC 8949, Section 4.2.1). A float may pass for a
  /// simple value of its bits, which is above 255.
  public func cborHead(_ majorType: CBORMajorType, at offset: inout Int) -> UInt64? {
    guard offset >= 0, offset < count else { return nil }
    let first = self[offset]
    let information = first & 31
    let width = information < 24 ? 0 : 1 &<< Int(information & 3)
    guard first >> 5 == majorType.rawValue, information < 28, width < count - offset else {
      return nil
    }
    offset += 1
    if width == 0 { return UInt64(information) }
    let end = offset + width
    var argument: UInt64 = 0
    while offset < end {
      argument = argument &<< 8 | UInt64(self[offset])
      offset += 1
    }
    // The first byte alone, or half of the width, must not have been enough.
    let least: UInt64 = width == 1 ? 24 : 1 &<< UInt64(width * 4)
    return argument >= least ? argument : nil
  }
}
