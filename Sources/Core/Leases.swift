import Bytes
import Model

/// What the home's DHCP server knows of its devices: their names, and whose an address is.
///
/// Reads the leases file of dnsmasq and the state file of odhcpd, line by line; a line that is
/// neither says nothing. Devices choose their names and may lie: a name is shown, and decides nothing.
public struct Leases: Hashable, Sendable {
  /// The longest file that is read, in bytes: more than any home's.
  public static let maximumFile = 1 << 20
  /// The most leases that are kept: more than a home's router gives.
  public static let maximumEntries = 4096
  /// The longest name, in bytes: a label of the DNS (RFC 1035, Section 2.3.4).
  public static let maximumName = 63

  /// A time before this one, ten years after 1970, is none: a dnsmasq built for a router without a
  /// clock writes how long a lease is, not when it ends.
  private static let earliest: UInt64 = 315_532_800

  /// A lease; its name is a part of `names`.
  private struct Entry: Hashable {
    var address: IPAddress
    var mac: MACAddress?
    var nameStart: UInt32
    var nameCount: UInt8
  }

  private var entries: [Entry] = []
  /// All names, one behind the other.
  private var names: [UInt8] = []

  /// No leases.
  public init() {}

  /// The leases of a file that hold at `now`; what lies behind the limits is left out.
  public init(parsing file: [UInt8], now: UnixTime) {
    var words = Words(file, limit: min(file.count, Self.maximumFile))
    repeat {
      let first = words.next()
      if first == "#" {
        readStateLine(&words, now: now)
      } else if let expiry = first.decimal(as: UInt64.self) {
        readLeaseLine(&words, expiry: expiry, now: now)
      }
    } while words.nextLine() && entries.count < Self.maximumEntries
  }

  /// How many leases there are.
  public var count: Int { entries.count }

  /// The name that the device with this hardware address gave; empty when it gave none.
  public func name(of mac: MACAddress) -> Text {
    name { $0.mac == mac }
  }

  /// The name that the device with this address gave; empty when it gave none.
  public func name(of address: IPAddress) -> Text {
    name { $0.address == address }
  }

  /// The device that this address is leased to; nil where there is no lease, and for IPv6, whose
  /// leases name no hardware address.
  public func mac(of address: IPAddress) -> MACAddress? {
    for entry in entries where entry.address == address { return entry.mac }
    return nil
  }

  private func name(where matches: (Entry) -> Bool) -> Text {
    for entry in entries where entry.nameCount > 0 && matches(entry) {
      let start = Int(entry.nameStart)
      return Text([UInt8](names[start..<start + Int(entry.nameCount)]))
    }
    return ""
  }

  /// dnsmasq: `EXPIRY MAC ADDRESS NAME CLIENT-ID`; for IPv6 `EXPIRY IAID ADDRESS NAME DUID`.
  private mutating func readLeaseLine(_ words: inout Words, expiry: UInt64, now: UnixTime) {
    guard expiry < Self.earliest || expiry > now.seconds else { return }
    let mac = MACAddress(parsing: words.next())
    guard let address = IPAddress(parsing: words.next()) else { return }
    let name = words.next()
    add(address, mac, name: name == "*" ? "" : name)
  }

  /// odhcpd: `# INTERFACE DUID IAID NAME EXPIRY ASSIGNED LENGTH ADDRESS/LENGTH…`; for IPv4 the DUID
  /// is the hardware address in hexadecimal digits and the IAID `ipv4`.
  private mutating func readStateLine(_ words: inout Words, now: UnixTime) {
    _ = words.next()
    let identifier = words.next()
    let mac = words.next() == "ipv4" ? MACAddress(hexadecimal: identifier) : nil
    var name = words.next()
    // It writes "broken", an escaped space and the name for one that is no host's name.
    if name == "-" || name.hasPrefix("broken\\") { name = "" }
    let expiry = words.next()
    guard expiry == "-1" || (expiry.decimal(as: UInt64.self) ?? 0) > now.seconds else { return }
    _ = words.next()
    _ = words.next()
    while true {
      let word = words.next()
      if word.isEmpty { return }
      // A shorter one is a block for another router, not an address.
      if let block = Prefix(parsing: word), block.isHost { add(block.address, mac, name: name) }
    }
  }

  private mutating func add(_ address: IPAddress, _ mac: MACAddress?, name: Text) {
    guard entries.count < Self.maximumEntries else { return }
    let start = names.count
    for byte in name.bytes where byte >= 0x20 && byte < 0x7F {
      if names.count - start < Self.maximumName { names.append(byte) }
    }
    entries.append(
      Entry(
        address: address,
        mac: mac,
        nameStart: UInt32(truncatingIfNeeded: start),
        nameCount: UInt8(truncatingIfNeeded: names.count - start)
      )
    )
  }
}

/// The words of a file's lines, one after the other.
private struct Words {
  private let bytes: [UInt8]
  private let end: Int
  private var index = 0

  /// The words of the first `limit` bytes.
  init(_ bytes: [UInt8], limit: Int) {
    self.bytes = bytes
    end = limit
  }

  /// The next word of the line; empty when there is none.
  mutating func next() -> Text {
    while index < end, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
    let start = index
    while index < end, bytes[index] > 0x20 { index += 1 }
    return Text([UInt8](bytes[start..<index]))
  }

  /// Goes to the next line; false when there is none.
  mutating func nextLine() -> Bool {
    while index < end, bytes[index] != 0x0A { index += 1 }
    index += 1
    return index < end
  }
}

extension MACAddress {
  /// Parses twelve hexadecimal digits; nil for anything else.
  fileprivate init?(hexadecimal text: Text) {
    guard text.count == 12 else { return nil }
    var value: UInt64 = 0
    for byte in text.bytes {
      guard let digit = hexadecimalDigit(byte) else { return nil }
      value = value << 4 | UInt64(digit)
    }
    self.init(value)
  }
}
