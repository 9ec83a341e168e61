import Bytes
import Model

extension LogLevel: Coded {
  /// Errors alone.
  public static var blank: LogLevel { .error }
}

extension ConflictPolicy: Coded {
  /// Accept.
  public static var blank: ConflictPolicy { .accept }
}

extension OverlapRule: Coded {
  /// The scope.
  public static var blank: OverlapRule { .scope }
}

extension CoreSettings: Coded {
  /// The defaults.
  public static var blank: CoreSettings { CoreSettings() }

  /// An array of the properties in their order, but for the lists of sections.
  ///
  /// Those pass as messages of their own, so that each fits.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension CoreSettings.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 20)
    coder.list(&wan)
    coder.list(&lan)
    action.code(&coder)
    limit.code(&coder)
    askTimeout.code(&coder)
    coder.flag(&askDefaultsToBlock)
    terminating.code(&coder)
    conflict.code(&coder)
    maximumQuarantined.code(&coder)
    coder.flag(&flushesOffload)
    coder.optional(&portSet)
    coder.text(&user)
    coder.text(&state, limit: LinkLimits.path)
    coder.text(&leases, limit: LinkLimits.path)
    logLevel.code(&coder)
    coder.list(&listenPorts)
    coder.list(&resolvers)
    quarantine.code(&coder)
    releases.code(&coder)
    coder.text(&vendors, limit: LinkLimits.path)
  }
}

extension QuarantineAccess: Coded {
  /// Without a port.
  public static var blank: QuarantineAccess { QuarantineAccess(portalPort: 0) }

  /// An array of the properties in their order; null without an API.
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 3)
    portalPort.code(&coder)
    coder.optional(&apiPort)
    coder.list(&garden)
  }
}

extension ClientSettings: Coded {
  /// A section without a name.
  public static var blank: ClientSettings { ClientSettings(section: .blank, name: .blank) }

  /// An array of the properties in their order; a pin has 32 bytes, or is null.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension ClientSettings.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 13)
    coder.text(&section)
    coder.text(&name)
    codePin(&coder)
    coder.list(&may, limit: RequestedAction.allCases.count)
    coder.list(&targets)
    coder.flag(&mayNameInternal)
    overlap.code(&coder)
    coder.flag(&isGateway)
    maximumMitigations.code(&coder)
    maximumElements.code(&coder)
    maximumRate.code(&coder)
    maximumLifetime.code(&coder)
    coder.text(&alternateServer)
  }

  private mutating func codePin(_ coder: inout some Coder) {
    guard coder.isPresent(pin != nil) else {
      pin = nil
      return
    }
    var digest = pin ?? []
    coder.bytes(&digest, limit: PeerIdentity.digestLength)
    if digest.count != PeerIdentity.digestLength { coder.fail() }
    pin = digest
  }
}

extension PolicySettings: Coded {
  /// A section without a name.
  public static var blank: PolicySettings { PolicySettings(section: .blank, action: .blank) }

  /// An array of the properties in their order; null for what doesn't matter.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension PolicySettings.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 5)
    coder.text(&section)
    coder.optional(&mac)
    coder.optional(&source)
    coder.optionalName(&client)
    action.code(&coder)
  }
}

extension ProtectSettings: Coded {
  /// A section without a name.
  public static var blank: ProtectSettings { ProtectSettings(section: .blank) }

  /// An array of the properties in their order.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension ProtectSettings.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 6)
    coder.text(&section)
    coder.list(&macs)
    coder.list(&sources)
    coder.list(&prefixes)
    coder.list(&udpPorts)
    coder.list(&tcpPorts)
  }
}
