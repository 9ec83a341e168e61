import Bytes
import Link
import Mitigation
import Model

/// The state file's content: what has to outlive core, and a loss of power.
///
/// Lifetimes are what was left when the file was written: after a boot, whose clock may be wrong,
/// they never grow.
struct State: Equatable {
  /// Behind one reference, so that a copy is one word.
  private var parts: Behind<Parts>

  /// The first item of the file: another number is another format.
  fileprivate static let version: UInt32 = 5
  /// The most bytes that are read: far more than all mitigations of all clients.
  static let maximumLength = 8_388_608
  /// The most mitigations: as many as the engine holds.
  fileprivate static let maximumRecords = 16_384

  /// The bytes of the file.
  var encoded: [UInt8] {
    var writer = ItemWriter()
    var state = self
    state.parts.value.code(&writer)
    return writer.bytes
  }

  /// A state of these parts.
  init(boot: Text, writtenAt: Instant, nextID: UInt32, records: [MitigationRecord]) {
    parts = Behind(Parts(boot: boot, writtenAt: writtenAt, nextID: nextID, records: records))
  }

  /// Reads a file; nil when it is none of ours.
  init?(parsing bytes: [UInt8]) {
    guard bytes.count <= Self.maximumLength else { return nil }
    var reader = ItemReader(bytes)
    self.init(boot: .blank, writtenAt: .blank, nextID: 0, records: [])
    parts.value.code(&reader)
    if (try? reader.finish()) == nil { return nil }
  }
}

extension State {
  /// What the kernel called the boot in which the file was written.
  var boot: Text {
    get { parts.value.boot }
    set { parts.value.boot = newValue }
  }

  /// When it was written, on the clock of that boot.
  var writtenAt: Instant {
    get { parts.value.writtenAt }
    set { parts.value.writtenAt = newValue }
  }

  /// The number that the next mitigation gets.
  var nextID: UInt32 {
    get { parts.value.nextID }
    set { parts.value.nextID = newValue }
  }

  /// All mitigations.
  var records: [MitigationRecord] {
    get { parts.value.records }
    set { parts.value.records = newValue }
  }

  /// The devices to remember.
  var devices: [DeviceRecord] {
    get { parts.value.devices }
    set { parts.value.devices = newValue }
  }
}

extension State {
  fileprivate struct Parts: Equatable {
    var boot: Text
    var writtenAt: Instant
    var nextID: UInt32
    var records: [MitigationRecord]
    var devices: [DeviceRecord] = []

    /// Visits the array of the version and the properties in their order.
    mutating func code(_ coder: inout some Coder) {
      codeHead(&coder)
      coder.list(&records, limit: State.maximumRecords)
      coder.list(&devices)
    }

    mutating func codeHead(_ coder: inout some Coder) {
      var version = State.version
      coder.array(of: 6)
      version.code(&coder)
      if version != State.version { coder.fail() }
      coder.text(&boot)
      writtenAt.code(&coder)
      nextID.code(&coder)
    }
  }
}

/// The bytes of the file that holds what an engine knows, in pieces: all at once, records or bytes,
/// would leave the process larger for good.
struct StatePieces {
  /// A piece has so many bytes, and no more of another mitigation.
  private static let pieceLength = 8192

  private let engine: MitigationEngine
  private var parts: State.Parts
  private var writer = ItemWriter()
  /// The next mitigation's index; one more than there are: nothing is left.
  private var next = 0

  /// The state of `engine` at `now`, in the boot of that name.
  init(_ engine: MitigationEngine, boot: Text, now: Instant) {
    self.engine = engine
    parts = State.Parts(boot: boot, writtenAt: now, nextID: engine.nextID, records: [])
    parts.codeHead(&writer)
    writer.array(of: engine.count)
  }

  /// The bytes that come next; nil after the last.
  mutating func piece() -> [UInt8]? {
    while next < engine.count, writer.bytes.count < Self.pieceLength {
      writer.value(engine.record(at: next, now: parts.writtenAt))
      next += 1
    }
    if next == engine.count {
      parts.devices = engine.deviceRecords(now: parts.writtenAt)
      writer.list(&parts.devices)
      next += 1
    }
    let piece = writer.drain()
    return piece.isEmpty ? nil : piece
  }
}

/// When the state file is written: seldom, because flash wears.
struct StateSchedule: Equatable {
  /// At most one write in this time on a change.
  static let spacing = Span.seconds(10)
  /// One write in this time while something is active.
  static let refresh = Span.seconds(900)

  private var isDirty = false
  private var writtenAt: Instant?

  /// Something changed that the file should hold.
  mutating func changed() { isDirty = true }

  /// The file was written, or could not be: the next try is as far away.
  mutating func wrote(at now: Instant) {
    isDirty = false
    writtenAt = now
  }

  /// When the next write is due; nil: none is.
  func due(now: Instant, isActive: Bool) -> Instant? {
    guard let writtenAt else { return isDirty ? now : nil }
    if isDirty { return writtenAt + Self.spacing }
    return isActive ? writtenAt + Self.refresh : nil
  }
}
