import Bytes
import CBOR
import TestSupport
import Testing

@Test("CBR-07 integer keys are written in ascending order")
func ascendingKeys() throws {
  let keys: [UInt64] = [49152, 1, 300, 24, 23, 256, 255]
  let map = CBORValue.map(keys.map { CBOREntry($0, .null) })
  let written = try CBORValue(parsing: map.encoded)
  #expect(written.map?.map { $0.key.unsigned } == keys.sorted())
}

@Test("CBR-07 lengths are definite and integers shortest, however the input spelled them")
func canonicalized() throws {
  #expect(try parse("bf18025f4101ff01190003ff").encoded == bytes("a20103024101"))
}

@Test("a simple value that doesn't exist is written as undefined")
func impossibleSimpleValue() {
  #expect(CBORValue.simple(24).encoded == [0xF7])
}

@Test("writing appends to what is there")
func appends() {
  var output: [UInt8] = [9]
  CBORValue.unsigned(1).write(to: &output)
  #expect(output == [9, 1])
}

@Test("random values survive writing and parsing", arguments: 1...200 as ClosedRange<UInt64>)
func roundTrip(seed: UInt64) throws {
  var random = SeededGenerator(seed: seed)
  for _ in 0..<20 {
    let value = randomValue(depth: 0, from: &random)
    let encoded = value.encoded
    let parsed = try CBORValue(parsing: encoded)
    try #require(parsed.encoded == encoded, "seed \(seed)")
    try #require(canonical(value) == parsed, "seed \(seed)")
  }
}

@Test("mutated samples give an error or a value that survives writing")
func mutations() throws {
  let samples = try (AppendixATests.deterministic.map(\.0) + AppendixATests.lenient.map(\.0)).map {
    try bytes($0)
  }
  let seed: UInt64 = 0xC0FF_EE
  var random = SeededGenerator(seed: seed)
  var accepted = 0
  for round in 0..<10_000 {
    var mutated = samples[round % samples.count]
    for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&mutated, with: &random) }
    guard let value = try? CBORValue(parsing: mutated) else { continue }
    accepted += 1
    try #require(try CBORValue(parsing: value.encoded).encoded == value.encoded, "seed \(seed)")
  }
  #expect(accepted > 100 && accepted < 9900)
}

private func mutate(_ bytes: inout [UInt8], with random: inout SeededGenerator) {
  let index = Int.random(in: 0...bytes.count, using: &random)
  switch UInt8.random(in: 0..<3, using: &random) {
  case 0: bytes.insert(.random(in: 0...255, using: &random), at: index)
  case 1 where index < bytes.count: bytes.remove(at: index)
  case _ where index < bytes.count: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
  default: bytes.append(.random(in: 0...255, using: &random))
  }
}

private func randomValue(depth: Int, from random: inout SeededGenerator) -> CBORValue {
  let number = random.next() >> UInt64.random(in: 0..<64, using: &random)
  switch Int.random(in: 0..<(depth < 4 ? 11 : 8), using: &random) {
  case 0: return .unsigned(number)
  case 1: return .negative(number)
  case 2: return .bytes([UInt8](repeating: UInt8(number & 255), count: Int(number % 300)))
  case 3: return .text(Text(String(repeating: "ü", count: Int(number % 40))))
  case 4: return .bool(number & 1 == 0)
  case 5: return number & 1 == 0 ? .null : .undefined
  case 6: return .simple(UInt8(32 + number % 224))
  case 7: return .float(random.next())
  case 8: return .tagged(number, randomValue(depth: depth + 1, from: &random))
  case 9: return .array((0..<number % 6).map { _ in randomValue(depth: depth + 1, from: &random) })
  default:
    let keys = Set((0..<number % 6).map { _ in randomValue(depth: depth + 1, from: &random) })
    return .map(
      keys.map { CBOREntry(key: $0, value: randomValue(depth: depth + 1, from: &random)) }
    )
  }
}

/// The same value with its map entries in the order in which they are written.
private func canonical(_ value: CBORValue) -> CBORValue {
  switch value {
  case .array(let elements): .array(elements.map { canonical($0) })
  case .tagged(let tag, let item): .tagged(tag, canonical(item))
  case .map(let entries):
    .map(
      entries.map { CBOREntry(key: canonical($0.key), value: canonical($0.value)) }
        .sorted { $0.key.encoded.lexicographicallyPrecedes($1.key.encoded) }
    )
  default: value
  }
}
