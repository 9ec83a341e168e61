import Bytes

/// The words of a command line, sorted into options and others; whoever understands one takes it.
struct Words {
  /// Words that are no options, in their order.
  private(set) var positional: [Text] = []
  private var options: [(name: Text, value: Text)] = []

  /// Options without a value.
  private static let flags: [Text] = [
    "--json", "--watch", "--no-trigger", "--idle", "--mitigating", "--version", "--help",
  ]
  /// Options with a value.
  private static let valued: [Text] = [
    "--connect", "--certificate", "--key", "--trust", "--psk-identity", "--psk-file", "--name",
    "--transport", "--cuid", "--ticket", "--timeout", "--mid", "--source", "--source-port",
    "--target", "--target-port", "--protocol", "--lifetime", "--action", "--heartbeat-interval",
    "--missing-hb-allowed", "--max-retransmit", "--ack-timeout", "--ack-random-factor",
    "--probing-rate", "--listen", "--control", "--router", "--to", "--address", "--ttl",
  ]

  /// Sorts the words; `--option value` and `--option=value` are the same.
  init(_ words: [Text]) throws(Mistake) {
    var rest = words[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("-") else {
        positional.append(word)
        continue
      }
      let parts = word.split(0x3D)
      let name: Text = word == "-h" ? "--help" : parts[0]
      let value = parts.count > 1 ? word.dropFirst(name.count + 1) : nil
      if Self.flags.contains(name) {
        guard value == nil else { throw .valueSurplus(of: name) }
        options.append((name, ""))
      } else if Self.valued.contains(name) {
        guard let value = value ?? rest.popFirst(), !value.isEmpty else {
          throw .valueMissing(of: name)
        }
        options.append((name, value))
      } else {
        throw .unknownOption(name)
      }
    }
  }

  /// Whether an option is there; it stays.
  func has(_ name: Text) -> Bool { options.contains { $0.name == name } }

  /// Takes all values of an option.
  mutating func takeAll(_ name: Text) -> [Text] {
    let values = options.filter { $0.name == name }.map { $0.value }
    options.removeAll { $0.name == name }
    return values
  }

  /// Takes the value of an option that may be there once.
  mutating func take(_ name: Text) throws(Mistake) -> Text? {
    let values = takeAll(name)
    guard values.count < 2 else { throw .repeated(name) }
    return values.first
  }

  /// Takes an option without a value; twice is as good as once.
  mutating func takeFlag(_ name: Text) -> Bool { !takeAll(name).isEmpty }

  /// Takes the next word that is no option.
  mutating func takeWord() -> Text? { positional.isEmpty ? nil : positional.removeFirst() }

  /// Throws unless everything was taken.
  func end(of command: Text) throws(Mistake) {
    if let word = positional.first { throw .surplus(word) }
    if let option = options.first { throw .misplaced(option.name, command: command) }
  }
}

extension Text {
  /// The number that this is.
  func number<Number: FixedWidthInteger & UnsignedInteger>(
    _ what: Text,
    as type: Number.Type = Number.self
  ) throws(Mistake) -> Number {
    guard let number = decimal(as: Number.self) else { throw .not(self, what: what) }
    return number
  }

  /// The hundredths of a number with at most two decimals: `2`, `1.5`, `1.50`.
  func hundredths() throws(Mistake) -> UInt64 {
    let what: Text = "a number with at most two decimals"
    let parts = split(0x2E)
    guard parts.count <= 2, let whole = parts[0].decimal(as: UInt16.self) else {
      throw .not(self, what: what)
    }
    guard parts.count == 2 else { return UInt64(whole) * 100 }
    let digits = parts[1].bytes
    guard (1...2).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw .not(self, what: what)
    }
    let tens = UInt64(digits[0] - 0x30) * 10
    return UInt64(whole) * 100 + tens + (digits.count == 2 ? UInt64(digits[1] - 0x30) : 0)
  }
}
