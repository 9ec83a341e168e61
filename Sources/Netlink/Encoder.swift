import Bytes
import CNetfilter
import Firewall

/// Writes the messages of a batch; owns the memory in which libnftnl builds one message.
struct Encoder: ~Copyable {
  private let buffer: UnsafeMutablePointer<CChar>
  /// The messages so far.
  private(set) var bytes: [UInt8] = []

  /// No message is longer: 64 expressions of 100 bytes, a journal of 256 and names of 32.
  private static let bufferLength = 16_384
  /// What one message may hold; plans stay far below.
  private static let maximumExpressions = 64
  private static let maximumKey = 64
  private static let maximumJournal = 256
  private static let maximumName = 128

  init() { buffer = .allocate(capacity: Self.bufferLength) }

  deinit { buffer.deallocate() }

  /// The name of our table; the shim knows it too.
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
  static let acknowledge: UInt16 = 0x4
  /// NLM_F_DUMP.
  static let dump: UInt16 = 0x300

  /// How operations are said to this kernel.
  struct Dialect {
    /// Whether deletes of what is gone succeed (kernel 6.3 and later).
    var destroys = false
    /// The flags of the table.
    var tableFlags: UInt32 = 0
  }

  mutating func beginBatch(_ sequence: UInt32) {
    take(UnsafeMutablePointer(nftnl_batch_begin(buffer, sequence)).pointee.nlmsg_len)
  }

  mutating func endBatch(_ sequence: UInt32) {
    take(UnsafeMutablePointer(nftnl_batch_end(buffer, sequence)).pointee.nlmsg_len)
  }

  /// Appends a request for what has these names, all of a kind with the flag `dump`; `object` is the
  /// type of what it asks for, where it has one.
  mutating func ask(
    _ kind: Kind,
    _ sequence: UInt32,
    flags: UInt16,
    table: Text = Encoder.table,
    name: Text = "",
    object: UInt32 = 0
  ) {
    take(
      cordon_put_request(
        buffer,
        kind.rawValue,
        flags,
        sequence,
        table.bytes.terminated,
        name.bytes.terminated,
        object
      )
    )
  }

  /// Appends the message of one operation; asks for an acknowledgement with the last one.
  mutating func append(
    _ operation: Operation,
    _ sequence: UInt32,
    isLast: Bool,
    _ dialect: Dialect
  ) throws(KernelError) {
    guard operation.name.count <= Self.maximumName else { throw KernelError(errno: EINVAL) }
    let (kind, flags) = Self.kind(operation, destroys: dialect.destroys)
    guard
      let message = nftnl_nlmsg_build_hdr(
        buffer,
        kind.rawValue,
        Self.family,
        flags | (isLast ? Self.acknowledge : 0),
        sequence
      )
    else { throw KernelError(errno: ENOMEM) }
    try Self.fill(message, operation, sequence, dialect)
    take(message.pointee.nlmsg_len)
  }

  /// Appends the message that was built.
  private mutating func take(_ length: UInt32) {
    let padded = min((Int(length) + 3) & ~3, Self.bufferLength)
    bytes += UnsafeRawBufferPointer(start: buffer, count: padded)
  }
}

// MARK: Parts

extension Encoder {
  private static func kind(
    _ operation: Operation,
    destroys: Bool
  ) -> (kind: Kind, flags: UInt16) {
    switch operation.kind {
    case .addTable: (.newTable, create)
    case .deleteTable: (destroys ? .destroyTable : .deleteTable, 0)
    case .flushTable, .flushChain: (.deleteRule, 0)
    case .addChain: (.newChain, createOnly)
    case .deleteChain: (destroys ? .destroyChain : .deleteChain, 0)
    case .addRule: (.newRule, append)
    case .addSet: (.newSet, createOnly)
    case .deleteSet: (destroys ? .destroySet : .deleteSet, 0)
    case .addElement: (.newElement, createOnly)
    case .deleteElement:
      // All of a set are deleted, never destroyed: that always succeeds.
      (destroys && !operation.bytes.isEmpty ? .destroyElement : .deleteElement, 0)
    case .addCounter, .addLimit: (.newObject, create)
    case .deleteCounter, .deleteLimit: (destroys ? .destroyObject : .deleteObject, 0)
    }
  }

  /// Completes the message of an operation.
  private static func fill(
    _ message: UnsafeMutablePointer<nlmsghdr>,
    _ operation: Operation,
    _ sequence: UInt32,
    _ dialect: Dialect
  ) throws(KernelError) {
    let name = operation.name.bytes.terminated
    let bytes = operation.bytes
    let length = UInt32(bytes.count)
    let number = operation.number
    let isFilled: Bool
    switch operation.kind {
    case .addTable: isFilled = cordon_put_table(message, dialect.tableFlags)
    case .deleteTable: isFilled = cordon_put_table(message, 0)
    case .addChain, .deleteChain:
      let attachment = operation.attachment
      let hook = attachment.map { Int32(bitPattern: $0.hook.rawValue) } ?? -1
      let priority = attachment?.priority ?? 0
      let translates = attachment?.translates ?? false
      isFilled = cordon_put_chain(message, name, hook, priority, translates)
    case .addRule, .flushChain, .flushTable: isFilled = try fill(message, rule: operation)
    case .addSet, .deleteSet:
      let key = operation.key
      let content = Int32(operation.content.rawValue)
      isFilled = cordon_put_set(message, name, key.number, key.length, content, sequence)
    case .addElement, .deleteElement:
      guard bytes.count <= maximumKey else { throw KernelError(errno: EINVAL) }
      var timeout = operation.kind == .addElement ? max(number, 1) : 0
      var kind: Int32 = 0
      var value: [UInt8] = []
      switch operation.value {
      case .none: break
      case .counter(let counter): (kind, value) = (1, counter.bytes)
      case .jump(let chain): (kind, value) = (2, chain.bytes)
      case .block(let end): (kind, value, timeout) = (3, end, 0)
      }
      let count = UInt32(value.count)
      isFilled = cordon_put_element(
        message,
        name,
        bytes,
        length,
        kind,
        value.terminated,
        count,
        timeout
      )
    case .addCounter, .deleteCounter:
      guard bytes.count <= maximumJournal else { throw KernelError(errno: E2BIG) }
      let type = UInt32(NFT_OBJECT_COUNTER)
      isFilled = cordon_put_object(message, name, type, 0, bytes, length)
    case .addLimit, .deleteLimit:
      let rate = operation.kind == .addLimit ? max(number, 1) : 0
      isFilled = cordon_put_object(message, name, UInt32(NFT_OBJECT_LIMIT), rate, bytes, 0)
    }
    guard isFilled else { throw KernelError(errno: ENOMEM) }
  }

  /// Without a rule: removes those of the chain, or of all.
  private static func fill(
    _ message: UnsafeMutablePointer<nlmsghdr>,
    rule operation: Operation
  ) throws(KernelError) -> Bool {
    var expressions: [Expression] = []
    if operation.kind == .addRule {
      guard let read = Expression.list(reading: Text(operation.bytes)) else {
        throw KernelError(errno: EINVAL)
      }
      expressions = read
    }
    guard expressions.count <= maximumExpressions else { throw KernelError(errno: E2BIG) }
    guard let rule = cordon_rule(operation.name.bytes.terminated) else { return false }
    var isWhole = true
    for expression in expressions where isWhole {
      isWhole = cordon_add(
        rule,
        UInt32(expression.kind.rawValue),
        expression.register,
        expression.what,
        expression.first,
        expression.second,
        expression.bytes.terminated,
        UInt32(expression.bytes.count)
      )
    }
    return cordon_put_rule(message, rule, isWhole)
  }
}

extension [UInt8] {
  /// The bytes and a zero, as C's strings end.
  fileprivate var terminated: [UInt8] {
    var bytes = self
    bytes.append(0)
    return bytes
  }
}
