import Bytes
import Model
import Testing

/// 2026-11-24T01:13:28Z.
let now = UnixTime(seconds: 1_795_482_808)

/// The moment so many seconds before `now`.
func ago(_ seconds: UInt64) -> UnixTime { UnixTime(seconds: now.seconds - seconds) }

/// A mitigation of a camera's DNS flood with 57 of its 60 minutes to go.
func flood() throws -> MitigationSummary {
  var scope = MitigationScope()
  scope.sourcePrefixes = [try #require(Prefix(parsing: "192.168.1.10"))]
  scope.targetPrefixes = [try #require(Prefix(parsing: "203.0.113.5"))]
  scope.targetProtocols = [17]
  scope.targetPortRanges = [PortRange(53)]
  return MitigationSummary(
    id: MitigationID(17),
    client: "telemetry",
    cuid: "dz6pHjaADkaFTbjr0JGBpw",
    mid: 123,
    status: .attackSuccessfullyMitigated,
    action: .block,
    scope: scope,
    lifetime: .seconds(3600),
    remaining: .seconds(3420),
    start: ago(180),
    dropped: DropCounters(packets: 12_345, bytes: 6_912_345)
  )
}

/// A router with one session.
func status() throws -> StatusReport {
  StatusReport(
    software: "cordon 1.0",
    uptime: .seconds(10_920),
    sessions: [
      SessionSummary(
        client: "telemetry",
        peer: try #require(IPAddress(parsing: "2001:db8::7")),
        peerPort: 5684,
        role: .base,
        transport: .udp,
        state: .open,
        since: ago(300)
      )
    ],
    mitigations: 1,
    isKernelInSync: true,
    certificateExpires: UnixTime(seconds: now.seconds + 86_400 * 38)
  )
}
