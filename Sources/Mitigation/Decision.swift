import Bytes
import Model

/// What the caller has to do about a request.
public enum Decision: Hashable, Sendable {
  /// Answer so; what there was to remember is remembered.
  case answer(RequestOutcome)
  /// Commit these changes as one batch, in this order; then tell the engine with exactly one of
  /// `enforced()` and `refusedByKernel(isFull:)`, which give the answer.
  case enforce([RuleChange])
}

/// What the engine is told of the world while it decides.
public struct Surroundings {
  /// Behind one reference, so that a copy is one word.
  private var parts: Behind<Parts>

  /// Surroundings of these parts; by default no device is known, each pair of a source and a target
  /// is one element, and nothing is measured.
  public init(
    macOf: @escaping (IPAddress) -> MACAddress? = { _ in nil },
    addressesOf: @escaping (MACAddress) -> [IPAddress] = { _ in [] },
    elementCount: @escaping (Rule) -> Int? = { $0.sources.count * $0.targets.count },
    counters: @escaping (MitigationID) -> DropCounters? = { _ in nil },
    deviceCounters: @escaping (MACAddress) -> DropCounters? = { _ in nil },
    flows: @escaping (FlowWatch) -> Void = { _ in }
  ) {
    parts = Behind(
      Parts(
        macOf: macOf,
        addressesOf: addressesOf,
        elementCount: elementCount,
        counters: counters,
        deviceCounters: deviceCounters,
        flows: flows
      )
    )
  }
}

extension Surroundings {
  /// The device that has an address now; nil when unknown.
  public var macOf: (IPAddress) -> MACAddress? {
    get { parts.value.macOf }
    set { parts.value.macOf = newValue }
  }

  /// The addresses that a device has now.
  public var addressesOf: (MACAddress) -> [IPAddress] {
    get { parts.value.addressesOf }
    set { parts.value.addressesOf = newValue }
  }

  /// How many kernel elements a rule takes; nil when more than any rule may.
  public var elementCount: (Rule) -> Int? {
    get { parts.value.elementCount }
    set { parts.value.elementCount = newValue }
  }

  /// The kernel's counters of a mitigation, as they are (rates ignored); nil when not measured.
  public var counters: (MitigationID) -> DropCounters? {
    get { parts.value.counters }
    set { parts.value.counters = newValue }
  }

  /// The kernel's counters of a device in quarantine (rates ignored); nil when not measured.
  public var deviceCounters: (MACAddress) -> DropCounters? {
    get { parts.value.deviceCounters }
    set { parts.value.deviceCounters = newValue }
  }

  /// Shows all connections that the router tracks to the watch.
  public var flows: (FlowWatch) -> Void {
    get { parts.value.flows }
    set { parts.value.flows = newValue }
  }
}

extension Surroundings {
  fileprivate struct Parts {
    var macOf: (IPAddress) -> MACAddress?
    var addressesOf: (MACAddress) -> [IPAddress]
    var elementCount: (Rule) -> Int?
    var counters: (MitigationID) -> DropCounters?
    var deviceCounters: (MACAddress) -> DropCounters?
    var flows: (FlowWatch) -> Void
  }
}

/// A mitigation that is no more, or that its owner's release has stopped: for the log, and for its
/// observers' notification.
public final class MitigationEnding: Equatable, Sendable {
  /// Why it ended.
  public enum Cause: UInt8, Hashable, Sendable {
    /// Its lifetime passed.
    case expired = 1
    /// Its client withdrew it, and the terminating period is over.
    case withdrawn = 2
    /// A newer request of its client took its place.
    case overridden = 3
    /// Its client's `client` section is gone.
    case clientRemoved = 4
    /// The settings no longer allow it.
    case settingsChanged = 5
    /// What it names is no longer of this home.
    case homeChanged = 6
    /// The owner has released the device that it was about: nothing of it is enforced any more, but
    /// its client can ask about it until its lifetime passes.
    case released = 7
    /// The owner doesn't consent.
    case denied = 8
  }

  /// Its number.
  public let id: MitigationID
  /// The `client` section of its client.
  public let client: Text
  /// The client's name for it.
  public let name: MitigationName
  /// Why it ended.
  public let cause: Cause
  /// The last report: status 6, or 7 when the router ended it.
  public let report: MitigationReport

  init(
    id: MitigationID,
    client: Text,
    name: MitigationName,
    cause: Cause,
    report: MitigationReport
  ) {
    self.id = id
    self.client = client
    self.name = name
    self.cause = cause
    self.report = report
  }

  /// Whether all is equal.
  public static func == (left: MitigationEnding, right: MitigationEnding) -> Bool {
    left.id == right.id && left.client == right.client && left.name == right.name
      && left.cause == right.cause && left.report == right.report
  }
}
