import Bytes

/// One step of a batch that changes the kernel's table `inet cordon`.
///
/// A plan is a list of them: the kernel does all or nothing. Deletes of what is gone already succeed;
/// adding a counter that exists keeps it and what it counted; adding an element that exists fails.
///
/// A reference, so that a plan is moved about one word a step.
public final class Operation: Equatable, Sendable {
  /// What is done, and to what.
  public enum Kind: UInt8, Sendable {
    case addTable
    case deleteTable
    case flushTable
    case addChain
    case flushChain
    case deleteChain
    case addRule
    case addSet
    case deleteSet
    case addElement
    case deleteElement
    case addCounter
    case deleteCounter
    case addLimit
    case deleteLimit
  }

  /// What is done, and to what.
  public let kind: Kind
  /// The chain, set, counter or limit; empty for the table.
  public let name: Text
  /// A rule's text, an element's key or a counter's journal.
  public let bytes: [UInt8]
  /// What an added element carries.
  public let value: ElementValue
  /// An element's timeout in milliseconds, or a limit's bytes a second.
  public let number: UInt64
  /// Where an added chain sees packets; nil: it is reached by jumps.
  public let attachment: Attachment?
  /// What an added set's keys are made of.
  public let key: KeyType
  /// What an added set's elements carry.
  public let content: SetContent

  private init(
    _ kind: Kind,
    _ name: Text,
    _ bytes: [UInt8] = [],
    value: ElementValue = .none,
    number: UInt64 = 0,
    attachment: Attachment? = nil,
    key: KeyType = KeyType(),
    content: SetContent = .keys
  ) {
    self.kind = kind
    self.name = name
    self.bytes = bytes
    self.value = value
    self.number = number
    self.attachment = attachment
    self.key = key
    self.content = content
  }

  /// Whether both do the same.
  public static func == (left: Operation, right: Operation) -> Bool {
    left.kind == right.kind && left.name == right.name && left.bytes == right.bytes
      && left.value == right.value && left.number == right.number
      && left.attachment == right.attachment && left.key == right.key
      && left.content == right.content
  }
}

extension Operation {
  /// Makes the table, or takes it over when it has no owner.
  public static var addTable: Operation { Operation(.addTable, "") }

  /// Removes the table and all in it.
  public static var deleteTable: Operation { Operation(.deleteTable, "") }

  /// Removes the rules of all chains.
  public static var flushTable: Operation { Operation(.flushTable, "") }

  /// Makes a chain; with an attachment it sees packets, without it is reached by jumps.
  public static func addChain(_ name: Text, _ attachment: Attachment?) -> Operation {
    Operation(.addChain, name, attachment: attachment)
  }

  /// Removes the rules of a chain.
  public static func flushChain(_ name: Text) -> Operation { Operation(.flushChain, name) }

  /// Removes a chain with its rules.
  public static func deleteChain(_ name: Text) -> Operation { Operation(.deleteChain, name) }

  /// Appends a rule; see `Expression.list(reading:)` for what it may say.
  public static func addRule(chain: Text, _ rule: Text) -> Operation {
    Operation(.addRule, chain, rule.bytes)
  }

  /// Makes a set or map; but for blocks, its elements have timeouts.
  public static func addSet(_ name: Text, key: KeyType, _ content: SetContent) -> Operation {
    Operation(.addSet, name, key: key, content: content)
  }

  /// Removes a set or map with its elements.
  public static func deleteSet(_ name: Text) -> Operation { Operation(.deleteSet, name) }

  /// Adds an element that the kernel removes after `timeout`, which is never zero but for blocks.
  public static func addElement(
    set: Text,
    key: [UInt8],
    _ value: ElementValue,
    timeout: Span
  ) -> Operation {
    let milliseconds = UInt64(clamping: timeout.milliseconds)
    return Operation(.addElement, set, key, value: value, number: milliseconds)
  }

  /// Removes an element; with an empty key all of the set.
  public static func deleteElement(set: Text, key: [UInt8]) -> Operation {
    Operation(.deleteElement, set, key)
  }

  /// Makes a counter; the journal is at most 256 bytes.
  public static func addCounter(_ name: Text, journal: [UInt8]) -> Operation {
    Operation(.addCounter, name, journal)
  }

  /// Removes a counter.
  public static func deleteCounter(_ name: Text) -> Operation { Operation(.deleteCounter, name) }

  /// Makes a limit that matches what exceeds the rate; its bucket holds one second of it.
  public static func addLimit(_ name: Text, bytesPerSecond: UInt64) -> Operation {
    Operation(.addLimit, name, number: bytesPerSecond)
  }

  /// Removes a limit.
  public static func deleteLimit(_ name: Text) -> Operation { Operation(.deleteLimit, name) }
}

/// Where a base chain sees packets.
public struct Attachment: Equatable, Sendable {
  /// The hooks in use, with the kernel's numbers (`enum nf_inet_hooks`).
  public enum Hook: UInt32, Hashable, Sendable {
    case prerouting = 0
    case input = 1
    case forward = 2
    case output = 3
    case postrouting = 4
  }

  /// The hook.
  public var hook: Hook
  /// Chains of one hook run in the order of this number.
  public var priority: Int32
  /// Whether the chain translates, and sees the first packet of each connection; else it filters.
  public var translates: Bool

  /// A chain here.
  public init(hook: Hook, priority: Int32, translates: Bool = false) {
    self.hook = hook
    self.priority = priority
    self.translates = translates
  }
}

/// What a set's keys are made of: parts, each of which begins at a multiple of four bytes and is filled
/// with zeros.
public struct KeyType: Equatable, Sendable {
  /// One part, with the number by which `nft` shows it; the kernel only keeps that.
  public enum Field: UInt32, Sendable {
    case family = 2
    case addressV4 = 7
    case addressV6 = 8
    /// A hardware address; alone it is never filled.
    case hardware = 9
    case transportProtocol = 12
    case port = 13
  }

  /// The parts' numbers, six bits each.
  public private(set) var number: UInt32 = 0
  /// The bytes of a key.
  public private(set) var length: UInt32 = 0

  /// A key of nothing yet.
  public init() {}

  /// A key of one part.
  public init(_ field: Field) { append(field) }

  /// Adds a part at the end.
  public mutating func append(_ field: Field) {
    number = number << 6 | field.rawValue
    length = (length + 3) & ~3
    switch field {
    case .hardware: length += 6
    case .addressV6: length += 16
    case .addressV4, .family, .transportProtocol, .port: length += 4
    }
  }
}

/// What a set's elements carry.
public enum SetContent: UInt8, Sendable {
  /// Nothing: a plain set.
  case keys = 0
  /// A counter each.
  case counters = 1
  /// A jump each.
  case jumps = 2
  /// Nothing: the keys are blocks, each from an address up to another, none twice.
  case blocks = 3
  /// The pace of each key; rules add the keys, which go a minute after their last packet.
  case paces = 4
}

/// What one element carries.
public enum ElementValue: Equatable, Sendable {
  case none
  case counter(Text)
  case jump(Text)
  /// Nothing: the key begins a block that ends before this; empty: with the last address.
  case block(endsBefore: [UInt8])
}
