import Bytes

/// Takes data items off the front of bytes.
///
/// Nothing is reserved from a declared length: an array grows by the elements that are there.
struct CBORReader {
  private var cursor: ByteCursor
  private let limits: CBORLimits
  private var items = 0

  init(_ bytes: [UInt8], limits: CBORLimits) {
    cursor = ByteCursor(bytes)
    self.limits = limits
  }

  var isAtEnd: Bool { cursor.isEmpty }
  var offset: Int { cursor.offset }

  /// What begins an item (RFC 8949, Section 3).
  private struct Head {
    let major: UInt8
    /// The low five bits of the first byte.
    let information: UInt8
    /// Nil for an indefinite length.
    let argument: UInt64?
    let offset: Int
  }

  private static let breakByte: UInt8 = 0xFF

  /// Takes one item that `depth` arrays, maps and tags enclose.
  mutating func item(depth: Int) throws(CBORError) -> CBORValue {
    items += 1
    guard items <= limits.items else { throw CBORError(.tooManyItems, offset: offset) }
    let head = try head()
    if (4...6).contains(head.major), depth >= limits.depth {
      throw CBORError(.tooDeep, offset: head.offset)
    }
    switch head.major {
    case 0: return .unsigned(try definite(head))
    case 1: return .negative(try definite(head))
    case 2: return .bytes(try string(head))
    case 3: return .text(Text(try string(head)))
    case 4: return .array(try array(head, depth: depth + 1))
    case 5: return .map(try map(head, depth: depth + 1))
    case 6:
      let tag = try definite(head)
      return .tagged(tag, try item(depth: depth + 1))
    default: return try simpleOrFloat(head)
    }
  }

  private mutating func head() throws(CBORError) -> Head {
    let offset = offset
    let first = try byte()
    let information = first & 31
    let argument: UInt64?
    switch information {
    case 0..<24: argument = UInt64(information)
    case 24...27: argument = try integer(width: 1 << Int(information - 24))
    case 31: argument = nil
    default: throw CBORError(.reservedInformation, offset: offset)
    }
    return Head(major: first >> 5, information: information, argument: argument, offset: offset)
  }

  private func definite(_ head: Head) throws(CBORError) -> UInt64 {
    guard let argument = head.argument else {
      throw CBORError(.reservedInformation, offset: head.offset)
    }
    return argument
  }

  private mutating func simpleOrFloat(_ head: Head) throws(CBORError) -> CBORValue {
    guard let argument = head.argument else {
      throw CBORError(.unexpectedBreak, offset: head.offset)
    }
    switch head.information {
    case 20: return .bool(false)
    case 21: return .bool(true)
    case 22: return .null
    case 23: return .undefined
    case 25: return .float(FloatWidth.half.widened(argument))
    case 26: return .float(FloatWidth.single.widened(argument))
    case 27: return .float(argument)
    case 24 where argument < 32: throw CBORError(.invalidSimpleValue, offset: head.offset)
    default: return .simple(UInt8(truncatingIfNeeded: argument))
    }
  }

  private mutating func string(_ head: Head) throws(CBORError) -> [UInt8] {
    if let count = head.argument { return try chunk(count, of: head) }
    var content: [UInt8] = []
    while try !takesBreak() {
      let next = try self.head()
      guard next.major == head.major, let count = next.argument else {
        throw CBORError(.invalidChunk, offset: next.offset)
      }
      content += try chunk(count, of: next)
    }
    return content
  }

  private mutating func chunk(_ count: UInt64, of head: Head) throws(CBORError) -> [UInt8] {
    guard let count = Int(exactly: count), count <= cursor.count else {
      throw CBORError(.truncated, offset: head.offset)
    }
    let content = try bytes(count)
    if head.major == 3, !Text(content).isUTF8 {
      throw CBORError(.invalidUTF8, offset: head.offset)
    }
    return content
  }

  private mutating func array(_ head: Head, depth: Int) throws(CBORError) -> [CBORValue] {
    var elements: [CBORValue] = []
    while try hasNext(head, taken: elements.count) { elements.append(try item(depth: depth)) }
    return elements
  }

  private mutating func map(_ head: Head, depth: Int) throws(CBORError) -> [CBOREntry] {
    var entries: [CBOREntry] = []
    var keys = KeyOrder()
    while try hasNext(head, taken: entries.count) {
      let keyOffset = offset
      let key = try item(depth: depth)
      keys.append(key.encoded, offset: keyOffset)
      entries.append(CBOREntry(key: key, value: try item(depth: depth)))
    }
    if let duplicate = keys.duplicate { throw CBORError(.duplicateKey, offset: duplicate) }
    return entries
  }

  private mutating func hasNext(_ head: Head, taken: Int) throws(CBORError) -> Bool {
    guard let count = head.argument else { return try !takesBreak() }
    return UInt64(taken) < count
  }

  private mutating func takesBreak() throws(CBORError) -> Bool {
    guard let next = cursor.peek else { throw CBORError(.truncated, offset: offset) }
    guard next == Self.breakByte else { return false }
    _ = try byte()
    return true
  }

  private mutating func byte() throws(CBORError) -> UInt8 {
    do { return try cursor.byte() } catch {
      throw CBORError(.truncated, offset: error.offset)
    }
  }

  private mutating func integer(width: Int) throws(CBORError) -> UInt64 {
    var value: UInt64 = 0
    for _ in 0..<width { value = value << 8 | UInt64(try byte()) }
    return value
  }

  private mutating func bytes(_ count: Int) throws(CBORError) -> [UInt8] {
    do { return try cursor.bytes(count) } catch {
      throw CBORError(.truncated, offset: error.offset)
    }
  }
}

/// Finds a key that a map has twice, by the keys' deterministic encodings.
///
/// Keys mostly ascend, and then one comparison each is enough; else they are sorted once, so that a
/// large map in bad order costs no quadratic time.
private struct KeyOrder {
  private var keys: [(encoding: [UInt8], offset: Int)] = []
  private var isAscending = true

  mutating func append(_ encoding: [UInt8], offset: Int) {
    if let last = keys.last, !last.encoding.lexicographicallyPrecedes(encoding) {
      isAscending = false
    }
    keys.append((encoding, offset))
  }

  /// The offset of a key that was there before; nil when there is none.
  var duplicate: Int? {
    guard !isAscending else { return nil }
    let sorted = keys.ordered {
      $0.encoding == $1.encoding
        ? $0.offset < $1.offset : $0.encoding.lexicographicallyPrecedes($1.encoding)
    }
    for index in sorted.indices.dropFirst()
    where sorted[index].encoding == sorted[index - 1].encoding {
      return sorted[index].offset
    }
    return nil
  }
}
