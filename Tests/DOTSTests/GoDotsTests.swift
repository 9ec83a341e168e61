import Bytes
import CBOR
import CoAP
import DOTS
import Model
import Testing

/// The requests that go-dots has as samples for its client, typed anew as what they say.
@Suite struct GoDotsTests {
  private func ports(_ ranges: (UInt64, UInt64?)...) -> CBORValue {
    .array(
      ranges.map { lower, upper in
        let end = upper.map { [CBOREntry(9, .unsigned($0))] } ?? []
        return .map([CBOREntry(8, .unsigned(lower))] + end)
      }
    )
  }

  private func types(_ ranges: (UInt64, UInt64)...) -> CBORValue {
    .array(
      ranges.map {
        .map([CBOREntry(32_771, .unsigned($0.0)), CBOREntry(32_772, .unsigned($0.1))])
      }
    )
  }

  private func numbers(_ values: UInt64...) -> CBORValue {
    .array(values.map { .unsigned($0) })
  }

  /// What most samples are about.
  private var servers: [UInt64: CBORValue] {
    [
      6: texts("2001:db8:6401::1/128", "2001:db8:6401::2/128"),
      7: ports((80, nil), (443, nil), (8080, nil)), 10: numbers(6), 14: .unsigned(100),
    ]
  }

  private let ifMatch = CoAPOption(.ifMatch, [])

  @Test("MIT-EFF-01 the sample of an efficacy update is one, of an attack that has ended")
  func efficacy() throws {
    let message = put(servers.merging([29: .unsigned(2)]) { $1 }, options: [ifMatch])
    let request = try DOTSRequest(message, role: .base)
    guard
      case .mitigation(.mitigate(_, let scope, .seconds(100), let status)) = request
    else {
      Issue.record("no efficacy update")
      return
    }
    #expect(status?.rawValue == 2 && scope.targetPortRanges.count == 3)
  }

  @Test("CBR-04 the sample with telemetry in an efficacy update is taken without the telemetry")
  func telemetryAttributes() throws {
    let traffic: CBORValue = .array([
      .map([CBOREntry(137, .unsigned(3)), CBOREntry(141, .unsigned(900))])
    ])
    let detail: CBORValue = .array([
      .map([
        CBOREntry(202, .unsigned(345)), CBOREntry(164, .unsigned(1)),
        CBOREntry(169, .map([CBOREntry(143, .unsigned(10_000))])),
      ])
    ])
    let message = put(
      [
        6: texts("1.1.2.12/32"), 7: ports((80, nil)), 10: numbers(6), 14: .unsigned(500),
        29: .unsigned(1), 205: traffic, 207: detail,
      ],
      options: [ifMatch]
    )
    let request = try DOTSRequest(message, role: .base)
    guard case .mitigation(.mitigate(_, let scope, .seconds(500), .underAttack)) = request else {
      Issue.record("no efficacy update")
      return
    }
    #expect(scope.targetPrefixes == [Prefix(parsing: "1.1.2.12/32")])
  }

  @Test("CH-MIT-03 CH-MIT-07 CH-MIT-08 the sample of a call home request is well formed")
  func callHome() throws {
    let scope: [UInt64: CBORValue] = [
      6: texts("1.1.2.1/32", "2002:db8:6401::/128"), 7: ports((8080, 8081)),
      10: numbers(1, 6, 17), 14: .unsigned(50),
      32_768: texts("10.100.0.1/32", "10.100.0.2/32"),
      32_769: ports((443, nil), (444, 445)), 32_770: types((1, 2), (3, 4)),
    ]
    let request = try DOTSRequest(put(scope), role: .callHome)
    guard case .mitigation(.mitigate(_, let parsed, .seconds(50), nil)) = request else {
      Issue.record("no mitigation request")
      return
    }
    #expect(parsed.sourcePrefixes.count == 2 && parsed.sourceICMPTypeRanges.count == 2)
    #expect(parsed.sourcePortRanges == [PortRange(443), PortRange(444, 445)])
  }

  @Test("the sample that controls filters is refused while that isn't served")
  func filterControl() {
    let list: CBORValue = .array([
      .map([CBOREntry(23, .text("sample-ipv6-acl")), CBOREntry(52, .unsigned(3))])
    ])
    let scope = servers.merging([53: list, 45: .bool(true)]) { $1 }
    #expect(fault(scope) == .unsupportedKey)
  }

  @Test(
    "MIT-PUT-02 MIT-PUT-04 samples of the first drafts, with two scopes or no lifetime, are 4.00"
  )
  func drafts() {
    let one = scope([7: ports((80, 80), (443, 443), (8080, 8080)), 10: numbers(6)])
    let two = scope([7: ports((82, 82), (442, 442), (8082, 8082)), 10: numbers(2)])
    #expect(refusal(put(body([one, two])))?.code == .badRequest)
    #expect(refusal(put(body([one])))?.code == .badRequest)
  }

  @Test("URI-03 the samples of telemetry are 4.04", arguments: ["tm", "tm-setup"])
  func telemetry(_ resource: String) {
    let target: CBORValue = .map([CBOREntry(6, texts("1.1.2.11/28"))])
    let payload = CBORValue.map([CBOREntry(189, target)]).encoded
    let message = request(.put, resource, cuid, "tsid=1", payload: payload)
    #expect(refusal(message)?.code == .notFound)
  }

  @Test("HB-03 the sample of a heartbeat is one")
  func heartbeat() throws {
    let payload = CBORValue.map([CBOREntry(49, .map([CBOREntry(51, .bool(true))]))]).encoded
    let parsed = try DOTSRequest(request(.put, "hb", payload: payload), role: .base)
    #expect(parsed == .heartbeat(Heartbeat(peerStatus: true)))
  }
}

/// Its samples of session configuration.
@Suite struct GoDotsConfigurationTests {
  private func whole(_ value: UInt64) -> CBORValue { .map([CBOREntry(36, .unsigned(value))]) }

  private func decimal(_ hundredths: Int64) -> CBORValue {
    .map([CBOREntry(43, .tagged(4, .array([.negative(1), .integer(hundredths)])))])
  }

  private func set(
    interval: UInt64,
    missing: UInt64,
    retransmit: UInt64,
    timeout: Int64,
    factor: Int64,
    more: [CBOREntry] = []
  ) -> CBORValue {
    .map(
      [
        CBOREntry(33, whole(interval)), CBOREntry(37, whole(missing)),
        CBOREntry(38, whole(retransmit)), CBOREntry(39, decimal(timeout)),
        CBOREntry(40, decimal(factor)),
      ] + more
    )
  }

  private func message(
    mitigating: CBORValue,
    idle: CBORValue,
    more: [CBOREntry] = []
  ) -> CoAPMessage {
    let sets = [CBOREntry(32, mitigating), CBOREntry(44, idle)] + more
    let payload = CBORValue.map([CBOREntry(30, .map(sets))]).encoded
    return request(.put, "config", "sid=1", payload: payload)
  }

  @Test(
    "CFG-07 CFG-14 CBR-05 the sample with a wait of 50 s, and a trigger of old drafts, is refused"
  )
  func outOfRange() {
    func asked(_ timeout: Int64, _ more: [CBOREntry]) -> CoAPMessage {
      message(
        mitigating: set(interval: 50, missing: 3, retransmit: 7, timeout: timeout, factor: 150),
        idle: set(interval: 30, missing: 3, retransmit: 7, timeout: timeout, factor: 150),
        more: more
      )
    }
    let trigger = [CBOREntry(45, .bool(true))]
    #expect(refusal(asked(5000, trigger))?.code == .badRequest)
    #expect(refusal(asked(5000, []))?.code == .unprocessableEntity)
    #expect(refusal(asked(200, trigger))?.code == .badRequest)
    #expect(refusal(asked(200, [])) == nil)
  }

  @Test("QB-01 the sample with blocks of RFC 9177 is taken without them")
  func robustBlocks() throws {
    func blocks(_ values: [CBORValue]) -> [CBOREntry] {
      values.enumerated().map { CBOREntry(32_776 + UInt64($0), $1) }
    }
    let mitigating = blocks([
      whole(10), whole(3), decimal(200), decimal(400), decimal(24_700), decimal(24_800),
    ])
    let idle = blocks([
      whole(10), whole(4), decimal(400), decimal(800), decimal(24_800), decimal(24_900),
    ])
    let sample = message(
      mitigating: set(
        interval: 30,
        missing: 15,
        retransmit: 3,
        timeout: 200,
        factor: 150,
        more: mitigating
      ),
      idle: set(
        interval: 40,
        missing: 16,
        retransmit: 2,
        timeout: 100,
        factor: 250,
        more: idle
      )
    )
    guard case .configure(1, let configuration) = try DOTSRequest(sample, role: .base) else {
      Issue.record("no configuration")
      return
    }
    #expect(configuration.idle.heartbeatInterval?.current == 40)
    #expect(configuration.mitigating.ackTimeout?.current == 200)
  }
}
