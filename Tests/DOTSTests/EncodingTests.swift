import Bytes
import CBOR
import CoAP
import DOTS
import Model
import Testing

@Suite("Encoding") struct EncodingTests {
  private func payloadFault(_ value: CBORValue) -> Fault? {
    fault(put(value.encoded))
  }

  @Test("CBR-01 a body that is no map is 4.00") func notAMap() {
    #expect(payloadFault(.array([])) == .notAMap)
    #expect(payloadFault(.null) == .notAMap)
  }

  @Test("CBR-01 keys that aren't unsigned are 4.00") func keys() {
    for key in [CBORValue.text("1"), .negative(0), .bytes([1]), .bool(true)] {
      #expect(payloadFault(.map([CBOREntry(key: key, value: .null)])) == .keyNotUnsigned)
    }
  }

  @Test("CBR-01 a body without its container or scope is 4.00") func missingContainer() {
    #expect(payloadFault(.map([])) == .missingKey)
    #expect(payloadFault(.map([CBOREntry(1, .map([]))])) == .missingKey)
    #expect(payloadFault(.map([CBOREntry(1, .array([]))])) == .wrongType)
    #expect(fault(put([UInt8]())) == .bodyMissing)
  }

  @Test("CBR-03 tag 271 is stripped once, other tags are 4.00") func tags() throws {
    let value = try CBORValue(parsing: body([scope(valid())]))
    #expect(payloadFault(.tagged(271, value)) == nil)
    #expect(payloadFault(.tagged(271, .tagged(271, value))) == .notAMap)
    #expect(payloadFault(.tagged(55799, value)) == .notAMap)
  }

  @Test(
    "CBR-04 an unknown key of a comprehension-required range is 4.00 and named",
    arguments: [54, 127, 256, 16383] as [UInt64]
  )
  func requiredKey(_ key: UInt64) {
    let error = refusal(put(valid([key: .null])))
    #expect(error == PeerError(.unknownKey, key))
  }

  @Test(
    "CBR-04 an unknown key of an optional range is ignored at any depth",
    arguments: [128, 204, 255, 16384, 40000, 65535] as [UInt64]
  )
  func optionalKey(_ key: UInt64) throws {
    let ports = CBORValue.array([scope([8: .unsigned(1), key: .array([])])])
    let changed = valid([key: .map([CBOREntry(1, .null)]), 7: ports])
    let container = CBORValue.map([
      CBOREntry(2, .array([scope(changed)])), CBOREntry(key, .null),
    ])
    let payload = CBORValue.map([CBOREntry(1, container), CBOREntry(key, .text("x"))])
    #expect(payloadFault(payload) == nil)
  }

  @Test("CBR-04 a key outside 1 to 65535 is 4.00", arguments: [0, 65536, UInt64.max])
  func keyRange(_ key: UInt64) {
    #expect(refusal(put(valid([key: .null]))) == PeerError(.keyOutOfRange, key))
  }

  @Test(
    "CBR-05 IDS-06 IDS-07 what only responses or paths carry is 4.00",
    arguments: [3, 4, 5, 15, 16, 17, 18, 19, 20, 21, 22, 25, 26, 27, 28, 31] as [UInt64]
  )
  func misplaced(_ key: UInt64) {
    #expect(refusal(put(valid([key: .unsigned(1)]))) == PeerError(.misplacedKey, key))
  }

  @Test("CBR-05 another message's container is 4.00") func otherContainer() throws {
    let payload = CBORValue.map([CBOREntry(1, .map([])), CBOREntry(30, .map([]))])
    #expect(payloadFault(payload) == .misplacedKey)
    #expect(payloadFault(.map([CBOREntry(49, .map([]))])) == .misplacedKey)
  }

  @Test("CBR-05 a misplaced key of an optional range is ignored") func misplacedOptional() {
    let range = scope([8: .unsigned(1), 32771: .text("x")])
    #expect(fault(put(valid([7: .array([range])]))) == nil)
  }

  @Test(
    "CBR-06 attributes of a wrong type are 4.00",
    arguments: [6, 7, 10, 11, 12, 13, 14, 32768, 32769, 32770, 45, 49152] as [UInt64]
  )
  func types(_ key: UInt64) {
    for value in [CBORValue.null, .float(0), .text("a"), .map([]), .array([.null])] {
      let found = fault(put(valid([key: value])))
      #expect(found == .wrongType, "\(value)")
    }
  }

  @Test("CBR-08 indefinite lengths and long integers are read", arguments: [83, 85])
  func lenient(_ number: Int) throws {
    let vector = try #require(Vector.numbered([number...number]).first)
    let request = try DOTSRequest(vector.message, role: .base)
    guard case .mitigation(.mitigate(_, _, .seconds(60), nil)) = request else {
      Issue.record("not a mitigation of a minute")
      return
    }
  }

  @Test("CBR-09 duplicate keys, trailing bytes, truncation and bad UTF-8 are named") func syntax() {
    let payload = body([scope(valid())])
    #expect(fault(put(payload + [0])) == .trailingBytes)
    #expect(fault(put([UInt8](payload.dropLast()))) == .truncated)
    #expect(fault(put([0xA2, 0x01, 0x00, 0x01, 0x00])) == .duplicateKey)
    #expect(fault(put([0xA1, 0x01, 0x61, 0xFF])) == .invalidUTF8)
    #expect(fault(put([0x1C])) == .malformed)
  }

  @Test("CBR-10 nesting is bounded, also where it is ignored") func depth() {
    var deep = CBORValue.null
    for _ in 0..<200 { deep = .array([deep]) }
    #expect(fault(put(valid([40000: deep]))) == .tooDeep)
    let many = CBORValue.array([CBORValue](repeating: .null, count: 20_000))
    #expect(fault(put(valid([40000: many]))) == .tooManyItems)
  }

  @Test("CBR-12 source-prefix of a scope is key 32768, key 185 means nothing there")
  func byContext() throws {
    let scope = try parsedScope(valid([185: .text("192.0.2.1/32")]))
    #expect(scope.sourcePrefixes.isEmpty)
  }
}
