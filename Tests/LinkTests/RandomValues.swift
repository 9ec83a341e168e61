import Bytes
import Link
import Model
import TestSupport
import Testing

/// Random values of the nouns, each within its limits.
struct RandomValues {
  var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func number<Number: FixedWidthInteger>(_ range: ClosedRange<Number>) -> Number {
    Number.random(in: range, using: &generator)
  }

  mutating func flag() -> Bool { Bool.random(using: &generator) }

  mutating func bytes(_ count: ClosedRange<Int>) -> [UInt8] {
    (0..<number(count)).map { _ in number(0...255) }
  }

  mutating func text(_ count: ClosedRange<Int> = 1...20) -> Text {
    Text((0..<number(count)).map { _ in number(0x20...0x7E) })
  }

  mutating func one<Value>(of values: [Value]) throws -> Value {
    try #require(values.randomElement(using: &generator))
  }

  mutating func maybe<Value>(_ make: (inout RandomValues) throws -> Value) rethrows -> Value? {
    flag() ? try make(&self) : nil
  }

  mutating func list<Value>(
    _ count: ClosedRange<Int> = 0...4,
    _ make: (inout RandomValues) throws -> Value
  ) rethrows -> [Value] {
    var values: [Value] = []
    for _ in 0..<number(count) { values.append(try make(&self)) }
    return values
  }

  mutating func address() -> IPAddress {
    flag()
      ? IPAddress(v4: number(0...(.max)))
      : IPAddress(v6High: number(0...(.max)), low: number(0...(.max)))
  }

  mutating func prefix() throws -> Prefix {
    let address = address()
    return try #require(Prefix(address, length: number(0...address.family.bits)))
  }

  mutating func ports() throws -> PortRange {
    let lower: UInt16 = number(0...(.max))
    return try #require(PortRange(lower, flag() ? lower : number(lower...(.max))))
  }

  mutating func portSet() throws -> PortSet {
    let offset: UInt8 = number(0...15)
    let length = number(1...(16 - offset))
    let number: UInt16 = number(0...UInt16((1 << UInt32(length)) - 1))
    return try #require(PortSet(offset: offset, length: length, number: number))
  }

  mutating func types() throws -> ICMPTypeRange {
    let lower: UInt8 = number(0...(.max))
    return try #require(ICMPTypeRange(lower, number(lower...(.max))))
  }

  mutating func scope() throws -> MitigationScope {
    var scope = MitigationScope()
    scope.targetPrefixes = try list { try $0.prefix() }
    scope.targetPortRanges = try list { try $0.ports() }
    scope.targetProtocols = list { $0.number(0...255) }
    scope.targetFQDNs = list { $0.text() }
    scope.targetURIs = list { $0.text(1...300) }
    scope.aliasNames = list { $0.text() }
    scope.sourcePrefixes = try list { try $0.prefix() }
    scope.sourcePortRanges = try list { try $0.ports() }
    scope.sourceICMPTypeRanges = try list { try $0.types() }
    scope.triggerMitigation = flag()
    scope.requestedAction = try maybe { try $0.one(of: RequestedAction.allCases) }
    return scope
  }

  mutating func lifetime() -> Lifetime {
    flag() ? .indefinite : .seconds(number(0...(.max)))
  }

  mutating func name() -> MitigationName {
    MitigationName(
      cuid: text(1...64),
      cdid: maybe { $0.text(1...64) },
      mid: number(0...(.max))
    )
  }

  mutating func conflict() throws -> ConflictInformation {
    ConflictInformation(
      cause: try one(of: [
        .overlappingTargets, .conflictWithAcceptList, .cuidCollision,
        .requestRejectedLegitimateTraffic,
      ]),
      status: try maybe {
        try $0.one(of: [.requestInactiveOtherActive, .requestActive, .allRequestsInactive])
      },
      retryTimer: maybe { $0.number(0...(.max)) },
      scope: try maybe { values in
        var scope = ConflictScope()
        scope.targetPrefixes = try values.list { try $0.prefix() }
        scope.targetPortRanges = try values.list { try $0.ports() }
        scope.targetProtocols = values.list { $0.number(0...255) }
        scope.targetFQDNs = values.list { $0.text() }
        scope.targetURIs = values.list { $0.text() }
        scope.aliasNames = values.list { $0.text() }
        scope.mid = values.maybe { $0.number(0...(.max)) }
        return scope
      }
    )
  }

  mutating func counters() -> DropCounters {
    DropCounters(
      packets: number(0...(.max)),
      bytes: number(0...(.max)),
      packetsPerSecond: number(0...(.max)),
      bytesPerSecond: number(0...(.max))
    )
  }

  mutating func time() -> UnixTime { UnixTime(seconds: number(0...(.max))) }

  mutating func report() throws -> MitigationReport {
    MitigationReport(
      mid: number(0...(.max)),
      scope: try scope(),
      remaining: lifetime(),
      status: try one(of: MitigationStatus.allCases),
      start: maybe { $0.time() },
      dropped: maybe { $0.counters() },
      conflict: try maybe { try $0.conflict() }
    )
  }

  mutating func request() throws -> MitigationRequest {
    switch number(0...3) {
    case 0:
      .mitigate(
        name(),
        try scope(),
        lifetime: maybe { $0.lifetime() },
        efficacy: try maybe {
          try $0.one(of: [.underAttack, .attackSuccessfullyMitigated])
        }
      )
    case 1: .mitigateNew(name(), try scope(), lifetime: lifetime())
    case 2:
      .retrieve(
        cuid: text(1...64),
        cdid: maybe { $0.text(1...64) },
        mid: maybe { $0.number(0...(.max)) },
        content: try one(of: [.configuration, .nonConfiguration, .all])
      )
    default: .withdraw(name())
    }
  }

  mutating func outcome() throws -> RequestOutcome {
    switch number(0...5) {
    case 0:
      .created(
        mid: number(0...(.max)),
        lifetime: lifetime(),
        status: try maybe { try $0.one(of: MitigationStatus.allCases) },
        try maybe { try $0.conflict() }
      )
    case 1:
      .changed(mid: number(0...(.max)), lifetime: lifetime(), try maybe { try $0.conflict() })
    case 2: .content(try list { try $0.report() })
    case 3: .deleted
    case 4: .ignored
    default:
      .refused(
        Refusal(
          try one(of: RefusalReason.allCases),
          mid: maybe { $0.number(0...(.max)) },
          retryAfter: maybe { $0.number(0...(.max)) },
          conflict: try maybe { try $0.conflict() },
          alternate: text(0...20)
        )
      )
    }
  }
}
