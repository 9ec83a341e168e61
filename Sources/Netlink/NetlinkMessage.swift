import Bytes

/// One netlink message as received.
struct NetlinkMessage {
  var type: UInt16
  var flags: UInt16
  var sequence: UInt32
  var port: UInt32
  /// What follows the header.
  var payload: ArraySlice<UInt8>

  static let headerLength = 16

  /// The messages of one datagram; what isn't whole at its end is left out.
  static func all(in bytes: [UInt8]) -> [NetlinkMessage] {
    var messages: [NetlinkMessage] = []
    var rest = bytes[...]
    while let length = rest.host32(at: 0).flatMap({ Int(exactly: $0) }), length >= headerLength,
      length <= rest.count, let type = rest.host16(at: 4), let flags = rest.host16(at: 6),
      let sequence = rest.host32(at: 8), let port = rest.host32(at: 12)
    {
      messages.append(
        NetlinkMessage(
          type: type,
          flags: flags,
          sequence: sequence,
          port: port,
          payload: rest.dropFirst(headerLength).prefix(length - headerLength)
        )
      )
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return messages
  }

  /// The attributes after `fixed` bytes of the payload.
  func attributes(after fixed: Int) -> Attributes { Attributes(payload.dropFirst(fixed)) }

  /// The errno of an error message, 0 in an acknowledgement; nil when it is neither.
  var error: Int32? {
    guard type == 2, let value = payload.host32(at: 0) else { return nil }
    return 0 &- Int32(bitPattern: value)
  }

  /// What the kernel says of an error (NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS).
  var explanation: (text: Text, offset: UInt32?) {
    // NLM_F_ACK_TLVS; NLM_F_CAPPED: the header of the request alone comes back, else all of it.
    guard flags & 0x200 != 0 else { return ("", nil) }
    var fixed = 20
    if flags & 0x100 == 0, let length = payload.host32(at: 4).flatMap({ Int(exactly: $0) }) {
      fixed = 4 + ((length + 3) & ~3)
    }
    let attributes = attributes(after: fixed)
    return (attributes.text(1) ?? "", attributes[2]?.host32(at: 0))
  }
}

/// Netlink attributes: type and value pairs.
struct Attributes: Sequence, IteratorProtocol {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  mutating func next() -> (type: UInt16, value: ArraySlice<UInt8>)? {
    guard let length = rest.host16(at: 0), length >= 4, Int(length) <= rest.count,
      let type = rest.host16(at: 2)
    else { return nil }
    let value = rest.dropFirst(4).prefix(Int(length) - 4)
    rest = rest.dropFirst((Int(length) + 3) & ~3)
    // The two highest bits are flags (NLA_F_NESTED, NLA_F_NET_BYTEORDER).
    return (type & 0x3FFF, value)
  }

  /// The value of the first attribute of this type.
  subscript(_ type: UInt16) -> ArraySlice<UInt8>? { first { $0.type == type }?.value }

  /// The attributes within the first attribute of this type; none when it is missing.
  func nested(_ type: UInt16) -> Attributes { Attributes(self[type] ?? []) }

  /// A string, without the zero at its end.
  func text(_ type: UInt16) -> Text? {
    self[type].map { Text([UInt8]($0.prefix { $0 != 0 })) }
  }

  /// An integer in network byte order.
  func network(_ type: UInt16) -> UInt64? {
    guard let value = self[type], value.count <= 8 else { return nil }
    return value.reduce(0) { $0 << 8 | UInt64($1) }
  }
}

extension ArraySlice<UInt8> {
  /// The integer in the machine's byte order at `offset` from the start; nil beyond the end.
  func host16(at offset: Int) -> UInt16? {
    guard count >= offset + 2 else { return nil }
    let big = UInt16(self[startIndex + offset]) << 8 | UInt16(self[startIndex + offset + 1])
    return UInt16(1).bigEndian == 1 ? big : big.byteSwapped
  }

  /// The integer in the machine's byte order at `offset` from the start; nil beyond the end.
  func host32(at offset: Int) -> UInt32? {
    guard count >= offset + 4 else { return nil }
    let bytes = dropFirst(offset).prefix(4)
    let big = bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return UInt32(1).bigEndian == 1 ? big : big.byteSwapped
  }
}
