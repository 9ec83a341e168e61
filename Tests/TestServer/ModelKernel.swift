import Bytes
import Firewall

/// What the kernel would refuse.
package struct Refused: Error {
  package var operation: Operation
  package var reason: String
}

/// A table as the kernel keeps it, with the kernel's checks of references.
package struct ModelKernel {
  /// An element and the time that it was given.
  package struct Element {
    package var value: ElementValue
    package var timeout: Span
  }

  package private(set) var exists = false
  package private(set) var chains: [Text: [[Expression]]] = [:]
  package private(set) var bases: [Text: Attachment] = [:]
  package private(set) var sets: [Text: [[UInt8]: Element]] = [:]
  package private(set) var keyLengths: [Text: Int] = [:]
  package private(set) var counters: [Text: UInt64] = [:]
  package private(set) var limits: Set<Text> = []
  /// Whether no key comes faster than its pace.
  package var keepsPace = true
  /// Whether packets begin connections.
  package var isNew = true

  /// A kernel without the table.
  package init() {}

  package mutating func commit(_ operations: [Operation]) throws {
    for operation in operations {
      if let reason = apply(operation) { throw Refused(operation: operation, reason: reason) }
    }
  }

  /// Why the kernel refuses; nil when it doesn't.
  private mutating func apply(_ operation: Operation) -> String? {
    if !exists, operation.kind != .addTable { return "no table" }
    let name = operation.name
    switch operation.kind {
    case .addTable: exists = true
    case .deleteTable: self = ModelKernel()
    case .flushTable: for name in chains.keys { chains[name] = [] }
    case .addChain:
      guard chains[name] == nil else { return "exists" }
      chains[name] = []
      bases[name] = operation.attachment
    case .flushChain:
      guard chains[name] != nil else { return "absent" }
      chains[name] = []
    case .deleteChain:
      guard chains.removeValue(forKey: name) != nil else { return "absent" }
      bases[name] = nil
      if isReferred(name) { return "in use" }
    case .addRule:
      guard chains[name] != nil else { return "absent" }
      guard let expressions = Expression.list(reading: Text(operation.bytes)) else {
        return "unreadable"
      }
      for expression in expressions where !isKnown(expression) { return "refers to nothing" }
      chains[name]?.append(expressions)
    case .addSet:
      guard sets[name] == nil else { return "exists" }
      sets[name] = [:]
      keyLengths[name] = Int(operation.key.length)
    case .deleteSet:
      guard let elements = sets.removeValue(forKey: name) else { return "absent" }
      if elements.values.contains(where: { $0.timeout > .zero }) { return "left elements" }
      if isReferred(name) { return "in use" }
    case .addElement:
      let key = operation.bytes
      let timeout = Span.milliseconds(operation.number)
      guard sets[name] != nil, sets[name]?[key] == nil else { return "absent, or exists" }
      guard key.count == keyLengths[name] else { return "key length" }
      if case .block = operation.value {
        guard timeout == .zero else { return "timeout" }
      } else {
        guard timeout > .zero, timeout <= .milliseconds(3_600_500) else { return "timeout" }
      }
      sets[name]?[key] = Element(value: operation.value, timeout: timeout)
    case .deleteElement where operation.bytes.isEmpty:
      guard sets[name] != nil else { return "absent" }
      sets[name] = [:]
    case .deleteElement:
      guard sets[name]?.removeValue(forKey: operation.bytes) != nil else { return "absent" }
    case .addCounter: counters[name] = counters[name] ?? 0
    case .deleteCounter:
      guard counters.removeValue(forKey: name) != nil else { return "absent" }
      if isReferred(name) { return "in use" }
    case .addLimit: limits.insert(name)
    case .deleteLimit:
      guard limits.remove(name) != nil else { return "absent" }
      if isReferred(name) { return "in use" }
    }
    return nil
  }

  private func isKnown(_ expression: Expression) -> Bool {
    let name = Text(expression.bytes)
    switch expression.kind {
    case .isIn, .isNotIn, .isWithinPace, .jumpByMap, .countByMap: return sets[name] != nil
    case .count: return counters[name] != nil
    case .isOver: return limits.contains(name)
    case .jump, .goTo: return chains[name] != nil
    default: return true
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
  package mutating func dropped(_ packet: Packet, in base: Text) -> Text? {
    guard chains[base] != nil else { return nil }
    var last: Text?
    switch walk(base, packet, &last) {
    case .drop, .reject: return last
    default: return nil
    }
  }

  /// What a base chain does with the packet.
  package mutating func outcome(_ packet: Packet, in base: Text) -> Outcome {
    var last: Text?
    return walk(base, packet, &last)
  }

  package enum Outcome: Equatable {
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
      let register = expression.register
      let name = Text(expression.bytes)
      switch expression.kind {
      case .payload:
        let header = [packet.link, packet.network, packet.header][Int(expression.what)]
        let bytes = header.dropFirst(Int(expression.first)).prefix(Int(expression.second))
        store(bytes, register)
      case .meta: store(packet.known(expression.what), register)
      case .destinationType: store([packet.targetType, 0, 0, 0], register)
      case .connectionState: store([isNew ? 8 : 2, 0, 0, 0], register)
      case .originalSource: store(packet.source.bytes, register)
      case .networkOrder: store(load(register, 4).reversed(), register)
      case .mask:
        let mask = expression.bytes
        store(zip(load(register, mask.count), mask).map { $0 & $1 }, register)
      case .equals:
        if load(register, expression.bytes.count) != expression.bytes { return .goOn }
      case .isWithin:
        let half = expression.bytes.count / 2
        let value = load(register, half)
        if value.lexicographicallyPrecedes(expression.bytes.prefix(half))
          || expression.bytes.suffix(half).lexicographicallyPrecedes(value)
        {
          return .goOn
        }
      case .isIn:
        if !has(load(register, keyLengths[name] ?? 0), in: name) { return .goOn }
      case .isNotIn:
        if has(load(register, keyLengths[name] ?? 0), in: name) { return .goOn }
      case .isWithinPace: if !keepsPace { return .goOn }
      case .jumpByMap:
        guard case .jump(let chain)? = sets[name]?[load(register, keyLengths[name] ?? 0)]?.value
        else { return .goOn }
        return walk(chain, packet, &last)
      case .countByMap:
        guard
          case .counter(let name)? = sets[name]?[load(register, keyLengths[name] ?? 0)]?.value
        else { return .goOn }
        counters[name, default: 0] += 1
        last = name
      case .count:
        counters[name, default: 0] += 1
        last = name
      case .isOver: break
      case .accept: return .accept
      case .drop: return .drop
      case .jump:
        let outcome = walk(name, packet, &last)
        if outcome != .goOn { return outcome }
      case .goTo:
        let outcome = walk(name, packet, &last)
        return outcome == .goOn ? .comeBack : outcome
      case .comeBack: return .comeBack
      case .reject: return .reject(resets: expression.what == 1)
      case .redirect: return .redirect(UInt16(expression.what))
      }
    }
    return .goOn
  }
}
