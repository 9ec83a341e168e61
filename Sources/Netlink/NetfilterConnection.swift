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

  /// A batch must fit into one datagram, and what it refuses of it into the queue; memory is used only
  /// while there is one.
  private static let queueLength: Int32 = 32 << 20

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
    socket = try NetlinkSocket(family: 12, queueLength: Self.queueLength)
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
    var makesTable = false
    var replacesAll = false
    for operation in operations {
      if operation.kind == .addTable { makesTable = true }
      if operation.kind == .deleteTable || operation.kind == .flushTable { replacesAll = true }
    }
    if makesTable, operations.count > 1, try hasTable() {
      // The kernel refuses base chains (EINVAL) in the batch in which a table changes hands.
      try settle([.addTable])
    }
    var pending = operations
    if !replacesAll {
      for leftover in leftovers where !operations.contains(where: { $0.addsName(of: leftover) }) {
        pending.append(leftover)
      }
    }
    leftovers = []
    do throws(KernelError) { try settle(pending) } catch {
      // What was left over is no operation of the caller's.
      var error = error
      if let place = error.operation, place >= operations.count { error.operation = nil }
      throw error
    }
    if makesTable { ownsTable = dialect.tableFlags != 0 }
  }

  /// The names, values and journals of all counters; empty when there is no table.
  public func counters() throws(KernelError) -> [KernelCounter] {
    var counters: [KernelCounter] = []
    for message in try dump(.getObject, object: Self.counterType) {
      if let counter = Self.counter(message) { counters.append(counter) }
    }
    return counters
  }

  /// Shows the names and values of all counters one by one, without their journals.
  ///
  /// None is kept: thousands at once would leave the process larger for good. Some come twice when the
  /// table changes meanwhile.
  public func showCounters(to take: (KernelCounter) -> Void) throws(KernelError) {
    let type = Self.counterType
    let request = Self.request(.getObject, flags: Encoder.dump, object: type)
    do throws(KernelError) {
      try socket.dump(request) {
        guard Self.isOurs($0, type), let counter = Self.counter($0, withJournal: false) else {
          return
        }
        take(counter)
      }
    } catch {
      if error.errno != ENOENT { throw error }
    }
  }

  /// One counter; nil when there is no such.
  public func counter(_ name: Text) throws(KernelError) -> KernelCounter? {
    let request = Self.request(.getObject, name: name, object: Self.counterType)
    return try socket.ask(request).flatMap { Self.counter($0) }
  }

  /// Whether there is a table `inet cordon`, whoever made it.
  public func hasTable() throws(KernelError) -> Bool {
    try socket.ask(Self.request(.getTable)) != nil
  }

  /// All that the table holds; nil when there is none.
  ///
  /// Reads the elements too: some milliseconds for 10,000.
  public func snapshot() throws(KernelError) -> KernelSnapshot? {
    guard try hasTable() else { return nil }
    var snapshot = KernelSnapshot()
    snapshot.counters = try counters().ordered { $0.name < $1.name }
    snapshot.limits = names(try dump(.getObject, object: UInt32(NFT_OBJECT_LIMIT)), 2)
    snapshot.chains = names(try dump(.getChain), 3)
    snapshot.ruleCount = try dump(.getRule).count
    snapshot.sets = names(try dump(.getSet), 2)
    for set in snapshot.sets {
      for message in try dump(.getElement, name: set) { Self.noteElements(message, in: &snapshot) }
    }
    return snapshot
  }
}

// MARK: Batches

extension NetfilterConnection {
  /// Sends the batch until it is acknowledged, each time without what needn't succeed.
  private func settle(_ operations: [Operation]) throws(KernelError) {
    var isLeftOut = [Bool](repeating: false, count: operations.count)
    for _ in 0..<Self.maximumAttempts {
      // The places of what is sent.
      var places: [Int] = []
      for place in 0..<operations.count where !isLeftOut[place] { places.append(place) }
      if places.isEmpty { return }
      let failures = try send(operations, places)
      if failures.isEmpty { return }
      let flags = dialect.tableFlags
      for failure in failures {
        var error = failure
        guard let place = failure.operation.map({ places[$0] }) else { throw error }
        error.operation = place
        try forgive(operations[place], error)
        // What follows failed for want of a table.
        if dialect.tableFlags != flags { break }
        isLeftOut[place] = true
      }
    }
    throw KernelError(errno: EAGAIN)
  }

  private func send(
    _ operations: [Operation],
    _ places: [Int]
  ) throws(KernelError) -> [KernelError] {
    let first = socket.takeSequence(places.count + 2)
    var sequence = first
    var encoder = Encoder()
    encoder.beginBatch(first)
    for place in places {
      sequence &+= 1
      let isLast = sequence &- first == UInt32(truncatingIfNeeded: places.count)
      try encoder.append(operations[place], sequence, isLast: isLast, dialect)
    }
    encoder.endBatch(sequence &+ 1)
    try socket.send(encoder.bytes)
    return try failures(first: first, count: places.count)
  }

  /// Reads until the last operation is acknowledged, or the batch as a whole is refused.
  ///
  /// What failed, and which of what was sent; none: the batch.
  private func failures(first: UInt32, count: Int) throws(KernelError) -> [KernelError] {
    var failures: [KernelError] = []
    while true {
      for message in try socket.receive() {
        guard let errno = message.error else { continue }
        let place = Int(message.sequence &- first) - 1
        guard place >= -1, place <= count else { continue }
        if errno != 0 {
          var error = message.refusal(errno)
          let isOfOperation = place >= 0 && place < count
          if isOfOperation { error.operation = place }
          failures.append(error)
          if !isOfOperation { return failures }
        }
        if place == count - 1 { return failures }
      }
    }
  }

  /// Returns when the operation needn't succeed, or can be said in another way; throws when it must.
  private func forgive(_ operation: Operation, _ error: KernelError) throws(KernelError) {
    let errno = error.errno
    if operation.kind == .addTable {
      let isUnknownFlag = errno == EOPNOTSUPP || errno == EINVAL
      guard isUnknownFlag, dialect.tableFlags != 0 else { throw error }
      dialect.tableFlags = 0
      return
    }
    let isInUse = errno == EBUSY && operation.canWait
    guard operation.isDelete, errno == ENOENT || isInUse else { throw error }
    if isInUse, leftovers.count < Self.maximumLeftovers { leftovers.append(operation) }
  }

  /// Asks to destroy a table that isn't there.
  private func knowsDestroy() throws(KernelError) -> Bool {
    let first = socket.takeSequence(3)
    var encoder = Encoder()
    encoder.beginBatch(first)
    // NLM_F_REQUEST is always set.
    encoder.ask(.destroyTable, first &+ 1, flags: Encoder.acknowledge, table: "cordon-none")
    encoder.endBatch(first &+ 2)
    try socket.send(encoder.bytes)
    let failures = try failures(first: first, count: 1)
    if let error = failures.first, error.isForbidden { throw error }
    return failures.isEmpty
  }
}

extension Operation {
  /// Whether it removes something, so that its absence does no harm.
  fileprivate var isDelete: Bool {
    switch kind {
    case .deleteTable, .deleteChain, .deleteSet, .deleteElement, .deleteCounter, .deleteLimit: true
    default: false
    }
  }

  /// Whether it can be done later: it removes something with the number of a mitigation.
  fileprivate var canWait: Bool {
    switch kind {
    case .deleteCounter, .deleteLimit: true
    case .deleteChain: name.hasPrefix("m")
    default: false
    }
  }

  /// Whether it makes an object or chain of the name of what `other` removes.
  fileprivate func addsName(of other: Operation) -> Bool {
    switch kind {
    case .addCounter, .addLimit, .addChain: name == other.name
    default: false
    }
  }
}

// MARK: Reading

extension NetfilterConnection {
  private static let counterType = UInt32(NFT_OBJECT_COUNTER)

  private static func request(
    _ kind: Encoder.Kind,
    flags: UInt16 = 0,
    name: Text = "",
    object: UInt32 = 0
  ) -> [UInt8] {
    var encoder = Encoder()
    encoder.ask(kind, 0, flags: flags, name: name, object: object)
    return encoder.bytes
  }

  /// All things of a kind in our table; the first attribute of each kind names the table, the third of
  /// objects is their type.
  func dump(
    _ kind: Encoder.Kind,
    name: Text = "",
    object: UInt32 = 0
  ) throws(KernelError) -> [NetlinkMessage] {
    let request = Self.request(kind, flags: Encoder.dump, name: name, object: object)
    do throws(KernelError) {
      return try socket.dump(request).filter { Self.isOurs($0, object) }
    } catch {
      if error.errno == ENOENT { return [] }
      throw error
    }
  }

  private static func isOurs(_ message: NetlinkMessage, _ object: UInt32) -> Bool {
    let attributes = message.attributes(after: 4)
    return attributes[1]?.text == Encoder.table
      && (object == 0 || attributes[3]?.network == UInt64(object))
  }

  /// The names of things, in order; `attribute` is what names each.
  private func names(_ messages: [NetlinkMessage], _ attribute: UInt32) -> [Text] {
    var names: [Text] = []
    for message in messages {
      if let name = message.attributes(after: 4)[attribute] { names.append(name.text) }
    }
    return names.ordered()
  }

  private static func counter(
    _ message: NetlinkMessage,
    withJournal: Bool = true
  ) -> KernelCounter? {
    let attributes = message.attributes(after: 4)
    guard let name = attributes[2] else { return nil }
    let data = attributes.nested(4)
    return KernelCounter(
      name: name.text,
      packets: data[2]?.network ?? 0,
      bytes: data[1]?.network ?? 0,
      journal: withJournal ? attributes.nested(8).array : []
    )
  }

  /// Notes of each element that leads to a counter or chain how long it lives.
  private static func noteElements(_ message: NetlinkMessage, in snapshot: inout KernelSnapshot) {
    var elements = message.attributes(after: 4).nested(3)
    while let (_, element) = elements.attribute() {
      guard let name = element[9] ?? element.nested(2).nested(2)[2] else { continue }
      snapshot.note(.milliseconds(element[5]?.network ?? 0), of: name.text)
    }
  }
}
