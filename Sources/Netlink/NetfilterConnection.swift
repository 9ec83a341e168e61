import Bytes
import CNetfilter
import Firewall

/// The one socket through which the kernel's table `inet cordon` is read and changed.
///
/// The table belongs to this socket where the kernel knows ownership (6.9 and later): nobody else can
/// change it, and it outlives the socket. On older kernels it is a plain table; watch it.
public final class NetfilterConnection {
  private var socket: NetlinkSocket
  private var dialect = Encoder.Dialect()
  /// Chains, limits and counters that elements still referred to which had run out but weren't
  /// collected yet; deleted with a later batch.
  private var leftovers: [Operation] = []
  /// What a new table is asked to have.
  private let ownerFlags: UInt32

  /// NFT_TABLE_F_OWNER and NFT_TABLE_F_PERSIST.
  private static let ownAndPersist: UInt32 = 0x6
  /// How often a batch is sent again without what turned out to be gone, in use or unknown.
  private static let maximumAttempts = 4
  /// More are given up: the next reconciliation finds them.
  private static let maximumLeftovers = 1024

  /// Whether the kernel gave the table to this socket when it was last made or taken over.
  public private(set) var ownsTable = false

  /// Opens the socket and learns what the kernel can.
  ///
  /// Needs CAP_NET_ADMIN; throws the kernel's error, `isForbidden` without it.
  public convenience init() throws(KernelError) {
    try self.init(ownerFlags: Self.ownAndPersist)
    dialect.destroys = try knowsDestroy()
  }

  /// A connection that treats the kernel as one that knows neither deletes that forgive, nor, with 0
  /// for `ownerFlags`, ownership.
  init(ownerFlags: UInt32) throws(KernelError) {
    // NETLINK_NETFILTER.
    socket = try NetlinkSocket(family: 12)
    self.ownerFlags = ownerFlags
  }

  /// The number by which the kernel knows this socket; see `TableMonitor`.
  public var port: UInt32 { socket.port }

  /// Carries out all operations in one batch, or none when it throws.
  ///
  /// Returns when the kernel has acknowledged it. Deletes of what is gone already are left out.
  public func commit(_ operations: [Operation]) throws(KernelError) {
    guard !operations.isEmpty else { return }
    let kept = leftovers
    do throws(KernelError) {
      try commitAll(operations)
    } catch {
      // Nothing was removed, so nothing more is left over.
      leftovers = kept
      throw error
    }
  }

  private func commitAll(_ operations: [Operation]) throws(KernelError) {
    dialect.tableFlags = ownerFlags
    let makesTable = operations.contains(.addTable)
    if makesTable, operations.count > 1, try hasTable() {
      // The kernel refuses base chains (EINVAL) in the batch in which a table changes hands.
      try settle([Pending(operation: .addTable, index: 0)])
    }
    var pending = operations.indices.map { Pending(operation: operations[$0], index: $0) }
    let replacesAll = operations.contains { $0 == .deleteTable || $0 == .flushTable }
    if !replacesAll {
      for leftover in leftovers {
        let isBack = operations.contains { $0.addedName == leftover.removedName }
        if !isBack { pending.append(Pending(operation: leftover, index: nil)) }
      }
    }
    leftovers = []
    try settle(pending)
    if makesTable { ownsTable = dialect.tableFlags != 0 }
  }

  /// The names, values and journals of all counters; empty when there is no table.
  public func counters() throws(KernelError) -> [KernelCounter] {
    try objects(NFT_OBJECT_COUNTER).compactMap(Self.counter)
  }

  /// One counter; nil when there is no such.
  public func counter(_ name: Text) throws(KernelError) -> KernelCounter? {
    let answer = try socket.ask { sequence in
      Self.request(.getObject, sequence, dumps: false) { message in
        Self.put(Encoder.table, 1, message)
        Self.put(name, 2, message)
        mnl_attr_put_u32(message, 3, UInt32(bitPattern: NFT_OBJECT_COUNTER).bigEndian)
      }
    }
    return answer.flatMap(Self.counter)
  }

  /// Whether there is a table `inet cordon`, whoever made it.
  public func hasTable() throws(KernelError) -> Bool {
    let answer = try socket.ask { sequence in
      Self.request(.getTable, sequence, dumps: false) { Self.put(Encoder.table, 1, $0) }
    }
    return answer != nil
  }

  /// All that the table holds; nil when there is none.
  ///
  /// Reads the elements too: some milliseconds for 10,000.
  public func snapshot() throws(KernelError) -> KernelSnapshot? {
    guard try hasTable() else { return nil }
    var snapshot = KernelSnapshot()
    snapshot.counters = try counters().ordered { $0.name < $1.name }
    snapshot.limits = try objects(NFT_OBJECT_LIMIT).compactMap { $0.attributes(after: 4).text(2) }
      .ordered()
    snapshot.chains = try dump(.getChain).compactMap { $0.attributes(after: 4).text(3) }.ordered(
      by: <
    )
    snapshot.ruleCount = try dump(.getRule).count
    snapshot.sets = try dump(.getSet).compactMap { $0.attributes(after: 4).text(2) }.ordered()
    for set in snapshot.sets {
      for (name, remaining) in try elements(of: set) {
        snapshot.remaining[name] = max(snapshot.remaining[name] ?? .zero, remaining)
      }
    }
    return snapshot
  }
}

// MARK: Batches

extension NetfilterConnection {
  /// An operation and its place in the caller's list.
  private struct Pending {
    var operation: Operation
    var index: Int?
  }

  /// The kernel's refusal of the operation at this place of what was sent; nil: of the batch.
  private struct Failure {
    var place: Int?
    var error: KernelError
  }

  /// Sends the batch until it is acknowledged, each time without what needn't succeed.
  private func settle(_ operations: [Pending]) throws(KernelError) {
    var pending = operations
    for _ in 0..<Self.maximumAttempts {
      if pending.isEmpty { return }
      let failures = try send(pending)
      if failures.isEmpty { return }
      try adapt(&pending, to: failures)
    }
    throw KernelError(errno: EAGAIN)
  }

  private func send(_ pending: [Pending]) throws(KernelError) -> [Failure] {
    let first = socket.takeSequence(pending.count + 2)
    var encoder = Encoder()
    encoder.beginBatch(first)
    for (place, item) in pending.enumerated() {
      try encoder.append(
        item.operation,
        first &+ 1 &+ UInt32(truncatingIfNeeded: place),
        isLast: place == pending.count - 1,
        dialect
      )
    }
    encoder.endBatch(first &+ 1 &+ UInt32(truncatingIfNeeded: pending.count))
    try socket.send(encoder.bytes)
    return try failures(first: first, count: pending.count)
  }

  /// Reads until the last operation is acknowledged, or the batch as a whole is refused.
  private func failures(first: UInt32, count: Int) throws(KernelError) -> [Failure] {
    var failures: [Failure] = []
    while true {
      for message in try socket.receive() {
        guard let errno = message.error else { continue }
        let place = Int(message.sequence &- first) - 1
        guard place >= -1, place <= count else { continue }
        if errno != 0 {
          let explanation = message.explanation
          let error = KernelError(
            errno: errno,
            words: explanation.text,
            offset: explanation.offset
          )
          let isOfOperation = place >= 0 && place < count
          failures.append(Failure(place: isOfOperation ? place : nil, error: error))
          if !isOfOperation { return failures }
        }
        if place == count - 1 { return failures }
      }
    }
  }

  /// Leaves out what needn't succeed; throws when something failed that must.
  private func adapt(_ pending: inout [Pending], to failures: [Failure]) throws(KernelError) {
    for failure in failures {
      guard let place = failure.place, case .addTable = pending[place].operation else { continue }
      // What follows failed for want of a table.
      let isUnknownFlag = failure.error.errno == EOPNOTSUPP || failure.error.errno == EINVAL
      guard isUnknownFlag, dialect.tableFlags != 0 else { throw error(failure, pending) }
      dialect.tableFlags = 0
      return
    }
    var isLeftOut = [Bool](repeating: false, count: pending.count)
    for failure in failures {
      guard let place = failure.place, pending[place].operation.isDelete else {
        throw error(failure, pending)
      }
      switch failure.error.errno {
      case ENOENT: break
      case EBUSY where pending[place].operation.removedName != nil:
        if leftovers.count < Self.maximumLeftovers { leftovers.append(pending[place].operation) }
      default: throw error(failure, pending)
      }
      isLeftOut[place] = true
    }
    pending = pending.indices.filter { !isLeftOut[$0] }.map { pending[$0] }
  }

  private func error(_ failure: Failure, _ pending: [Pending]) -> KernelError {
    var error = failure.error
    error.operation = failure.place.flatMap { pending[$0].index }
    return error
  }

  /// Asks to destroy a table that isn't there.
  private func knowsDestroy() throws(KernelError) -> Bool {
    let first = socket.takeSequence(3)
    var encoder = Encoder()
    encoder.beginBatch(first)
    encoder.get(.destroyTable, first &+ 1, dumps: false) { message in
      Self.put("cordon-none", 1, message)
      message.pointee.nlmsg_flags |= UInt16(NLM_F_ACK)
    }
    encoder.endBatch(first &+ 2)
    try socket.send(encoder.bytes)
    let failures = try failures(first: first, count: 1)
    if let error = failures.first?.error, error.isForbidden { throw error }
    return failures.isEmpty
  }
}

extension Operation {
  /// Whether it removes something, so that its absence does no harm.
  fileprivate var isDelete: Bool {
    switch self {
    case .deleteTable, .deleteChain, .deleteSet, .deleteElement, .deleteCounter, .deleteLimit: true
    default: false
    }
  }

  /// The name of what it removes, when that is the number of a mitigation: it can be removed later.
  fileprivate var removedName: Text? {
    switch self {
    case .deleteCounter(let name), .deleteLimit(let name): name
    case .deleteChain(let name): name.hasPrefix("m") ? name : nil
    default: nil
    }
  }

  /// The name of the object or chain that it makes.
  fileprivate var addedName: Text? {
    switch self {
    case .addCounter(let name, _), .addLimit(let name, _), .addChain(let name, _): name
    default: nil
    }
  }
}

// MARK: Reading

extension NetfilterConnection {
  private static func request(
    _ kind: Encoder.Kind,
    _ sequence: UInt32,
    dumps: Bool,
    _ fill: (UnsafeMutablePointer<nlmsghdr>) -> Void
  ) -> [UInt8] {
    var encoder = Encoder()
    encoder.get(kind, sequence, dumps: dumps, fill)
    return encoder.bytes
  }

  private static func put(
    _ text: Text,
    _ type: UInt16,
    _ message: UnsafeMutablePointer<nlmsghdr>
  ) {
    text.withCharacters { mnl_attr_put_strz(message, type, $0) }
  }

  /// All things of a kind in our table; the first attribute of each kind names the table.
  private func dump(
    _ kind: Encoder.Kind,
    _ fill: (UnsafeMutablePointer<nlmsghdr>) -> Void = { _ in }
  ) throws(KernelError) -> [NetlinkMessage] {
    do throws(KernelError) {
      return try socket.dump { sequence in
        Self.request(kind, sequence, dumps: true) { message in
          Self.put(Encoder.table, 1, message)
          fill(message)
        }
      }.filter { $0.attributes(after: 4).text(1) == Encoder.table }
    } catch {
      if error.errno == ENOENT { return [] }
      throw error
    }
  }

  private func objects(_ type: Int32) throws(KernelError) -> [NetlinkMessage] {
    let number = UInt32(bitPattern: type)
    return try dump(.getObject) { mnl_attr_put_u32($0, 3, number.bigEndian) }
      .filter { $0.attributes(after: 4).network(3) == UInt64(number) }
  }

  private static func counter(_ message: NetlinkMessage) -> KernelCounter? {
    let attributes = message.attributes(after: 4)
    guard let name = attributes.text(2) else { return nil }
    let data = attributes.nested(4)
    return KernelCounter(
      name: name,
      packets: data.network(2) ?? 0,
      bytes: data.network(1) ?? 0,
      journal: attributes[8].map { [UInt8]($0) } ?? []
    )
  }

  /// For each element that leads to a counter or chain: its name, and how long the element lives.
  private func elements(of set: Text) throws(KernelError) -> [(Text, Span)] {
    var result: [(Text, Span)] = []
    for message in try dump(.getElement, { Self.put(set, 2, $0) }) {
      for (_, element) in message.attributes(after: 4).nested(3) {
        let attributes = Attributes(element)
        let chain = attributes.nested(2).nested(2).text(2)
        guard let name = attributes.text(9) ?? chain else { continue }
        let remaining = attributes.network(5) ?? 0
        result.append((name, .milliseconds(remaining)))
      }
    }
    return result
  }
}
