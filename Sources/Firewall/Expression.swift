import Bytes

/// One instruction of a rule, as the kernel's packet machine has it.
///
/// A register is the number of one of sixteen 4-byte cells, from 0; wide values take the next ones
/// too. A comparison that fails ends the rule.
public struct Expression: Equatable, Sendable {
  /// What it does.
  ///
  /// The shim in CNetfilter knows these by the same numbers.
  public enum Kind: UInt8, Sendable {
    /// Loads `second` bytes at the offset `first` of the header `what`: 0 link, 1 network,
    /// 2 transport (`enum nft_payload_bases`).
    case payload = 0
    /// Loads what the kernel knows of the packet under the key `what`; see `Meta`.
    case meta = 1
    /// Loads the type of the destination address (`enum` of RTN_ numbers, host byte order); where
    /// `what` is 1, an address is local only where the packet came in.
    case destinationType = 2
    /// Loads the connection's state: one bit of four bytes, host byte order; new is 8.
    case connectionState = 3
    /// Loads the source address that the connection had before translation, of the family `what`.
    case originalSource = 4
    /// Turns four bytes from host to network byte order.
    case networkOrder = 5
    /// Keeps the bits of the mask `bytes`.
    case mask = 6
    /// Goes on when what was loaded equals `bytes`.
    case equals = 7
    /// Goes on when what was loaded lies between the two halves of `bytes`, both included, in network
    /// byte order.
    case isWithin = 8
    /// Goes on when the set has the key.
    case isIn = 9
    /// Goes on when the set lacks the key.
    case isNotIn = 10
    /// Goes on while packets of this key come no faster than `first` a second, or `second` at once;
    /// ends the rule when they do, and when the set, which learns keys by itself, is full. With a
    /// `first` of 0 at any pace.
    case isWithinPace = 11
    /// Jumps as the map says; goes on when it lacks the key.
    case jumpByMap = 12
    /// Counts with the counter that the map says; ends the rule when it lacks the key.
    case countByMap = 13
    /// Counts with this counter.
    case count = 14
    /// Goes on when this limit is exceeded.
    case isOver = 15
    /// Ends this base chain; the packet goes on to others.
    case accept = 16
    /// Ends the packet.
    case drop = 17
    /// Goes to a chain, and comes back.
    case jump = 18
    /// Goes to a chain, and comes back to whoever jumped here.
    case goTo = 19
    /// Goes back to whoever jumped here.
    case comeBack = 20
    /// Ends the packet and tells its sender: with a TCP reset where `what` is 1, else as forbidden by
    /// ICMP.
    case reject = 21
    /// Leads the connection to the port `what` of the router; in chains that translate. Uses
    /// register 0.
    case redirect = 22
  }

  /// What can be known of a packet, with the kernel's numbers (`enum nft_meta_keys`).
  public enum Meta {
    /// Index of the interface it came in by, 0 for the router's own; host byte order.
    public static let inputInterface: UInt32 = 4
    /// Name of that interface: sixteen bytes, filled with zeros.
    public static let inputName: UInt32 = 6
    /// Hardware type of that interface; host byte order.
    public static let inputType: UInt32 = 8
    /// The family: 2 is IPv4, 10 IPv6; one byte.
    public static let family: UInt32 = 15
    /// The transport protocol; one byte.
    public static let transportProtocol: UInt32 = 16
  }

  /// What it does.
  public var kind: Kind
  /// Where it puts what it loads, or finds what it compares.
  public var register: UInt32
  /// Which of several things, as the kind says.
  public var what: UInt32
  /// A number, as the kind says.
  public var first: UInt32
  /// Another number, as the kind says.
  public var second: UInt32
  /// A value, or the name of a set, map, counter, limit or chain.
  public var bytes: [UInt8]

  /// An instruction; what its kind doesn't need is zero.
  public init(
    _ kind: Kind,
    register: UInt32 = 0,
    what: UInt32 = 0,
    first: UInt32 = 0,
    second: UInt32 = 0,
    bytes: [UInt8] = []
  ) {
    self.kind = kind
    self.register = register
    self.what = what
    self.first = first
    self.second = second
    self.bytes = bytes
  }
}
