import Bytes

/// One step of a batch that changes the kernel's table `inet cordon`.
///
/// A plan is a list of them: the kernel does all or nothing. Deletes of what is gone already succeed;
/// adding a counter that exists keeps it and what it counted; adding an element that exists fails.
public enum Operation: Equatable, Sendable {
  /// Makes the table, or takes it over when it has no owner.
  case addTable
  /// Removes the table and all in it.
  case deleteTable
  /// Removes the rules of all chains.
  case flushTable
  /// Makes a chain; with an attachment it sees packets, without it is reached by jumps.
  case addChain(Text, Attachment?)
  /// Removes the rules of a chain.
  case flushChain(Text)
  /// Removes a chain with its rules.
  case deleteChain(Text)
  /// Appends a rule.
  case addRule(chain: Text, [Expression])
  /// Makes a set or map; but for blocks, its elements have timeouts.
  case addSet(Text, key: [KeyField], SetContent)
  /// Removes a set or map with its elements.
  case deleteSet(Text)
  /// Adds an element that the kernel removes after `timeout`, which is never zero but for blocks.
  case addElement(set: Text, key: [UInt8], ElementValue, timeout: Span)
  /// Removes an element; with an empty key all of the set.
  case deleteElement(set: Text, key: [UInt8])
  /// Makes a counter; the journal is at most 256 bytes.
  case addCounter(Text, journal: [UInt8])
  /// Removes a counter.
  case deleteCounter(Text)
  /// Makes a limit that matches what exceeds the rate; its bucket holds one second of it.
  case addLimit(Text, bytesPerSecond: UInt64)
  /// Removes a limit.
  case deleteLimit(Text)
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

/// One part of a set's key, in the order in which they stand in it; each begins at a multiple of four
/// bytes and is filled with zeros.
public enum KeyField: Equatable, Sendable {
  /// A hardware address; always alone, and never filled.
  case hardware
  case family
  case address(IPAddress.Family)
  case transportProtocol
  case port

  /// The bytes that the field takes in a key.
  public var paddedLength: Int {
    switch self {
    case .hardware: 6
    case .address(.v6): 16
    case .address(.v4), .family, .transportProtocol, .port: 4
    }
  }
}

/// What a set's elements carry.
public enum SetContent: Equatable, Sendable {
  /// Nothing: a plain set.
  case keys
  /// A counter each.
  case counters
  /// A jump each.
  case jumps
  /// Nothing: the keys are blocks, each from an address up to another, none twice.
  case blocks
  /// The pace of each key; rules add the keys, which go a minute after their last packet.
  case paces
}

/// What one element carries.
public enum ElementValue: Equatable, Sendable {
  case none
  case counter(Text)
  case jump(Text)
  /// Nothing: the key begins a block that ends before this; empty: with the last address.
  case block(endsBefore: [UInt8])
}
