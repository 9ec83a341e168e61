import Bytes
import DOTS
import Model

extension Command {
  /// What a lifetime should be unless there is a reason (RFC 9132, Section 4.4.1.1), in seconds.
  static let usualLifetime: UInt32 = 3600

  /// Takes the words and options of the command `name`.
  init(_ name: Text, _ words: inout Words) throws(Mistake) {
    switch name {
    case "mitigate":
      let scope = try MitigationScope(of: name, &words)
      let lifetime = try Self.lifetime(&words) ?? .seconds(Self.usualLifetime)
      self = .mitigate(mid: try Self.mid(of: name, &words), scope, lifetime)
    case "withdraw": self = .withdraw(mid: try Self.mid(of: name, &words))
    case "status":
      let isWatching = words.takeFlag("--watch")
      self = .status(mid: try Self.optionalMID(&words), watching: isWatching)
    case "efficacy":
      let status = try Self.attackStatus(words.takeWord())
      let scope = try MitigationScope(of: name, &words)
      let lifetime = try Self.lifetime(&words)
      self = .efficacy(mid: try Self.mid(of: name, &words), status, scope, lifetime)
    case "config": self = try Self.configuration(words.takeWord(), &words)
    case "heartbeat": self = .heartbeat
    case "redirect": self = .redirect(try Redirection(&words))
    default: throw .unknownCommand(name)
    }
  }

  private static func mid(of command: Text, _ words: inout Words) throws(Mistake) -> UInt32 {
    guard let mid = try optionalMID(&words) else { throw .missing("--mid", of: command) }
    return mid
  }

  private static func optionalMID(_ words: inout Words) throws(Mistake) -> UInt32? {
    guard let word = try words.take("--mid") else { return nil }
    return try word.number("a number from 0 to 4294967295")
  }

  private static func lifetime(_ words: inout Words) throws(Mistake) -> Lifetime? {
    guard let word = try words.take("--lifetime") else { return nil }
    if word == "indefinite" { return .indefinite }
    let what: Text = "a number of seconds, or 'indefinite'"
    let seconds = try word.number(what, as: UInt32.self)
    guard seconds > 0 else { throw .not(word, what: what) }
    return .seconds(seconds)
  }

  private static func attackStatus(_ word: Text?) throws(Mistake) -> AttackStatus {
    let what: Text = "under-attack or mitigated"
    guard let word else { throw .argumentMissing(of: "efficacy", what: what) }
    if word == "under-attack" { return .underAttack }
    guard word == "mitigated" else { throw .not(word, what: what) }
    return .attackSuccessfullyMitigated
  }

  private static func configuration(
    _ word: Text?,
    _ words: inout Words
  ) throws(Mistake) -> Command {
    guard let word else { throw .argumentMissing(of: "config", what: "get, set or reset") }
    switch word {
    case "get": return .retrieveConfiguration
    case "reset": return .resetConfiguration
    case "set": return .configure(try SessionConfiguration(&words))
    default: throw .not(word, what: "get, set or reset")
    }
  }
}

extension MitigationScope {
  /// Takes the options that make a scope, which needs a target (RFC 9132, Section 4.4.1.1).
  fileprivate init(of command: Text, _ words: inout Words) throws(Mistake) {
    self.init()
    sourcePrefixes = try words.takeAll("--source").map(Self.prefix)
    sourcePortRanges = try words.takeAll("--source-port").map(Self.ports)
    targetPrefixes = try words.takeAll("--target").map(Self.prefix)
    targetPortRanges = try words.takeAll("--target-port").map(Self.ports)
    targetProtocols = try words.takeAll("--protocol").map(Self.protocolNumber)
    if let word = try words.take("--action") { requestedAction = try Self.action(word) }
    triggerMitigation = !words.takeFlag("--no-trigger")
    guard !targetPrefixes.isEmpty else { throw .missing("--target", of: command) }
  }

  private static func prefix(_ word: Text) throws(Mistake) -> Prefix {
    guard let prefix = Prefix(parsing: word) else {
      throw .not(word, what: "an address or ADDRESS/LENGTH")
    }
    return prefix
  }

  private static func ports(_ word: Text) throws(Mistake) -> PortRange {
    let bounds = word.split(0x2D)
    guard bounds.count <= 2, let lower = bounds[0].decimal(as: UInt16.self),
      let upper = bounds.count == 2 ? bounds[1].decimal(as: UInt16.self) : lower,
      let range = PortRange(lower, upper)
    else { throw .not(word, what: "a port or a range of ports, LOWER-UPPER") }
    return range
  }

  private static func protocolNumber(_ word: Text) throws(Mistake) -> UInt8 {
    switch word {
    case "icmp": return 1
    case "tcp": return 6
    case "udp": return 17
    case "icmpv6": return 58
    default: return try word.number("a protocol: tcp, udp, icmp, icmpv6 or 0 to 255")
    }
  }

  private static func action(_ word: Text) throws(Mistake) -> RequestedAction {
    switch word {
    case "block": return .block
    case "limit": return .limit
    case "quarantine": return .quarantine
    default: throw .not(word, what: "block, limit or quarantine")
    }
  }
}

extension Redirection {
  /// Takes the options of `redirect`.
  fileprivate init(_ words: inout Words) throws(Mistake) {
    guard let name = try words.take("--to") else { throw .missing("--to", of: "redirect") }
    self.init(name: name)
    for word in words.takeAll("--address") {
      guard let address = IPAddress(parsing: word) else { throw .not(word, what: "an address") }
      addresses.append(address)
    }
    if let word = try words.take("--ttl") {
      lifetime = try word.number("a number of seconds", as: UInt32.self)
    }
  }
}

extension SessionConfiguration {
  /// Takes the options of `config set`: for both sets, unless one is said.
  fileprivate init(_ words: inout Words) throws(Mistake) {
    self.init()
    let set = try ConfigurationSet(&words)
    guard !set.isEmpty else { throw .argumentMissing(of: "config set", what: "a parameter") }
    let isIdle = words.takeFlag("--idle")
    let isMitigating = words.takeFlag("--mitigating")
    if isIdle || !isMitigating { idle = set }
    if isMitigating || !isIdle { mitigating = set }
  }
}

extension ConfigurationSet {
  fileprivate init(_ words: inout Words) throws(Mistake) {
    func whole(_ word: Text?) throws(Mistake) -> ConfigurationValue? {
      guard let word else { return nil }
      let number = try word.number("a number from 0 to 65535", as: UInt16.self)
      return ConfigurationValue(current: UInt64(number))
    }
    func decimal(_ word: Text?) throws(Mistake) -> ConfigurationValue? {
      guard let word else { return nil }
      return ConfigurationValue(current: try word.hundredths())
    }
    self.init()
    heartbeatInterval = try whole(try words.take("--heartbeat-interval"))
    missingHeartbeatsAllowed = try whole(try words.take("--missing-hb-allowed"))
    maximumRetransmit = try whole(try words.take("--max-retransmit"))
    ackTimeout = try decimal(try words.take("--ack-timeout"))
    ackRandomFactor = try decimal(try words.take("--ack-random-factor"))
    probingRate = try whole(try words.take("--probing-rate"))
  }
}
