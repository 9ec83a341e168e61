import Bytes
import CBOR
import Model

extension MitigationScope {
  /// The keys of the attributes that describe what is asked for.
  static let keys =
    Targets.keys + [
      Key.triggerMitigation, Key.sourcePrefix, Key.sourcePortRange, Key.sourceICMPTypeRange,
      Key.action,
    ]

  /// Reads the attributes of an entry of `scope` (RFC 9132, Section 4.4.1.1; RFC 9066,
  /// Section 5.3.1): their types and their syntax, not yet what they mean together.
  init(_ attributes: Attributes) throws(PeerError) {
    self.init()
    targetPrefixes = try attributes.prefixes(Key.targetPrefix)
    targetPortRanges = try attributes.portRanges(Key.targetPortRange)
    targetProtocols = try attributes.protocols(Key.targetProtocol)
    targetFQDNs = try attributes.texts(Key.targetFQDN)
    targetURIs = try attributes.texts(Key.targetURI)
    aliasNames = try attributes.texts(Key.aliasName)
    triggerMitigation = try attributes.bool(Key.triggerMitigation) ?? true
    sourcePrefixes = try attributes.prefixes(Key.sourcePrefix)
    sourcePortRanges = try attributes.portRanges(Key.sourcePortRange)
    sourceICMPTypeRanges = try attributes.icmpTypeRanges(Key.sourceICMPTypeRange)
    if let value = attributes[Key.action] {
      guard let number = value.unsigned else { throw PeerError(.wrongType, Key.action) }
      // An unknown action is a matter of policy, which comes after all other checks.
      requestedAction = UInt8(exactly: number).flatMap(RequestedAction.init)
    }
  }

  /// Adds the attributes; absent are empty lists and the default of trigger-mitigation.
  func write(to entries: inout [CBOREntry]) {
    entries.add(Key.targetPrefix, targetPrefixes)
    entries.add(Key.targetPortRange, targetPortRanges)
    entries.add(Key.targetProtocol, targetProtocols)
    entries.add(Key.targetFQDN, targetFQDNs)
    entries.add(Key.targetURI, targetURIs)
    entries.add(Key.aliasName, aliasNames)
    entries.add(Key.triggerMitigation, triggerMitigation ? nil : .bool(false))
    entries.add(Key.sourcePrefix, sourcePrefixes)
    entries.add(Key.sourcePortRange, sourcePortRanges)
    entries.add(Key.sourceICMPTypeRange, sourceICMPTypeRanges)
    entries.add(Key.action, requestedAction?.rawValue)
  }
}
