import Bytes
import Model

extension MitigationStatus: Coded {
  /// In progress.
  public static var blank: MitigationStatus { .attackMitigationInProgress }
}

extension ConflictStatus: Coded {
  /// Inactive.
  public static var blank: ConflictStatus { .requestInactiveOtherActive }
}

extension ConflictCause: Coded {
  /// Overlapping targets.
  public static var blank: ConflictCause { .overlappingTargets }
}

extension DropCounters: Coded {
  /// Nothing counted.
  public static var blank: DropCounters { DropCounters(packets: 0, bytes: 0) }

  /// An array of packets, bytes and the two rates.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 4)
    packets.code(&coder)
    bytes.code(&coder)
    packetsPerSecond.code(&coder)
    bytesPerSecond.code(&coder)
  }
}

extension ConflictInformation: Coded {
  /// A conflict of overlapping targets.
  public static var blank: ConflictInformation { ConflictInformation(cause: .blank) }

  /// An array of the cause and, each or null, the status, the retry timer and the scope.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension ConflictInformation.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 4)
    cause.code(&coder)
    coder.optional(&status)
    coder.optional(&retryTimer)
    coder.optional(&scope)
  }
}

extension MitigationReport: Coded {
  /// A report without a scope.
  public static var blank: MitigationReport {
    MitigationReport(mid: 0, scope: .blank, remaining: .blank, status: .blank)
  }

  /// An array of the properties in their order; null for what isn't known.
  public mutating func code(_ coder: inout some Coder) { parts.value.code(&coder) }
}

extension MitigationReport.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 7)
    mid.code(&coder)
    scope.code(&coder)
    remaining.code(&coder)
    status.code(&coder)
    coder.optional(&start)
    coder.optional(&dropped)
    coder.optional(&conflict)
  }
}
