import Bytes
import CoAP
import Foundation
import Model
import Report
import Testing

@testable import Client

private let now = UnixTime(seconds: 1_795_482_808)
private let plain = TextStyle(isColoured: false, now: now)

/// A mitigation with all that a server may tell.
private func flood() throws -> SeenMitigation {
  var seen = SeenMitigation(mid: 7)
  seen.scope.sourcePrefixes = [try #require(Prefix(parsing: "192.168.1.20"))]
  seen.scope.sourcePortRanges = [try #require(PortRange(1000, 2000))]
  seen.scope.targetPrefixes = [try #require(Prefix(parsing: "203.0.113.5"))]
  seen.scope.targetFQDNs = ["victim.example"]
  seen.scope.targetPortRanges = [PortRange(443)]
  seen.scope.targetProtocols = [17, 99]
  seen.scope.requestedAction = .block
  seen.scope.triggerMitigation = false
  seen.lifetime = .seconds(540)
  seen.status = .attackSuccessfullyMitigated
  seen.start = UnixTime(seconds: now.seconds - 60)
  seen.dropped = DropCounters(
    packets: 12_345,
    bytes: 6_912_345,
    packetsPerSecond: 205,
    bytesPerSecond: 115_205
  )
  seen.conflict = ConflictInformation(cause: .conflictWithAcceptList, status: .requestActive)
  seen.conflictACLs = ["office", "lab"]
  return seen
}

@Test("mitigations in words")
func mitigations() throws {
  #expect(
    ClientAnswer.mitigations([try flood(), SeenMitigation(mid: nil)]).text(plain) == """
      mitigation: 7
        status: attack-successfully-mitigated
        action: block
        trigger: loss of the session
        sources: 192.168.1.20/32
        source ports: 1000-2000
        targets: 203.0.113.5/32, victim.example
        target ports: 443
        protocols: udp, 99
        since: 1 min ago
        remaining: 9 min
        dropped: 12,345 packets, 6.59 MiB (205 packets, 112.50 KiB a second)
        conflict: conflict-with-acceptlist, request-active; acls office, lab

      mitigation: without a number

      """
  )
  #expect(ClientAnswer.mitigations([]).text(plain) == "no mitigations\n")
}

@Test("a granted mitigation in words, what is granted beside what was asked for")
func granted() {
  var seen = SeenMitigation(mid: 7)
  seen.lifetime = .seconds(3600)
  #expect(
    ClientAnswer.granted(seen, isNew: true).text(plain)
      == "mitigation: 7\n  result: accepted\n  lifetime: 1 h\n"
  )
  seen.lifetime = .indefinite
  #expect(
    ClientAnswer.granted(seen, isNew: false).text(plain)
      == "mitigation: 7\n  result: refreshed\n  lifetime: no end\n"
  )
}

@Test("the short answers in words")
func shortAnswers() {
  for (answer, text) in [
    (.withdrawn(mid: 7), "mitigation: 7\n  result: withdrawn\n"),
    (.configured(sid: 9, isNew: true), "configuration: accepted\n  sid: 9\n"),
    (.configured(sid: 9, isNew: false), "configuration: changed\n  sid: 9\n"),
    (.configurationReset, "configuration: reset\n"),
    (.heartbeat(.milliseconds(12)), "heartbeat: answered after 12 ms\n"),
  ] as [(ClientAnswer, Text)] {
    #expect(answer.text(plain) == text)
  }
}

private let parameters = [
  SessionParameter(
    "heartbeat-interval",
    mitigating: .init(current: 30, minimum: 15, maximum: 240),
    idle: .init(current: 0)
  ),
  SessionParameter(
    "ack-timeout",
    isDecimal: true,
    mitigating: .init(current: 205, minimum: 100, maximum: 3000),
    idle: nil
  ),
]

@Test("a configuration in words, decimals with their two digits")
func configuration() {
  #expect(
    ClientAnswer.configuration(parameters).text(plain) == """
      configuration: mitigating
        heartbeat-interval: 30 (15 to 240)
        ack-timeout: 2.05 (1.00 to 30.00)

      configuration: idle
        heartbeat-interval: 0

      """
  )
}

@Test("a configuration in JSON, decimals as strings")
func configurationJSON() {
  #expect(
    ClientAnswer.configuration(parameters).jsonLine == """
      {"version":1,"mitigating":{"heartbeat_interval":{"current":30,"minimum":15,"maximum":240},\
      "ack_timeout":{"current":"2.05","minimum":"1.00","maximum":"30.00"}},\
      "idle":{"heartbeat_interval":{"current":0,"minimum":null,"maximum":null}}}

      """
  )
}

@Test("mitigations in JSON")
func mitigationsJSON() throws {
  #expect(
    ClientAnswer.mitigations([try flood()]).jsonLine == """
      {"version":1,"mitigations":[{"mid":7,"status":"attack-successfully-mitigated",\
      "action":"block","trigger":false,"sources":["192.168.1.20/32"],\
      "source_ports":[{"lower":1000,"upper":2000}],"icmp_types":[],\
      "targets":["203.0.113.5/32"],"fqdns":["victim.example"],"uris":[],"aliases":[],\
      "target_ports":[{"lower":443,"upper":443}],"protocols":[17,99],\
      "since":"2026-11-24T01:12:28Z","remaining":540,"packets_dropped":12345,\
      "bytes_dropped":6912345,"packets_per_second":205,"bytes_per_second":115205,\
      "conflict":{"status":"request-active","cause":"conflict-with-acceptlist",\
      "retry_timer":null,"scope":null},"conflict_acls":["office","lab"]}]}

      """
  )
}

@Test("what isn't known of a granted mitigation is null in JSON")
func grantedJSON() {
  #expect(
    ClientAnswer.granted(SeenMitigation(mid: 7), isNew: true).jsonLine == """
      {"version":1,"result":"accepted","mid":7,"status":null,"action":null,"trigger":true,\
      "sources":[],"source_ports":[],"icmp_types":[],"targets":[],"fqdns":[],"uris":[],\
      "aliases":[],"target_ports":[],"protocols":[],"since":null,"lifetime":null,\
      "packets_dropped":null,"bytes_dropped":null,"packets_per_second":null,\
      "bytes_per_second":null,"conflict":null,"conflict_acls":[]}

      """
  )
}

@Test("the short answers in JSON")
func shortJSON() {
  for (answer, text) in [
    (.withdrawn(mid: 7), "{\"version\":1,\"result\":\"withdrawn\",\"mid\":7}\n"),
    (.configured(sid: 9, isNew: true), "{\"version\":1,\"result\":\"accepted\",\"sid\":9}\n"),
    (.configured(sid: 9, isNew: false), "{\"version\":1,\"result\":\"changed\",\"sid\":9}\n"),
    (.configurationReset, "{\"version\":1,\"result\":\"reset\"}\n"),
    (
      .heartbeat(.milliseconds(12)),
      "{\"version\":1,\"result\":\"answered\",\"milliseconds\":12}\n"
    ),
  ] as [(ClientAnswer, Text)] {
    #expect(answer.jsonLine == text)
  }
}

@Test("a refusal in JSON tells code, diagnostic, conflicts and when to try again")
func refusedJSON() {
  var refused = RefusedRequest(code: "4.09", name: "Conflict")
  refused.diagnostic = "no"
  refused.retryAfter = 60
  var seen = SeenMitigation(mid: 7)
  seen.conflict = ConflictInformation(cause: .cuidCollision)
  refused.conflicts = [seen]
  #expect(
    Ending.refused(.conflict, refused).jsonLine == """
      {"version":1,"result":"refused","code":"4.09","diagnostic":"no","conflicts":[{"mid":7,\
      "conflict":{"status":null,"cause":"cuid-collision","retry_timer":null,"scope":null},\
      "acls":[]}],"retry_after":60,"alternate":null}

      """
  )
}

@Test("each ending has the exit status that the manual promises, and says why in both forms")
func endings() throws {
  let refused = RefusedRequest(code: "4.03", name: "Forbidden")
  for (ending, status, result) in [
    (.failed("x"), 1, "failed"), (.interrupted, 1, "interrupted"),
    (.unreachable("x"), 3, "unreachable"), (.refused(.forbidden, refused), 4, "refused"),
    (.denied("x"), 4, "denied"), (.refused(.notFound, refused), 5, "refused"),
    (.refused(.conflict, refused), 6, "refused"), (.unanswered("x"), 7, "timed_out"),
    (.lost, 7, "timed_out"),
  ] as [(Ending, Int32, String)] {
    #expect(ending.status.rawValue == status && !ending.text.isEmpty)
    let json = try JSONSerialization.jsonObject(with: Data(ending.jsonLine.bytes))
    let object = try #require(json as? [String: Any])
    #expect(object["version"] as? Int == 1 && object["result"] as? String == result)
  }
  #expect(Ending.done.status == .done && Ending.done.text == "" && Ending.done.jsonLine == "")
}

@Test("mistakes are usage, files that can't be read a failure, names without address not reachable")
func program() {
  #expect(ClientProgram.run(["nonsense"]) == .usage)
  #expect(ClientProgram.run(["--listen", ":0", "status"]) == .usage)
  #expect(ClientProgram.run(["--control", "/nonexistent", "sessions"]) == .unreachable)
  #expect(ClientProgram.run(["--version"]) == .done)
  #expect(ClientProgram.run(["--help"]) == .done)
  let missing: [Text] = [
    "--connect", "::1", "--psk-identity", "i", "--psk-file", "/nonexistent", "heartbeat",
  ]
  #expect(ClientProgram.run(missing) == .failed)
  let nowhere: [Text] = [
    "--connect", "nowhere.invalid", "--psk-identity", "i", "--psk-file", #filePath.text,
    "heartbeat", "--timeout", "1",
  ]
  #expect(ClientProgram.run(nowhere) == .unreachable)
}

extension String {
  fileprivate var text: Text { Text(self) }
}
