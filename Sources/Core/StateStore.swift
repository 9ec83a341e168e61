import Bytes
import Linux
import Mitigation

/// The state file and when it is written.
struct StateStore {
  /// This boot's name.
  let boot: Text
  private let path: Text
  private var schedule = StateSchedule()

  /// The state file in `folder`.
  init(folder: Text) throws(CoreFault) {
    path = folder + "/state.cbor"
    do { boot = try Clock.bootIdentifier() } catch { throw .system("read the boot's name", error) }
  }

  /// Whether there is a file, readable or not.
  var exists: Bool { File.exists(path) }

  /// What the file holds; nil when there is none, or none that can be read.
  func read() throws(SystemError) -> State? {
    guard File.exists(path) else { return nil }
    return State(parsing: try File.contents(of: path, limit: State.maximumLength))
  }

  /// Something changed that the file should hold.
  mutating func changed() { schedule.changed() }

  /// When the next write is due; nil: none is.
  func due(now: Instant, isActive: Bool) -> Instant? {
    schedule.due(now: now, isActive: isActive)
  }

  /// Writes the file; when that fails, the next try is as far away as after a success.
  mutating func write(
    _ engine: MitigationEngine,
    now: Instant
  ) throws(SystemError) {
    schedule.wrote(at: now)
    var pieces = StatePieces(engine, boot: boot, now: now)
    do { try File.replace(path, pieces: { pieces.piece() }) } catch {
      schedule.changed()
      throw error
    }
  }
}
