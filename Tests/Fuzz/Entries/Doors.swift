import Link
import TestServer

/// A message of the door that the first byte names is read in its one spelling only.
func examineLink(_ bytes: [UInt8]) throws(Broken) {
  guard let door = bytes.first else { return }
  let message = [UInt8](bytes.dropFirst())
  switch door & 15 {
  case 0: try examine(message, as: CoreSetup.self)
  case 1: try examine(message, as: FrontSetup.self)
  case 2: try examine(message, as: RelayMessage.self)
  case 3: try examine(message, as: RoomReport.self)
  case 4: try examine(message, as: SignalMessage.self)
  case 5: try examine(message, as: CoreMessage.self)
  case 6: try examine(message, as: ControlCommand.self)
  case 7: try examine(message, as: ControlReply.self)
  case 8: try examine(message, as: PortalMessage.self)
  case 9: try examine(message, as: PortalNotice.self)
  case 10: try examine(message, as: SignalSettings.self)
  case 11: try examine(message, as: PortalSetup.self)
  case 12: try examine(message, as: TLSSettings.self)
  case 13: try examine(message, as: ResolverSettings.self)
  case 14: try examineCoreAssembly(message)
  default: try examineFrontAssembly(message)
  }
}

private func examine<Message: LinkMessage & Equatable>(
  _ bytes: [UInt8],
  as type: Message.Type
) throws(Broken) {
  guard let message = try? Message(parsing: bytes) else { return }
  try Broken.unless(bytes.count <= LinkLimits.message, "a message too large is read")
  guard let encoded = try? message.encoded() else { throw Broken("what is read can't be written") }
  try Broken.unless(encoded == bytes, "a second spelling of a message")
}

/// Messages, each behind its length in two bytes.
private func messages(in bytes: [UInt8]) -> [[UInt8]] {
  var rest = bytes[...]
  var messages: [[UInt8]] = []
  while rest.count >= 2 {
    let length = Int(rest.removeFirst()) << 8 | Int(rest.removeFirst())
    messages.append([UInt8](rest.prefix(length)))
    rest = rest.dropFirst(length)
  }
  return messages
}

private func examineCoreAssembly(_ bytes: [UInt8]) throws(Broken) {
  var assembly = CoreSettingsAssembly()
  for bytes in messages(in: bytes) {
    guard let message = try? CoreSetup(parsing: bytes) else { return }
    let user: RoomUser?
    do { user = try assembly.receive(message) } catch { return }
    guard let user else { continue }
    // All that was told can be told again.
    guard let told = try? CoreSetup.messages(user, assembly.settings) else {
      throw Broken("settings that can't be told again")
    }
    try Broken.unless(told.last == bytes, "settings without an end")
  }
}

private func examineFrontAssembly(_ bytes: [UInt8]) throws(Broken) {
  var assembly = FrontAssembly()
  for bytes in messages(in: bytes) {
    guard let message = try? FrontSetup(parsing: bytes) else { return }
    let complete: FrontAssembly.Complete?
    do { complete = try assembly.receive(message) } catch { return }
    guard let complete else { continue }
    for kind in FileKind.allCases {
      let count = complete.files[kind].count
      try Broken.unless(count <= LinkLimits.credential, "a credential of \(count) bytes")
    }
  }
}
