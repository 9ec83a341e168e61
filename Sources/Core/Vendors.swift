import Bytes

/// Who makes which devices, by the prefixes that the IEEE gave to their makers.
///
/// A table that `packaging/vendors` writes and describes, searched where it lies: mapped from flash,
/// it costs memory only for the pages that a search touches. A damaged table gives wrong names or
/// none; nothing is read outside of it.
public struct Vendors {
  /// The largest table, in bytes: its offsets have 24 bits.
  public static let maximumFile = 1 << 24

  /// A name has at most 24 bytes; a damaged one stops here.
  private static let maximumName: Int64 = 63
  /// The bytes of a name, and the pairs of bytes that some stand for: more only where pairs of a
  /// damaged table stand for themselves.
  private static let maximumSteps = 255
  private static let header = 292
  private static let pairs: Int64 = 36

  private let table: UnsafeRawBufferPointer

  /// The table in this memory, which must stay as it is; nil when that is none, or not whole.
  public init?(table: UnsafeRawBufferPointer) {
    self.table = table
    guard table.count >= Self.header, table.count <= Self.maximumFile else { return nil }
    // "cvn1".
    guard number(at: 0) == 0x6376_6E31, number(at: 4) == Int64(table.count) else { return nil }
  }

  /// The maker of the device with this hardware address, at most 63 printable ASCII bytes; empty when
  /// unknown, as for every address that isn't its maker's (`MACAddress.isRandom`).
  public func name(of mac: MACAddress) -> Text {
    if mac.isRandom { return "" }
    for (index, bits) in ([24, 28, 36] as [UInt64]).enumerated() {
      let prefix = Int64(mac.value >> (48 - bits))
      if let start = entry(of: prefix, index: 8 + 8 * Int64(index)) {
        return text(at: start)
      }
    }
    return ""
  }

  /// Where the name of a prefix is, to which the index leads whose offset and size are at `header`.
  private func entry(of prefix: Int64, index header: Int64) -> Int64? {
    let start = number(at: header)
    var low: Int64 = 0
    var high = min(number(at: header + 4), Int64(table.count) / 8)
    while low < high {
      let middle = (low + high) / 2
      if blockPrefix(start + 8 * middle) <= prefix { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let block = start + 8 * (low - 1)
    var position = blockOffset(block)
    let end = min(blockOffset(block + 8), Int64(table.count))
    var found = blockPrefix(block)
    while position < end {
      found &+= distance(at: &position)
      let reference = distance(at: &position)
      if found == prefix { return reference == 0 ? position : number(at: 32) + reference - 1 }
      if found > prefix { return nil }
      if reference == 0 { position += 1 + byte(at: position) }
    }
    return nil
  }

  private func blockPrefix(_ position: Int64) -> Int64 {
    number(at: position) << 8 | byte(at: position + 4)
  }

  private func blockOffset(_ position: Int64) -> Int64 { number(at: position + 4) & 0xFF_FFFF }

  /// The name at `start`, whose bytes from 128 on stand for two others each.
  private func text(at start: Int64) -> Text {
    var pending: [UInt8] = []
    var index = min(byte(at: start), Self.maximumName)
    while index > 0 {
      pending.append(UInt8(byte(at: start + index)))
      index -= 1
    }
    var name: [UInt8] = []
    var steps = 0
    while let code = pending.popLast(), steps < Self.maximumSteps {
      steps += 1
      if code >= 128 {
        let pair = Self.pairs + 2 * (Int64(code) - 128)
        pending.append(UInt8(byte(at: pair + 1)))
        pending.append(UInt8(byte(at: pair)))
      } else if code >= 0x20, code < 0x7F, name.count < Self.maximumName {
        name.append(code)
      }
    }
    return Text(name)
  }

  /// Seven bits a byte, lowest first; at most five bytes.
  private func distance(at position: inout Int64) -> Int64 {
    var value: Int64 = 0
    var shift: Int64 = 0
    while shift < 35 {
      let next = byte(at: position)
      position += 1
      value |= (next & 127) << shift
      if next < 128 { break }
      shift += 7
    }
    return value
  }

  /// Four bytes, as 64 bits on every machine: the longest prefix has 36.
  private func number(at position: Int64) -> Int64 {
    byte(at: position) << 24 | byte(at: position + 1) << 16 | byte(at: position + 2) << 8
      | byte(at: position + 3)
  }

  /// A byte; 0 outside of the table.
  private func byte(at position: Int64) -> Int64 {
    position >= 0 && position < Int64(table.count) ? Int64(table[Int(position)]) : 0
  }
}
