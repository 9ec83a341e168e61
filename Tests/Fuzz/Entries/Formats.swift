import Bytes
import CBOR
import CoAP
import Configuration
import HTTP
import Link
import Model
import TestServer

/// What is read as a datagram is written as the same bytes, within the limits.
func examineDatagram(_ bytes: [UInt8]) throws(Broken) {
  let datagram: CoAPDatagram
  do throws(CoAPFormatError) { datagram = try CoAPDatagram(parsing: bytes) } catch { return }
  try Broken.unless(bytes.count <= CoAPDatagram.maximumSize, "a datagram too large is read")
  let message = datagram.message
  try Broken.unless(datagram.encoded == bytes, "a datagram is written otherwise than it was read")
  try Broken.unless(message.token.count <= 8, "a token of \(message.token.count) bytes")
  try Broken.unless(message.options.count <= CoAPMessage.maximumOptions, "too many options")
  // Every view of the options takes any value.
  _ = message.unrecognizedCriticalOption
  _ = (message.uriPath, message.uriQuery, message.contentFormat, message.accept, message.observe)
  _ = (message.maxAge, message.hopLimit, message.ifMatch, message.hasIfNoneMatch)
  for block in [message.block1, message.block2].compactMap({ $0 }) {
    try Broken.unless(block.number < 1 << 20, "a block's number of more than 20 bits")
  }
}

/// What is read has one deterministic encoding, which reads as itself, within the limits.
func examineCBOR(_ bytes: [UInt8]) throws(Broken) {
  let value: CBORValue
  do throws(CBORError) { value = try CBORValue(parsing: bytes) } catch {
    try Broken.unless((0...bytes.count).contains(error.offset), "an error outside the input")
    return
  }
  var items = 0
  let depth = measure(value, &items)
  try Broken.unless(items <= CBORLimits.defaultItems, "\(items) items")
  try Broken.unless(depth <= CBORLimits.defaultDepth, "\(depth) levels")
  let encoded = value.encoded
  guard let again = try? CBORValue(parsing: encoded) else {
    throw Broken("what is written can't be read")
  }
  try Broken.unless(again.encoded == encoded, "two encodings of one value")
}

/// Counts items and gives how deep they are nested.
private func measure(_ value: CBORValue, _ items: inout Int) -> Int {
  items += 1
  switch value {
  case .array(let elements):
    return 1 + elements.reduce(0) { max($0, measure($1, &items)) }
  case .map(let entries):
    return 1
      + entries.reduce(0) { max($0, measure($1.key, &items), measure($1.value, &items)) }
  case .tagged(_, let inner): return 1 + measure(inner, &items)
  default: return 0
  }
}

/// What a settings file says can be told to core, which then knows the same; faults stand in the file.
func examineSettings(_ bytes: [UInt8]) throws(Broken) {
  let settings: Settings
  do throws(SettingsError) { settings = try Settings(parsing: bytes) } catch {
    let lines = bytes.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
    let location = error.location
    try Broken.unless((1...lines).contains(location.line), "line \(location.line) of \(lines)")
    try Broken.unless((1...bytes.count + 1).contains(location.column), "column \(location.column)")
    try Broken.unless(error.text.isUTF8, "a fault that is no text")
    return
  }
  try Broken.unless(bytes.count <= SettingsLimits.fileSize, "a file too large is read")
  let user = RoomUser(user: 1, group: 1)
  guard let messages = try? CoreSetup.messages(user, settings.core) else {
    throw Broken("settings that can't be told to core")
  }
  var assembly = CoreSettingsAssembly()
  for bytes in messages {
    guard let message = try? CoreSetup(parsing: bytes) else { throw Broken("core can't read it") }
    do { _ = try assembly.receive(message) } catch { throw Broken("core refuses it") }
  }
  try Broken.unless(assembly.settings == settings.core, "core knows other settings")
  for warning in settings.warnings {
    try Broken.unless(warning.text.isUTF8, "a warning that is no text")
  }
}

/// Portions make no difference, and a request is within the limits.
func examineHTTP(_ bytes: [UInt8]) throws(Broken) {
  var whole = HTTPRequestReader()
  let progress = whole.receive(bytes)
  var portions = HTTPRequestReader()
  var found = HTTPRequestReader.Progress.incomplete
  for byte in bytes where found == .incomplete { found = portions.receive([byte]) }
  try Broken.unless(progress == found, "portions make a difference")
  guard case .request(let request) = progress else { return }
  try Broken.unless(request.fields.count <= HTTPLimits.fields, "too many fields")
  try Broken.unless(request.body.count <= HTTPLimits.body, "too large a body")
  try Broken.unless(request.host.count <= HTTPLimits.host, "too long a host")
  try Broken.unless(request.path.bytes.first == 0x2F, "a path without a slash")
  try Broken.unless(request.body.isEmpty || request.method == .post, "a body without POST")
  for field in request.fields {
    try Broken.unless(!field.value.bytes.contains { $0 == 0x0A || $0 == 0x0D }, "a split field")
  }
}
