import Bytes
import CBOR
import Model

extension RequestedAction: CBORCoded {}
extension Action: CBORCoded {}
extension AttackStatus: CBORCoded {}

/// Lists under small keys: an empty one is left out.
///
/// Settings of one message can't grow beyond it, so lists here need no limit of their own.
struct KeyedLists {
  private(set) var entries: [CBOREntry] = []

  mutating func add(_ key: UInt64, _ list: [some CBORCoded]) {
    if !list.isEmpty { entries.append(CBOREntry(key, list.cbor)) }
  }

  mutating func add(_ key: UInt64, _ value: CBORValue) { entries.append(CBOREntry(key, value)) }
}

/// A list that was under a key: never empty.
func presentList<Element: CBORCoded>(_ value: CBORValue) throws(LinkError) -> [Element] {
  let list = try [Element](cbor: value)
  guard !list.isEmpty else { throw .malformed }
  return list
}

extension MitigationScope: CBORCoded {
  /// A map that holds only what was given.
  ///
  /// The keys are 0 to 10 in the order of the properties.
  public var cbor: CBORValue {
    var lists = KeyedLists()
    lists.add(0, targetPrefixes)
    lists.add(1, targetPortRanges)
    lists.add(2, targetProtocols)
    lists.add(3, targetFQDNs)
    lists.add(4, targetURIs)
    lists.add(5, aliasNames)
    lists.add(6, sourcePrefixes)
    lists.add(7, sourcePortRanges)
    lists.add(8, sourceICMPTypeRanges)
    if !triggerMitigation { lists.add(9, .bool(false)) }
    if let requestedAction { lists.add(10, requestedAction.cbor) }
    return .map(lists.entries)
  }

  /// A map of known keys, none with its default.
  public init(cbor: CBORValue) throws(LinkError) {
    guard let entries = cbor.map else { throw .malformed }
    self.init()
    for entry in entries {
      switch entry.key.unsigned {
      case 0: targetPrefixes = try presentList(entry.value)
      case 1: targetPortRanges = try presentList(entry.value)
      case 2: targetProtocols = try presentList(entry.value)
      case 3: targetFQDNs = try presentList(entry.value)
      case 4: targetURIs = try presentList(entry.value)
      case 5: aliasNames = try presentList(entry.value)
      case 6: sourcePrefixes = try presentList(entry.value)
      case 7: sourcePortRanges = try presentList(entry.value)
      case 8: sourceICMPTypeRanges = try presentList(entry.value)
      case 9:
        triggerMitigation = try Bool(cbor: entry.value)
        guard !triggerMitigation else { throw .malformed }
      case 10: requestedAction = try RequestedAction(cbor: entry.value)
      default: throw .malformed
      }
    }
  }
}

extension ConflictScope: CBORCoded {
  /// A map that holds only what is shared.
  ///
  /// The keys are 0 to 6 in the order of the properties.
  public var cbor: CBORValue {
    var lists = KeyedLists()
    lists.add(0, targetPrefixes)
    lists.add(1, targetPortRanges)
    lists.add(2, targetProtocols)
    lists.add(3, targetFQDNs)
    lists.add(4, targetURIs)
    lists.add(5, aliasNames)
    if let mid { lists.add(6, mid.cbor) }
    return .map(lists.entries)
  }

  /// A map of known keys.
  public init(cbor: CBORValue) throws(LinkError) {
    guard let entries = cbor.map else { throw .malformed }
    self.init()
    for entry in entries {
      switch entry.key.unsigned {
      case 0: targetPrefixes = try presentList(entry.value)
      case 1: targetPortRanges = try presentList(entry.value)
      case 2: targetProtocols = try presentList(entry.value)
      case 3: targetFQDNs = try presentList(entry.value)
      case 4: targetURIs = try presentList(entry.value)
      case 5: aliasNames = try presentList(entry.value)
      case 6: mid = try UInt32(cbor: entry.value)
      default: throw .malformed
      }
    }
  }
}

extension Lifetime: CBORCoded {
  /// Seconds, or -1 for indefinite.
  public var cbor: CBORValue {
    switch self {
    case .seconds(let seconds): seconds.cbor
    case .indefinite: .integer(-1)
    }
  }

  /// Seconds, or -1.
  public init(cbor: CBORValue) throws(LinkError) {
    self = cbor.integer == -1 ? .indefinite : .seconds(try UInt32(cbor: cbor))
  }
}

extension MitigationName: CBORCoded {
  /// The cuid, the cdid or null, the mid.
  public var cbor: CBORValue { .array([cuid.cbor, cdid.cbor, mid.cbor]) }

  /// A name whose identifiers have 1 to 255 bytes.
  public init(cbor: CBORValue) throws(LinkError) {
    var fields = try Fields(cbor)
    self.init(cuid: try fields.name(), cdid: try fields.optionalName(), mid: try fields.next())
    try fields.end()
  }
}

extension MitigationID: CBORCoded {
  /// The number.
  public var cbor: CBORValue { value.cbor }

  /// The number; throws for 0, which no mitigation has.
  public init(cbor: CBORValue) throws(LinkError) {
    let number = try UInt32(cbor: cbor)
    guard number != 0 else { throw .malformed }
    self.init(number)
  }
}
