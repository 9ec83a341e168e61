import Bytes
import Link
import Model
import TestSupport
import Testing

/// What is too long for one message.
struct PartsTests {
  private static let seed: UInt64 = 16_384

  private func reports(in messages: [[UInt8]]) throws -> [MitigationReport] {
    var reports: [MitigationReport] = []
    for (index, bytes) in messages.enumerated() {
      let message = try CoreMessage(parsing: bytes)
      guard case .reply(7, .content(let part), let more) = message else {
        Issue.record("another reply: \(message)")
        break
      }
      #expect(more == (index + 1 < messages.count))
      reports += part
    }
    return reports
  }

  @Test("many reports come in several messages and are the same in the same order")
  func manyReports() throws {
    var values = RandomValues(seed: Self.seed)
    let sent = try values.list(300...300) { try $0.report() }
    let messages = CoreMessage.reply(7, .content(sent))
    #expect(messages.count > 1)
    #expect(try reports(in: messages) == sent)
  }

  @Test("no report at all is one message")
  func noReport() throws {
    let messages = CoreMessage.reply(7, .content([]))
    #expect(messages.count == 1)
    #expect(try reports(in: messages).isEmpty)
  }

  private func largestScope() -> MitigationScope {
    var scope = MitigationScope()
    var length = LinkLimits.scope
    repeat {
      scope.targetURIs = [Text([UInt8](repeating: 0x61, count: length))]
      length -= 1
    } while !scope.fitsMessage
    return scope
  }

  @Test("the largest scope fits a request with the longest names, and a report of it")
  func largestScopeFits() throws {
    let long = Text([UInt8](repeating: 0x62, count: 255))
    let name = MitigationName(cuid: long, cdid: long, mid: .max)
    let request = MitigationRequest.mitigate(
      name,
      largestScope(),
      lifetime: .seconds(.max),
      efficacy: .underAttack
    )
    let message = SignalMessage.request(
      session: .max,
      handle: .max,
      deadline: Instant(milliseconds: .max),
      request
    )
    #expect(try message.encoded().count <= 16_384)
    let maximum = DropCounters(
      packets: .max,
      bytes: .max,
      packetsPerSecond: .max,
      bytesPerSecond: .max
    )
    let report = MitigationReport(
      mid: .max,
      scope: largestScope(),
      remaining: .seconds(.max),
      status: .attackMitigationInProgress,
      start: UnixTime(seconds: .max),
      dropped: maximum
    )
    #expect(try reports(in: CoreMessage.reply(7, .content([report, report]))).count == 2)
  }

  @Test("what a conflict shares is left out where it doesn't fit")
  func conflictScope() throws {
    var shared = ConflictScope()
    shared.targetURIs = [Text([UInt8](repeating: 0x61, count: 16_000))]
    let conflict = ConflictInformation(cause: .overlappingTargets, scope: shared)
    let report = MitigationReport(
      mid: 1,
      scope: largestScope(),
      remaining: .indefinite,
      status: .attackStopped,
      conflict: conflict
    )
    let told = try reports(in: CoreMessage.reply(7, .content([report])))
    #expect(told.first?.conflict == ConflictInformation(cause: .overlappingTargets))
    shared.targetURIs.append(shared.targetURIs[0])
    let refusal = Refusal(
      .overlapsOtherClient,
      conflict: ConflictInformation(cause: .overlappingTargets, scope: shared)
    )
    let messages = CoreMessage.reply(1, .refused(refusal))
    let first = try CoreMessage(parsing: try #require(messages.first))
    let short = Refusal(
      .overlapsOtherClient,
      conflict: ConflictInformation(cause: .overlappingTargets)
    )
    #expect(first == .reply(handle: 1, .refused(short), more: false))
  }

  @Test("core's settings come together from their parts")
  func coreSettings() throws {
    var values = RandomValues(seed: Self.seed)
    var settings = try values.coreSettings()
    settings.clients = try values.list(3...3) { try $0.client() }
    settings.policies = try values.list(3...3) { try $0.policy() }
    settings.protections = try values.list(3...3) { try $0.protection() }
    let user = values.user()
    var assembly = CoreSettingsAssembly()
    let messages = try CoreSetup.messages(user, settings)
    for message in messages.dropLast() {
      #expect(try assembly.receive(CoreSetup(parsing: message)) == nil)
    }
    let last = try #require(messages.last)
    #expect(try assembly.receive(CoreSetup(parsing: last)) == user)
    #expect(assembly.settings == settings)
    #expect(throws: LinkError.malformed) { try assembly.receive(.complete) }
  }

  @Test("a section before the settings is refused")
  func sectionFirst() throws {
    var values = RandomValues(seed: Self.seed)
    let client = try values.client()
    var assembly = CoreSettingsAssembly()
    #expect(throws: LinkError.malformed) { try assembly.receive(.client(client)) }
  }

  @Test("more than 1,024 sections of a kind are refused")
  func manySections() throws {
    var values = RandomValues(seed: Self.seed)
    let protection = try values.protection()
    var assembly = CoreSettingsAssembly()
    #expect(try assembly.receive(.settings(values.user(), CoreSettings())) == nil)
    for _ in 0..<1024 { #expect(try assembly.receive(.protection(protection)) == nil) }
    #expect(try assembly.receive(.client(try values.client())) == nil)
    #expect(throws: LinkError.tooLarge) { try assembly.receive(.protection(protection)) }
  }

  @Test("settings that begin again forget what was told before")
  func againSettings() throws {
    var values = RandomValues(seed: Self.seed)
    var assembly = CoreSettingsAssembly()
    let user = values.user()
    #expect(try assembly.receive(.settings(user, CoreSettings())) == nil)
    #expect(try assembly.receive(.client(try values.client())) == nil)
    #expect(try assembly.receive(.settings(user, CoreSettings())) == nil)
    #expect(try assembly.receive(.complete) == user)
    #expect(assembly.settings == CoreSettings())
  }

  @Test("files of any length come together from their parts")
  func files() throws {
    var values = RandomValues(seed: Self.seed)
    var files = RoomFiles()
    files[.certificate] = values.bytes(40_000...40_000)
    files[.key] = values.bytes(300...300)
    files[.logo] = values.bytes(32_000...32_000)
    let settings = try values.signalSettings().encoded()
    let user = values.user()
    var assembly = FrontAssembly()
    var complete: FrontAssembly.Complete?
    for message in try FrontSetup.messages(user, settings, files) {
      #expect(complete == nil)
      complete = try assembly.receive(FrontSetup(parsing: message))
    }
    #expect(complete?.files == files)
    #expect(complete?.settings == settings)
    #expect(complete?.user == user)
  }

  @Test("a file of more than 256 KiB is refused")
  func largeCredential() throws {
    var values = RandomValues(seed: Self.seed)
    var assembly = FrontAssembly()
    #expect(try assembly.receive(.settings(values.user(), [])) == nil)
    let part = [UInt8](repeating: 0, count: 16_000)
    for _ in 0..<16 { #expect(try assembly.receive(.part(.trust, part)) == nil) }
    #expect(throws: LinkError.tooLarge) { try assembly.receive(.part(.trust, part)) }
  }
}
