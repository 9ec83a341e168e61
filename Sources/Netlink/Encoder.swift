import Bytes
import CNetfilter
import Firewall

/// Writes the messages of a batch; owns the memory in which libnftnl builds one message.
struct Encoder: ~Copyable {
  private let buffer: UnsafeMutableRawPointer
  /// The messages so far.
  private(set) var bytes: [UInt8] = []

  /// No message is longer: 64 expressions of 100 bytes, a journal of 256 and names of 32.
  private static let bufferLength = 16_384
  /// What one message may hold; plans stay far below.
  private static let maximumExpressions = 64
  private static let maximumValue = 64
  private static let maximumJournal = 256
  private static let maximumName = 128

  init() { buffer = .allocate(byteCount: Self.bufferLength, alignment: 16) }

  deinit { buffer.deallocate() }

  /// The name of our table.
  static let table: Text = "cordon"
  /// NFPROTO_INET.
  static let family: UInt16 = 1

  /// Message types of nf_tables (`enum nf_tables_msg_types`); those that destroy are missing in the
  /// headers of kernels before 6.3.
  enum Kind: UInt16 {
    case newTable = 0
    case getTable = 1
    case deleteTable = 2
    case newChain = 3
    case getChain = 4
    case deleteChain = 5
    case newRule = 6
    case getRule = 7
    case deleteRule = 8
    case newSet = 9
    case getSet = 10
    case deleteSet = 11
    case newElement = 12
    case getElement = 13
    case deleteElement = 14
    case newObject = 18
    case getObject = 19
    case deleteObject = 20
    case destroyTable = 26
    case destroyChain = 27
    case destroySet = 29
    case destroyElement = 30
    case destroyObject = 31
  }

  /// NLM_F_CREATE and NLM_F_EXCL: what exists already is an error.
  private static let create: UInt16 = 0x400
  private static let createOnly: UInt16 = 0x600
  /// NLM_F_CREATE and NLM_F_APPEND.
  private static let append: UInt16 = 0xC00
  /// NLM_F_ACK.
  private static let acknowledge: UInt16 = 0x4

  /// How operations are said to this kernel.
  struct Dialect {
    /// Whether deletes of what is gone succeed (kernel 6.3 and later).
    var destroys = false
    /// The flags of the table.
    var tableFlags: UInt32 = 0
  }

  mutating func beginBatch(_ sequence: UInt32) {
    append { UnsafeMutablePointer(nftnl_batch_begin($0, sequence)) }
  }

  mutating func endBatch(_ sequence: UInt32) {
    append { UnsafeMutablePointer(nftnl_batch_end($0, sequence)) }
  }

  /// Appends the message of one operation; asks for an acknowledgement with the last one.
  mutating func append(
    _ operation: Operation,
    _ sequence: UInt32,
    isLast: Bool,
    _ dialect: Dialect
  ) throws(KernelError) {
    let more: UInt16 = isLast ? Self.acknowledge : 0
    let header = Header(sequence: sequence, flags: more, destroys: dialect.destroys)
    switch operation {
    case .addTable:
      let flags = dialect.tableFlags
      try put(.newTable, Self.create, header) { cordon_put_table($0, $1, flags) }
    case .deleteTable:
      try put(header.destroys ? .destroyTable : .deleteTable, 0, header) {
        cordon_put_table($0, $1, 0)
      }
    case .flushTable:
      try rule(nil, [], header)
    case .addChain(let name, let attachment):
      let hook = attachment.map { Int32(bitPattern: $0.hook.rawValue) } ?? -1
      let priority = attachment?.priority ?? 0
      let translates = attachment?.translates ?? false
      try put(.newChain, Self.createOnly, header, name) {
        cordon_put_chain($0, $1, $2, hook, priority, translates)
      }
    case .flushChain(let name):
      try rule(name, [], header)
    case .deleteChain(let name):
      try put(header.destroys ? .destroyChain : .deleteChain, 0, header, name) {
        cordon_put_chain($0, $1, $2, -1, 0, false)
      }
    case .addRule(let chain, let expressions):
      try rule(chain, expressions, header)
    case .addSet(let name, let key, let content):
      let length = key.reduce(0) { $0 + UInt32($1.paddedLength) }
      let type = key.reduce(0) { $0 << 6 | $1.kernelType }
      try put(.newSet, Self.createOnly, header, name) {
        cordon_put_set($0, $1, $2, type, length, content.kernelNumber, sequence)
      }
    case .deleteSet(let name):
      try put(header.destroys ? .destroySet : .deleteSet, 0, header, name) {
        cordon_put_set($0, $1, $2, 0, 0, 0, 0)
      }
    case .addElement(let set, let key, let value, let timeout):
      var milliseconds = UInt64(clamping: max(timeout.milliseconds, 1))
      if case .block = value { milliseconds = 0 }
      try element(set, key, value, milliseconds, header)
    case .deleteElement(let set, let key):
      try element(set, key, nil, 0, header)
    case .addCounter(let name, let journal):
      try object(name, NFT_OBJECT_COUNTER, header, creates: true, journal: journal)
    case .deleteCounter(let name):
      try object(name, NFT_OBJECT_COUNTER, header, creates: false)
    case .addLimit(let name, let rate):
      try object(name, NFT_OBJECT_LIMIT, header, creates: true, rate: max(rate, 1))
    case .deleteLimit(let name):
      try object(name, NFT_OBJECT_LIMIT, header, creates: false)
    }
  }

  /// Appends a request that reads: one thing, or with `dumps` all of a kind.
  mutating func get(
    _ kind: Kind,
    family: UInt16 = Encoder.family,
    _ sequence: UInt32,
    dumps: Bool,
    _ fill: (UnsafeMutablePointer<nlmsghdr>) -> Void
  ) {
    // NLM_F_DUMP.
    let flags: UInt16 = dumps ? 0x300 : 0
    append { buffer in
      let message = nftnl_nlmsg_build_hdr(buffer, kind.rawValue, family, flags, sequence)
      if let message { fill(message) }
      return message
    }
  }
}

// MARK: Parts

extension Encoder {
  private struct Header {
    var sequence: UInt32
    var flags: UInt16
    var destroys: Bool
  }

  private typealias Message = UnsafeMutablePointer<nlmsghdr>

  private mutating func append(_ build: (UnsafeMutablePointer<CChar>) -> Message?) {
    let chars = buffer.bindMemory(to: CChar.self, capacity: Self.bufferLength)
    guard let message = build(chars) else { return }
    let length = min(Int(message.pointee.nlmsg_len) + 3 & ~3, Self.bufferLength)
    bytes += UnsafeRawBufferPointer(start: buffer, count: length)
  }

  /// Appends a message that `fill` completes, given the names of the table and of the thing.
  private mutating func put(
    _ kind: Kind,
    _ flags: UInt16,
    _ header: Header,
    _ name: Text = "",
    _ fill: (Message, UnsafePointer<CChar>, UnsafePointer<CChar>) -> Bool
  ) throws(KernelError) {
    guard name.count <= Self.maximumName else { throw KernelError(errno: EINVAL) }
    var isFilled = false
    append { buffer in
      guard
        let message = nftnl_nlmsg_build_hdr(
          buffer,
          kind.rawValue,
          Self.family,
          flags | header.flags,
          header.sequence
        )
      else { return nil }
      isFilled = Self.table.withCharacters { table in
        name.withCharacters { fill(message, table, $0) }
      }
      return message
    }
    guard isFilled else { throw KernelError(errno: ENOMEM) }
  }

  private mutating func put(
    _ kind: Kind,
    _ flags: UInt16,
    _ header: Header,
    _ fill: (Message, UnsafePointer<CChar>) -> Bool
  ) throws(KernelError) {
    try put(kind, flags, header, "") { message, table, _ in fill(message, table) }
  }

  private mutating func element(
    _ set: Text,
    _ key: [UInt8],
    _ value: ElementValue?,
    _ timeout: UInt64,
    _ header: Header
  ) throws(KernelError) {
    guard key.count <= Self.maximumValue else { throw KernelError(errno: EINVAL) }
    let length = UInt32(key.count)
    // All of a set are deleted, never destroyed: that always succeeds.
    let delete: Kind = header.destroys && !key.isEmpty ? .destroyElement : .deleteElement
    let kind: Kind = value == nil ? delete : .newElement
    let flags = value == nil ? 0 : Self.createOnly
    try put(kind, flags, header, set) { message, table, name in
      switch value {
      case nil, ElementValue.none?:
        return cordon_put_element(message, table, name, key, length, nil, nil, nil, timeout)
      case .counter(let counter)?:
        return counter.withCharacters {
          cordon_put_element(message, table, name, key, length, nil, $0, nil, timeout)
        }
      case .jump(let chain)?:
        return chain.withCharacters {
          cordon_put_element(message, table, name, key, length, nil, nil, $0, timeout)
        }
      case .block(let end)?:
        let end = end.count == key.count ? end : nil
        return cordon_put_element(message, table, name, key, length, end, nil, nil, timeout)
      }
    }
  }

  private mutating func object(
    _ name: Text,
    _ type: Int32,
    _ header: Header,
    creates: Bool,
    rate: UInt64 = 0,
    journal: [UInt8] = []
  ) throws(KernelError) {
    guard journal.count <= Self.maximumJournal else { throw KernelError(errno: E2BIG) }
    let length = UInt32(journal.count)
    let delete: Kind = header.destroys ? .destroyObject : .deleteObject
    let number = UInt32(bitPattern: type)
    try put(creates ? .newObject : delete, creates ? Self.create : 0, header, name) {
      cordon_put_object($0, $1, $2, number, rate, journal, length)
    }
  }

  /// Without expressions: removes the rules of the chain, or of all.
  private mutating func rule(
    _ chain: Text?,
    _ expressions: [Expression],
    _ header: Header
  ) throws(KernelError) {
    guard expressions.count <= Self.maximumExpressions else { throw KernelError(errno: E2BIG) }
    let kind: Kind = expressions.isEmpty ? .deleteRule : .newRule
    let flags = expressions.isEmpty ? 0 : Self.append
    try put(kind, flags, header, chain ?? "") { message, table, name in
      guard let rule = cordon_rule(table, chain == nil ? nil : name) else { return false }
      defer { nftnl_rule_free(rule) }
      for expression in expressions where !expression.add(to: rule) { return false }
      nftnl_rule_nlmsg_build_payload(message, rule)
      return true
    }
  }
}

extension Expression {
  /// NFT_REG32_00: the first of the 4-byte registers.
  private static let firstRegister: UInt32 = 8
  private static let maximumValue = 16

  /// Adds the expression to libnftnl's rule; false when there is no memory or a value is too long.
  fileprivate func add(to rule: OpaquePointer) -> Bool {
    let first = Self.firstRegister
    switch self {
    case .payload(let header, let offset, let length, let register):
      return cordon_add_payload(rule, header.rawValue, offset, length, first + register)
    case .meta(let key, let register):
      return cordon_add_meta(rule, key.rawValue, first + register)
    case .destinationType(let onInput, let register):
      return cordon_add_destination_type(rule, onInput, first + register)
    case .originalSource(let family, let register):
      let key = family == .v4 ? NFT_CT_SRC_IP : NFT_CT_SRC_IP6
      return cordon_add_connection(rule, key.rawValue, true, first + register)
    case .connectionState(let register):
      return cordon_add_connection(rule, NFT_CT_STATE.rawValue, false, first + register)
    case .networkOrder(let register):
      return cordon_add_network_order(rule, first + register)
    case .mask(let register, let mask):
      return cordon_add_mask(rule, first + register, mask, UInt32(mask.count))
    case .equals(let register, let value):
      guard value.count <= Self.maximumValue else { return false }
      return cordon_add_equals(rule, first + register, value, UInt32(value.count))
    case .isWithin(let register, let lower, let upper):
      guard lower.count <= Self.maximumValue, lower.count == upper.count else { return false }
      return cordon_add_range(rule, first + register, lower, upper, UInt32(lower.count))
    case .isIn(let set, let register):
      return set.withCharacters { cordon_add_lookup(rule, $0, first + register, false, false) }
    case .isNotIn(let set, let register):
      return set.withCharacters { cordon_add_lookup(rule, $0, first + register, false, true) }
    case .isWithinPace(let set, let register, let rate, let burst):
      return set.withCharacters { cordon_add_pace(rule, $0, first + register, rate, burst) }
    case .jumpByMap(let map, let register):
      return map.withCharacters { cordon_add_lookup(rule, $0, first + register, true, false) }
    case .countByMap(let map, let register):
      return map.withCharacters { cordon_add_object_by_map(rule, $0, first + register) }
    case .count(let counter):
      return counter.withCharacters {
        cordon_add_object(rule, UInt32(bitPattern: NFT_OBJECT_COUNTER), $0)
      }
    case .isOver(let limit):
      return limit.withCharacters {
        cordon_add_object(rule, UInt32(bitPattern: NFT_OBJECT_LIMIT), $0)
      }
    case .reject(let resets): return cordon_add_reject(rule, resets)
    case .redirect(let port): return cordon_add_redirect(rule, first, port)
    // NF_ACCEPT, NF_DROP, NFT_RETURN, NFT_JUMP, NFT_GOTO.
    case .accept: return cordon_add_verdict(rule, 1, nil)
    case .drop: return cordon_add_verdict(rule, 0, nil)
    case .comeBack: return cordon_add_verdict(rule, -5, nil)
    case .jump(let chain): return chain.withCharacters { cordon_add_verdict(rule, -3, $0) }
    case .goTo(let chain): return chain.withCharacters { cordon_add_verdict(rule, -4, $0) }
    }
  }
}

extension KeyField {
  /// The number by which `nft` shows a key's parts; the kernel only keeps it.
  fileprivate var kernelType: UInt32 {
    switch self {
    case .family: 2
    case .address(.v4): 7
    case .address(.v6): 8
    case .hardware: 9
    case .transportProtocol: 12
    case .port: 13
    }
  }
}

extension SetContent {
  /// How the shim calls it.
  fileprivate var kernelNumber: Int32 {
    switch self {
    case .keys: 0
    case .counters: 1
    case .jumps: 2
    case .blocks: 3
    case .paces: 4
    }
  }
}

extension Text {
  /// Calls `body` with the characters and a zero after them.
  func withCharacters<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    let characters = bytes.map { CChar(bitPattern: $0) } + [0]
    return body(characters)
  }
}
