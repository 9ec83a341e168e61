import Bytes
import CBOR
import Testing

@Test("signed integers keep their value at the ends of the range")
func signedIntegers() {
  for value in [Int64.min, -1, 0, 1, .max] { #expect(CBORValue.integer(value).integer == value) }
  #expect(CBORValue.unsigned(1 << 63).integer == nil)
  #expect(CBORValue.negative(1 << 63).integer == nil)
  #expect(CBORValue.negative(0).unsigned == nil)
}

@Test("an accessor gives nil for an item of another type")
func otherTypes() {
  let value = CBORValue.null
  #expect(value.unsigned == nil && value.integer == nil && value.bytes == nil && value.text == nil)
  #expect(value.array == nil && value.map == nil && value.bool == nil && value[1] == nil)
}

@Test("a value is found under its unsigned key")
func subscripting() {
  let map = CBORValue.map([
    CBOREntry(key: .negative(0), value: .text("no")), CBOREntry(1, .text("yes")),
  ])
  #expect(map[1]?.text == "yes")
  #expect(map[0] == nil)
}

@Test("a decimal fraction is tag 4 around exponent and mantissa")
func decimalFraction() throws {
  let parsed = try #require(DecimalFraction(parse("c48221196ab3")))
  #expect(parsed == DecimalFraction(exponent: -2, mantissa: 27315))
  #expect(try parsed.value.encoded == bytes("c48221196ab3"))
}

@Test(
  "what isn't tag 4 around two integers is no decimal fraction",
  arguments: [
    "c58221196ab3", "8221196ab3", "c48121", "c483010203", "c48221f93c00",
    "c4821bffffffffffffffff00",
  ]
)
func noDecimalFraction(spelled: String) throws {
  #expect(DecimalFraction(try parse(spelled)) == nil)
}
