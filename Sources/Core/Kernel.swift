import Bytes
import Firewall
import Link
import Linux
import Model
import Netlink

/// Why the kernel doesn't hold what it should.
indirect enum KernelFault: Error, CustomTextConvertible {
  /// The plan needs more than the table may have.
  case plan(FirewallError)
  /// The kernel refused the batch as a whole.
  case refused(KernelError)

  /// Whether there is no room, rather than something wrong.
  var isFull: Bool {
    switch self {
    case .plan(.tooManyElements), .plan(.tooManyShapes): true
    case .plan(.nothingToMatch), .plan(.unknown): false
    case .refused(let error): error.isFull
    }
  }

  /// Whether the kernel and we may hold something else than what was decided: too large a plan, which
  /// the kernel never saw, leaves both as they were.
  var wantsRepair: Bool {
    switch self {
    case .plan(.unknown), .refused: true
    case .plan: false
    }
  }

  var text: Text {
    switch self {
    case .plan(.tooManyElements(let count)): "\(count) elements for one mitigation"
    case .plan(.tooManyShapes(let count)): "\(count) kinds of keys"
    case .plan(.nothingToMatch): "no source pairs with a target"
    case .plan(.unknown(let id)): "mitigation \(id.value) is not in the table"
    case .refused(let error): error.text
    }
  }
}

/// The firewall's value and the kernel's table, kept equal: both change or neither.
final class Kernel {
  private(set) var firewall: Firewall
  private let table: NetfilterConnection
  private let monitor: TableMonitor
  private let routes: RouteConnection
  private let addressMonitor: AddressMonitor
  private let neighbourMonitor: AddressMonitor
  /// The connections that the kernel tracks.
  let flows: FlowConnection
  /// Whether the last look or change found the kernel's table as it should be.
  private(set) var isInSync = false

  private var postponedTo: Instant?

  /// Opens the netlink sockets; changes nothing.
  init(settings: CoreSettings) throws(CoreFault) {
    firewall = Firewall(
      protection: Protection(settings),
      access: settings.quarantine,
      lan: settings.lan
    )
    do {
      table = try NetfilterConnection()
      monitor = try TableMonitor(ignoring: table.port)
      addressMonitor = try AddressMonitor()
      neighbourMonitor = try AddressMonitor(ofNeighbours: true)
      routes = try RouteConnection()
      flows = try FlowConnection()
    } catch { throw .kernel("open netlink", error) }
  }

  /// Readable when others have changed tables.
  var tableEvents: Int32 { monitor.descriptor }

  /// Readable when addresses have changed.
  var addressEvents: Int32 { addressMonitor.descriptor }

  /// Readable when neighbours have changed.
  var neighbourEvents: Int32 { neighbourMonitor.descriptor }

  /// When elements must be renewed that outlive their timeout in the kernel.
  var nextRenewal: Instant? {
    firewall.nextRenewal.map { max($0, postponedTo ?? $0) }
  }

  /// A renewal failed: the next try is not before `moment`.
  func postponeRenewal(to moment: Instant) { postponedTo = moment }

  /// Has the kernel carry out all changes, or none when it throws.
  func commit(_ changes: [RuleChange], now: Instant) throws(KernelFault) {
    let plan: [Operation]
    do { plan = try firewall.apply(changes, now: now) } catch { throw .plan(error) }
    try commit(plan)
  }

  /// Sets the timeouts of long mitigations anew.
  func renew(now: Instant) throws(KernelFault) { try commit(firewall.renew(now: now)) }

  /// Protects other traffic from now on.
  func protect(_ protection: Protection, now: Instant) throws(KernelFault) {
    try commit(firewall.setProtection(protection, now: now))
  }

  /// Gives devices in quarantine this access from now on.
  func open(_ access: QuarantineAccess, lan: [Text], now: Instant) throws(KernelFault) {
    try commit(firewall.setAccess(access, lan: lan, now: now))
  }

  /// Carries out what the firewall's last event asks for, or takes the event back.
  private func commit(_ plan: [Operation]) throws(KernelFault) {
    guard !plan.isEmpty else { return }
    do { try table.commit(plan) } catch {
      firewall.rollBack()
      if error.isDrift { isInSync = false }
      throw .refused(error)
    }
  }

  /// What the kernel's table holds; nil when there is none.
  func snapshot() throws(CoreFault) -> KernelSnapshot? {
    do { return try table.snapshot() } catch { throw .kernel("read the firewall's table", error) }
  }

  /// Makes the kernel's table hold exactly what `changes` install, in one batch.
  ///
  /// A mitigation that can't be planned is left out; see `holds`.
  func reconcile(
    _ changes: [RuleChange],
    with snapshot: KernelSnapshot?,
    now: Instant
  ) throws(KernelError) {
    for change in changes { _ = try? firewall.apply([change], now: now) }
    guard snapshot != nil || !firewall.isEmpty else {
      isInSync = true
      return
    }
    try table.commit(firewall.operationsToReconcile(with: snapshot, now: now))
    isInSync = true
  }

  /// Brings the kernel's table to what it should be, and answers which counters go on counting; nil
  /// when it was.
  ///
  /// That is what `wanted` installs under this protection, with this access, and nothing else, whatever
  /// was refused before. A mitigation that can't be planned is left out.
  func repair(
    _ wanted: [RuleChange],
    protection: Protection,
    access: QuarantineAccess,
    lan: [Text],
    now: Instant
  ) throws(KernelFault) -> Counters? {
    var next = firewall
    var isBehind = !next.setProtection(protection, now: now).isEmpty
    if !next.setAccess(access, lan: lan, now: now).isEmpty { isBehind = true }
    for change in next.changes(toward: wanted, now: now) {
      if (try? next.apply([change], now: now)) != nil { isBehind = true }
    }
    do {
      let snapshot = try table.snapshot()
      if !isBehind, next.matches(snapshot) {
        firewall = next
        isInSync = true
        return nil
      }
      isInSync = false
      try table.commit(next.operationsToReconcile(with: snapshot, now: now))
      firewall = next
      isInSync = true
      return Counters(snapshot?.counters ?? [])
    } catch { throw .refused(error) }
  }

  /// Whether a mitigation's rule stands, as far as is known.
  func holds(_ id: MitigationID) -> Bool { firewall.rule(of: id) != nil }

  /// Takes the waiting events of others' changes; whether our table may be among what they changed.
  func tableMayBeGone() -> Bool {
    guard let events = try? monitor.readEvents() else { return true }
    return !events.isEmpty
  }

  /// Takes the waiting events of interfaces and addresses; whether there were any.
  func addressesMayHaveChanged() -> Bool { (try? addressMonitor.changed()) ?? true }

  /// Takes the waiting events of neighbours; whether there were any.
  func neighboursMayHaveChanged() -> Bool { (try? neighbourMonitor.changed()) ?? true }

  /// The interfaces with these names that are there.
  func interfaces(named names: [Text]) -> [Interface] {
    let found = (try? routes.interfaces(named: names)) ?? []
    return found.map { Interface($0.name, number: $0.number) }
  }

  /// The home's addresses now.
  func home(wan: [Text], lan: [Text]) throws(CoreFault) -> Home {
    do { return Home(try routes.addresses(), wan: wan, lan: lan) } catch {
      throw .kernel("read the interfaces' addresses", error)
    }
  }

  /// The addresses of these interfaces over which something can be reached now.
  func reachable(over wan: [Text]) -> [IPAddress] {
    Home((try? routes.addresses(running: true)) ?? [], wan: wan, lan: []).wanAddresses
  }

  /// The devices whose addresses the kernel knows.
  func neighbours() -> [Netlink.Neighbour] { (try? routes.neighbours()) ?? [] }

  /// Who has an address on one of these interfaces, asked now and waited for until `patience` is over.
  func neighbour(at address: IPAddress, on names: [Text], patience: Span) -> MACAddress? {
    let deadline = Clock.now + patience
    for interface in interfaces(named: names) {
      try? routes.ask(for: address, on: interface.number)
    }
    while true {
      for neighbour in neighbours()
      where neighbour.address == address && names.contains(neighbour.interface) {
        return neighbour.mac
      }
      let left = deadline - Clock.now
      guard left > .zero else { return nil }
      Poller.wait(number: neighbourMonitor.descriptor, timeout: left)
      _ = neighboursMayHaveChanged()
    }
  }

  /// Who sent, a moment ago, what rules without a source stopped.
  func senders() -> [Sender] { (try? table.senders()) ?? [] }

  /// The kernel's counter of a mitigation; nil when it can't be read.
  func counters(of id: MitigationID) -> DropCounters? { counters(named: id.counter) }

  /// The kernel's counter of a device in quarantine; nil when it can't be read.
  func counters(of mac: MACAddress) -> DropCounters? { counters(named: mac.counter) }

  private func counters(named name: Text) -> DropCounters? {
    guard let counter = try? table.counter(name) else { return nil }
    return DropCounters(packets: counter.packets, bytes: counter.bytes)
  }

  /// The kernel's counters of all mitigations, and of all devices in quarantine.
  func allCounters() throws(KernelFault) -> Counters {
    do { return Counters(try table.counters()) } catch { throw .refused(error) }
  }
}

/// What counters said of mitigations and of devices in quarantine.
struct Counters {
  private(set) var mitigations: [(id: MitigationID, counters: DropCounters)] = []
  private(set) var devices: [(mac: MACAddress, counters: DropCounters)] = []

  @inline(never)
  init(_ counters: [KernelCounter]) {
    for counter in counters {
      let counted = DropCounters(packets: counter.packets, bytes: counter.bytes)
      if let id = MitigationID(counter: counter.name) {
        mitigations.append((id, counted))
      } else if let mac = MACAddress(counter: counter.name) {
        devices.append((mac, counted))
      }
    }
  }
}

extension Protection {
  /// What these settings protect.
  init(_ settings: CoreSettings) {
    self.init(
      listenPorts: settings.listenPorts,
      resolvers: settings.resolvers,
      sections: settings.protections
    )
  }
}
