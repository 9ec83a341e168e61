import Bytes
import CBOR
import Model

/// An ACL that stands in the way of a request (RFC 9132, Section 4.4.1.3; names of RFC 8783).
public struct ACLReference: Hashable, Sendable {
  /// The ACL's name.
  public var name: Text
  /// Its type: an identity of the data channel's module, with or without the module's prefix.
  public var type: Text

  /// A reference of these parts.
  public init(name: Text, type: Text) {
    self.name = name
    self.type = type
  }

  private static let keys = [Key.aclName, Key.aclType]

  init(_ value: CBORValue) throws(PeerError) {
    let attributes = try Attributes(value, under: Key.aclListOfConflict, allowed: Self.keys)
    name = try attributes.text(Key.aclName)
    type = try attributes.text(Key.aclType)
  }

  var value: CBORValue {
    .map([CBOREntry(Key.aclName, .text(name)), CBOREntry(Key.aclType, .text(type))])
  }
}

extension ConflictScope {
  fileprivate static let keys = Targets.keys + [Key.mid, Key.aclListOfConflict]

  fileprivate init(_ attributes: Attributes) throws(PeerError) {
    self.init()
    targetPrefixes = try attributes.prefixes(Key.targetPrefix)
    targetPortRanges = try attributes.portRanges(Key.targetPortRange)
    targetProtocols = try attributes.protocols(Key.targetProtocol)
    targetFQDNs = try attributes.texts(Key.targetFQDN)
    targetURIs = try attributes.texts(Key.targetURI)
    aliasNames = try attributes.texts(Key.aliasName)
    mid = try attributes.unsigned(Key.mid)
  }

  fileprivate func write(to entries: inout [CBOREntry]) {
    entries.add(Key.mid, mid)
    entries.add(Key.targetPrefix, targetPrefixes)
    entries.add(Key.targetPortRange, targetPortRanges)
    entries.add(Key.targetProtocol, targetProtocols)
    entries.add(Key.targetFQDN, targetFQDNs)
    entries.add(Key.targetURI, targetURIs)
    entries.add(Key.aliasName, aliasNames)
  }
}

extension ConflictInformation {
  private static let keys = [
    Key.conflictStatus, Key.conflictCause, Key.retryTimer, Key.conflictScope,
  ]

  /// Reads the map under conflict-information, and the ACLs of its scope.
  static func read(
    _ value: CBORValue
  ) throws(PeerError) -> (information: ConflictInformation, acls: [ACLReference]) {
    let attributes = try Attributes(value, under: Key.conflictInformation, allowed: keys)
    let cause: UInt8 = try Attributes.unsigned(
      try attributes.required(Key.conflictCause),
      Key.conflictCause
    )
    guard let cause = ConflictCause(rawValue: cause) else {
      throw PeerError(.valueOutOfRange, Key.conflictCause)
    }
    var information = ConflictInformation(cause: cause)
    if let status = try attributes.unsigned(Key.conflictStatus, as: UInt8.self) {
      guard let status = ConflictStatus(rawValue: status) else {
        throw PeerError(.valueOutOfRange, Key.conflictStatus)
      }
      information.status = status
    }
    information.retryTimer = try attributes.unsigned(Key.retryTimer)
    var acls: [ACLReference] = []
    if let value = attributes[Key.conflictScope] {
      let scope = try Attributes(value, under: Key.conflictScope, allowed: ConflictScope.keys)
      information.scope = try ConflictScope(scope)
      for acl in try scope.list(Key.aclListOfConflict, limit: Limits.acls) {
        acls.append(try ACLReference(acl))
      }
    }
    return (information, acls)
  }

  /// The map; `acls` join the conflict scope, and an empty scope is left out.
  func value(acls: [ACLReference]) -> CBORValue {
    var entries: [CBOREntry] = []
    entries.add(Key.conflictStatus, status?.rawValue)
    entries.add(Key.conflictCause, cause.rawValue)
    entries.add(Key.retryTimer, retryTimer)
    var members: [CBOREntry] = []
    scope?.write(to: &members)
    members.add(Key.aclListOfConflict, list: acls.map { $0.value })
    if !members.isEmpty { entries.append(CBOREntry(Key.conflictScope, .map(members))) }
    return .map(entries)
  }
}
