import Bytes

/// One instruction of a rule, as the kernel's packet machine has it.
///
/// A register is the number of one of sixteen 4-byte cells, from 0; wide values take the next ones
/// too. A comparison that fails ends the rule.
public enum Expression: Equatable, Sendable {
  /// Loads `length` bytes of the packet.
  case payload(Header, offset: UInt32, length: UInt32, register: UInt32)
  /// Loads what the kernel knows of the packet.
  case meta(MetaKey, register: UInt32)
  /// Loads the type of the destination address (`enum` of RTN_ numbers, host byte order); with
  /// `onInput` an address is local only where the packet came in.
  case destinationType(onInput: Bool, register: UInt32)
  /// Loads the connection's state: one bit of four bytes, host byte order; new is 8.
  case connectionState(register: UInt32)
  /// Loads the source address that the connection had before translation.
  case originalSource(IPAddress.Family, register: UInt32)
  /// Turns four bytes from host to network byte order.
  case networkOrder(register: UInt32)
  /// Keeps the bits of the mask.
  case mask(register: UInt32, [UInt8])
  /// Goes on when the bytes are equal.
  case equals(register: UInt32, [UInt8])
  /// Goes on when the bytes lie between these, both included, in network byte order.
  case isWithin(register: UInt32, [UInt8], [UInt8])
  /// Goes on when the set has the key.
  case isIn(set: Text, register: UInt32)
  /// Goes on when the set lacks the key.
  case isNotIn(set: Text, register: UInt32)
  /// Goes on while packets of this key come no faster than this; ends the rule when they do, and when
  /// the set, which learns keys by itself, is full.
  case isWithinPace(set: Text, register: UInt32, perSecond: UInt32, burst: UInt32)
  /// Jumps as the map says; goes on when it lacks the key.
  case jumpByMap(Text, register: UInt32)
  /// Counts with the counter that the map says; ends the rule when it lacks the key.
  case countByMap(Text, register: UInt32)
  /// Counts.
  case count(Text)
  /// Goes on when the limit is exceeded.
  case isOver(limit: Text)
  /// Ends this base chain; the packet goes on to others.
  case accept
  /// Ends the packet.
  case drop
  /// Goes to a chain, and comes back.
  case jump(Text)
  /// Goes to a chain, and comes back to whoever jumped here.
  case goTo(Text)
  /// Goes back to whoever jumped here.
  case comeBack
  /// Ends the packet and tells its sender: with a TCP reset, or as forbidden by ICMP.
  case reject(resets: Bool)
  /// Leads the connection to this port of the router; in chains that translate. Uses register 0.
  case redirect(port: UInt16)

  /// The headers of a packet, with the kernel's numbers (`enum nft_payload_bases`).
  public enum Header: UInt32, Hashable, Sendable {
    case link = 0
    case network = 1
    case transport = 2
  }

  /// What can be known of a packet, with the kernel's numbers (`enum nft_meta_keys`).
  public enum MetaKey: UInt32, Hashable, Sendable {
    /// Index of the interface it came in by, 0 for the router's own; host byte order.
    case inputInterface = 4
    /// Name of that interface: sixteen bytes, filled with zeros.
    case inputName = 6
    /// Hardware type of that interface; host byte order.
    case inputType = 8
    /// The family: 2 is IPv4, 10 IPv6; one byte.
    case family = 15
    /// The transport protocol; one byte.
    case transportProtocol = 16
  }
}

/// What stands in a header, and where.
struct HeaderField {
  let header: Expression.Header
  let offset: UInt32
  let length: UInt32

  func loaded(_ register: UInt32) -> Expression {
    .payload(header, offset: offset, length: length, register: register)
  }

  static func source(_ family: IPAddress.Family) -> HeaderField {
    family == .v4
      ? HeaderField(header: .network, offset: 12, length: 4)
      : HeaderField(header: .network, offset: 8, length: 16)
  }

  static func target(_ family: IPAddress.Family) -> HeaderField {
    family == .v4
      ? HeaderField(header: .network, offset: 16, length: 4)
      : HeaderField(header: .network, offset: 24, length: 16)
  }

  static let sourcePort = HeaderField(header: .transport, offset: 0, length: 2)
  static let targetPort = HeaderField(header: .transport, offset: 2, length: 2)
  static let icmpType = HeaderField(header: .transport, offset: 0, length: 1)
}

extension IPAddress.Family {
  /// The kernel's number of the family (`NFPROTO_IPV4`, `NFPROTO_IPV6`).
  var kernelNumber: UInt8 { self == .v4 ? 2 : 10 }

  /// The bytes of a netmask.
  func mask(_ length: Int) -> [UInt8] {
    let ones = self == .v4 ? IPAddress(v4: ~0) : IPAddress(v6High: ~0, low: ~0)
    return ones.masked(to: length).bytes
  }
}

/// Matches, as parts of rules, in register 0 (and the next three for IPv6).
enum Match {
  static func family(_ family: IPAddress.Family) -> [Expression] {
    [.meta(.family, register: 0), .equals(register: 0, [family.kernelNumber])]
  }

  static func transport(_ number: UInt8) -> [Expression] {
    [.meta(.transportProtocol, register: 0), .equals(register: 0, [number])]
  }

  /// Loads the sender's hardware address from Ethernet's header, where there is one.
  static var hardware: [Expression] {
    [
      .meta(.inputType, register: 0), .equals(register: 0, ethernet),
      .payload(.link, offset: 6, length: 6, register: 0),
    ]
  }

  /// ARPHRD_ETHER, 1.
  static var ethernet: [UInt8] { inHostOrder(1, length: 2) }

  /// A small number as the kernel keeps it: in the byte order of the machine.
  static func inHostOrder(_ value: UInt8, length: Int = 4) -> [UInt8] {
    let zeros = [UInt8](repeating: 0, count: length - 1)
    return UInt16(1).littleEndian == 1 ? [value] + zeros : zeros + [value]
  }

  /// The destination address is the router's (RTN_LOCAL); with `onInput`, on the very interface by
  /// which the packet came.
  static func isLocal(onInput: Bool = false) -> [Expression] {
    [
      .destinationType(onInput: onInput, register: 0),
      .equals(register: 0, inHostOrder(2)),
    ]
  }

  /// Packets of this protocol to this port.
  static func port(_ transport: UInt8, _ port: UInt16) -> [Expression] {
    self.transport(transport) + ports(.targetPort, PortRange(port))
  }

  static func ports(_ field: HeaderField, _ range: PortRange) -> [Expression] {
    values(field, range.lower.networkBytes, range.upper.networkBytes)
  }

  static func icmpTypes(_ range: ICMPTypeRange) -> [Expression] {
    icmpTypes(range.lower, range.upper)
  }

  static func icmpTypes(_ lowest: UInt8, _ highest: UInt8) -> [Expression] {
    values(.icmpType, [lowest], [highest])
  }

  /// The address in `loading` lies in `prefix`.
  static func address(_ loading: Expression, in prefix: Prefix) -> [Expression] {
    if prefix.isEverything { return family(prefix.family) }
    let masking: [Expression] =
      prefix.isHost ? [] : [.mask(register: 0, prefix.family.mask(prefix.length))]
    return family(prefix.family) + [loading] + masking
      + [.equals(register: 0, prefix.address.bytes)]
  }

  private static func values(
    _ field: HeaderField,
    _ lower: [UInt8],
    _ upper: [UInt8]
  ) -> [Expression] {
    [
      field.loaded(0),
      lower == upper ? .equals(register: 0, lower) : .isWithin(register: 0, lower, upper),
    ]
  }
}

extension UInt16 {
  var networkBytes: [UInt8] { [UInt8(self >> 8), UInt8(truncatingIfNeeded: self)] }
}
