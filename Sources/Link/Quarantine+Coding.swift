import Bytes
import Model

extension DeviceKind: Coded {
  /// Any.
  public static var blank: DeviceKind { .other }
}

extension WishOutcome: Coded {
  /// Failed.
  public static var blank: WishOutcome { .failed }
}

extension LinkLimits {
  /// Addresses of one device that are told.
  static let addresses = 32
  /// Targets and ports that one cause of a quarantine tells.
  static let causeTargets = 8
  /// Causes of one quarantine that are told.
  static let causes = 4
  /// Other devices in quarantine that one view tells.
  static let others = 8
}

extension Device: Coded {
  /// No device.
  public static var blank: Device { Device(mac: .blank) }

  /// An array of the properties in their order; of the addresses, the first are told.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension Device.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 5)
    mac.code(&coder)
    coder.text(&name)
    coder.text(&vendor)
    kind.code(&coder)
    coder.list(&addresses, limit: LinkLimits.addresses, isCut: true)
  }
}

extension DeviceSummary: Coded {
  /// The most mitigations that are told.
  static let maximumMitigations = 1024

  /// A summary of no device.
  public static var blank: DeviceSummary { DeviceSummary(device: .blank, state: .blank) }

  /// An array of the properties in their order; null for what doesn't apply.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension DeviceSummary.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 5)
    device.code(&coder)
    state.code(&coder)
    coder.optional(&since)
    coder.optional(&releasesLeft)
    coder.list(&mitigations, limit: DeviceSummary.maximumMitigations, isCut: true)
  }
}

extension QuarantineCause: Coded {
  /// The owner.
  public static var blank: QuarantineCause { .owner }

  /// Null for the owner, else an array of the parts, of whose lists the first are told.
  public mutating func code(_ coder: inout some Coder) {
    guard coder.isPresent(!isOwner) else {
      self = .owner
      return
    }
    var (client, targets, protocols, ports) = parts
    coder.array(of: 4)
    coder.text(&client)
    coder.list(&targets, limit: LinkLimits.causeTargets, isCut: true)
    if !coder.isReading { protocols = [UInt8](protocols.prefix(LinkLimits.causeTargets)) }
    coder.bytes(&protocols, limit: LinkLimits.causeTargets)
    coder.list(&ports, limit: LinkLimits.causeTargets, isCut: true)
    self = .mitigation(client: client, targets: targets, protocols: protocols, ports: ports)
  }

  private var isOwner: Bool {
    if case .owner = self { true } else { false }
  }

  private var parts: (Text, [Prefix], [UInt8], [PortRange]) {
    switch self {
    case .owner: (.blank, [], [], [])
    case .mitigation(let client, let targets, let protocols, let ports):
      (client, targets, protocols, ports)
    }
  }
}

extension QuarantineStory: Coded {
  /// A story of no device.
  public static var blank: QuarantineStory {
    QuarantineStory(
      device: .blank,
      since: .blank,
      causes: [],
      releasesLeft: 0,
      caseNumber: .blank
    )
  }

  /// An array of the properties in their order; null for what isn't known; of the causes, the first
  /// are told.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension QuarantineStory.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 10)
    device.code(&coder)
    since.code(&coder)
    coder.optional(&lastSeen)
    coder.optional(&ends)
    stopped.code(&coder)
    recentPackets.code(&coder)
    quietSeconds.code(&coder)
    coder.list(&causes, limit: LinkLimits.causes, isCut: true)
    releasesLeft.code(&coder)
    coder.text(&caseNumber)
  }
}

extension PortalView: Coded {
  /// A view of nothing.
  public static var blank: PortalView { PortalView() }

  /// An array of the properties in their order; null for what isn't known; of the others, the first
  /// are told.
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 4)
    coder.optional(&requester)
    coder.optional(&story)
    coder.optional(&released)
    coder.list(&others, limit: LinkLimits.others, isCut: true)
  }
}
