import Bytes
import Model
import Report
import Testing

@Test("labels of metrics hold nothing that a terminal acts on")
func metricsControls() throws {
  var mitigation = try flood()
  mitigation.client = "a\u{1B}[31m\r\u{9B}b\nü"
  let lines = Metrics(try status(), [mitigation]).lines.string
  #expect(lines.contains(#"client="a?[31m??b\nü""#))
}

@Test("metrics are Prometheus' text: a type before its samples, labels escaped")
func metrics() throws {
  var mitigation = try flood()
  mitigation.client = "a\"b\\c\nd"
  let lines = Metrics(try status(), [mitigation]).lines.string.split(separator: "\n")
  #expect(lines.contains("cordon_uptime_seconds 10920"))
  #expect(lines.contains("cordon_kernel_in_sync 1"))
  #expect(lines.contains("cordon_quarantined_devices 0"))
  #expect(
    lines.contains(
      #"""
      cordon_dots_session_up{client="telemetry",peer="[2001:db8::7]:5684",role="base",transport="udp"} 1
      """#
    )
  )
  #expect(lines.contains(#"cordon_mitigations_active{kind="block"} 1"#))
  #expect(lines.contains(#"cordon_mitigations_active{kind="quarantine"} 0"#))
  let labels = #"""
    {id="17",client="a\"b\\c\nd",cuid="dz6pHjaADkaFTbjr0JGBpw",mid="123",action="block"}
    """#
  #expect(lines.contains { $0 == "cordon_dropped_packets_total\(labels) 12345" })
  #expect(lines.contains { $0 == "cordon_dropped_bytes_total\(labels) 6912345" })
  // Each sample follows a line that says what its name is.
  var typed: Set<Substring> = []
  for line in lines {
    let words = line.split(separator: " ")
    if line.hasPrefix("#") {
      #expect(words.count == 4 && words[1] == "TYPE" && typed.insert(words[2]).inserted)
      #expect((words[3] == "counter") == words[2].hasSuffix("_total"))
    } else {
      #expect(typed.contains(line.prefix { $0 != "{" && $0 != " " }))
    }
  }
}

@Test("news are what is gone, what is new, and what has another status, conflict or device")
func news() throws {
  let old = try flood()
  var counted = old
  counted.dropped = DropCounters(packets: 1_000_000, bytes: 1)
  counted.remaining = .seconds(1)
  var stopped = old
  stopped.status = .attackStopped
  var found = old
  found.devices = [DeviceMatch(mac: MACAddress(1), name: "cam", found: .conntrack)]
  #expect(MitigationNews.between([old], [counted]).isEmpty)
  #expect(MitigationNews.between([], [old]).map(\.kind) == [.begun])
  #expect(MitigationNews.between([old], []).map(\.kind) == [.ended])
  for other in [stopped, found] {
    let news = MitigationNews.between([old], [other])
    #expect(news.map(\.kind) == [.changed] && news[0].mitigation == other)
  }
  let line = MitigationNews.between([], [found])[0].line(at: now).string
  #expect(
    line == """
      2026-11-24T01:13:28Z mitigation 17 of telemetry (mid 123) begun: block, \
      attack-successfully-mitigated, 12,345 packets, 6.59 MiB, 00:00:00:00:00:01 cam (conntrack)

      """
  )
  let json = MitigationNews.between([old], [])[0].jsonLine(at: now).string
  #expect(
    json.hasPrefix(
      #"{"version":1,"time":"2026-11-24T01:13:28Z","event":"ended","mitigation":{"id":17,"#
    )
  )
}
