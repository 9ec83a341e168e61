import Bytes
import Link
import Testing

/// The bytes of one value alone.
func encoded(_ value: some Coded) throws(LinkError) -> [UInt8] {
  var writer = ItemWriter()
  writer.value(value)
  return try writer.message()
}

/// The value that is all of `bytes`.
func parsed<Value: Coded>(_ bytes: [UInt8], as type: Value.Type = Value.self) throws(LinkError)
  -> Value
{
  var reader = ItemReader(bytes)
  let value: Value = reader.value()
  try reader.finish()
  return value
}

/// Expects that a value is neither written nor read.
func expectRefused<Value: Coded>(
  _ value: Value,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  var writer = ItemWriter()
  writer.value(value)
  #expect(writer.failure == .malformed, sourceLocation: sourceLocation)
  let bytes = writer.bytes
  #expect(throws: LinkError.malformed, sourceLocation: sourceLocation) {
    try parsed(bytes, as: Value.self)
  }
}

/// Expects that a message is neither written nor read.
func expectRefused<Message: LinkMessage>(
  message: Message,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  var writer = ItemWriter()
  message.write(to: &writer)
  #expect(writer.failure == .malformed, sourceLocation: sourceLocation)
  let bytes = writer.bytes
  #expect(throws: LinkError.malformed, sourceLocation: sourceLocation) {
    try Message(parsing: bytes)
  }
}
