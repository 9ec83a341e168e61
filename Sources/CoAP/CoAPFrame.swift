import Bytes

extension CoAPMessage {
  /// The message as a stream carries it (RFC 8323, Section 3.2, Figure 4); options and payload take
  /// at most 65,804 bytes.
  public var frame: [UInt8] {
    var content: [UInt8] = []
    writeContent(to: &content)
    let length = Self.split(content.count - tokenLength)
    return [length.nibble << 4 | UInt8(tokenLength)] + length.rest + [code.rawValue] + content
  }
}

/// Takes messages out of a stream whose bytes come in any portions (RFC 8323, Section 3.2).
///
/// Holds at most one message and what came with it. After a fault the stream can't be read further.
public struct FrameReader: Sendable {
  /// The greatest length of options and payload that is taken, in bytes.
  public static let maximumLength = 16_384

  private var buffer: [UInt8] = []
  /// How much of the buffer was taken.
  private var taken = 0

  /// A reader of a fresh stream.
  public init() {}

  /// Adds what came.
  public mutating func append(_ bytes: [UInt8]) {
    buffer.removeFirst(taken)
    taken = 0
    buffer += bytes
  }

  /// Takes the next message; nil while it isn't there whole.
  ///
  /// A message that is too long is refused as soon as its length is known.
  public mutating func next() throws(CoAPFault) -> CoAPMessage? {
    guard taken < buffer.count else { return nil }
    let tokenLength = Int(buffer[taken] & 15)
    guard tokenLength <= CoAPMessage.maximumTokenLength else { throw .tokenLength }
    let nibble = Int(buffer[taken] >> 4)
    let (width, bias): (Int, UInt64) =
      switch nibble {
      case 13: (1, 13)
      case 14: (2, 269)
      case 15: (4, 65_805)
      default: (0, UInt64(nibble))
      }
    let header = taken + 1 + width
    guard header < buffer.count else { return nil }
    let length = buffer[taken + 1..<header].reduce(0) { $0 << 8 | UInt64($1) } + bias
    guard length <= UInt64(Self.maximumLength) else { throw .tooLarge }
    let end = header + 1 + tokenLength + Int(length)
    guard end <= buffer.count else { return nil }
    let code = CoAPCode(rawValue: buffer[header])
    var cursor = ByteCursor([UInt8](buffer[header + 1..<end]))
    taken = end
    if end == buffer.count {
      // An idle stream holds no memory.
      buffer = []
      taken = 0
    }
    return try CoAPMessage(code, tokenLength: tokenLength, parsing: &cursor)
  }
}
