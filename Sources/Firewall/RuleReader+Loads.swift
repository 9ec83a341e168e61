import Bytes

// What loads something, and what a packet must be to have it.
extension RuleReader {
  mutating func load(
    _ kind: Expression.Kind,
    what: UInt32 = 0,
    at offset: UInt32 = 0,
    _ width: Int,
    _ notation: Notation = .number
  ) -> Bool {
    if !isChained { register = 0 }
    isChained = false
    self.width = width
    self.notation = notation
    let length = kind == .payload ? UInt32(width) : 0
    expressions.append(
      Expression(kind, register: register, what: what, first: offset, second: length)
    )
    return true
  }

  /// Checks one byte of what the kernel knows, in register 0.
  private mutating func require(_ key: UInt32, _ value: [UInt8]) {
    expressions.append(Expression(.meta, what: key))
    expressions.append(Expression(.equals, bytes: value))
  }

  private mutating func know(family number: UInt8) -> Bool {
    guard family != number else { return true }
    require(Expression.Meta.family, [number])
    family = number
    return !isChained
  }

  mutating func address(of number: UInt8) -> Bool {
    guard know(family: number) else { return false }
    let isV4 = number == 2
    let width = isV4 ? 4 : 16
    if take("saddr") { return load(.payload, what: 1, at: isV4 ? 12 : 8, width, .address) }
    return take("daddr") && load(.payload, what: 1, at: isV4 ? 16 : 24, width, .address)
  }

  /// The sender's hardware address from Ethernet's header, where there is one.
  mutating func hardware() -> Bool {
    // ARPHRD_ETHER.
    require(Expression.Meta.inputType, inHostOrder(1, width: 2))
    return !isChained && load(.payload, at: 6, 6, .hardware)
  }

  /// Ports, or types of ICMP; the number 0 stands for any protocol that has them.
  mutating func header(of number: UInt8) -> Bool {
    if number != 0, transport != number {
      guard !isChained else { return false }
      require(Expression.Meta.transportProtocol, [number])
      transport = number
    }
    if take("type") { return load(.payload, what: 2, 1) }
    if take("sport") { return load(.payload, what: 2, 2) }
    return take("dport") && load(.payload, what: 2, at: 2, 2)
  }

  mutating func meta() -> Bool {
    if take("nfproto") { return load(.meta, what: Expression.Meta.family, 1) }
    if take("l4proto") { return load(.meta, what: Expression.Meta.transportProtocol, 1) }
    if take("iif") { return load(.meta, what: Expression.Meta.inputInterface, 4) }
    guard take("iifname"), load(.meta, what: Expression.Meta.inputName, 16) else { return false }
    var name = next().text.bytes
    if name.isEmpty { return false }
    while name.count < 16 { name.append(0) }
    while name.count > 16 { name.removeLast() }
    return add(.equals, bytes: name)
  }

  mutating func connection() -> Bool {
    if take("state") {
      return take("new") && load(.connectionState, 4) && add(.equals, bytes: inHostOrder(8))
    }
    guard take("original") else { return false }
    let number: UInt8 = take("ip") ? 2 : 10
    guard number == 2 || take("ip6"), take("saddr"), know(family: number) else { return false }
    return load(.originalSource, what: UInt32(number), number == 2 ? 4 : 16, .address)
  }

  /// RTN_LOCAL is 2, RTN_MULTICAST 5; broadcast and anycast lie between.
  mutating func destination() -> Bool {
    guard take("daddr") else { return false }
    let onInput = take(".")
    if onInput, !take("iif") { return false }
    guard take("type"), load(.destinationType, what: onInput ? 1 : 0, 4) else { return false }
    if take("local") { return add(.equals, bytes: inHostOrder(2)) }
    return take("local-multicast") && add(.networkOrder)
      && add(.isWithin, bytes: [0, 0, 0, 2, 0, 0, 0, 5])
  }

  /// A small number as the kernel keeps it: in the byte order of the machine.
  private func inHostOrder(_ value: UInt8, width: Int = 4) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: width)
    bytes[UInt16(1).littleEndian == 1 ? 0 : width - 1] = value
    return bytes
  }
}
