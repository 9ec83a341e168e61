import Bytes
import Model

/// An address and the device that has it.
public struct DeviceAddress: Hashable, Sendable {
  /// The address.
  public var address: IPAddress
  /// The device.
  public var mac: MACAddress

  /// That `mac` has `address`.
  public init(_ address: IPAddress, _ mac: MACAddress) {
    self.address = address
    self.mac = mac
  }
}

/// What is remembered of a device that is in quarantine, or was lately.
struct QuarantinedDevice: Equatable, Sendable {
  /// Behind one reference, so that a copy is one word.
  private var parts: Behind<Parts>

  /// A mitigation that wants the device in quarantine.
  struct Cause: Equatable, Sendable {
    let id: MitigationID
    /// When the mitigation ends.
    var end: Instant
    /// What the device's counter had said before.
    let before: DropCounters
  }

  /// Packets of the attack that one reading showed.
  struct Sample: Equatable, Sendable {
    let at: Instant
    var packets: UInt64
  }

  /// A free device.
  init(mac: MACAddress, freeSince: Instant) {
    parts = Behind(Parts(mac: mac, freeSince: freeSince))
  }

  /// When the quarantine ends by itself; nil: never.
  var end: Instant? {
    if isOwners { return nil }
    return causes.map { $0.end }.max() ?? freeSince
  }

  /// All that was stopped of it, whatever put it into quarantine.
  var total: DropCounters {
    DropCounters(
      packets: carried.packets &+ (reading?.packets ?? 0),
      bytes: carried.bytes &+ (reading?.bytes ?? 0)
    )
  }

  /// What was stopped of it since it is in quarantine.
  var stopped: DropCounters {
    DropCounters(
      packets: total.packets &- before.packets &+ ended.packets,
      bytes: total.bytes &- before.bytes &+ ended.bytes
    )
  }

  /// Whether nothing is left that has to be remembered.
  func isForgettable(at now: Instant) -> Bool {
    since == nil && now - freeSince >= Constants.memory
  }

  /// Goes into quarantine, unless it is there.
  mutating func confine(at now: Instant, start: UnixTime, number: UInt32) {
    guard since == nil else { return }
    since = now
    before = total
    ended = DropCounters(packets: 0, bytes: 0)
    self.start = start
    self.number = number
  }

  /// Becomes free when nobody wants it in quarantine.
  mutating func freeUnlessWanted(at now: Instant) {
    guard since != nil, !isOwners, causes.isEmpty else { return }
    since = nil
    freeSince = now
    addresses = []
    samples = []
    lastAttack = nil
    code = nil
    // Its counter goes with the quarantine.
    renew()
  }

  /// Its counter is gone, and the next one begins at zero.
  mutating func renew() {
    carried = total
    reading = nil
  }

  /// Takes a reading of its counter; how many packets it shows that none did before.
  mutating func took(_ counters: DropCounters) -> UInt64 {
    let before = total.packets
    if let last = reading, counters.packets < last.packets || counters.bytes < last.bytes {
      renew()
    }
    reading = DropCounters(packets: counters.packets, bytes: counters.bytes)
    return total.packets &- before
  }

  /// So many packets of the attack were seen.
  mutating func attacked(_ packets: UInt64, at now: Instant) {
    guard packets > 0 else { return }
    lastAttack = now
    samples.removeAll { now - $0.at >= Constants.quiet }
    if let last = samples.last, samples.count == Limits.samples {
      samples[samples.count - 1] = Sample(at: last.at, packets: last.packets &+ packets)
    } else {
      samples.append(Sample(at: now, packets: packets))
    }
  }

  /// Packets of the attack in the last five minutes.
  func recentPackets(at now: Instant) -> UInt64 {
    var packets: UInt64 = 0
    for sample in samples where now - sample.at < Constants.quiet { packets &+= sample.packets }
    return packets
  }

  /// For how long no packet of the attack was seen in quarantine.
  func quiet(at now: Instant) -> Span {
    guard let since else { return .zero }
    return max(now - max(lastAttack ?? since, since), .zero)
  }

  /// Takes up what a record says of a quarantine that goes on.
  mutating func resume(since: Instant) { self.since = since }
}

extension QuarantinedDevice {
  var mac: MACAddress { parts.value.mac }

  /// Since when it is in quarantine; nil when it is free.
  private(set) var since: Instant? {
    get { parts.value.since }
    set { parts.value.since = newValue }
  }

  /// What the wall clock showed then.
  var start: UnixTime {
    get { parts.value.start }
    set { parts.value.start = newValue }
  }

  /// Tells this quarantine from others of the device.
  var number: UInt32 {
    get { parts.value.number }
    set { parts.value.number = newValue }
  }

  /// Whether the owner wants it in quarantine.
  var isOwners: Bool {
    get { parts.value.isOwners }
    set { parts.value.isOwners = newValue }
  }

  /// Mitigations that want it in quarantine, oldest first.
  var causes: [Cause] {
    get { parts.value.causes }
    set { parts.value.causes = newValue }
  }

  /// The second key, in ascending order.
  var addresses: [IPAddress] {
    get { parts.value.addresses }
    set { parts.value.addresses = newValue }
  }

  /// How often its owner released it from the page though it was not quiet.
  var releases: UInt32 {
    get { parts.value.releases }
    set { parts.value.releases = newValue }
  }

  /// When it was released last.
  var released: UnixTime? {
    get { parts.value.released }
    set { parts.value.released = newValue }
  }

  /// When it became free.
  var freeSince: Instant {
    get { parts.value.freeSince }
    set { parts.value.freeSince = newValue }
  }

  /// Counts of kernel counters that are gone.
  var carried: DropCounters {
    get { parts.value.carried }
    set { parts.value.carried = newValue }
  }

  /// The last reading of the present counter; nil before the first.
  var reading: DropCounters? {
    get { parts.value.reading }
    set { parts.value.reading = newValue }
  }

  /// What its counters had said when it went into quarantine.
  var before: DropCounters {
    get { parts.value.before }
    set { parts.value.before = newValue }
  }

  /// What rules about it alone had counted that ended since then.
  var ended: DropCounters {
    get { parts.value.ended }
    set { parts.value.ended = newValue }
  }

  /// When a packet of the attack was seen last; nil when never since core started.
  private(set) var lastAttack: Instant? {
    get { parts.value.lastAttack }
    set { parts.value.lastAttack = newValue }
  }

  private var samples: [Sample] {
    get { parts.value.samples }
    set { parts.value.samples = newValue }
  }

  var code: ReleaseCode? {
    get { parts.value.code }
    set { parts.value.code = newValue }
  }

  var wishes: WishRate {
    get { parts.value.wishes }
    set { parts.value.wishes = newValue }
  }
}

extension QuarantinedDevice {
  fileprivate struct Parts: Equatable, Sendable {
    let mac: MACAddress
    var since: Instant?
    var start = UnixTime(seconds: 0)
    var number: UInt32 = 0
    var isOwners = false
    var causes: [Cause] = []
    var addresses: [IPAddress] = []
    var releases: UInt32 = 0
    var released: UnixTime?
    var freeSince: Instant
    var carried = DropCounters(packets: 0, bytes: 0)
    var reading: DropCounters?
    var before = DropCounters(packets: 0, bytes: 0)
    var ended = DropCounters(packets: 0, bytes: 0)
    var lastAttack: Instant?
    var samples: [Sample] = []
    var code: ReleaseCode?
    var wishes = WishRate()
  }
}

/// How many wishes a device may still have.
struct WishRate: Equatable, Sendable {
  private var count: UInt8 = 0
  private var since = Instant(milliseconds: .min)

  /// Counts a wish; whether it comes slowly enough.
  mutating func allows(at now: Instant) -> Bool {
    if now - since >= Limits.wishWindow {
      since = now
      count = 0
    }
    guard count < Limits.wishes else { return false }
    count += 1
    return true
  }
}

/// A code with which the helpdesk lets an owner release a device once.
struct ReleaseCode: Equatable, Sendable {
  let text: Text
  let end: Instant
  /// Wrong ones that were tried instead.
  var misses: UInt8 = 0

  init(_ text: Text, until end: Instant) {
    self.text = text
    self.end = end
  }

  /// The characters of Crockford's base 32: no letter looks like another or like a digit.
  private static let alphabet: StaticString = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

  /// A code of the first eight of `random`; nil when there are fewer.
  init?(random: [UInt8], until end: Instant) {
    let bytes = Text(stringLiteral: Self.alphabet).bytes
    let chosen = random.prefix(8).map { bytes[Int($0 & 31)] }
    guard chosen.count == 8 else { return nil }
    self.init(Text(chosen), until: end)
  }

  /// Whether `typed` is this code: case, blanks and hyphens don't count, O is 0, I and L are 1.
  func matches(_ typed: Text) -> Bool {
    var bytes: [UInt8] = []
    for byte in typed.bytes where byte != 0x20 && byte != 0x2D {
      let upper = byte >= 0x61 && byte <= 0x7A ? byte - 0x20 : byte
      bytes.append(upper == 0x4F ? 0x30 : upper == 0x49 || upper == 0x4C ? 0x31 : upper)
    }
    return bytes == text.bytes
  }
}
