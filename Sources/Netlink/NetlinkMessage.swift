import Bytes

/// A part of a received datagram, read from front to back and never past its end.
struct Region {
  private let bytes: [UInt8]
  private var start: Int
  private var end: Int

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    start = 0
    end = bytes.count
  }

  var count: Int { end - start }

  /// The bytes.
  var array: [UInt8] {
    var result: [UInt8] = []
    for index in start..<end { result.append(bytes[index]) }
    return result
  }

  /// The byte at `offset` from the start; nil beyond the end.
  func byte(at offset: Int) -> UInt8? { offset < count ? bytes[start + offset] : nil }

  /// The integer of 2 or 4 bytes in the machine's byte order at `offset` from the start; 0 beyond the
  /// end.
  func host(_ width: Int, at offset: Int) -> UInt32 {
    guard count >= offset + width else { return 0 }
    var value: UInt32 = 0
    for index in 0..<width {
      let place = UInt16(1).bigEndian == 1 ? index : width - 1 - index
      value = value << 8 | UInt32(bytes[start + offset + place])
    }
    return value
  }

  /// The integer in network byte order; nil when it is longer than eight bytes.
  var network: UInt64? {
    guard count <= 8 else { return nil }
    var value: UInt64 = 0
    for index in start..<end { value = value << 8 | UInt64(bytes[index]) }
    return value
  }

  /// A string, without the zero at its end.
  var text: Text {
    var text = Text([])
    for index in start..<end {
      if bytes[index] == 0 { break }
      text.bytes.append(bytes[index])
    }
    return text
  }

  /// What follows the first bytes; nothing when there are fewer.
  func dropping(_ length: Int) -> Region {
    var rest = self
    rest.start = length >= 0 && length <= count ? start + length : end
    return rest
  }

  /// Takes the first bytes, without a header of which they have `header`; what follows begins at a
  /// multiple of four.
  mutating func take(_ length: Int, header: Int) -> Region? {
    guard length >= header, length <= count else { return nil }
    var part = self
    part.start += header
    part.end = start + length
    start = min(start + ((length + 3) & ~3), end)
    return part
  }
}

// MARK: Attributes

extension Region {
  /// Takes the first netlink attribute; nil when there is no whole one.
  mutating func attribute() -> (type: UInt32, value: Region)? {
    // The two highest bits are flags (NLA_F_NESTED, NLA_F_NET_BYTEORDER).
    let type = host(2, at: 2) & 0x3FFF
    return take(Int(host(2, at: 0)), header: 4).map { (type, $0) }
  }

  /// The value of the first attribute of this type; nil when it is missing.
  subscript(_ type: UInt32) -> Region? {
    var rest = self
    while let attribute = rest.attribute() {
      if attribute.type == type { return attribute.value }
    }
    return nil
  }

  /// The attributes within the first attribute of this type; none when it is missing.
  func nested(_ type: UInt32) -> Region { self[type] ?? Region([]) }
}

// MARK: Messages

/// One netlink message as received.
struct NetlinkMessage {
  let type: UInt32
  let flags: UInt32
  let sequence: UInt32
  /// What follows the header.
  let payload: Region

  /// The messages of one datagram; what isn't whole at its end is left out.
  static func all(in bytes: [UInt8]) -> [NetlinkMessage] {
    var messages: [NetlinkMessage] = []
    var rest = Region(bytes)
    while true {
      let header = rest
      guard let payload = rest.take(Int(truncatingIfNeeded: header.host(4, at: 0)), header: 16)
      else {
        return messages
      }
      messages.append(
        NetlinkMessage(
          type: header.host(2, at: 4),
          flags: header.host(2, at: 6),
          sequence: header.host(4, at: 8),
          payload: payload
        )
      )
    }
  }

  /// The attributes after `fixed` bytes of the payload.
  func attributes(after fixed: Int) -> Region { payload.dropping(fixed) }

  /// The errno of an error message, 0 in an acknowledgement; nil when it is neither.
  var error: Int32? {
    guard type == 2, payload.count >= 4 else { return nil }
    return 0 &- Int32(bitPattern: payload.host(4, at: 0))
  }

  /// What the kernel refused, in its own words where it says any (NLMSGERR_ATTR_MSG,
  /// NLMSGERR_ATTR_OFFS).
  func refusal(_ errno: Int32) -> KernelError {
    // NLM_F_ACK_TLVS; NLM_F_CAPPED: the header of the request alone comes back, else all of it.
    guard flags & 0x200 != 0 else { return KernelError(errno: errno) }
    var fixed = 20
    if flags & 0x100 == 0 {
      fixed = 4 &+ (Int(truncatingIfNeeded: payload.host(4, at: 4)) &+ 3 & ~3)
    }
    let attributes = attributes(after: fixed)
    let offset = attributes[2]
    return KernelError(
      errno: errno,
      words: attributes[1]?.text ?? "",
      offset: offset.map { $0.host(4, at: 0) }
    )
  }
}
