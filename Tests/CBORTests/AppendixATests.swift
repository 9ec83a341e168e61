import Bytes
import CBOR
import Testing

/// The examples of RFC 8949, Appendix A.
struct AppendixATests {
  static let deterministic: [(String, CBORValue)] = [
    ("00", .unsigned(0)), ("01", .unsigned(1)), ("0a", .unsigned(10)), ("17", .unsigned(23)),
    ("1818", .unsigned(24)), ("1819", .unsigned(25)), ("1864", .unsigned(100)),
    ("1903e8", .unsigned(1000)), ("1a000f4240", .unsigned(1_000_000)),
    ("1b000000e8d4a51000", .unsigned(1_000_000_000_000)), ("1bffffffffffffffff", .unsigned(.max)),
    ("c249010000000000000000", .tagged(2, .bytes([1, 0, 0, 0, 0, 0, 0, 0, 0]))),
    ("3bffffffffffffffff", .negative(.max)),
    ("c349010000000000000000", .tagged(3, .bytes([1, 0, 0, 0, 0, 0, 0, 0, 0]))),
    ("20", .integer(-1)), ("29", .integer(-10)), ("3863", .integer(-100)),
    ("3903e7", .integer(-1000)), ("f4", .bool(false)), ("f5", .bool(true)), ("f6", .null),
    ("f7", .undefined), ("f0", .simple(16)), ("f8ff", .simple(255)),
    ("c074323031332d30332d32315432303a30343a30305a", .tagged(0, .text("2013-03-21T20:04:00Z"))),
    ("c11a514b67b0", .tagged(1, .unsigned(1_363_896_240))),
    ("c1fb41d452d9ec200000", .tagged(1, .float((1_363_896_240.5).bitPattern))),
    ("d74401020304", .tagged(23, .bytes([1, 2, 3, 4]))),
    ("d818456449455446", .tagged(24, .bytes([0x64, 0x49, 0x45, 0x54, 0x46]))),
    (
      "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
      .tagged(32, .text("http://www.example.com"))
    ),
    ("40", .bytes([])), ("4401020304", .bytes([1, 2, 3, 4])), ("60", .text("")),
    ("6161", .text("a")), ("6449455446", .text("IETF")), ("62225c", .text("\"\\")),
    ("62c3bc", .text("\u{fc}")), ("63e6b0b4", .text("\u{6c34}")),
    ("64f0908591", .text("\u{10151}")), ("80", .array([])),
    ("83010203", .array([.unsigned(1), .unsigned(2), .unsigned(3)])),
    (
      "8301820203820405",
      .array([
        .unsigned(1), .array([.unsigned(2), .unsigned(3)]), .array([.unsigned(4), .unsigned(5)]),
      ])
    ),
    (
      "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
      .array((1...25).map { .unsigned($0) })
    ),
    ("a0", .map([])),
    ("a201020304", .map([CBOREntry(1, .unsigned(2)), CBOREntry(3, .unsigned(4))])),
    (
      "a26161016162820203",
      .map([
        CBOREntry(key: .text("a"), value: .unsigned(1)),
        CBOREntry(key: .text("b"), value: .array([.unsigned(2), .unsigned(3)])),
      ])
    ),
    (
      "826161a161626163",
      .array([.text("a"), .map([CBOREntry(key: .text("b"), value: .text("c"))])])
    ),
    (
      "a56161614161626142616361436164614461656145",
      .map(
        [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D"), ("e", "E")].map {
          CBOREntry(key: .text(Text($0)), value: .text(Text($1)))
        }
      )
    ),
  ]

  static let floats: [(String, Double)] = [
    ("f90000", 0.0), ("f98000", -0.0), ("f93c00", 1.0), ("fb3ff199999999999a", 1.1),
    ("f93e00", 1.5), ("f97bff", 65504.0), ("fa47c35000", 100_000.0),
    ("fa7f7fffff", 3.4028234663852886e+38), ("fb7e37e43c8800759c", 1.0e+300),
    ("f90001", 5.960464477539063e-8), ("f90400", 0.00006103515625), ("f9c400", -4.0),
    ("fbc010666666666666", -4.1), ("f97c00", .infinity), ("f97e00", .nan), ("f9fc00", -.infinity),
  ]

  static let lenient: [(String, CBORValue)] = [
    ("fa7f800000", .float(Double.infinity.bitPattern)),
    ("fa7fc00000", .float(Double.nan.bitPattern)),
    ("faff800000", .float((-Double.infinity).bitPattern)),
    ("fb7ff0000000000000", .float(Double.infinity.bitPattern)),
    ("5f42010243030405ff", .bytes([1, 2, 3, 4, 5])),
    ("7f657374726561646d696e67ff", .text("streaming")), ("9fff", .array([])),
    (
      "9f018202039f0405ffff",
      .array([
        .unsigned(1), .array([.unsigned(2), .unsigned(3)]), .array([.unsigned(4), .unsigned(5)]),
      ])
    ),
    (
      "83018202039f0405ff",
      .array([
        .unsigned(1), .array([.unsigned(2), .unsigned(3)]), .array([.unsigned(4), .unsigned(5)]),
      ])
    ),
    (
      "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
      .array((1...25).map { .unsigned($0) })
    ),
    (
      "bf61610161629f0203ffff",
      .map([
        CBOREntry(key: .text("a"), value: .unsigned(1)),
        CBOREntry(key: .text("b"), value: .array([.unsigned(2), .unsigned(3)])),
      ])
    ),
    (
      "826161bf61626163ff",
      .array([.text("a"), .map([CBOREntry(key: .text("b"), value: .text("c"))])])
    ),
    (
      "bf6346756ef563416d7421ff",
      .map([
        CBOREntry(key: .text("Fun"), value: .bool(true)),
        CBOREntry(key: .text("Amt"), value: .integer(-2)),
      ])
    ),
  ]

  @Test("the deterministic examples parse and are written as the same bytes")
  func deterministicExamples() throws {
    for (hexadecimal, value) in Self.deterministic {
      #expect(try parse(hexadecimal) == value, "\(hexadecimal)")
      #expect(try value.encoded == bytes(hexadecimal), "\(hexadecimal)")
    }
  }

  @Test("the floating-point examples parse and are written in their shortest form")
  func floatingPointExamples() throws {
    for (hexadecimal, value) in Self.floats {
      #expect(try parse(hexadecimal) == .float(value.bitPattern), "\(hexadecimal)")
      #expect(try CBORValue.float(value.bitPattern).encoded == bytes(hexadecimal))
    }
  }

  @Test("the examples with longer forms parse to the same values")
  func lenientExamples() throws {
    for (hexadecimal, value) in Self.lenient {
      #expect(try parse(hexadecimal) == value, "\(hexadecimal)")
    }
  }

  @Test("every truncation of an example is refused")
  func truncations() throws {
    let all = Self.deterministic.map(\.0) + Self.floats.map(\.0) + Self.lenient.map(\.0)
    for hexadecimal in all {
      let whole = try bytes(hexadecimal)
      for count in 0..<whole.count {
        #expect(throws: CBORError.self, "\(hexadecimal) to \(count)") {
          _ = try CBORValue(parsing: [UInt8](whole.prefix(count)))
        }
      }
    }
  }

  @Test("every half-precision number survives parsing and writing")
  func everyHalf() throws {
    for half in UInt16.min...UInt16.max {
      var spelled: [UInt8] = [0xF9]
      spelled.append(bigEndian: half)
      let value = try CBORValue(parsing: spelled)
      try #require(value.encoded == spelled, "\(half)")
    }
  }

  @Test("a single is widened to the double that Swift makes of it")
  func singles() throws {
    for single: Float in [
      1.1, -.leastNormalMagnitude / 8, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 6.1e-5,
    ] {
      var spelled: [UInt8] = [0xFA]
      spelled.append(bigEndian: single.bitPattern)
      let value = try CBORValue(parsing: spelled)
      #expect(value == .float(Double(single).bitPattern))
      #expect(value.encoded == spelled)
    }
  }
}
