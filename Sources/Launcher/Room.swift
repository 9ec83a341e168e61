import Bytes
import Link
import Linux

/// One room as the launcher sees it: its process, its door and its fate.
final class Room {
  let kind: RoomKind
  /// What it gets beside its door, from descriptor 4 on.
  let descriptors: [FileDescriptor]
  /// Its settings.
  var messages: [[UInt8]]

  private(set) var process: Process?
  private(set) var door: PacketSocket?
  private(set) var isReady = false
  /// When it is started next; nil while it runs.
  private(set) var startsAt: Instant?
  private var startedAt = Instant(milliseconds: 0)
  private var backoff = Backoff()
  private var isStopping = false
  private let poller: Poller

  /// The launcher's end of the door is this descriptor in the room.
  private static let doorNumber: Int32 = 3
  /// A room that needs longer to take its settings is broken.
  private static let patience = Span.seconds(20)

  init(
    _ kind: RoomKind,
    descriptors: [FileDescriptor],
    messages: [[UInt8]],
    poller: Poller
  ) {
    self.kind = kind
    self.descriptors = descriptors
    self.messages = messages
    self.poller = poller
  }

  /// The name of its executable.
  var name: Text { kind.program }

  /// When it must have reported that it is ready; nil when it has, or does not run.
  var mustBeReadyBy: Instant? { process == nil || isReady ? nil : startedAt + Self.patience }

  func start(now: Instant) throws(SystemError) {
    let (ours, theirs) = try PacketSocket.pair()
    var given = [(theirs.descriptor, as: Self.doorNumber)]
    for (index, descriptor) in descriptors.enumerated() {
      given.append((descriptor, as: Self.doorNumber + 1 + Int32(truncatingIfNeeded: index)))
    }
    let journal = Environment.value(of: "JOURNAL_STREAM")
    process = try Process.start(
      Process.program(name),
      arguments: [name],
      environment: journal.map { ["JOURNAL_STREAM=" + $0] } ?? [],
      descriptors: given
    )
    startsAt = nil
    startedAt = now
    door = ours
    try ours.watch(with: poller, token: kind.rawValue)
    sendSettings()
  }

  func sendSettings() {
    for message in messages { send(message) }
  }

  /// Sends a message, or ends a room that takes none: its end is reaped like any other.
  func send(_ message: [UInt8], passing descriptor: FileDescriptor? = nil) {
    do { try door?.send(message, passing: descriptor) } catch { abandon() }
  }

  /// Sends what the room had no room for until now.
  func flush() {
    do { try door?.flush() } catch { abandon() }
  }

  /// The next report that waits; nil when none does.
  ///
  /// A room whose door is closed or carries nonsense is ended.
  func nextReport() -> RoomReport? {
    switch try? door?.receive() {
    case .message(let bytes, _):
      guard let report = try? RoomReport(parsing: bytes) else { break }
      if report == .ready { isReady = true }
      return report
    case .nothing: return nil
    case .closed, nil: break
    }
    if door != nil { abandon() }
    return nil
  }

  /// Gives up a room that can't be spoken with; its end is seen like any other.
  func abandon() {
    door = nil
    isReady = false
    // One that was told to stop closes its door first and may have something left to save.
    if !isStopping { try? process?.send(.kill) }
  }

  /// Tells it to stop for good.
  func stop(_ signal: Signal) {
    isStopping = true
    startsAt = nil
    try? process?.send(signal)
  }

  /// It has been reaped: its number may be another process's by now, which must get no signal.
  func isGone() { process = nil }

  /// It has ended; sets when it is started again.
  func hasEnded(now: Instant) {
    process = nil
    door = nil
    isReady = false
    if !isStopping, kind != .resolve { startsAt = now + backoff.ended(after: now - startedAt) }
  }
}
