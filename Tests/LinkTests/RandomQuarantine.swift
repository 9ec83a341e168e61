import Bytes
import Link
import Model
import Testing

extension RandomValues {
  mutating func mac() -> MACAddress { MACAddress(number(0...(.max))) }

  mutating func device() throws -> Device {
    Device(
      mac: mac(),
      name: text(0...63),
      vendor: text(0...24),
      kind: try one(of: DeviceKind.allCases),
      addresses: list { $0.address() }
    )
  }

  mutating func deviceSummary() throws -> DeviceSummary {
    DeviceSummary(
      device: try device(),
      state: try one(of: DeviceState.allCases),
      since: maybe { $0.time() },
      releasesLeft: maybe { $0.number(0...(.max)) },
      mitigations: list { MitigationID($0.number(1...(.max))) }
    )
  }

  /// A command about one device or all of them.
  mutating func deviceCommand() -> ControlCommand {
    switch number(0...4) {
    case 0: .devices
    case 1: .quarantine(mac())
    case 2: .release(mac())
    case 3: .consent(MitigationID(number(1...(.max))), flag())
    default: .code(mac())
    }
  }

  mutating func cause() throws -> QuarantineCause {
    if flag() { return .owner }
    return .mitigation(
      client: text(0...20),
      targets: try list { try $0.prefix() },
      protocols: list { $0.number(0...(.max)) },
      ports: try list { try $0.ports() }
    )
  }

  mutating func story() throws -> QuarantineStory {
    QuarantineStory(
      device: try device(),
      since: time(),
      lastSeen: maybe { $0.time() },
      ends: maybe { $0.time() },
      stopped: counters(),
      recentPackets: number(0...(.max)),
      quietSeconds: number(0...(.max)),
      causes: try list(1...4) { try $0.cause() },
      releasesLeft: number(0...(.max)),
      caseNumber: text(0...20)
    )
  }

  mutating func portalView() throws -> PortalView {
    PortalView(
      requester: try maybe { try $0.device() },
      story: try maybe { try $0.story() },
      released: maybe { $0.time() },
      others: try list(0...2) { try $0.story() }
    )
  }

  mutating func portalMessage() -> PortalMessage {
    let handle: UInt32 = number(0...(.max))
    return switch number(0...2) {
    case 0: .look(handle: handle, address())
    case 1: .wish(handle: handle, address(), .checkAgain)
    default: .wish(handle: handle, address(), .release(code: text(0...32)))
    }
  }

  mutating func portalNotice() throws -> PortalNotice {
    if flag() { return .home(list { $0.address() }) }
    return .view(
      handle: number(0...(.max)),
      try portalView(),
      try maybe { try $0.one(of: WishOutcome.allCases) }
    )
  }
}
