import Bytes

// What compares what was loaded, and what a rule does then.
extension RuleReader {
  mutating func compare(_ word: Text) -> Bool {
    switch notation {
    case .address:
      guard let prefix = Prefix(parsing: word), prefix.family.bits == width * 8 else {
        return false
      }
      if !prefix.isHost { _ = add(.mask, bytes: prefix.family.mask(prefix.length).bytes) }
      return add(.equals, bytes: prefix.address.bytes)
    case .hardware:
      guard let prefix = MACPrefix(parsing: word), !expressions.isEmpty else { return false }
      expressions[expressions.count - 1].second = UInt32(prefix.bytes.count)
      return add(.equals, bytes: prefix.bytes)
    case .number:
      let parts = word.split(0x2D)
      guard parts.count <= 2, let lower = number(parts[0]), let upper = number(parts.last) else {
        return false
      }
      if lower != upper { return add(.isWithin, bytes: lower + upper) }
      if let loaded = expressions.last, loaded.kind == .meta {
        if loaded.what == Expression.Meta.family { family = lower[0] }
        if loaded.what == Expression.Meta.transportProtocol { transport = lower[0] }
      }
      return add(.equals, bytes: lower)
    }
  }

  /// The number in network byte order, as wide as what was loaded; nil when it doesn't fit.
  private func number(_ text: Text?) -> [UInt8]? {
    guard let value = text?.decimal(as: UInt32.self), width > 0, width <= 4 else { return nil }
    var bytes: [UInt8] = []
    bytes.append(bigEndian: value)
    for index in 0..<4 - width where bytes[index] != 0 { return nil }
    return [UInt8](bytes.suffix(width))
  }

  mutating func mask() -> Bool {
    let word = next().text
    switch notation {
    case .address: return IPAddress(parsing: word).map { add(.mask, bytes: $0.bytes) } ?? false
    case .hardware: return MACPrefix(parsing: word).map { add(.mask, bytes: $0.bytes) } ?? false
    case .number: return number(word).map { add(.mask, bytes: $0) } ?? false
    }
  }

  /// A set or map that is asked with what was loaded, however many parts it has.
  mutating func refer(_ kind: Expression.Kind, to word: Text) -> Bool {
    guard word.hasPrefix("@"), word.count > 1 else { return false }
    register = 0
    return add(kind, bytes: word.dropFirst(1).bytes)
  }

  mutating func pace() -> Bool {
    guard refer(.isWithinPace, to: next().text) else { return false }
    // Without a pace the key is learnt, no more.
    if place == words.count { return true }
    guard take("limit"), take("rate"),
      let rate = next().text.split(0x2F).first?.decimal(as: UInt32.self), take("burst"),
      let burst = next().text.decimal(as: UInt32.self), take("packets")
    else { return false }
    expressions[expressions.count - 1].first = rate
    expressions[expressions.count - 1].second = burst
    return true
  }

  mutating func count() -> Bool {
    guard take("name"), place < words.count else { return false }
    switch Word(text: words[place]) {
    // What is loaded for the map.
    case "ip", "ip6", "ether", "meta": return true
    default: return named(.count)
    }
  }

  mutating func reject() -> Bool {
    guard take("with") else { return false }
    if take("tcp") { return take("reset") && add(.reject, what: 1) }
    return take("icmpx") && take("admin-prohibited") && add(.reject)
  }

  mutating func redirect() -> Bool {
    guard take("to"), let port = next().text.dropFirst(1).decimal(as: UInt16.self) else {
      return false
    }
    return add(.redirect, what: UInt32(port))
  }
}
