import Bytes
import Firewall

/// A packet with its headers as on the wire.
struct Packet {
  var source: IPAddress
  var target: IPAddress
  var transport: UInt8
  var sourcePort: UInt16 = 0
  var targetPort: UInt16 = 0
  var icmpType: UInt8 = 0
  var mac: [UInt8] = [2, 0, 0, 0, 0, 1]
  /// SYN.
  var tcpFlags: UInt8 = 2
  /// RTN_UNICAST.
  var targetType: UInt8 = 1
  var interface: Text = "lan0"

  var link: [UInt8] { [0, 0, 0, 0, 0, 0] + mac }

  var network: [UInt8] {
    source.family == .v4
      ? [UInt8](repeating: 0, count: 12) + source.bytes + target.bytes
      : [UInt8](repeating: 0, count: 8) + source.bytes + target.bytes
  }

  var header: [UInt8] {
    if transport == 1 || transport == 58 { return [icmpType, 0, 0, 0, 0, 0, 0, 0] }
    var bytes: [UInt8] = []
    bytes.append(bigEndian: sourcePort)
    bytes.append(bigEndian: targetPort)
    return bytes + [0, 0, 0, 0, 0, 0, 0, 0, 0x50, tcpFlags, 0, 0]
  }
}

/// What the kernel would refuse.
struct Refused: Error {
  var operation: Operation
  var reason: String
}

/// A table as the kernel keeps it, with the kernel's checks of references.
struct ModelKernel {
  struct Element {
    var value: ElementValue
    var timeout: Span
  }

  private(set) var exists = false
  private(set) var chains: [Text: [[Expression]]] = [:]
  private(set) var bases: [Text: Attachment] = [:]
  private(set) var sets: [Text: [[UInt8]: Element]] = [:]
  private(set) var keyLengths: [Text: Int] = [:]
  private(set) var counters: [Text: UInt64] = [:]
  private(set) var limits: Set<Text> = []
  /// Whether no key comes faster than its pace.
  var keepsPace = true
  /// Whether packets begin connections.
  var isNew = true

  mutating func commit(_ operations: [Operation]) throws {
    for operation in operations {
      if let reason = apply(operation) { throw Refused(operation: operation, reason: reason) }
    }
  }

  /// Why the kernel refuses; nil when it doesn't.
  private mutating func apply(_ operation: Operation) -> String? {
    if !exists, operation != .addTable { return "no table" }
    switch operation {
    case .addTable: exists = true
    case .deleteTable: self = ModelKernel()
    case .flushTable: for name in chains.keys { chains[name] = [] }
    case .addChain(let name, let attachment):
      guard chains[name] == nil else { return "exists" }
      chains[name] = []
      bases[name] = attachment
    case .flushChain(let name):
      guard chains[name] != nil else { return "absent" }
      chains[name] = []
    case .deleteChain(let name):
      guard chains.removeValue(forKey: name) != nil else { return "absent" }
      bases[name] = nil
      if isReferred(name) { return "in use" }
    case .addRule(let chain, let expressions):
      guard chains[chain] != nil else { return "absent" }
      for expression in expressions where !isKnown(expression) { return "refers to nothing" }
      chains[chain]?.append(expressions)
    case .addSet(let name, let key, _):
      guard sets[name] == nil else { return "exists" }
      sets[name] = [:]
      keyLengths[name] = key.reduce(0) { $0 + $1.paddedLength }
    case .deleteSet(let name):
      guard let elements = sets.removeValue(forKey: name) else { return "absent" }
      if elements.values.contains(where: { $0.timeout > .zero }) { return "left elements" }
      if isReferred(name) { return "in use" }
    case .addElement(let set, let key, let value, let timeout):
      guard sets[set] != nil, sets[set]?[key] == nil else { return "absent, or exists" }
      guard key.count == keyLengths[set] else { return "key length" }
      if case .block = value {
        guard timeout == .zero else { return "timeout" }
      } else {
        guard timeout > .zero, timeout <= .milliseconds(3_600_500) else { return "timeout" }
      }
      sets[set]?[key] = Element(value: value, timeout: timeout)
    case .deleteElement(let set, []):
      guard sets[set] != nil else { return "absent" }
      sets[set] = [:]
    case .deleteElement(let set, let key):
      guard sets[set]?.removeValue(forKey: key) != nil else { return "absent" }
    case .addCounter(let name, _): counters[name] = counters[name] ?? 0
    case .deleteCounter(let name):
      guard counters.removeValue(forKey: name) != nil else { return "absent" }
      if isReferred(name) { return "in use" }
    case .addLimit(let name, _): limits.insert(name)
    case .deleteLimit(let name):
      guard limits.remove(name) != nil else { return "absent" }
      if isReferred(name) { return "in use" }
    }
    return nil
  }

  private func isKnown(_ expression: Expression) -> Bool {
    switch expression {
    case .isIn(let set, _), .isNotIn(let set, _), .isWithinPace(let set, _, _, _),
      .jumpByMap(let set, _), .countByMap(let set, _):
      sets[set] != nil
    case .count(let name): counters[name] != nil
    case .isOver(let name): limits.contains(name)
    case .jump(let name), .goTo(let name): chains[name] != nil
    default: true
    }
  }

  /// Whether a rule or an element uses something of this name that is gone.
  private func isReferred(_ name: Text) -> Bool {
    let inRules = chains.values.contains { rules in
      rules.contains { $0.contains { !isKnown($0) } }
    }
    let inElements = sets.values.contains { elements in
      elements.values.contains { element in
        switch element.value {
        case .none, .block: false
        case .counter(let counter): counters[counter] == nil
        case .jump(let chain): chains[chain] == nil
        }
      }
    }
    return inRules || inElements
  }

  /// The counter that counted the packet that a base chain dropped; nil when it passes.
  mutating func dropped(_ packet: Packet, in base: Text) -> Text? {
    guard chains[base] != nil else { return nil }
    var last: Text?
    switch walk(base, packet, &last) {
    case .drop, .reject: return last
    default: return nil
    }
  }

  /// What a base chain does with the packet.
  mutating func outcome(_ packet: Packet, in base: Text) -> Outcome {
    var last: Text?
    return walk(base, packet, &last)
  }

  enum Outcome: Equatable {
    case accept
    case drop
    case reject(resets: Bool)
    case redirect(UInt16)
    case goOn
    /// Ends this chain only.
    case comeBack
  }

  private func has(_ key: [UInt8], in set: Text) -> Bool {
    guard let elements = sets[set] else { return false }
    if elements[key] != nil { return true }
    return elements.contains { start, element in
      guard case .block(let end) = element.value, !key.lexicographicallyPrecedes(start) else {
        return false
      }
      return end.isEmpty || key.lexicographicallyPrecedes(end)
    }
  }

  private mutating func walk(_ chain: Text, _ packet: Packet, _ last: inout Text?) -> Outcome {
    for rule in chains[chain] ?? [] {
      let outcome = run(rule, packet, &last)
      if outcome == .comeBack { return .goOn }
      if outcome != .goOn { return outcome }
    }
    return .goOn
  }

  private mutating func run(
    _ rule: [Expression],
    _ packet: Packet,
    _ last: inout Text?
  ) -> Outcome {
    var registers = [UInt8](repeating: 0xEE, count: 64)
    func store(_ bytes: some Collection<UInt8>, _ register: UInt32) {
      let start = Int(register) * 4
      let padded = [UInt8](bytes) + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
      registers.replaceSubrange(start..<start + padded.count, with: padded)
    }
    func load(_ register: UInt32, _ count: Int) -> [UInt8] {
      [UInt8](registers[Int(register) * 4..<Int(register) * 4 + count])
    }
    for expression in rule {
      switch expression {
      case .payload(let header, let offset, let length, let register):
        let bytes =
          header == .network ? packet.network : header == .link ? packet.link : packet.header
        store(bytes.dropFirst(Int(offset)).prefix(Int(length)), register)
      case .meta(.family, let register): store([packet.source.family == .v4 ? 2 : 10], register)
      case .meta(.transportProtocol, let register): store([packet.transport], register)
      case .meta(.inputType, let register): store([1, 0], register)
      case .meta(.inputName, let register):
        let name = packet.interface.bytes
        store(name + [UInt8](repeating: 0, count: 16 - name.count), register)
      case .meta(_, let register): store([9, 9, 9, 9], register)
      case .destinationType(_, let register): store([packet.targetType, 0, 0, 0], register)
      case .connectionState(let register): store([isNew ? 8 : 2, 0, 0, 0], register)
      case .originalSource(_, let register): store(packet.source.bytes, register)
      case .networkOrder(let register): store(load(register, 4).reversed(), register)
      case .mask(let register, let mask):
        store(zip(load(register, mask.count), mask).map { $0 & $1 }, register)
      case .equals(let register, let value):
        if load(register, value.count) != value { return .goOn }
      case .isWithin(let register, let lower, let upper):
        let value = load(register, lower.count)
        if value.lexicographicallyPrecedes(lower) || upper.lexicographicallyPrecedes(value) {
          return .goOn
        }
      case .isIn(let set, let register):
        if !has(load(register, keyLengths[set] ?? 0), in: set) { return .goOn }
      case .isNotIn(let set, let register):
        if has(load(register, keyLengths[set] ?? 0), in: set) { return .goOn }
      case .isWithinPace: if !keepsPace { return .goOn }
      case .jumpByMap(let map, let register):
        guard case .jump(let chain)? = sets[map]?[load(register, keyLengths[map] ?? 0)]?.value
        else { return .goOn }
        return walk(chain, packet, &last)
      case .countByMap(let map, let register):
        guard case .counter(let name)? = sets[map]?[load(register, keyLengths[map] ?? 0)]?.value
        else { return .goOn }
        counters[name, default: 0] += 1
        last = name
      case .count(let name):
        counters[name, default: 0] += 1
        last = name
      case .isOver: break
      case .accept: return .accept
      case .drop: return .drop
      case .jump(let chain):
        let outcome = walk(chain, packet, &last)
        if outcome != .goOn { return outcome }
      case .goTo(let chain):
        let outcome = walk(chain, packet, &last)
        return outcome == .goOn ? .comeBack : outcome
      case .comeBack: return .comeBack
      case .reject(let resets): return .reject(resets: resets)
      case .redirect(let port): return .redirect(port)
      }
    }
    return .goOn
  }
}
