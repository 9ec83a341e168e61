import Bytes
import CBOR
import CoAP
import DOTS
import Model
import Testing

@Suite("Heartbeats and session configuration") struct SessionMessageTests {
  private func configuration(_ value: CBORValue, under key: UInt64 = 33) -> CoAPMessage {
    let payload = CBORValue.map([CBOREntry(30, scope([32: scope([key: value])]))]).encoded
    return request(.put, "config", "sid=1", payload: payload)
  }

  private func decimal(_ hundredths: Int64, exponent: Int64 = -2) -> CBORValue {
    scope([43: DecimalFraction(exponent: exponent, mantissa: hundredths).value])
  }

  @Test("HB-03 peer-hb-status is mandatory and a truth value") func heartbeat() throws {
    let payload = Heartbeat(peerStatus: true).encoded
    let parsed = try DOTSRequest(request(.put, "hb", payload: payload), role: .base)
    #expect(parsed == .heartbeat(Heartbeat(peerStatus: true)))
    let empty = CBORValue.map([CBOREntry(49, .map([]))]).encoded
    #expect(fault(request(.put, "hb", payload: empty)) == .missingKey)
    let number = CBORValue.map([CBOREntry(49, scope([51: .unsigned(1)]))]).encoded
    #expect(fault(request(.put, "hb", payload: number)) == .wrongType)
  }

  @Test("CFG-05 a configuration needs its sid") func sid() {
    #expect(fault(request(.put, "config")) == .sidMissing)
    #expect(fault(request(.get, "config")) == nil)
    #expect(fault(request(.delete, "config", "sid=7")) == nil)
    #expect(fault(request(.post, "config")) == .methodNotAllowed)
  }

  @Test("CFG-06 at least one parameter is there") func empty() {
    let payload = CBORValue.map([CBOREntry(30, scope([32: .map([]), 44: .map([])]))]).encoded
    #expect(fault(request(.put, "config", "sid=1", payload: payload)) == .configurationEmpty)
  }

  @Test("CFG-05 a parameter has its current value") func currentValue() {
    #expect(fault(configuration(scope([34: .unsigned(240)]))) == .missingKey)
  }

  @Test(
    "CFG-07 CFG-14 whole numbers outside their range are 4.22",
    arguments: [(33, 15, 240), (37, 3, 20), (38, 2, 15), (50, 5, 20)] as [(UInt64, UInt64, UInt64)]
  )
  func ranges(_ key: UInt64, _ least: UInt64, _ greatest: UInt64) {
    for value in [least, greatest] {
      #expect(fault(configuration(scope([36: .unsigned(value)]), under: key)) == nil)
    }
    for value in [least - 1, greatest + 1] {
      let error = refusal(configuration(scope([36: .unsigned(value)]), under: key))
      #expect(error?.code == .unprocessableEntity && error?.number == key)
    }
  }

  @Test("CFG-07 CFG-14 decimals outside their range are 4.22") func decimals() {
    #expect(fault(configuration(decimal(100), under: 39)) == nil)
    #expect(fault(configuration(decimal(99), under: 39)) == .configurationRefused)
    #expect(fault(configuration(decimal(3001), under: 39)) == .configurationRefused)
    #expect(fault(configuration(decimal(400), under: 40)) == nil)
    #expect(fault(configuration(decimal(109), under: 40)) == .configurationRefused)
  }

  @Test("CBR-06 decimals are tag 4 with two fraction digits") func decimalForm() {
    #expect(fault(configuration(decimal(20, exponent: -1), under: 39)) == .wrongType)
    #expect(fault(configuration(scope([43: .unsigned(2)]), under: 39)) == .wrongType)
    #expect(fault(configuration(decimal(-200), under: 39)) == .valueOutOfRange)
    #expect(fault(configuration(decimal(200), under: 33)) == .misplacedKey)
  }

  @Test("CFG-11 minimum and maximum in a request are ignored") func extremes() {
    let value = scope([36: .unsigned(30), 35: .unsigned(1), 34: .unsigned(60000)])
    #expect(fault(configuration(value)) == nil)
    #expect(fault(configuration(scope([36: .unsigned(30), 34: .text("x")]))) == .wrongType)
  }

  @Test("CFG-12 RUL-11 heartbeat-interval 0 is always accepted") func off() {
    #expect(fault(configuration(scope([36: .unsigned(0)]))) == nil)
  }

  @Test("CBR-11 RUL-01 swapped minimum and maximum are put right") func swapped() throws {
    let value = scope([36: .unsigned(30), 35: .unsigned(240), 34: .unsigned(15)])
    let parsed = try SessionConfiguration(parsing: configuration(value).payload)
    let expected = ConfigurationValue(current: 30, minimum: 15, maximum: 240)
    #expect(parsed.mitigating.heartbeatInterval == expected)
  }
}
