import Bytes
import Model

extension Entry {
  /// The error that says that the value is not of this form.
  func bad(_ form: ValueForm) -> SettingsError {
    SettingsError(.badValue(value, of: option, expected: form), at: valueLocation)
  }

  /// A switch, in any of UCI's spellings.
  func boolean() throws(SettingsError) -> Bool {
    for word: StaticString in ["1", "yes", "on", "true", "enabled"] where value.matches(word) {
      return true
    }
    for word: StaticString in ["0", "no", "off", "false", "disabled"] where value.matches(word) {
      return false
    }
    throw bad(.boolean)
  }

  /// A decimal number within `range`.
  func number(_ range: ClosedRange<UInt32>) throws(SettingsError) -> UInt32 {
    guard let number = value.decimal(as: UInt32.self), range.contains(number) else {
      throw bad(.number(range))
    }
    return number
  }

  /// A port; 0 is none.
  func port() throws(SettingsError) -> UInt16 {
    UInt16(truncatingIfNeeded: try number(1...65_535))
  }

  /// A rate as tc(8) writes it, bits a second with or without a unit, in bytes a second.
  func rate() throws(SettingsError) -> UInt64 {
    let digits = value.bytes.prefix { $0 >= 0x30 && $0 <= 0x39 }
    let unit = Text([UInt8](value.bytes.dropFirst(digits.count))).asciiLowercased
    let factor: UInt64
    if unit.isEmpty || unit.matches("bit") {
      factor = 1
    } else if unit.matches("kbit") {
      factor = 1000
    } else if unit.matches("mbit") {
      factor = 1_000_000
    } else if unit.matches("gbit") {
      factor = 1_000_000_000
    } else {
      throw bad(.rate)
    }
    // 32 bits of any unit stay far below the end of 64 bits.
    guard let number = Text([UInt8](digits)).decimal(as: UInt32.self) else { throw bad(.rate) }
    let bytes = UInt64(number) * factor / 8
    guard bytes > 0 else { throw bad(.rate) }
    return bytes
  }

  /// An IP address.
  func address() throws(SettingsError) -> IPAddress {
    guard let address = IPAddress(parsing: value) else { throw bad(.address) }
    return address
  }

  /// A block of addresses; a bare address is a block of one.
  func prefix() throws(SettingsError) -> Prefix {
    guard let prefix = Prefix(parsing: value) else { throw bad(.prefix) }
    return prefix
  }

  /// A hardware address or the first bytes of one.
  func macPrefix() throws(SettingsError) -> MACPrefix {
    guard let prefix = MACPrefix(parsing: value) else { throw bad(.macPrefix) }
    return prefix
  }

  /// One port or two with a hyphen between.
  func portRange() throws(SettingsError) -> PortRange {
    let bounds = value.split(UInt8(ascii: "-"))
    guard bounds.count <= 2, let lower = bounds.first?.decimal(as: UInt16.self),
      let upper = bounds.last?.decimal(as: UInt16.self), lower > 0,
      let range = PortRange(lower, upper)
    else { throw bad(.portRange) }
    return range
  }

  /// The bits of an offset, those of a set's number, and the number; nil for an empty value.
  func portSet() throws(SettingsError) -> PortSet? {
    if value.isEmpty { return nil }
    let numbers = value.split(UInt8(ascii: " "))
    guard numbers.count == 3, let offset = numbers[0].decimal(as: UInt8.self),
      let length = numbers[1].decimal(as: UInt8.self),
      let number = numbers[2].decimal(as: UInt16.self),
      let set = PortSet(offset: offset, length: length, number: number)
    else { throw bad(.portSet) }
    return set
  }

  /// An absolute path.
  func path(maximum: Int = SettingsLimits.path) throws(SettingsError) -> Text {
    guard value.bytes.first == UInt8(ascii: "/"), value.count <= maximum else {
      throw bad(.path(maximum: maximum))
    }
    return value
  }

  /// An absolute path; nil for an empty value, which is how UCI leaves an option unset.
  func optionalPath() throws(SettingsError) -> Text? { value.isEmpty ? nil : try path() }

  /// A SHA-256 digest in hexadecimal digits, with or without colons between the bytes; nil for an
  /// empty value.
  func optionalDigest() throws(SettingsError) -> [UInt8]? {
    if value.isEmpty { return nil }
    let hasColons = value.bytes.contains(UInt8(ascii: ":"))
    guard value.count == (hasColons ? 95 : 64) else { throw bad(.digest) }
    var digest: [UInt8] = []
    var rest = value.bytes[...]
    while let upper = rest.popFirst(), let lower = rest.popFirst() {
      guard let upper = hexadecimalDigit(upper), let lower = hexadecimalDigit(lower) else {
        throw bad(.digest)
      }
      digest.append(upper << 4 | lower)
      if hasColons, let separator = rest.popFirst(), separator != UInt8(ascii: ":") {
        throw bad(.digest)
      }
    }
    return digest
  }

  /// An interface's name as the kernel allows it: 1 to 15 bytes (IFNAMSIZ without its NUL), no
  /// space, slash or colon, neither `.` nor `..`.
  func interface() throws(SettingsError) -> Text {
    let isPlain = value.bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2F && $0 != 0x3A }
    guard !value.isEmpty, value.count <= 15, isPlain, !value.matches("."), !value.matches("..")
    else { throw bad(.interface) }
    return value
  }

  /// A user's name: 1 to 32 letters, digits, `_`, `-` and `.`, the first a letter or `_`.
  func user() throws(SettingsError) -> Text {
    guard let first = value.bytes.first, value.count <= 32,
      first == UInt8(ascii: "_") || (first.isLetterOrDigit && first >= 0x41),
      value.bytes.allSatisfy({ $0.isLetterOrDigit || $0 == 0x5F || $0 == 0x2D || $0 == 0x2E })
    else { throw bad(.user) }
    return value
  }

  /// A host's name or its address.
  func host() throws(SettingsError) -> Text {
    if IPAddress(parsing: value) != nil { return value }
    guard value.count <= SettingsLimits.name, value.isHostName else { throw bad(.host) }
    return value
  }

  /// A server's name, then its addresses if they are known, a space between; or nothing.
  func alternateServer() throws(SettingsError) -> Text {
    if value.isEmpty { return value }
    let words = value.split(UInt8(ascii: " "))
    for (index, word) in words.enumerated() {
      let isAddress = IPAddress(parsing: word) != nil
      guard index == 0 ? !isAddress && word.isHostName : isAddress else { throw bad(.server) }
    }
    guard value.count <= SettingsLimits.name else { throw bad(.server) }
    return value
  }

  /// Any text that is not empty.
  func text(maximum: Int) throws(SettingsError) -> Text {
    guard !value.isEmpty, value.count <= maximum else { throw bad(.text(maximum: maximum)) }
    return value
  }

  /// The choice whose spelling the value is.
  func choice<Choice>(
    _ choices: [(StaticString, Choice)],
    _ form: ValueForm
  ) throws(SettingsError) -> Choice {
    for (spelling, choice) in choices where value.matches(spelling) { return choice }
    throw bad(form)
  }

  /// What requests get.
  func action() throws(SettingsError) -> Action {
    try choice(
      [
        ("block", .block), ("limit", .limit), ("quarantine", .quarantine), ("ask", .ask),
        ("observe", .observe),
      ],
      .action
    )
  }

  /// What carries a session.
  func transport() throws(SettingsError) -> Transport {
    try choice([("udp", .udp), ("tcp", .tcp)], .transport)
  }
}

extension Text {
  /// Whether all its bytes may be in a host's name, and one at least is more than punctuation.
  fileprivate var isHostName: Bool {
    bytes.allSatisfy({ $0.isLetterOrDigit || $0 == 0x5F || $0 == 0x2D || $0 == 0x2E })
      && bytes.contains(where: { $0.isLetterOrDigit })
  }
}
