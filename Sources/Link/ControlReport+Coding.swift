import Bytes
import Model

extension SessionState: Coded {
  /// Connecting.
  public static var blank: SessionState { .connecting }
}

extension DeviceEvidence: Coded {
  /// The request.
  public static var blank: DeviceEvidence { .request }
}

extension DeviceState: Coded {
  /// Clear.
  public static var blank: DeviceState { .clear }
}

extension SessionSummary: Coded {
  /// A summary of no session.
  public static var blank: SessionSummary {
    SessionSummary(
      client: .blank,
      peer: .blank,
      peerPort: 0,
      role: .blank,
      transport: .blank,
      state: .blank,
      since: .blank
    )
  }

  /// An array of the properties in their order.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension SessionSummary.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 7)
    coder.text(&client)
    peer.code(&coder)
    peerPort.code(&coder)
    role.code(&coder)
    transport.code(&coder)
    state.code(&coder)
    since.code(&coder)
  }
}

extension StatusReport: Coded {
  /// The most sessions that are told, so that a report fits a message.
  public static let maximumSessions = 48

  /// A report of nothing.
  public static var blank: StatusReport {
    StatusReport(software: .blank, uptime: .zero, isKernelInSync: false)
  }

  /// An array of the properties in their order; the uptime is never negative; of the sessions, the
  /// first are told.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension StatusReport.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 7)
    coder.text(&software)
    uptime.code(&coder)
    if uptime < .zero { coder.fail() }
    coder.list(&sessions, limit: StatusReport.maximumSessions, isCut: true)
    mitigations.code(&coder)
    quarantined.code(&coder)
    coder.flag(&isKernelInSync)
    coder.optional(&certificateExpires)
  }
}

extension DeviceMatch: Coded {
  /// A match of no device.
  public static var blank: DeviceMatch { DeviceMatch(mac: nil, name: nil, found: .blank) }

  /// An array of the properties in their order; null for what isn't known.
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 3)
    coder.optional(&mac)
    coder.optionalName(&name)
    found.code(&coder)
  }
}

extension MitigationSummary: Coded {
  /// A summary of no mitigation.
  public static var blank: MitigationSummary {
    MitigationSummary(
      id: .blank,
      client: .blank,
      cuid: .blank,
      mid: 0,
      status: .blank,
      action: .blank,
      scope: .blank,
      lifetime: .blank,
      remaining: .blank
    )
  }

  /// An array of the properties in their order; null for what isn't known.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }

  /// The same with less detail: without devices and what a conflict shares.
  fileprivate var shortened: MitigationSummary {
    var summary = self
    summary.devices = []
    summary.conflict?.scope = nil
    return summary
  }

  /// The same, with less detail where it would not fit a message.
  ///
  /// A scope that came as a request always fits (`MitigationScope.fitsMessage`).
  public var fittingMessage: MitigationSummary {
    let message = ControlReply.mitigation(self)
    return (try? message.encoded()) == nil ? shortened : self
  }
}

extension MitigationSummary.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 13)
    id.code(&coder)
    coder.text(&client)
    coder.name(&cuid)
    mid.code(&coder)
    status.code(&coder)
    action.code(&coder)
    scope.code(&coder)
    lifetime.code(&coder)
    remaining.code(&coder)
    coder.optional(&start)
    coder.optional(&dropped)
    coder.list(&devices)
    coder.optional(&conflict)
  }
}

extension DeviceSubject: Coded {
  /// 0.0.0.0.
  public static var blank: DeviceSubject { .address(.blank) }

  /// A byte string of 4 or 16 bytes for an address, of 6 for a hardware address.
  public mutating func code(_ coder: inout some Coder) {
    var bytes =
      switch self {
      case .address(let address): address.bytes
      case .mac(let mac): mac.bytes
      }
    coder.bytes(&bytes, limit: 16)
    guard coder.isReading else { return }
    if let mac = MACAddress(bytes: bytes) {
      self = .mac(mac)
    } else if let address = IPAddress(bytes: bytes) {
      self = .address(address)
    } else {
      coder.fail()
    }
  }
}
