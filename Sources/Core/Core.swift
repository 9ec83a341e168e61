import Bytes
import Firewall
import Link
import Linux
import Mitigation
import Model
import Netlink

/// Core at work: engine, firewall and state file behind the doors, on one event loop.
final class Core {
  /// A session that the signal front told of.
  struct KnownSession {
    let session: Session
    let since: UnixTime
    /// What the signal front was told last of its client.
    var told: (isClient: Bool, isMitigating: Bool)?
  }

  /// An administrator.
  struct Control {
    let token: UInt64
    let socket: PacketSocket
  }

  enum Token {
    static let launcher: UInt64 = 0
    static let signal: UInt64 = 1
    static let listener: UInt64 = 2
    static let tableEvents: UInt64 = 3
    static let addressEvents: UInt64 = 4
    static let portal: UInt64 = 5
    static let neighbourEvents: UInt64 = 6
    static let flowEvents: UInt64 = 7
    static let firstControl: UInt64 = 16
  }

  /// How often counters are read for the mitigations' status.
  static let countingInterval = Span.seconds(10)
  /// An interface may lose its addresses for a moment.
  static let settlingTime = Span.seconds(2)
  /// Neighbours come and go in bursts.
  static let neighbourPatience = Span.milliseconds(500)
  /// How long a device may take to say that it has an address: one that sleeps takes some beacons.
  static let askPatience = Span.milliseconds(100)
  /// Before nobody is waited for again.
  static let askInterval = Span.seconds(1)
  /// Before the next try to bring the kernel's table back; doubled each time that it fails.
  static let repairInterval = Span.seconds(1)
  /// The longest such time.
  static let longestRepairInterval = Span.seconds(60)
  /// Before the next try to renew what the kernel refused to: three fit before elements end.
  static let renewalRetry = Span.seconds(600)
  /// The wall clock was set when it differs this much from what it should show, in seconds.
  static let clockStep: UInt64 = 2

  let poller: Poller
  let launcher: PacketSocket
  let kernel: Kernel
  let startedAt = Clock.now
  var signal: PacketSocket?
  var portal: PacketSocket?
  var listener: PacketListener?
  var controls: [Control] = []
  var lastControl = Token.firstControl
  var engine: MitigationEngine
  /// The devices in quarantine that the log knows of.
  var confined: [MACAddress] = []
  /// By rising number.
  var sessions: [KnownSession] = []
  /// Clients that have no session.
  var losses = Losses()
  var certificateExpires: UnixTime?
  var store: StateStore
  var assembly = CoreSettingsAssembly()
  var log: Log
  var refusals = LineBudget()
  var repairAt: Instant?
  var repairDelay = Core.repairInterval
  var homeReadAt: Instant?
  var countAt: Instant?
  var countedAt = Instant(milliseconds: .min)
  var neighboursReadAt: Instant?
  /// Tells of new connections while those matter.
  var flowMonitor: FlowMonitor?
  /// When it stops; nil while it is wanted.
  var flowsLeftAt: Instant?
  /// When all connections are to be looked at again.
  var flowsReadAt: Instant?
  var sendersReadAt: Instant?
  /// When nobody had an address that was asked for.
  var askedAt: Instant?
  var names = DeviceNames()
  /// Where names of the garden lead to.
  var garden: [IPAddress] = []
  /// The interfaces of the home that the launcher was told of last.
  var interfaces: [Interface] = []
  /// The addresses towards the ISP, as the launcher was told them last.
  var reachable: [IPAddress] = []
  private var clockOffset: Int64 = 0

  init(settings: CoreSettings, launcher: PacketSocket, log: Log) throws(CoreFault) {
    self.launcher = launcher
    self.log = log
    kernel = try Kernel(settings: settings)
    do {
      poller = try Poller()
      try launcher.watch(with: poller, token: Token.launcher)
      try poller.add(number: kernel.tableEvents, token: Token.tableEvents)
      try poller.add(number: kernel.addressEvents, token: Token.addressEvents)
      try poller.add(number: kernel.neighbourEvents, token: Token.neighbourEvents)
    } catch { throw .system("watch the kernel", error) }
    store = try StateStore(folder: settings.state)
    let home = try kernel.home(wan: settings.wan, lan: settings.lan)
    engine = MitigationEngine(settings: settings, home: home)
    clockOffset = Self.offset()
    settingsChanged()
    try recover()
    for client in engine.settings.clients { expect(client.section) }
    try reportInterfaces()
    try reportAddresses()
  }

  /// Serves until the launcher is gone.
  func run() throws(CoreFault) {
    while true {
      let events: [Poller.Event]
      do { events = try poller.wait(timeout: nextTimeout.map { $0 - Clock.now }) } catch {
        throw .system("wait for events", error)
      }
      for event in events {
        switch event.token {
        case Token.launcher:
          guard try serveLauncher() else {
            save()
            return
          }
        case Token.signal: serveSignal(event)
        case Token.portal: servePortal(event)
        case Token.listener: acceptControl()
        case Token.tableEvents: tableChanged()
        case Token.addressEvents: addressesChanged()
        case Token.neighbourEvents: neighboursChanged()
        case Token.flowEvents: flowsBegan()
        default: serveControl(event)
        }
      }
      timePassed()
    }
  }

  private var nextTimeout: Instant? {
    let now = Clock.now
    var next = store.due(now: now, isActive: isActive)
    func consider(_ moment: Instant?) {
      if let moment { next = min(next ?? moment, moment) }
    }
    consider(engine.nextEvent)
    consider(kernel.nextRenewal)
    consider(repairAt)
    consider(homeReadAt)
    consider(countAt)
    consider(neighboursReadAt)
    consider(flowsReadAt)
    consider(flowsLeftAt)
    consider(sendersReadAt)
    consider(losses.next)
    return next
  }

  private func timePassed() {
    let now = Clock.now
    checkClock(now)
    if let due = homeReadAt, due <= now { readHome(now) }
    if let due = neighboursReadAt, due <= now { readNeighbours(now) }
    advance(to: now)
    if let due = repairAt, due <= now { repair(now) }
    if let due = losses.next, due <= now { signalsLost(now) }
    if let due = kernel.nextRenewal, due <= now { renew(now) }
    if let due = countAt, due <= now { readCounters(now) }
    watchFlows(now)
    if !isActive {
      countAt = nil
    } else if countAt == nil {
      countAt = now + Self.countingInterval
    }
    if let due = store.due(now: now, isActive: isActive), due <= now { save() }
    tellStandings()
  }

  /// Whether the kernel holds anything that is counted.
  private var isActive: Bool { engine.enforcedCount > 0 || engine.quarantinedCount > 0 }

  private func checkClock(_ now: Instant) {
    let offset = Self.offset()
    guard (offset - clockOffset).magnitude >= Self.clockStep else { return }
    clockOffset = offset
    engine.clockSet(wall: Clock.wall, now: now)
  }

  /// How far the wall clock is ahead of the boot's, in seconds.
  private static func offset() -> Int64 {
    Int64(clamping: Clock.wall.seconds) - Clock.now.milliseconds / 1000
  }
}
