import Bytes
import Model

/// A named counter as the kernel has it.
public final class KernelCounter: Equatable, Sendable {
  /// Its name.
  public let name: Text
  /// Packets counted.
  public let packets: UInt64
  /// Bytes of those packets, from the network header on.
  public let bytes: UInt64
  /// What was stored with it.
  public let journal: [UInt8]
  /// How long the last of the elements lives that lead to it, or to the chain of the same name; nil
  /// when none is left.
  public let remaining: Span?

  /// A counter with these values.
  public init(
    name: Text,
    packets: UInt64,
    bytes: UInt64,
    journal: [UInt8],
    remaining: Span? = nil
  ) {
    self.name = name
    self.packets = packets
    self.bytes = bytes
    self.journal = journal
    self.remaining = remaining
  }

  /// The same with elements that live so long, if longer than those known.
  fileprivate func reached(for remaining: Span) -> KernelCounter {
    KernelCounter(
      name: name,
      packets: packets,
      bytes: bytes,
      journal: journal,
      remaining: max(self.remaining ?? remaining, remaining)
    )
  }

  /// Whether both have the same values.
  public static func == (left: KernelCounter, right: KernelCounter) -> Bool {
    left.name == right.name && left.packets == right.packets && left.bytes == right.bytes
      && left.journal == right.journal && left.remaining == right.remaining
  }
}

/// What the kernel's table holds, as read at one moment.
public struct KernelSnapshot: Equatable, Sendable {
  /// A mitigation that the kernel still knows.
  public struct Mitigation: Equatable, Sendable {
    /// Its id.
    public var id: MitigationID
    /// Its counter, with the journal.
    public var counter: KernelCounter

    /// How long the last of its elements lives; nil when none is left.
    public var remaining: Span? { counter.remaining }
  }

  /// A device that the kernel still keeps in quarantine.
  public struct Quarantine: Equatable, Sendable {
    /// The device.
    public var mac: MACAddress
    /// Its counter, with the journal.
    public var counter: KernelCounter

    /// How long the last of its elements lives; nil when none is left.
    public var remaining: Span? { counter.remaining }
  }

  /// Counters, by name.
  public var counters: [KernelCounter]
  /// Names of limits, sorted.
  public var limits: [Text]
  /// Names of chains, sorted.
  public var chains: [Text]
  /// Names of sets and maps, sorted.
  public var sets: [Text]
  /// How many rules there are.
  public var ruleCount: Int

  /// A table with nothing in it.
  public init() {
    counters = []
    limits = []
    chains = []
    sets = []
    ruleCount = 0
  }

  /// A snapshot of these; `remaining` tells by the names of counters how long elements live that lead
  /// to them.
  public init(
    counters: [KernelCounter],
    limits: [Text] = [],
    chains: [Text] = [],
    sets: [Text] = [],
    ruleCount: Int = 0,
    remaining: [Text: Span] = [:]
  ) {
    self.counters = counters
    self.limits = limits
    self.chains = chains
    self.sets = sets
    self.ruleCount = ruleCount
    for (index, counter) in counters.enumerated() {
      if let span = remaining[counter.name] { self.counters[index] = counter.reached(for: span) }
    }
  }

  /// Notes that an element which leads to the counter of this name, or to its chain, lives so long.
  ///
  /// Counters must be in the order of their names.
  public mutating func note(_ remaining: Span, of name: Text) {
    var lower = 0
    var upper = counters.count
    while lower < upper {
      let middle = (lower + upper) / 2
      if counters[middle].name < name { lower = middle + 1 } else { upper = middle }
    }
    guard lower < counters.count, counters[lower].name == name else { return }
    counters[lower] = counters[lower].reached(for: remaining)
  }

  /// The mitigations, by id.
  public var mitigations: [Mitigation] {
    counters.compactMap { counter in
      guard let id = MitigationID(counter: counter.name) else { return nil }
      return Mitigation(id: id, counter: counter)
    }.ordered { $0.id < $1.id }
  }

  /// The devices in quarantine, by hardware address.
  public var quarantines: [Quarantine] {
    counters.compactMap { counter in
      guard let mac = MACAddress(counter: counter.name) else { return nil }
      return Quarantine(mac: mac, counter: counter)
    }
  }
}
