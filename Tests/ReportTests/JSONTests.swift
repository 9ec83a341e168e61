import Bytes
import JSON
import Model
import Report
import Testing

@Test("status in JSON")
func statusJSON() throws {
  #expect(
    try status().json.text(.pretty) == """
      {
        "version": 1,
        "software": "cordon 1.0",
        "uptime": 10920,
        "sessions": [
          {
            "client": "telemetry",
            "peer": "[2001:db8::7]:5684",
            "role": "base",
            "transport": "udp",
            "state": "open",
            "since": "2026-11-24T01:08:28Z"
          }
        ],
        "mitigations": 1,
        "quarantined": 0,
        "kernel": {
          "in_sync": true
        },
        "certificate_expires": "2027-01-01T01:13:28Z"
      }
      """
  )
}

@Test("status in JSON without sessions and certificate")
func emptyStatusJSON() {
  let report = StatusReport(software: "c", uptime: .zero, isKernelInSync: false)
  #expect(
    report.json.text()
      == Text(
        #"{"version":1,"software":"c","uptime":0,"sessions":[],"mitigations":0,"quarantined":0,"#
          + #""kernel":{"in_sync":false},"certificate_expires":null}"#
      )
  )
}

/// The object of `flood()`.
private let floodObject =
  #"{"id":17,"client":"telemetry","cuid":"dz6pHjaADkaFTbjr0JGBpw","mid":123,"#
  + #""status":"attack-successfully-mitigated","action":"block","sources":["192.168.1.10/32"],"#
  + #""source_ports":[],"targets":["203.0.113.5/32"],"target_ports":[{"lower":53,"upper":53}],"#
  + #""protocols":[17],"icmp_types":[],"since":"2026-11-24T01:10:28Z","lifetime":3600,"#
  + #""remaining":3420,"packets_dropped":12345,"bytes_dropped":6912345,"devices":[],"#
  + #""conflict":null}"#

@Test("mitigations in JSON")
func mitigationsJSON() throws {
  #expect(
    try [flood()].json.text() == Text(#"{"version":1,"mitigations":["# + floodObject + "]}")
  )
  #expect([MitigationSummary]().json.text() == #"{"version":1,"mitigations":[]}"#)
}

@Test("devices and a conflict in JSON; an indefinite lifetime is -1")
func fullMitigationJSON() throws {
  var summary = try flood()
  summary.devices = [
    DeviceMatch(mac: MACAddress(0x0011_2233_4455), name: "cam\"era", found: .conntrack),
    DeviceMatch(mac: nil, name: nil, found: .seen),
  ]
  summary.lifetime = .indefinite
  var scope = ConflictScope()
  scope.targetPrefixes = summary.scope.targetPrefixes
  scope.mid = 122
  summary.conflict = ConflictInformation(
    cause: .overlappingTargets,
    status: .requestActive,
    retryTimer: 30,
    scope: scope
  )
  let text = [summary].json.text().string
  #expect(
    text.contains(
      #""devices":[{"mac":"00:11:22:33:44:55","name":"cam\"era","found":"conntrack"},"#
        + #"{"mac":null,"name":null,"found":"seen"}],"conflict":{"status":"request-active","#
        + #""cause":"overlapping-targets","retry_timer":30,"scope":{"targets":["203.0.113.5/32"],"#
        + #""target_ports":[],"protocols":[],"fqdns":[],"uris":[],"aliases":[],"mid":122}}}"#
    )
  )
  #expect(text.contains(#""lifetime":-1,"remaining":3420"#))
}

@Test("why in JSON")
func whyJSON() throws {
  let subject = DeviceSubject.address(try #require(IPAddress(parsing: "192.168.1.10")))
  let report = WhyReport(subject: subject, state: .blocked, mitigations: [try flood()])
  #expect(
    report.json.text()
      == Text(
        #"{"version":1,"subject":"192.168.1.10","state":"blocked","mitigations":["#
          + floodObject + "]}"
      )
  )
}

@Test("every state, status, action and evidence has a name of its own")
func names() throws {
  var words: Set<Text> = []
  for status in MitigationStatus.allCases {
    var summary = try flood()
    summary.status = status
    words.insert([summary].json.text())
  }
  for action in Action.allCases where action != .block {
    var summary = try flood()
    summary.action = action
    words.insert([summary].json.text())
  }
  for evidence in DeviceEvidence.allCases {
    var summary = try flood()
    summary.devices = [DeviceMatch(mac: nil, name: nil, found: evidence)]
    words.insert([summary].json.text())
  }
  #expect(words.count == 8 + 4 + 4)
}
