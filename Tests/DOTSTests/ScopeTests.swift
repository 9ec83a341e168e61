import Bytes
import CBOR
import CoAP
import DOTS
import Model
import Testing

/// A list with one range.
func range(_ lower: UInt64, _ upper: UInt64? = nil, keys: (UInt64, UInt64) = (8, 9)) -> CBORValue {
  var members = [keys.0: CBORValue.unsigned(lower)]
  if let upper { members[keys.1] = .unsigned(upper) }
  return .array([scope(members)])
}

@Suite("Scopes") struct ScopeTests {
  @Test("MIT-PUT-02 there is exactly one scope", arguments: [0, 2, 3])
  func count(_ count: Int) {
    let payload = body([CBORValue](repeating: scope(valid()), count: count))
    #expect(refusal(put(payload)) == PeerError(.scopeCount, UInt64(count)))
  }

  @Test("MIT-PUT-03 a target is needed, of any of four kinds") func target() {
    #expect(fault(valid(without: 6)) == .noTarget)
    #expect(fault(valid([11: texts("a.example")], without: 6)) == nil)
    #expect(fault(valid([12: texts("http://a.example")], without: 6)) == nil)
    #expect(fault(valid([13: texts("alias")], without: 6)) == nil)
  }

  @Test("MIT-PUT-04 lifetime is mandatory") func lifetime() {
    #expect(refusal(put(valid(without: 14))) == PeerError(.missingKey, 14))
  }

  @Test("MIT-LIF-02 MIT-LIF-03 lifetimes are positive or -1") func lifetimes() {
    #expect(fault(valid([14: .unsigned(0)])) == .lifetimeZero)
    #expect(fault(valid([14: .integer(-1)])) == nil)
    #expect(fault(valid([14: .integer(-2)])) == .lifetimeNegative)
    #expect(fault(valid([14: .negative(.max)])) == .lifetimeNegative)
    #expect(fault(valid([14: .unsigned(0xFFFF_FFFF)])) == nil)
    #expect(fault(valid([14: .unsigned(0x1_0000_0000)])) == .valueOutOfRange)
  }

  @Test(
    "MIT-PUT-05 malformed and too long prefixes are 4.00",
    arguments: [
      "192.0.2.1/33", "2001:db8::/129", "192.0.2/24", "a", "1.2.3.4/", "1.2.3.4/-1", "::1%1",
    ]
  )
  func prefixSyntax(_ text: String) {
    #expect(refusal(put(valid([6: texts(text)]))) == PeerError(.prefixSyntax, 6))
    #expect(refusal(put(valid([32768: texts(text)]))) == PeerError(.prefixSyntax, 32768))
  }

  @Test("MIT-PUT-05 a bare address is a host, host bits become zero") func prefixForm() throws {
    let scope = try parsedScope(valid([6: texts("198.51.100.77/24", "2001:db8::1")]))
    #expect(scope.targetPrefixes.map { $0.description } == ["198.51.100.0/24", "2001:db8::1/128"])
  }

  static let nonUnicast = [
    "127.0.0.1", "127.0.0.0/8", "255.255.255.255", "224.0.0.1", "239.0.0.0/8", "::1", "ff02::1",
    "ff00::/8", "0.0.0.0/1", "64.0.0.0/2", "128.0.0.0/1", "240.0.0.0/4", "::/1", "8000::/1",
    "::/127",
  ]

  @Test(
    "MIT-PUT-06 loopback, multicast, broadcast and what holds them are 4.00",
    arguments: nonUnicast
  )
  func nonUnicastTarget(_ text: String) {
    let source = texts("192.0.2.9")
    #expect(fault(valid([6: texts("192.0.2.1", text), 32768: source])) == .prefixNotUnicast)
  }

  @Test("CH-MIT-03 they are 4.00 as a source too", arguments: nonUnicast + ["0.0.0.0/0", "::/0"])
  func nonUnicastSource(_ text: String) {
    #expect(refusal(put(valid([32768: texts(text)]))) == PeerError(.prefixNotUnicast, 32768))
  }

  @Test(
    "MIT-PUT-06 CH-MIT-03 other special addresses pass the syntax",
    arguments: [
      "126.0.0.0/8", "128.0.0.0/2", "169.254.0.0/16", "fe80::1", "10.0.0.1", "240.0.0.1", "::/128",
    ]
  )
  func unicast(_ text: String) {
    #expect(fault(valid([6: texts(text)])) == nil)
    #expect(fault(valid([32768: texts(text)])) == nil)
  }

  @Test("MIT-PUT-06 everything is a target only with a source", arguments: ["0.0.0.0/0", "::/0"])
  func everything(_ text: String) {
    #expect(fault(valid([6: texts(text)])) == .targetEverything)
    #expect(fault(valid([6: texts(text), 32768: texts("192.0.2.9")])) == nil)
  }

  @Test("MIT-PUT-08 CH-MIT-07 port ranges", arguments: [7, 32769] as [UInt64])
  func ports(_ key: UInt64) {
    #expect(fault(valid([key: range(0, 65535)])) == nil)
    #expect(fault(valid([key: range(443, 443)])) == nil)
    #expect(fault(valid([key: range(443, 80)])) == .boundsInverted)
    #expect(fault(valid([key: range(65536)])) == .valueOutOfRange)
    #expect(fault(valid([key: range(1, 65536)])) == .valueOutOfRange)
    #expect(refusal(put(valid([key: .array([scope([9: .unsigned(1)])])])))?.number == 8)
  }

  @Test("MIT-PUT-08 without an upper bound a range is one port") func onePort() throws {
    let scope = try parsedScope(valid([7: range(443)]))
    #expect(scope.targetPortRanges == [PortRange(443)])
  }

  @Test("MIT-PUT-09 protocols are 0 to 255") func protocols() throws {
    let both = CBORValue.array([.unsigned(0), .unsigned(255)])
    #expect(try parsedScope(valid([10: both])).targetProtocols == [0, 255])
    #expect(fault(valid([10: .array([.unsigned(256)])])) == .valueOutOfRange)
    #expect(fault(valid([10: .array([.integer(-1)])])) == .valueOutOfRange)
  }

  @Test(
    "MIT-PUT-09 ports need a listed protocol that has ports",
    arguments: [7, 32769] as [UInt64]
  )
  func portsWithoutProtocol(_ key: UInt64) {
    let icmp = CBORValue.array([.unsigned(1)])
    let icmpAndTCP = CBORValue.array([.unsigned(1), .unsigned(6)])
    #expect(fault(valid([key: range(1), 10: icmp])) == .portsWithoutProtocol)
    #expect(fault(valid([key: range(1), 10: icmpAndTCP])) == nil)
  }

  @Test("CH-MIT-08 ICMP type ranges") func icmpTypes() throws {
    let keys: (UInt64, UInt64) = (32771, 32772)
    let scope = try parsedScope(valid([32770: range(8, keys: keys)]))
    #expect(scope.sourceICMPTypeRanges.map { $0.description } == ["8"])
    #expect(fault(valid([32770: range(0, 255, keys: keys)])) == nil)
    #expect(fault(valid([32770: range(2, 1, keys: keys)])) == .boundsInverted)
    #expect(fault(valid([32770: range(256, keys: keys)])) == .valueOutOfRange)
    #expect(fault(valid([32770: .array([.map([])])])) == .missingKey)
  }

  @Test(
    "URI-06 empty lists and texts are 4.00",
    arguments: [6, 7, 10, 11, 12, 13, 32768, 32769, 32770] as [UInt64]
  )
  func empty(_ key: UInt64) {
    #expect(refusal(put(valid([key: .array([])]))) == PeerError(.emptyValue, key))
    if [6, 11, 12, 13, 32768].contains(key) {
      #expect(refusal(put(valid([key: texts("")]))) == PeerError(.emptyValue, key))
    }
  }

  @Test("too many or too long values are 4.00") func limits() {
    let prefix = CBORValue.text("192.0.2.1")
    #expect(fault(valid([6: .array([CBORValue](repeating: prefix, count: 64))])) == nil)
    #expect(fault(valid([6: .array([CBORValue](repeating: prefix, count: 65))])) == .tooManyValues)
    let name = CBORValue.text("a")
    #expect(fault(valid([13: .array([CBORValue](repeating: name, count: 17))])) == .tooManyValues)
    #expect(fault(valid([13: texts(String(repeating: "a", count: 255))])) == nil)
    #expect(fault(valid([13: texts(String(repeating: "a", count: 256))])) == .tooLongValue)
  }

  @Test("MIT-PUT-15 trigger-mitigation is true unless it is said") func trigger() throws {
    #expect(try parsedScope(valid()).triggerMitigation)
    #expect(try parsedScope(valid([45: .bool(true)])).triggerMitigation)
    #expect(try !parsedScope(valid([45: .bool(false)])).triggerMitigation)
  }

  @Test("MIT-GET-04 lists keep their order") func order() throws {
    let scope = try parsedScope(valid([6: texts("192.0.2.9", "192.0.2.1")]))
    #expect(scope.targetPrefixes.map { $0.description } == ["192.0.2.9/32", "192.0.2.1/32"])
  }

  @Test("ERR-03 cordon:action is 1, 2 or 3, another one 4.03") func action() throws {
    for action in RequestedAction.allCases {
      let value = CBORValue.unsigned(UInt64(action.rawValue))
      #expect(try parsedScope(valid([49152: value])).requestedAction == action)
    }
    #expect(refusal(put(valid([49152: .unsigned(0)])))?.code == .forbidden)
    #expect(refusal(put(valid([49152: .unsigned(1 << 40)])))?.code == .forbidden)
    #expect(refusal(put(valid([49152: .integer(-1)])))?.code == .badRequest)
  }

  @Test("ERR-04 an unknown action comes after every other fault") func actionLast() {
    #expect(fault(valid([49152: .unsigned(9), 14: .unsigned(0)])) == .lifetimeZero)
  }

  @Test("FC-02 MIT-EFF-08 filter control isn't supported: 4.00") func filterControl() {
    #expect(refusal(put(valid([53: .array([])]))) == PeerError(.unsupportedKey, 53))
  }
}

@Suite("Call Home") struct CallHomeTests {
  private let source = texts("192.0.2.9")

  @Test("CH-MIT-01 source-prefix is mandatory") func mandatorySource() {
    #expect(fault(valid(), role: .callHome) == .sourceRequired)
    #expect(fault(valid([32769: range(1)]), role: .callHome) == .sourceRequired)
    #expect(fault(valid([32768: source]), role: .callHome) == nil)
  }

  @Test("CH-MIT-02 target-prefix is mandatory even beside names") func targetPrefix() {
    let names = valid([11: texts("a.example"), 32768: source], without: 6)
    #expect(fault(names, role: .callHome) == .targetPrefixRequired)
    #expect(fault(names, role: .base) == nil)
  }

  @Test("CH-MIT-06 trigger-mitigation is not false") func trigger() {
    let waiting = valid([45: .bool(false), 32768: source])
    #expect(fault(waiting, role: .callHome) == .triggerRequired)
    #expect(fault(waiting, role: .base) == nil)
  }
}
