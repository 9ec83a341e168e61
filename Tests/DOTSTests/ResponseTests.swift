import Bytes
import CBOR
import CoAP
import Model
import Testing

@testable import DOTS

@Suite("Responses") struct ResponseTests {
  private let withdrawal = MitigationRequest.withdraw(MitigationName(cuid: "c", mid: 1))

  private func report(
    start: UnixTime? = nil,
    dropped: DropCounters? = nil
  ) throws -> MitigationReport {
    var scope = MitigationScope()
    scope.targetPrefixes = [try #require(Prefix(parsing: "192.0.2.0/24"))]
    return MitigationReport(
      mid: 7,
      scope: scope,
      remaining: .seconds(100),
      status: .attackMitigationInProgress,
      start: start,
      dropped: dropped
    )
  }

  private func retrieval(_ content: ContentFilter) -> MitigationRequest {
    .retrieve(cuid: "c", cdid: nil, mid: nil, content: content)
  }

  /// The message that answers a withdrawal, or any request, with `outcome`.
  private func answer(_ outcome: RequestOutcome) -> CoAPMessage? {
    outcome.response(to: withdrawal)?.message
  }

  private func payload(_ number: Int) throws -> [UInt8] {
    try #require(Vector.numbered([number...number]).first).payload
  }

  @Test("MIT-PUT-16 2.01 has mid and lifetime: vector 02") func created() throws {
    let outcome = RequestOutcome.created(mid: 123, lifetime: .seconds(3600), status: nil, nil)
    let message = try #require(answer(outcome))
    #expect(message.code == .created && message.contentFormat == 271)
    #expect(try message.payload == payload(2))
  }

  @Test("MIT-PUT-17 2.04 has the same body") func changed() throws {
    let message = try #require(answer(.changed(mid: 123, lifetime: .seconds(3600), nil)))
    #expect(message.code == .changed)
    #expect(try message.payload == payload(2))
  }

  @Test("CH-MIT-10 2.01 tells the status where consent pends: vector 33") func pending() throws {
    let outcome = RequestOutcome.created(
      mid: 56,
      lifetime: .seconds(3600),
      status: .attackMitigationInProgress,
      nil
    )
    #expect(try answer(outcome)?.payload == payload(33))
  }

  @Test("MIT-CON-01 2.01 tells of a conflict: vector 23") func conflict() throws {
    var scope = ConflictScope()
    scope.targetPrefixes = [try #require(Prefix(parsing: "192.0.2.0/24"))]
    let conflict = ConflictInformation(
      cause: .overlappingTargets,
      status: .requestActive,
      scope: scope
    )
    let outcome = RequestOutcome.created(mid: 126, lifetime: .seconds(3600), status: nil, conflict)
    #expect(try answer(outcome)?.payload == payload(23))
  }

  @Test("MIT-LIF-03 an indefinite lifetime is -1") func indefinite() throws {
    let message = try #require(answer(.changed(mid: 1, lifetime: .indefinite, nil)))
    #expect(message.payload.suffix(2) == [0x0E, 0x20])
  }

  @Test("MIT-DEL-02 2.02 has no payload and no Content-Format") func deleted() throws {
    #expect(answer(.deleted) == CoAPMessage(.deleted))
  }

  @Test("MIT-EFF-03 an ignored update gets no response") func ignored() {
    #expect(answer(.ignored) == nil)
  }

  @Test(
    "MIT-GET-09 TM-09 c selects attributes; mid, lifetime and status are there, telemetry is not"
  )
  func content() throws {
    let counters = DropCounters(packets: 1, bytes: 2, packetsPerSecond: 3, bytesPerSecond: 4)
    let report = try report(start: UnixTime(seconds: 5), dropped: counters)
    func keys(_ content: ContentFilter) throws -> [UInt64?] {
      let response = RequestOutcome.content([report]).response(to: retrieval(content))
      let payload = try #require(response).message.payload
      let entry = try CBORValue(parsing: payload)[1]?[2]?.array?.first
      return try #require(entry?.map).map { $0.key.unsigned }
    }
    #expect(try keys(.configuration) == [5, 6, 14, 16])
    #expect(try keys(.nonConfiguration) == [5, 14, 15, 16, 25, 26, 27, 28])
    #expect(try keys(.all) == [5, 6, 14, 15, 16, 25, 26, 27, 28])
  }

  @Test("MIT-STS-01 MIT-STS-02 what isn't known is left out") func unknownState() throws {
    let response = RequestOutcome.content([try report()]).response(to: retrieval(.all))
    let entry = try #require(response?.entries.first)
    #expect(entry.start == nil && entry.dropped == nil)
    #expect(response?.code == .content && response?.message.contentFormat == 271)
  }

  @Test("a report's content equals vector 35") func blocked() throws {
    var report = try report(
      start: UnixTime(seconds: 1_700_000_000),
      dropped: DropCounters(
        packets: 1000,
        bytes: 1_500_000,
        packetsPerSecond: 83,
        bytesPerSecond: 125_000
      )
    )
    report.mid = 56
    report.remaining = .seconds(3500)
    report.status = .attackSuccessfullyMitigated
    report.scope.targetPrefixes = [try #require(Prefix(parsing: "2001:db8:c000::/128"))]
    report.scope.sourcePrefixes = [try #require(Prefix(parsing: "2001:db8:123::1/128"))]
    let response = RequestOutcome.content([report]).response(to: retrieval(.all))
    #expect(try response?.message.payload == payload(35))
  }

  @Test("IDS-03 IDS-04 a colliding cuid is told with the cause alone: vector 03") func collision()
    throws
  {
    let told = ConflictInformation(cause: .cuidCollision, status: .requestActive, retryTimer: 1)
    let refusal = Refusal(.cuidCollision, mid: 12, conflict: told)
    #expect(try refusal.response.message.payload == payload(3))
    #expect(refusal.response.code == .conflict)
  }

  @Test("MIT-OVL-03 a lower mid is told of the newer one: vector 21") func overlap() throws {
    var scope = ConflictScope()
    scope.mid = 123
    let conflict = ConflictInformation(cause: .overlappingTargets, scope: scope)
    let refusal = Refusal(.overlapsNewerRequest, mid: 122, conflict: conflict)
    #expect(try refusal.response.message.payload == payload(21))
  }

  @Test("RUL-14 CH-MIT-11 protected traffic is cause 4 with mid: vector 34") func protected() throws
  {
    let refusal = Refusal(.protectedTraffic, mid: 56)
    #expect(try refusal.response.message.payload == payload(34))
  }

  @Test("RED-03 RUL-16 COAP-18 5.03 has scope[{mid}] and Max-Age, never text") func unavailable()
    throws
  {
    let withMid = Refusal(.kernelFull, mid: 56, retryAfter: 30).response.message
    let entry = try DOTSResponse(withMid).entries.first
    #expect(withMid.maxAge == 30 && withMid.contentFormat == 271 && entry?.mid == 56)
    let without = Refusal(.unavailable).response.message
    #expect(without.maxAge == 60 && without.payload.isEmpty && without.contentFormat == nil)
  }

  @Test("ERR-02 a 5.03 body labelled as text is read as CBOR") func labelledText() throws {
    var message = CoAPMessage(.serviceUnavailable, options: [CoAPOption(.contentFormat, uint: 0)])
    message.payload = Refusal(.kernelFull, mid: 56).response.message.payload
    #expect(try DOTSResponse(message).entries.first?.mid == 56)
  }

  @Test("a diagnostic is read back") func diagnostic() throws {
    let response = DOTSResponse(PeerError(.unknownKey, 99))
    #expect(try DOTSResponse(response.message) == response)
  }

  @Test("a response of unknown status is an error") func unknownStatus() {
    var message = CoAPMessage(.content)
    message.payload = body([scope([5: .unsigned(1), 16: .unsigned(9)])])
    #expect(throws: PeerError(.valueOutOfRange, 16)) { try DOTSResponse(message) }
  }
}

@Suite("Answers to errors") struct AnswerTests {
  private func isOneLine(_ text: Text) -> Bool {
    !text.isEmpty && text.count <= 120 && text.bytes.allSatisfy { (0x20...0x7E).contains($0) }
  }

  @Test("ERR-01 ERR-03 RUL-08 every fault has an error code and a line", arguments: Fault.allCases)
  func fault(_ fault: Fault) {
    let error = PeerError(fault, 7)
    let message = DOTSResponse(error).message
    #expect(isOneLine(Text(message.payload)) && message.contentFormat == nil)
    #expect(error.diagnostic.hasSuffix(" 7"))
    let expected: CoAPCode =
      switch fault {
      case .unknownResource, .resourceNotServed, .unknownConfiguration, .mitigationGone: .notFound
      case .notAClient: .unauthorized
      case .methodNotAllowed: .methodNotAllowed
      case .contentFormat: .unsupportedContentFormat
      case .accept: .notAcceptable
      case .configurationRefused: .unprocessableEntity
      case .unknownAction: .forbidden
      default: .badRequest
      }
    #expect(error.code == expected && message.code == expected)
  }

  @Test("no two faults say the same") func distinct() {
    #expect(Set(Fault.allCases.map { PeerError($0).diagnostic }).count == Fault.allCases.count)
  }

  @Test(
    "ERR-02 ERR-03 every refusal has its code, and a body or text",
    arguments: RefusalReason.allCases
  )
  func refusal(_ reason: RefusalReason) {
    let message = Refusal(reason, mid: 5).response.message
    let expected: CoAPCode =
      switch reason.rawValue {
      case 1: .unauthorized
      case 2: .forbidden
      case 3: .notFound
      case 4: .preconditionFailed
      case 5...16, 29, 33: .badRequest
      case 17...20, 31: .conflict
      case 26: .internalServerError
      // 32 redirects: with a server it has another body.
      default: .serviceUnavailable
      }
    #expect(message.code == expected && isOneLine(reason.diagnostic))
    let hasBody = expected == .conflict || expected == .serviceUnavailable
    #expect(message.contentFormat == (hasBody ? 271 : nil))
    if !hasBody { #expect(Text(message.payload) == reason.diagnostic) }
  }
}
