import Bytes

/// A device that the firewall keeps in quarantine.
///
/// The hardware address is the first key. The addresses known for it are the second: a device that
/// changes its hardware address and keeps an address stays where it is.
public struct Quarantine: Hashable, Sendable {
  /// The device.
  public var mac: MACAddress
  /// Its addresses, in ascending order.
  public var addresses: [IPAddress]
  /// What the kernel keeps for core beside the device's counter: at most 256 bytes.
  public var journal: [UInt8]

  /// A quarantine of these parts.
  public init(mac: MACAddress, addresses: [IPAddress] = [], journal: [UInt8] = []) {
    self.mac = mac
    self.addresses = addresses
    self.journal = journal
  }
}

/// What devices in quarantine may reach, the same for all.
public struct QuarantineAccess: Hashable, Sendable {
  /// The port of the router on which the page is served; port 80 is redirected to it.
  public var portalPort: UInt16
  /// The port to which 443 of the router's own addresses is redirected for every device of the home:
  /// the API of RFC 8908; nil: there is none.
  public var apiPort: UInt16?
  /// Blocks that may be reached over https, in ascending order.
  public var garden: [Prefix]

  /// Access of these parts.
  public init(portalPort: UInt16, apiPort: UInt16? = nil, garden: [Prefix] = []) {
    self.portalPort = portalPort
    self.apiPort = apiPort
    self.garden = garden
  }
}

/// Who put a device into quarantine.
public enum QuarantineCause: Hashable, Sendable {
  /// The owner, with `cordonctl quarantine`.
  case owner
  /// A mitigation of this `client` section; what it was sent against.
  case mitigation(client: Text, targets: [Prefix], protocols: [UInt8], ports: [PortRange])
}

/// What the page tells of one device in quarantine.
public struct QuarantineStory: Hashable, Sendable {
  /// Behind one reference, so that a copy is one word.
  package var parts: Behind<Parts>

  /// A story of these parts.
  public init(
    device: Device,
    since: UnixTime,
    lastSeen: UnixTime? = nil,
    ends: UnixTime? = nil,
    stopped: DropCounters = DropCounters(packets: 0, bytes: 0),
    recentPackets: UInt64 = 0,
    quietSeconds: UInt32 = 0,
    causes: [QuarantineCause],
    releasesLeft: UInt32,
    caseNumber: Text
  ) {
    parts = Behind(
      Parts(
        device: device,
        since: since,
        lastSeen: lastSeen,
        ends: ends,
        stopped: stopped,
        recentPackets: recentPackets,
        quietSeconds: quietSeconds,
        causes: causes,
        releasesLeft: releasesLeft,
        caseNumber: caseNumber
      )
    )
  }
}

extension QuarantineStory {
  /// The device.
  public var device: Device {
    get { parts.value.device }
    set { parts.value.device = newValue }
  }

  /// Since when it is in quarantine.
  public var since: UnixTime {
    get { parts.value.since }
    set { parts.value.since = newValue }
  }

  /// When it last tried what it is stopped from; nil when never since core started.
  public var lastSeen: UnixTime? {
    get { parts.value.lastSeen }
    set { parts.value.lastSeen = newValue }
  }

  /// When the quarantine ends by itself, unless it is renewed; nil: only by release.
  public var ends: UnixTime? {
    get { parts.value.ends }
    set { parts.value.ends = newValue }
  }

  /// What was stopped.
  public var stopped: DropCounters {
    get { parts.value.stopped }
    set { parts.value.stopped = newValue }
  }

  /// Packets of the attack in the last five minutes.
  public var recentPackets: UInt64 {
    get { parts.value.recentPackets }
    set { parts.value.recentPackets = newValue }
  }

  /// For how long no packet of the attack was seen, in seconds.
  public var quietSeconds: UInt32 {
    get { parts.value.quietSeconds }
    set { parts.value.quietSeconds = newValue }
  }

  /// Who put it there, oldest first: at least one, at most four.
  public var causes: [QuarantineCause] {
    get { parts.value.causes }
    set { parts.value.causes = newValue }
  }

  /// How often its owner may still release it from the page.
  public var releasesLeft: UInt32 {
    get { parts.value.releasesLeft }
    set { parts.value.releasesLeft = newValue }
  }

  /// What to tell the helpdesk: printable ASCII.
  public var caseNumber: Text {
    get { parts.value.caseNumber }
    set { parts.value.caseNumber = newValue }
  }
}

extension QuarantineStory {
  package struct Parts: Hashable, Sendable {
    package var device: Device
    package var since: UnixTime
    package var lastSeen: UnixTime?
    package var ends: UnixTime?
    package var stopped: DropCounters
    package var recentPackets: UInt64
    package var quietSeconds: UInt32
    package var causes: [QuarantineCause]
    package var releasesLeft: UInt32
    package var caseNumber: Text
  }
}

/// What the page may show to whoever asks from one address.
public struct PortalView: Hashable, Sendable {
  /// The device that asks; nil when the router doesn't know it.
  public var requester: Device?
  /// Its quarantine; nil when it is in none.
  public var story: QuarantineStory?
  /// When it was released last; nil when never, or long ago.
  public var released: UnixTime?
  /// For a device that is not in quarantine: those that are, at most eight, oldest first.
  public var others: [QuarantineStory]

  /// A view of these parts.
  public init(
    requester: Device? = nil,
    story: QuarantineStory? = nil,
    released: UnixTime? = nil,
    others: [QuarantineStory] = []
  ) {
    self.requester = requester
    self.story = story
    self.released = released
    self.others = others
  }
}

/// What the owner asks for on the page.
public enum PortalWish: Hashable, Sendable {
  /// Look at the counters again.
  case checkAgain
  /// Release this device; with the code that the helpdesk gave, or empty.
  case release(code: Text)
}

/// What a wish came to.
public enum WishOutcome: UInt8, Hashable, Sendable, CaseIterable {
  /// The device is free.
  case released = 1
  /// The attack was seen in the last five minutes; it stays.
  case stillActive = 2
  /// No attack was seen for five minutes.
  case quiet = 3
  /// Its releases are used up: only the helpdesk's code helps.
  case noneLeft = 4
  /// The code is wrong, used, or too old.
  case wrongCode = 5
  /// The device is in no quarantine.
  case notQuarantined = 6
  /// Wishes come too fast.
  case tooSoon = 7
  /// The router couldn't do it now.
  case failed = 8
}
