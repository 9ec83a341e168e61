import Bytes

/// What is wrong with the bytes of a message (RFC 7252, Section 3).
public enum CoAPFault: UInt8, Error, Sendable {
  /// The token length is 9 to 15.
  case tokenLength
  /// A token, an option or its header reaches past the end.
  case truncated
  /// An option's delta or length nibble is 15 outside the payload marker.
  case optionNibble
  /// The option numbers add up to more than 65,535.
  case optionNumber
  /// There are more options than `CoAPMessage.maximumOptions`.
  case tooManyOptions
  /// Nothing follows the payload marker.
  case emptyPayload
  /// The code is of a reserved class, or of a class that the message type can't carry.
  case code
  /// Something follows the header of an empty message.
  case emptyMessage
  /// The message is larger than `CoAPDatagram.maximumSize` or `FrameReader.maximumLength`.
  case tooLarge
}

extension CoAPMessage {
  private static let payloadMarker: UInt8 = 0xFF

  /// Takes token, options and payload from what follows a header: everything that is left.
  init(
    _ code: CoAPCode,
    tokenLength: Int,
    parsing cursor: inout ByteCursor
  ) throws(CoAPFault) {
    guard tokenLength <= Self.maximumTokenLength else { throw .tokenLength }
    let token = try Self.take(tokenLength, from: &cursor)
    var options: [CoAPOption] = []
    var payload: [UInt8] = []
    var number = 0
    while let first = cursor.peek {
      _ = try Self.take(1, from: &cursor)
      if first == Self.payloadMarker {
        payload = cursor.rest()
        guard !payload.isEmpty else { throw .emptyPayload }
        break
      }
      guard options.count < Self.maximumOptions else { throw .tooManyOptions }
      number += try Self.extended(first >> 4, from: &cursor)
      let length = try Self.extended(first & 15, from: &cursor)
      guard let number = UInt16(exactly: number) else { throw .optionNumber }
      let value = try Self.take(length, from: &cursor)
      options.append(CoAPOption(CoAPOptionNumber(number), value))
    }
    self.init(code, token: token, options: options, payload: payload)
  }

  /// How much of the token is written: what is too long is cut, never misread as an option.
  var tokenLength: Int { min(token.count, Self.maximumTokenLength) }

  /// Appends token, options and payload: everything that follows a header.
  func writeContent(to output: inout [UInt8]) {
    output += token.prefix(tokenLength)
    var previous: UInt16 = 0
    for option in options {
      let delta = Self.split(Int(option.number.rawValue - previous))
      let length = Self.split(option.value.count)
      previous = option.number.rawValue
      output.append(delta.nibble << 4 | length.nibble)
      output += delta.rest
      output += length.rest
      output += option.value
    }
    if !payload.isEmpty {
      output.append(Self.payloadMarker)
      output += payload
    }
  }

  /// The number that an option's nibble and the bytes after it spell (RFC 7252, Section 3.1).
  private static func extended(
    _ nibble: UInt8,
    from cursor: inout ByteCursor
  ) throws(CoAPFault) -> Int {
    switch nibble {
    case 13: return 13 + Int(try take(1, from: &cursor)[0])
    case 14: return try take(2, from: &cursor).reduce(0) { $0 << 8 | Int($1) } + 269
    case 15: throw .optionNibble
    default: return Int(nibble)
    }
  }

  static func split(_ value: Int) -> (nibble: UInt8, rest: [UInt8]) {
    if value < 13 { return (UInt8(value), []) }
    if value < 269 { return (13, [UInt8(value - 13)]) }
    let rest = UInt16(clamping: value - 269)
    return (14, [UInt8(rest >> 8), UInt8(rest & 255)])
  }

  private static func take(
    _ count: Int,
    from cursor: inout ByteCursor
  ) throws(CoAPFault) -> [UInt8] {
    do { return try cursor.bytes(count) } catch { throw .truncated }
  }
}
