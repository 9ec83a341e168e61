import Bytes
import Model

extension RequestedAction: Coded {
  /// Block.
  public static var blank: RequestedAction { .block }
}

extension Action: Coded {
  /// Block.
  public static var blank: Action { .block }
}

extension AttackStatus: Coded {
  /// Under attack.
  public static var blank: AttackStatus { .underAttack }
}

// Lists of a scope need no limits of their own: the message bounds them.
extension MitigationScope: Coded {
  /// Without any attribute.
  public static var blank: MitigationScope { MitigationScope() }

  /// An array of the properties in their order; protocols are a byte string.
  public mutating func code(_ coder: inout some Coder) { attributes.value.code(&coder) }

  /// Whether a request with this scope, and any report of it, fits a message.
  ///
  /// The signal front refuses a request whose scope doesn't (4.13).
  public var fitsMessage: Bool { encodedLength <= LinkLimits.scope }
}

extension MitigationScope.Parts {
  @inline(never)
  fileprivate mutating func code(_ coder: inout some Coder) {
    coder.array(of: 11)
    coder.list(&targetPrefixes)
    coder.list(&targetPortRanges)
    coder.bytes(&targetProtocols, limit: LinkLimits.message)
    coder.list(&targetFQDNs)
    coder.list(&targetURIs)
    coder.list(&aliasNames)
    coder.list(&sourcePrefixes)
    coder.list(&sourcePortRanges)
    coder.list(&sourceICMPTypeRanges)
    coder.flag(&triggerMitigation)
    coder.optional(&requestedAction)
  }
}

extension ConflictScope: Coded {
  /// Nothing shared.
  public static var blank: ConflictScope { ConflictScope() }

  /// An array of the properties in their order; protocols are a byte string.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 7)
    coder.list(&targetPrefixes)
    coder.list(&targetPortRanges)
    coder.bytes(&targetProtocols, limit: LinkLimits.message)
    coder.list(&targetFQDNs)
    coder.list(&targetURIs)
    coder.list(&aliasNames)
    coder.optional(&mid)
  }
}

extension Lifetime: Coded {
  /// No time.
  public static var blank: Lifetime { .seconds(0) }

  /// Seconds, or -1 for indefinite.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    var number: Int64 =
      switch self {
      case .seconds(let seconds): Int64(seconds)
      case .indefinite: -1
      }
    coder.integer(&number)
    guard coder.isReading else { return }
    if number == -1 {
      self = .indefinite
    } else if let seconds = UInt32(exactly: number) {
      self = .seconds(seconds)
    } else {
      coder.fail()
    }
  }
}

extension MitigationName: Coded {
  /// The name of nothing.
  public static var blank: MitigationName { MitigationName(cuid: .blank, mid: 0) }

  /// An array of the cuid, the cdid or null, and the mid; identifiers have 1 to 255 bytes.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    coder.array(of: 3)
    coder.name(&cuid)
    coder.optionalName(&cdid)
    mid.code(&coder)
  }
}

extension MitigationID: Coded {
  /// 0, which no mitigation has.
  public static var blank: MitigationID { MitigationID(0) }

  /// The number, never 0.
  @inline(never)
  public mutating func code(_ coder: inout some Coder) {
    var number = value
    number.code(&coder)
    if number == 0 { coder.fail() }
    self = MitigationID(number)
  }
}
