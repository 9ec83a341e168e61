import Bytes

extension Expression {
  /// The instructions that a rule stands for; nil when it isn't written as below.
  ///
  /// Rules are ours, never input: a mistake in one is found by the tests, which read them all. They are
  /// written as `nft` has them, in this part of its language, one space between words:
  ///
  ///     ip|ip6 saddr|daddr, ether saddr, th|udp|tcp sport|dport, icmp|icmpv6 type, @th,104,8,
  ///     meta nfproto|l4proto|iif, ct original ip|ip6 saddr
  ///                             load something; what a packet must be to have it is checked before
  ///     LOAD . LOAD             loads a key of several parts
  ///     & MASK                  keeps bits of what was loaded last
  ///     VALUE, LOWER-UPPER, ADDRESS/LENGTH
  ///                             compare with it
  ///     @SET, != @SET           look it up
  ///     vmap @MAP               jumps as the map says
  ///     counter name LOAD map @MAP
  ///                             counts as the map says
  ///     update @SET limit rate N/second burst N packets
  ///                             goes on while the key keeps the pace
  ///     update @SET             learns the key; ends the rule
  ///     meta iifname NAME, ct state new, fib daddr type local, fib daddr type local-multicast,
  ///     fib daddr . iif type local
  ///     counter name NAME, limit name NAME, jump NAME, goto NAME, accept, drop, return,
  ///     reject with tcp reset, reject with icmpx admin-prohibited, redirect to :PORT
  ///
  /// Three things differ from `nft`: what was loaded stays for the next word, so that `ether saddr @A
  /// update @B` needs no second load; families and protocols are numbers; and of a hardware address the
  /// first bytes do.
  public static func list(reading rule: Text) -> [Expression]? {
    var reader = RuleReader(rule)
    return reader.readAll() ? reader.expressions : nil
  }
}

/// Reads one rule from front to back; each word adds at most a few instructions.
struct RuleReader {
  let words: [Text]
  var place = 0
  var expressions: [Expression] = []
  /// Where what was loaded last stands.
  var register: UInt32 = 0
  /// Whether the next load goes behind it.
  var isChained = false
  /// The bytes of what was loaded last.
  var width = 0
  /// How values of it are written.
  var notation = Notation.number
  /// What is known of the packet; 0: nothing yet.
  var family: UInt8 = 0
  var transport: UInt8 = 0

  enum Notation {
    case number
    case address
    case hardware
  }

  init(_ rule: Text) { words = rule.split(0x20) }

  mutating func readAll() -> Bool {
    while place < words.count {
      guard read(next()) else { return false }
    }
    // What is loaded is there to be compared.
    return expressions.last.map { $0.kind.rawValue > Expression.Kind.mask.rawValue } ?? false
  }

  private mutating func read(_ word: Word) -> Bool {
    switch word {
    case "ip": return address(of: 2)
    case "ip6": return address(of: 10)
    case "ether": return take("saddr") && hardware()
    case "th": return header(of: 0)
    case "tcp": return header(of: 6)
    case "udp": return header(of: 17)
    case "icmp": return header(of: 1)
    case "icmpv6": return header(of: 58)
    // The flags of TCP.
    case "@th,104,8": return load(.payload, what: 2, at: 13, 1)
    case "meta": return meta()
    case "ct": return connection()
    case "fib": return destination()
    case ".":
      register += UInt32((width + 3) / 4)
      isChained = true
      return true
    case "==": return true
    case "&": return mask()
    case "!=": return refer(.isNotIn, to: next().text)
    case "vmap": return refer(.jumpByMap, to: next().text)
    case "map": return refer(.countByMap, to: next().text)
    case "update": return pace()
    case "counter": return count()
    case "limit": return take("name") && named(.isOver)
    case "accept": return add(.accept)
    case "drop": return add(.drop)
    case "return": return add(.comeBack)
    case "jump": return named(.jump)
    case "goto": return named(.goTo)
    case "reject": return reject()
    case "redirect": return redirect()
    default: return word.text.hasPrefix("@") ? refer(.isIn, to: word.text) : compare(word.text)
    }
  }
}

// MARK: Words

/// A word, to be compared with literals.
struct Word {
  let text: Text

  static func ~= (literal: StaticString, word: Word) -> Bool {
    let bytes = word.text.bytes
    guard bytes.count == literal.utf8CodeUnitCount else { return false }
    for index in 0..<bytes.count where bytes[index] != literal.utf8Start[index] { return false }
    return true
  }
}

extension RuleReader {
  /// Empty at the end.
  mutating func next() -> Word {
    defer { place += 1 }
    return Word(text: place < words.count ? words[place] : Text([]))
  }

  /// Whether this is the next word, which then is passed.
  mutating func take(_ literal: StaticString) -> Bool {
    guard place < words.count, literal ~= Word(text: words[place]) else { return false }
    place += 1
    return true
  }

  mutating func add(
    _ kind: Expression.Kind,
    what: UInt32 = 0,
    bytes: [UInt8] = []
  ) -> Bool {
    expressions.append(Expression(kind, register: register, what: what, bytes: bytes))
    return true
  }

  /// The next word is a name.
  mutating func named(_ kind: Expression.Kind) -> Bool {
    let name = next().text
    return !name.isEmpty && add(kind, bytes: name.bytes)
  }
}
