import Bytes
import Model
import Report
import Testing

private let plain = TextStyle(isColoured: false, now: now)

@Test("status in words")
func statusText() throws {
  #expect(
    try status().text(plain) == """
      cordon: cordon 1.0
        uptime: 3 h 2 min
        kernel: in sync
        mitigations: 1
        quarantined: 0
        certificate expires: 2027-01-01T01:13:28Z (in 38 d)

      session: [2001:db8::7]:5684
        client: telemetry
        role: base
        transport: udp
        state: open
        since: 5 min ago

      """
  )
}

@Test("an expired certificate and a kernel out of step are told")
func troubledStatus() {
  let report = StatusReport(
    software: "c",
    uptime: .zero,
    isKernelInSync: false,
    certificateExpires: ago(1)
  )
  let text = report.text(plain).string
  #expect(text.contains("kernel: not in sync\n"))
  #expect(text.contains("certificate expires: 2026-11-24T01:13:27Z (expired)\n"))
}

@Test("mitigations in words")
func mitigationsText() throws {
  #expect(
    try [flood()].text(plain) == """
      mitigation: 17
        client: telemetry (cuid dz6pHjaADkaFTbjr0JGBpw, mid 123)
        status: attack-successfully-mitigated
        action: block
        sources: 192.168.1.10/32
        targets: 203.0.113.5/32
        target ports: 53
        protocols: udp
        since: 3 min ago
        remaining: 57 min of 1 h
        dropped: 12,345 packets, 6.59 MiB

      """
  )
  #expect([MitigationSummary]().text(plain) == "no mitigations\n")
}

@Test("what a mitigation may have besides, in words")
func fullMitigationText() throws {
  var summary = try flood()
  summary.action = .observe
  summary.remaining = .indefinite
  summary.scope.sourcePortRanges = [try #require(PortRange(1, 2)), PortRange(9)]
  summary.scope.sourceICMPTypeRanges = [try #require(ICMPTypeRange(8, 8))]
  summary.devices = [DeviceMatch(mac: MACAddress(1), name: "cam", found: .request)]
  summary.conflict = ConflictInformation(cause: .overlappingTargets, status: .requestActive)
  let text = [summary].text(plain).string
  for line in [
    "  source ports: 1-2, 9\n", "  icmp types: 8\n", "  remaining: no end of 1 h\n",
    "  counted: 12,345 packets, 6.59 MiB\n", "  devices: 00:00:00:00:00:01 cam (request)\n",
    "  conflict: overlapping-targets, request-active\n",
  ] {
    #expect(text.contains(line))
  }
}

@Test("colour marks headings and keys, and only when asked for")
func colour() throws {
  let style = TextStyle(isColoured: true, now: now)
  let text = try status().text(style).string
  #expect(text.hasPrefix("\u{1B}[1;32mcordon\u{1B}[0m: \u{1B}[32mcordon 1.0\u{1B}[0m\n"))
  #expect(text.contains("  \u{1B}[1muptime\u{1B}[0m: 3 h 2 min\n"))
  #expect(try !status().text(plain).string.contains("\u{1B}"))
}

@Test("what a client sent can't steer the terminal")
func injection() throws {
  var summary = try flood()
  summary.cuid = "x\u{1B}]0;y\u{7}\nz"
  #expect([summary].text(plain).string.contains("(cuid x?]0;y??z, mid 123)"))
}

/// What `why` says of an address that these mitigations concern.
private func why(_ address: Text, _ state: DeviceState, _ found: [MitigationSummary]) throws -> Text
{
  let subject = DeviceSubject.address(try #require(IPAddress(parsing: address)))
  return WhyReport(subject: subject, state: state, mitigations: found).text(plain)
}

@Test("why says what is stopped, by whom, until when and how much it was")
func whyText() throws {
  #expect(
    try why("192.168.1.10", .blocked, [flood()])
      == Text(
        "192.168.1.10: traffic to 203.0.113.5 udp port 53 is blocked by mitigation 17 of telemetry"
          + " (mid 123) since 2026-11-24T01:10:28Z, for another 57 min; 12,345 packets dropped\n"
      )
  )
}

@Test("why says plainly that nothing is blocked")
func whyClear() throws {
  #expect(
    try why("192.168.1.10", .clear, []) == "192.168.1.10: not blocked, no mitigation names it\n"
  )
  #expect(
    try why("192.168.1.10", .exempt, []) == "192.168.1.10: protected: no request can touch it\n"
  )
  #expect(try why("192.168.1.10", .quarantined, []) == "192.168.1.10: in quarantine\n")
}

@Test("why names the source where the subject is the target")
func whyTarget() throws {
  #expect(
    try why("203.0.113.5", .blocked, [flood()]).hasPrefix(
      "203.0.113.5: traffic from 192.168.1.10 to 203.0.113.5 udp port 53 is blocked by"
    )
  )
}

@Test("why of a hardware address names the source unless a device of it is known")
func whyMAC() throws {
  var summary = try flood()
  let mac = MACAddress(1)
  let unknown = WhyReport(subject: .mac(mac), state: .blocked, mitigations: [summary])
  #expect(unknown.text(plain).hasPrefix("00:00:00:00:00:01: traffic from 192.168.1.10 to "))
  summary.devices = [DeviceMatch(mac: mac, name: nil, found: .seen)]
  let known = WhyReport(subject: .mac(mac), state: .blocked, mitigations: [summary])
  #expect(known.text(plain).hasPrefix("00:00:00:00:00:01: traffic to 203.0.113.5 "))
}

@Test(
  "why says what each action and status means",
  arguments: [
    (.block, .attackMitigationInProgress, "is blocked by mitigation 17"),
    (.limit, .attackMitigationInProgress, "is limited by mitigation 17"),
    (.observe, .attackMitigationInProgress, "is counted, not stopped, by mitigation 17"),
    (.ask, .attackMitigationInProgress, "waits for the owner's consent to mitigation 17"),
    (.quarantine, .attackStopped, "is stopped by the quarantine of mitigation 17"),
    (
      .block, .dotsClientWithdrawnMitigation,
      "is still blocked, after its withdrawal, by mitigation 17"
    ),
    (
      .block, .attackMitigationSignalLoss,
      "is to be stopped once the signal is lost, by mitigation 17"
    ),
  ] as [(Action, MitigationStatus, String)]
)
func whyVerbs(action: Action, status: MitigationStatus, expected: String) throws {
  var summary = try flood()
  summary.action = action
  summary.status = status
  #expect(try why("192.168.1.10", .blocked, [summary]).string.contains(expected))
}

@Test("why is brief about long lists, and says when there is no end and no target")
func whyLists() throws {
  var summary = try flood()
  summary.scope.targetPrefixes = [try #require(Prefix(parsing: "0.0.0.0/0"))]
  summary.scope.targetPortRanges = (1...5).map { PortRange($0) }
  summary.scope.sourcePortRanges = [PortRange(7)]
  summary.remaining = .indefinite
  summary.start = nil
  summary.dropped = nil
  #expect(
    try why("192.168.1.10", .blocked, [summary])
      == Text(
        "192.168.1.10: traffic from port 7 to everywhere udp port 1, 2, 3 and 2 more is blocked by"
          + " mitigation 17 of telemetry (mid 123), until it is withdrawn\n"
      )
  )
}
