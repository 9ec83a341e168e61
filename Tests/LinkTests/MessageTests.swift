import Bytes
import Link
import Model
import TestSupport
import Testing

/// What holds for every message of every door.
struct MessageTests {
  private static let seed: UInt64 = 0xC0_4D09

  private func check<Message: LinkMessage & Equatable>(
    _ make: (inout RandomValues) throws -> Message
  ) throws {
    var values = RandomValues(seed: Self.seed)
    for round in 0..<300 {
      let message = try make(&values)
      let bytes = try message.encoded()
      #expect(bytes.count <= 16_384)
      #expect(try Message(parsing: bytes) == message, "seed \(Self.seed), round \(round)")
      if round < 20 {
        for count in 0..<bytes.count {
          #expect(throws: LinkError.self) { try Message(parsing: [UInt8](bytes.prefix(count))) }
        }
        #expect(throws: LinkError.malformed) { try Message(parsing: bytes + [0xF6]) }
      }
      for _ in 0..<10 {
        var mutated = bytes
        mutated[values.number(0...mutated.count - 1)] = values.number(0...255)
        try expectStable(mutated, Message.self)
      }
    }
    try checkEveryMutation(try make(&values).encoded(), Message.self)
  }

  /// What is understood at all has these bytes and no others.
  private func expectStable<Message: LinkMessage>(
    _ bytes: [UInt8],
    _ type: Message.Type
  ) throws {
    if let other = try? Message(parsing: bytes) { #expect(try other.encoded() == bytes) }
  }

  /// Changes each of the first bytes to each other value.
  private func checkEveryMutation<Message: LinkMessage>(
    _ bytes: [UInt8],
    _ type: Message.Type
  ) throws {
    for index in bytes.indices.prefix(200) {
      var mutated = bytes
      for change: UInt8 in 1...255 {
        mutated[index] = bytes[index] ^ change
        try expectStable(mutated, type)
      }
    }
  }

  @Test("a message to core is read as it was written, and in no other spelling")
  func coreSetup() throws { try check { try $0.coreSetup() } }

  @Test("a message to a front is read as it was written, and in no other spelling")
  func frontSetup() throws { try check { try $0.frontSetup() } }

  @Test("a list of addresses is read as it was written, and in no other spelling")
  func addressList() throws { try check { AddressList($0.list(0...64) { $0.address() }) } }

  @Test("a relayed connection is read as it was written, and in no other spelling")
  func relayMessage() throws {
    try check { .connection(peer: $0.address(), local: $0.address()) as RelayMessage }
  }

  @Test("a room's report is read as it was written, and in no other spelling")
  func roomReport() throws { try check { $0.roomReport() } }

  @Test("a message from the signal front is read as it was written, and in no other spelling")
  func signalMessage() throws { try check { try $0.signalMessage() } }

  @Test("a reply of core is read as it was written, and in no other spelling")
  func coreMessage() throws { try check { try $0.coreMessage() } }

  @Test("a control command is read as it was written, and in no other spelling")
  func controlCommand() throws { try check { $0.command() } }

  @Test("a control reply is read as it was written, and in no other spelling")
  func controlReply() throws { try check { try $0.controlReply() } }

  @Test("a message from the portal is read as it was written, and in no other spelling")
  func portalMessage() throws { try check { $0.portalMessage() } }

  @Test("a message to the portal is read as it was written, and in no other spelling")
  func portalNotice() throws { try check { try $0.portalNotice() } }

  @Test("no door has more than eight kinds of message")
  func kinds() {
    #expect(CoreSetup.Kind.allCases.count + 1 <= 8)
    #expect(FrontSetup.Kind.allCases.count + 1 <= 8)
    #expect(SignalDoorKind.allCases.count <= 8)
    #expect(ControlDoorKind.allCases.count <= 8)
    #expect(PortalDoorKind.allCases.count <= 8)
    #expect(!CoreSetup.Kind.allCases.contains { $0.rawValue == RoomReport.kind })
    #expect(!FrontSetup.Kind.allCases.contains { $0.rawValue == RoomReport.kind })
  }

  @Test("a kind that the door doesn't know is refused", arguments: [0, 9, 255])
  func unknownKind(_ kind: UInt8) throws {
    let bytes = try encoded(kind)
    #expect(throws: LinkError.unknownKind) { try CoreSetup(parsing: bytes) }
    #expect(throws: LinkError.unknownKind) { try FrontSetup(parsing: bytes) }
    #expect(throws: LinkError.unknownKind) { try RoomReport(parsing: bytes) }
    #expect(throws: LinkError.unknownKind) { try SignalMessage(parsing: bytes) }
    #expect(throws: LinkError.unknownKind) { try CoreMessage(parsing: bytes) }
    #expect(throws: LinkError.unknownKind) { try ControlCommand(parsing: bytes) }
    #expect(throws: LinkError.unknownKind) { try ControlReply(parsing: bytes) }
    #expect(throws: LinkError.unknownKind) { try PortalMessage(parsing: bytes) }
    #expect(throws: LinkError.unknownKind) { try PortalNotice(parsing: bytes) }
    #expect(throws: LinkError.unknownKind) { try RelayMessage(parsing: bytes) }
  }

  @Test(
    "a kind that is no small number is malformed",
    arguments: [[], [0x19, 1, 0], [0x20], [0x80]]
  )
  func badKind(_ bytes: [UInt8]) {
    #expect(throws: LinkError.malformed) { try CoreSetup(parsing: bytes) }
    #expect(throws: LinkError.malformed) { try SignalMessage(parsing: bytes) }
    #expect(throws: LinkError.malformed) { try PortalMessage(parsing: bytes) }
    #expect(throws: LinkError.malformed) { try ControlCommand(parsing: bytes) }
    #expect(throws: LinkError.malformed) { try RoomReport(parsing: bytes) }
  }

  @Test("the kinds of one direction are unknown in the other")
  func directions() throws {
    let closed = try SignalMessage.sessionClosed(1).encoded()
    #expect(throws: LinkError.unknownKind) { try CoreMessage(parsing: closed) }
    let reply = try CoreMessage.reply(handle: 1, .deleted, more: false).encoded()
    #expect(throws: LinkError.unknownKind) { try SignalMessage(parsing: reply) }
    let look = try PortalMessage.look(handle: 1, IPAddress(v4: 1)).encoded()
    #expect(throws: LinkError.unknownKind) { try PortalNotice(parsing: look) }
    let home = try PortalNotice.home([]).encoded()
    #expect(throws: LinkError.unknownKind) { try PortalMessage(parsing: home) }
  }

  @Test("a surplus field is refused")
  func surplusField() {
    let bytes: [UInt8] = [0x02, 0x01, 0xF6]
    #expect(throws: LinkError.malformed) { try SignalMessage(parsing: bytes) }
  }

  @Test("a message of more than 16 KiB is neither written nor read")
  func tooLarge() {
    var scope = MitigationScope()
    scope.targetURIs = [Text([UInt8](repeating: 0x61, count: 16_384))]
    let name = MitigationName(cuid: "c", mid: 1)
    let message = SignalMessage.request(
      session: 1,
      handle: 1,
      deadline: .blank,
      .mitigate(name, scope, lifetime: nil, efficacy: nil)
    )
    #expect(throws: LinkError.tooLarge) { try message.encoded() }
    let bytes = [UInt8](repeating: 0, count: 16_385)
    #expect(throws: LinkError.tooLarge) { try SignalMessage(parsing: bytes) }
  }
}
