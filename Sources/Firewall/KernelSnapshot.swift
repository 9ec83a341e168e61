import Bytes
import Model

/// A named counter as the kernel has it.
public struct KernelCounter: Equatable, Sendable {
  /// Its name.
  public var name: Text
  /// Packets counted.
  public var packets: UInt64
  /// Bytes of those packets, from the network header on.
  public var bytes: UInt64
  /// What was stored with it.
  public var journal: [UInt8]

  /// A counter with these values.
  public init(name: Text, packets: UInt64, bytes: UInt64, journal: [UInt8]) {
    self.name = name
    self.packets = packets
    self.bytes = bytes
    self.journal = journal
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
    public var remaining: Span?
  }

  /// A device that the kernel still keeps in quarantine.
  public struct Quarantine: Equatable, Sendable {
    /// The device.
    public var mac: MACAddress
    /// Its counter, with the journal.
    public var counter: KernelCounter
    /// How long the last of its elements lives; nil when none is left.
    public var remaining: Span?
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
  /// For each counter or chain that elements lead to: how long the last of these elements lives.
  public var remaining: [Text: Span]

  /// A snapshot of these.
  public init(
    counters: [KernelCounter] = [],
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
    self.remaining = remaining
  }

  /// The mitigations, by id.
  public var mitigations: [Mitigation] {
    counters.compactMap { counter in
      guard let id = MitigationID(counter: counter.name) else { return nil }
      return Mitigation(id: id, counter: counter, remaining: remaining[counter.name])
    }.ordered { $0.id < $1.id }
  }

  /// The devices in quarantine, by hardware address.
  public var quarantines: [Quarantine] {
    counters.compactMap { counter in
      guard let mac = MACAddress(counter: counter.name) else { return nil }
      return Quarantine(mac: mac, counter: counter, remaining: remaining[counter.name])
    }
  }
}
