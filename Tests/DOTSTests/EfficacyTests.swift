import Bytes
import CBOR
import CoAP
import DOTS
import Model
import Testing

@Suite("Efficacy updates") struct EfficacyTests {
  private let ifMatch = CoAPOption(.ifMatch, [])
  private let underAttack = CBORValue.unsigned(1)

  @Test("MIT-EFF-01 If-Match and attack-status go together") func together() {
    #expect(fault(put(valid([29: underAttack]), options: [ifMatch])) == nil)
    #expect(fault(put(valid([29: underAttack]))) == .attackStatusMisplaced)
    #expect(fault(put(valid(), options: [ifMatch])) == .attackStatusMissing)
    let isNew = [CoAPOption(.ifNoneMatch, [])]
    #expect(fault(put(valid([29: underAttack]), options: isNew)) == .attackStatusMisplaced)
  }

  @Test("MIT-EFF-01 attack-status is 1 or 2") func values() {
    for value in [CBORValue.unsigned(0), .unsigned(3), .unsigned(1 << 32)] {
      #expect(fault(put(valid([29: value]), options: [ifMatch])) == .valueOutOfRange)
    }
    #expect(fault(put(valid([29: .text("1")]), options: [ifMatch])) == .wrongType)
  }

  @Test("MIT-EFF-03 an entity tag matches nothing, whatever the body says") func entityTag() throws
  {
    let message = put([0xFF], options: [CoAPOption(.ifMatch, [1])])
    #expect(try DOTSRequest(message, role: .base) == .unmatched)
  }

  @Test("MIT-EFF-03 an empty If-Match among entity tags counts") func mixedTags() throws {
    let message = put(valid([29: underAttack]), options: [CoAPOption(.ifMatch, [1]), ifMatch])
    #expect(try DOTSRequest(message, role: .base) != .unmatched)
  }

  @Test("MIT-EFF-06 an efficacy update may leave out the lifetime") func withoutLifetime() throws {
    let message = put(valid([29: .unsigned(2)], without: 14), options: [ifMatch])
    guard
      case .mitigation(.mitigate(_, _, let lifetime, let efficacy)) = try DOTSRequest(
        message,
        role: .base
      )
    else {
      Issue.record("not an efficacy update")
      return
    }
    #expect(lifetime == nil && efficacy == .attackSuccessfullyMitigated)
  }

  @Test("MIT-EFF-08 acl-list doesn't belong in an efficacy update") func filterControl() {
    let message = put(valid([29: underAttack, 53: .array([])]), options: [ifMatch])
    #expect(refusal(message)?.code == .badRequest)
  }
}
