import Bytes
import CoAP
import DOTS
import Model
import Testing

@Suite("Options") struct OptionTests {
  private func get(_ options: CoAPOption...) -> CoAPMessage {
    request(.get, "mitigate", cuid, options: options)
  }

  private func query(_ text: String) -> CoAPOption { CoAPOption(.uriQuery, [UInt8](text.utf8)) }

  @Test("CBR-02 another Content-Format is 4.15", arguments: [0, 60, 50, 65535] as [UInt32])
  func contentFormat(_ format: UInt32) {
    let option = CoAPOption(.contentFormat, uint: format)
    #expect(refusal(put(valid(), options: [option]))?.code == .unsupportedContentFormat)
  }

  @Test("CBR-02 an absent Content-Format is taken for 271") func absentFormat() {
    #expect(fault(put(valid())) == nil)
    #expect(fault(put(valid(), options: [CoAPOption(.contentFormat, uint: 271)])) == nil)
  }

  @Test("COAP-13 a Content-Format of three bytes is as good as absent") func longFormat() {
    #expect(fault(put(valid(), options: [CoAPOption(.contentFormat, [0, 0, 60])])) == nil)
  }

  @Test("MIT-GET-08 Accept of another format is 4.06") func accept() {
    #expect(refusal(get(CoAPOption(.accept, uint: 60)))?.code == .notAcceptable)
    #expect(fault(get(CoAPOption(.accept, uint: 271))) == nil)
  }

  @Test("MIT-GET-05 c selects the content") func content() throws {
    let filters: [(String, ContentFilter)] = [
      ("c=c", .configuration), ("c=n", .nonConfiguration), ("c=a", .all),
    ]
    for (text, filter) in filters {
      let parsed = try DOTSRequest(get(query(text)), role: .base)
      guard case .mitigation(.retrieve(_, _, _, let content)) = parsed else {
        Issue.record("no retrieval")
        return
      }
      #expect(content == filter)
    }
  }

  @Test("MIT-GET-05 another value of c is 4.00", arguments: ["c=x", "c=", "c=cc", "c=C"])
  func contentValue(_ text: String) { #expect(fault(get(query(text))) == .contentFilter) }

  @Test("MIT-GET-06 an unknown query is 4.00", arguments: ["target-prefix=10.0.0.0/8", "", "c"])
  func unknownQuery(_ text: String) {
    #expect(refusal(get(query(text)))?.code == .badRequest)
    #expect(fault(get(query(text))) == .query)
    #expect(fault(get(query("c=a"), query("c=a"))) == .query)
    #expect(fault(put(valid(), options: [query("c=a")])) == .query)
  }

  @Test("HOP-01 a Hop-Limit of 1 to 255 is accepted", arguments: [1, 16, 255] as [UInt32])
  func hopLimit(_ limit: UInt32) {
    #expect(fault(put(valid(), options: [CoAPOption(.hopLimit, uint: limit)])) == nil)
  }

  @Test(
    "HOP-02 RUL-17 a Hop-Limit of 0, of more than 255 or without a value is 4.00",
    arguments: [[], [0], [1, 0], [0, 0, 0, 0, 1]] as [[UInt8]]
  )
  func badHopLimit(_ value: [UInt8]) {
    #expect(fault(put(valid(), options: [CoAPOption(.hopLimit, value)])) == .hopLimit)
  }

  @Test("HOP-02 a second Hop-Limit is ignored") func secondHopLimit() {
    let options = [CoAPOption(.hopLimit, uint: 1), CoAPOption(.hopLimit, uint: 0)]
    #expect(fault(put(valid(), options: options)) == nil)
  }

  @Test("CFG-22 Hop-Limit on hb and config is ignored") func sessionHopLimit() {
    let options = [CoAPOption(.hopLimit, uint: 0)]
    #expect(fault(request(.get, "config", options: options)) == nil)
  }

  @Test("COAP-17 If-None-Match asks for a new mitigation") func ifNoneMatch() throws {
    let message = put(valid(), options: [CoAPOption(.ifNoneMatch, [])])
    guard
      case .mitigation(.mitigateNew(let name, _, .seconds(60))) = try DOTSRequest(
        message,
        role: .base
      )
    else {
      Issue.record("not a new mitigation")
      return
    }
    #expect(name.mid == 200)
  }

  @Test("COAP-17 conditions belong to PUT on mitigate, and only one of them") func conditions() {
    let ifMatch = CoAPOption(.ifMatch, [])
    let ifNoneMatch = CoAPOption(.ifNoneMatch, [])
    #expect(fault(get(ifMatch)) == .conditional)
    #expect(fault(get(ifNoneMatch)) == .conditional)
    #expect(fault(put(valid(), options: [ifMatch, ifNoneMatch])) == .conditional)
    #expect(fault(request(.get, "config", options: [ifMatch])) == .conditional)
  }

  @Test("OBS-01 Observe doesn't change what is asked") func observe() throws {
    let observed = try DOTSRequest(get(CoAPOption(.observe, uint: 0)), role: .base)
    #expect(try observed == DOTSRequest(get(), role: .base))
  }
}
