import Bytes
import CBOR
import CoAP
import DOTS
import Model
import Testing

@Suite("Vectors") struct VectorTests {
  static let mitigationRequests = Vector.numbered([1...10, 19...20, 30...32, 41...41, 45...45])
    .filter { $0.kind == "request" }
  static let mitigationResponses = Vector.numbered([1...10, 21...28, 33...35, 42...42])
    .filter { $0.kind != "request" }
  static let negatives = Vector.all.filter { $0.kind == "negative" }

  @Test("all vectors are there") func count() {
    #expect(Vector.all.count == 81)
    #expect(Self.mitigationRequests.count == 12)
    #expect(Self.mitigationResponses.count == 17)
    #expect(Self.negatives.count == 30)
  }

  @Test("CBR-07 a body decodes and encodes to the same bytes", arguments: Vector.all)
  func sameBytes(_ vector: Vector) throws {
    guard vector.kind != "negative", !vector.payload.isEmpty else { return }
    #expect(try CBORValue(parsing: vector.payload).encoded == vector.payload)
  }

  @Test(
    "a mitigation request decodes and encodes to the same message",
    arguments: mitigationRequests
  )
  func request(_ vector: Vector) throws {
    let request = try DOTSRequest(vector.message, role: vector.role)
    var message = try #require(request.message)
    if let observe = vector.message.observe { message.add(CoAPOption(.observe, uint: observe)) }
    #expect(message == vector.message)
  }

  @Test("a response decodes and encodes to the same message", arguments: mitigationResponses)
  func response(_ vector: Vector) throws {
    #expect(try DOTSResponse(vector.message).message == vector.message)
  }

  @Test("RED-01 RED-03 a 5.03 that redirects is vector 15, Content-Format 271, Max-Age the TTL")
  func redirection() throws {
    let vector = try #require(Vector.numbered([15...15]).first)
    let refusal = Refusal(
      .redirected,
      mid: 123,
      retryAfter: 3600,
      alternate: "alt-server.example 2001:db8:6401::1 2001:db8:6401::2"
    )
    let message = refusal.response.message
    #expect(message.code == vector.message.code && message.payload == vector.payload)
    #expect(message.contentFormat == 271 && message.maxAge == 3600)
    let read = try DOTSResponse(message)
    #expect(read.alternate?.name == "alt-server.example" && read.entries.isEmpty)
    #expect(read.alternate?.addresses == ["2001:db8:6401::1", "2001:db8:6401::2"])
    #expect(read.message == message)
    let bare = Refusal(.redirected, retryAfter: 0, alternate: "alt.example").response
    #expect(try DOTSResponse(bare.message).alternate?.addresses == [])
  }

  @Test(
    "a heartbeat or configuration request decodes and encodes to the same message",
    arguments: Vector.numbered([11...11, 13...14, 16...17])
  )
  func sessionRequest(_ vector: Vector) throws {
    let request = try DOTSRequest(vector.message, role: vector.role)
    #expect(try #require(request.message) == vector.message)
  }

  @Test("CBR-11 the configuration of Figure 20 decodes and encodes to the same bytes")
  func configuration() throws {
    let vector = try #require(Vector.numbered([12...12]).first)
    let configuration = try SessionConfiguration(parsing: vector.payload)
    #expect(configuration.idle.heartbeatInterval?.maximum == 240)
    #expect(configuration.mitigating.ackTimeout?.minimum == 100)
    #expect(configuration.encoded == vector.payload)
  }

  @Test("QB-01 parameters of the optional range are ignored: vector 57")
  func robustConfiguration() throws {
    let vector = try #require(Vector.numbered([57...57]).first)
    #expect(try SessionConfiguration(parsing: vector.payload) == SessionConfiguration())
  }

  @Test("a negative vector gets the code that it expects", arguments: negatives)
  func negative(_ vector: Vector) throws {
    let code = refusal(vector.message, role: vector.role)?.code.description ?? "2.01"
    #expect(vector.expect.hasPrefix(code), "\(vector.expect)")
  }

  @Test("CBR-04 the diagnostic of vector 75 names key 99") func namesKey() throws {
    let vector = try #require(Vector.numbered([75...75]).first)
    #expect(refusal(vector.message)?.diagnostic == "unknown attribute, CBOR key 99")
  }

  @Test(
    "requests of later steps are refused for what isn't served",
    arguments: Vector.numbered([43...44, 46...47, 50...52])
  )
  func later(_ vector: Vector) throws {
    let isFilterControl = vector.number < 50
    let fault: Fault = isFilterControl ? .unsupportedKey : .resourceNotServed
    #expect(refusal(vector.message, role: vector.role)?.fault == fault)
  }

  @Test("CH-RED-01 CH-RED-03 the redirection of RFC 9066, Figure 9 is read")
  func homeRedirection() throws {
    let vector = try #require(Vector.numbered([36...36]).first)
    guard case .redirect(let redirection) = try DOTSRequest(vector.message, role: .callHome) else {
      Issue.record("no redirection")
      return
    }
    #expect(redirection.name == "alt-call-home-client.example" && redirection.lifetime == 600)
    #expect(redirection.addresses.map { $0.text } == ["2001:db8:6401::1", "2001:db8:6401::2"])
  }

  @Test("CBR-04 telemetry in an efficacy update is ignored: vector 54") func telemetry() throws {
    let vector = try #require(Vector.numbered([54...54]).first)
    let request = try DOTSRequest(vector.message, role: .base)
    guard case .mitigation(.mitigate(_, let scope, nil, .underAttack)) = request else {
      Issue.record("no efficacy update")
      return
    }
    #expect(scope.aliasNames == ["https1", "https2"])
  }

  @Test("CBR-04 telemetry in a notification is ignored", arguments: Vector.numbered([55...56]))
  func telemetryStatus(_ vector: Vector) throws {
    let response = try DOTSResponse(vector.message)
    #expect(response.entries.first?.status == .attackSuccessfullyMitigated)
  }
}
