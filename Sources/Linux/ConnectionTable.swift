import Bytes

/// Who may hold a connection, and until when: the numbers of a room's connections, and nothing else.
///
/// Somebody new always gets in. One source that holds many pushes out its own oldest; when the table
/// is full the source that holds most loses its oldest: a device with a thousand slow connections
/// keeps no other one out.
public struct ConnectionTable: Sendable {
  /// How much there may be.
  public struct Limits: Sendable {
    /// Connections.
    public var connections: Int
    /// Connections of one source.
    public var perSource: Int
    /// Bytes that all connections hold together.
    public var bytes: Int

    /// Limits of these parts.
    public init(connections: Int, perSource: Int, bytes: Int) {
      self.connections = connections
      self.perSource = perSource
      self.bytes = bytes
    }
  }

  private struct Entry {
    let number: UInt32
    let source: IPAddress
    var deadline: Instant
    var bytes = 0
  }

  private let limits: Limits
  /// Those that are over first, then oldest first.
  private var entries: [Entry] = []
  private var held = 0
  private var last: UInt32 = 0

  /// An empty table.
  public init(_ limits: Limits) { self.limits = limits }

  /// How many connections there are.
  public var count: Int { entries.count }

  /// Lets a connection of `source` in until `deadline`; answers its number, and that of the one that
  /// has to go for it.
  public mutating func admit(
    _ source: IPAddress,
    until deadline: Instant
  ) -> (number: UInt32, evicted: UInt32?) {
    var evicted: UInt32?
    if weight(of: source, inBytes: false) >= limits.perSource {
      evicted = entries.first { $0.source == source }?.number
    } else if entries.count >= limits.connections {
      evicted = oldest(inBytes: false)
    }
    if let evicted { remove(evicted) }
    repeat { last &+= 1 } while last == 0 || entries.contains { $0.number == last }
    entries.append(Entry(number: last, source: source, deadline: deadline))
    return (last, evicted)
  }

  /// A connection holds so many bytes now; answers those that have to go because all hold too much.
  public mutating func hold(_ bytes: Int, by number: UInt32) -> [UInt32] {
    guard let index = entries.firstIndex(where: { $0.number == number }) else { return [] }
    held += bytes - entries[index].bytes
    entries[index].bytes = bytes
    var evicted: [UInt32] = []
    while held > limits.bytes, let next = oldest(inBytes: true) {
      remove(next)
      evicted.append(next)
    }
    return evicted
  }

  /// A connection may stay until `deadline`.
  public mutating func extend(_ number: UInt32, until deadline: Instant) {
    guard let index = entries.firstIndex(where: { $0.number == number }) else { return }
    entries[index].deadline = deadline
  }

  /// A connection is over but for its end, by `deadline`: it is the first to go.
  public mutating func retire(_ number: UInt32, until deadline: Instant) {
    guard let index = entries.firstIndex(where: { $0.number == number }) else { return }
    entries[index].deadline = deadline
    entries.insert(entries.remove(at: index), at: 0)
  }

  /// Forgets a connection.
  public mutating func remove(_ number: UInt32) {
    guard let index = entries.firstIndex(where: { $0.number == number }) else { return }
    held -= entries[index].bytes
    entries.remove(at: index)
  }

  /// When `expired` is due.
  public var nextDeadline: Instant? { entries.map { $0.deadline }.min() }

  /// Those whose time is over.
  public func expired(now: Instant) -> [UInt32] {
    entries.filter { $0.deadline <= now }.map { $0.number }
  }

  /// What the connections of a source weigh: their bytes, or one each.
  private func weight(of source: IPAddress, inBytes: Bool) -> Int {
    var sum = 0
    for entry in entries where entry.source == source { sum += inBytes ? entry.bytes : 1 }
    return sum
  }

  /// The oldest that weighs anything of the source that weighs most.
  private func oldest(inBytes: Bool) -> UInt32? {
    var best: Entry?
    var most = 0
    for entry in entries where !inBytes || entry.bytes > 0 {
      // The first of a source is its oldest: those that follow weigh no more.
      let weight = weight(of: entry.source, inBytes: inBytes)
      if weight > most { (best, most) = (entry, weight) }
    }
    return best?.number
  }
}
