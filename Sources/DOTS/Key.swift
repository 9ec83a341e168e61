/// The CBOR keys that the signal channel's messages use here (RFC 9132, Table 5; RFC 9066, Table 1).
enum Key {
  static let mitigationScope: UInt64 = 1
  static let scope: UInt64 = 2
  static let mid: UInt64 = 5
  static let targetPrefix: UInt64 = 6
  static let targetPortRange: UInt64 = 7
  static let lowerPort: UInt64 = 8
  static let upperPort: UInt64 = 9
  static let targetProtocol: UInt64 = 10
  static let targetFQDN: UInt64 = 11
  static let targetURI: UInt64 = 12
  static let aliasName: UInt64 = 13
  static let lifetime: UInt64 = 14
  static let mitigationStart: UInt64 = 15
  static let status: UInt64 = 16
  static let conflictInformation: UInt64 = 17
  static let conflictStatus: UInt64 = 18
  static let conflictCause: UInt64 = 19
  static let retryTimer: UInt64 = 20
  static let conflictScope: UInt64 = 21
  static let aclListOfConflict: UInt64 = 22
  static let aclName: UInt64 = 23
  static let aclType: UInt64 = 24
  static let bytesDropped: UInt64 = 25
  static let bytesPerSecondDropped: UInt64 = 26
  static let packetsDropped: UInt64 = 27
  static let packetsPerSecondDropped: UInt64 = 28
  static let attackStatus: UInt64 = 29
  static let signalConfiguration: UInt64 = 30
  static let mitigatingConfiguration: UInt64 = 32
  static let heartbeatInterval: UInt64 = 33
  static let maximumValue: UInt64 = 34
  static let minimumValue: UInt64 = 35
  static let currentValue: UInt64 = 36
  static let missingHeartbeatsAllowed: UInt64 = 37
  static let maximumRetransmit: UInt64 = 38
  static let ackTimeout: UInt64 = 39
  static let ackRandomFactor: UInt64 = 40
  static let maximumDecimalValue: UInt64 = 41
  static let minimumDecimalValue: UInt64 = 42
  static let currentDecimalValue: UInt64 = 43
  static let idleConfiguration: UInt64 = 44
  static let triggerMitigation: UInt64 = 45
  static let redirectedSignal: UInt64 = 46
  static let alternateServer: UInt64 = 47
  static let alternateServerRecord: UInt64 = 48
  static let heartbeat: UInt64 = 49
  static let probingRate: UInt64 = 50
  static let peerHeartbeatStatus: UInt64 = 51
  /// Filter control (RFC 9133, Table 1).
  static let aclList: UInt64 = 53
  static let sourcePrefix: UInt64 = 32_768
  static let sourcePortRange: UInt64 = 32_769
  static let sourceICMPTypeRange: UInt64 = 32_770
  static let lowerType: UInt64 = 32_771
  static let upperType: UInt64 = 32_772
  static let alternateClient: UInt64 = 32_773
  static let alternateClientRecord: UInt64 = 32_774
  static let timeToLive: UInt64 = 32_775
  /// The vendor attribute `cordon:action`, in the private-use range (RFC 9132, Section 10.6.1.1).
  static let action: UInt64 = 49_152

  /// The keys that RFC 9132, Table 5 and RFC 9133, Table 1 define.
  static let registered: ClosedRange<UInt64> = 1...53

  /// The CBOR tag that a message may carry (RFC 9132, Section 10.5).
  static let tag: UInt64 = 271

  /// Whether a receiver that doesn't know `key` has to refuse the message (RFC 9132,
  /// Section 10.6.1.1); nil for a number that no attribute can have.
  static func isRequired(_ key: UInt64) -> Bool? {
    switch key {
    case 1...127, 256...16_383: true
    case 128...255, 16_384...65_535: false
    default: nil
    }
  }
}
