import Bytes
import Model

extension MitigationStatus {
  /// The name of RFC 9132, Section 4.4.2.
  var label: Text {
    switch self {
    case .attackMitigationInProgress: "attack-mitigation-in-progress"
    case .attackSuccessfullyMitigated: "attack-successfully-mitigated"
    case .attackStopped: "attack-stopped"
    case .attackExceededCapability: "attack-exceeded-capability"
    case .dotsClientWithdrawnMitigation: "dots-client-withdrawn-mitigation"
    case .attackMitigationTerminated: "attack-mitigation-terminated"
    case .attackMitigationWithdrawn: "attack-mitigation-withdrawn"
    case .attackMitigationSignalLoss: "attack-mitigation-signal-loss"
    }
  }
}

extension ConflictStatus {
  /// The name of RFC 9132, Section 4.4.1.3.
  var label: Text {
    switch self {
    case .requestInactiveOtherActive: "request-inactive-other-active"
    case .requestActive: "request-active"
    case .allRequestsInactive: "all-requests-inactive"
    }
  }
}

extension ConflictCause {
  /// The name of RFC 9132, Section 4.4.1.3, or RFC 9066, Section 5.3.1.
  var label: Text {
    switch self {
    case .overlappingTargets: "overlapping-targets"
    case .conflictWithAcceptList: "conflict-with-acceptlist"
    case .cuidCollision: "cuid-collision"
    case .requestRejectedLegitimateTraffic: "request-rejected-legitimate-traffic"
    }
  }
}

extension Action {
  /// How the settings spell it.
  var label: Text {
    switch self {
    case .block: "block"
    case .limit: "limit"
    case .quarantine: "quarantine"
    case .ask: "ask"
    case .observe: "observe"
    }
  }
}

extension RequestedAction {
  /// How the command line spells it.
  var label: Text {
    switch self {
    case .block: "block"
    case .limit: "limit"
    case .quarantine: "quarantine"
    }
  }
}

extension SessionRole {
  /// `base` or `call_home`.
  var label: Text { self == .base ? "base" : "call_home" }
}

extension Transport {
  /// `udp` or `tcp`.
  var label: Text { self == .udp ? "udp" : "tcp" }
}

extension SessionState {
  /// `connecting` or `open`.
  var label: Text { self == .open ? "open" : "connecting" }
}

extension DeviceEvidence {
  /// One word.
  var label: Text {
    switch self {
    case .request: "request"
    case .conntrack: "conntrack"
    case .event: "event"
    case .seen: "seen"
    }
  }
}

extension DeviceState {
  /// One word.
  var label: Text {
    switch self {
    case .clear: "clear"
    case .blocked: "blocked"
    case .quarantined: "quarantined"
    case .exempt: "exempt"
    }
  }
}

extension DeviceSubject {
  /// The address.
  var label: Text {
    switch self {
    case .address(let address): address.text
    case .mac(let mac): mac.text
    }
  }
}

extension SessionSummary {
  /// `ADDRESS:PORT`, an IPv6 address in brackets.
  var endpoint: Text {
    let address = peer.family == .v6 ? "[" + peer.text + "]" : peer.text
    return address + ":" + Text(decimal: peerPort)
  }
}

/// The usual name of an IP protocol, or its number.
func protocolLabel(_ number: UInt8) -> Text {
  switch number {
  case 1: "icmp"
  case 6: "tcp"
  case 17: "udp"
  case 58: "icmpv6"
  default: Text(decimal: number)
  }
}
