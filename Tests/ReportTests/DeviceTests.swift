import Bytes
import JSON
import Model
import Report
import Testing

private let plain = TextStyle(isColoured: false, now: now)
private let mac = MACAddress(0x4419_B6AB_CDEF)

/// A camera in quarantine for three minutes.
private func camera() throws -> DeviceSummary {
  DeviceSummary(
    device: Device(
      mac: mac,
      name: "cam-garage",
      vendor: "Hangzhou Hikvision",
      kind: .camera,
      addresses: [
        try #require(IPAddress(parsing: "192.168.1.10")),
        try #require(IPAddress(parsing: "fd00::10")),
      ]
    ),
    state: .quarantined,
    since: ago(180),
    releasesLeft: 2,
    mitigations: [MitigationID(17), MitigationID(18)]
  )
}

/// A device of which nothing is known.
private let stranger = DeviceSummary(
  device: Device(mac: MACAddress(0x0A00_0000_0001)),
  state: .clear
)

@Test("devices in words")
func devicesText() throws {
  #expect(
    try [camera(), stranger].text(plain) == """
      device: 44:19:b6:ab:cd:ef
        name: cam-garage
        addresses: 192.168.1.10, fd00::10
        vendor: Hangzhou Hikvision
        state: quarantined
        since: 3 min ago
        releases left: 2
        mitigations: 17, 18

      device: 0a:00:00:00:00:01
        state: clear

      """
  )
  #expect([DeviceSummary]().text(plain) == "no devices\n")
}

@Test("what a device calls itself can't steer the terminal")
func deviceInjection() throws {
  var summary = try camera()
  summary.device.name = "x\u{1B}]0;y\u{7}\nz"
  summary.device.vendor = "v\u{9B}w"
  let text = [summary].text(plain).string
  #expect(text.contains("  name: x?]0;y??z\n") && text.contains("  vendor: v?w\n"))
}

@Test("colour marks a device's heading and keys, and only when asked for")
func deviceColour() throws {
  let text = try [camera()].text(TextStyle(isColoured: true, now: now)).string
  #expect(text.hasPrefix("\u{1B}[1;32mdevice\u{1B}[0m: \u{1B}[32m44:19:b6:ab:cd:ef\u{1B}[0m\n"))
  #expect(try ![camera()].text(plain).string.contains("\u{1B}"))
}

@Test("devices in JSON, with null for what isn't known")
func devicesJSON() throws {
  #expect(
    try [camera(), stranger].json.text()
      == Text(
        #"{"version":1,"devices":[{"mac":"44:19:b6:ab:cd:ef","name":"cam-garage","#
          + #""addresses":["192.168.1.10","fd00::10"],"vendor":"Hangzhou Hikvision","#
          + #""state":"quarantined","since":"2026-11-24T01:10:28Z","releases_left":2,"#
          + #""mitigations":[17,18]},{"mac":"0a:00:00:00:00:01","name":null,"addresses":[],"#
          + #""vendor":null,"state":"clear","since":null,"releases_left":null,"mitigations":[]}]}"#
      )
  )
  #expect([DeviceSummary]().jsonLine == "{\"version\":1,\"devices\":[]}\n")
}

@Test(
  "each state has its word",
  arguments: zip(["clear", "blocked", "quarantined", "exempt"], DeviceState.allCases)
)
func deviceStates(word: String, state: DeviceState) throws {
  var summary = try camera()
  summary.state = state
  #expect([summary].jsonLine.string.contains("\"state\":\"\(word)\""))
  #expect([summary].text(plain).string.contains("  state: \(word)\n"))
}

@Test("putting into quarantine and releasing are told in one sentence, core's where it has one")
func changesText() {
  let address: Text = "44:19:b6:ab:cd:ef"
  #expect(
    DeviceChange.moved(mac, isQuarantined: true, note: "").text
      == "\(address): in quarantine\n"
  )
  #expect(
    DeviceChange.moved(mac, isQuarantined: false, note: "").text
      == "\(address): released from quarantine\n"
  )
  #expect(
    DeviceChange.moved(mac, isQuarantined: false, note: "was\nfree").text
      == "\(address): was?free\n"
  )
  #expect(
    DeviceChange.code(mac, "12\u{1B}34").text
      == "\(address): the code 12?34 releases it once from its page\n"
  )
}

@Test("putting into quarantine, releasing and a code in JSON")
func changesJSON() {
  let start = #"{"version":1,"mac":"44:19:b6:ab:cd:ef","#
  #expect(
    DeviceChange.moved(mac, isQuarantined: true, note: "x").jsonLine
      == Text(start + #""state":"quarantined"}"# + "\n")
  )
  #expect(
    DeviceChange.moved(mac, isQuarantined: false, note: "").jsonLine
      == Text(start + #""state":"clear"}"# + "\n")
  )
  #expect(
    DeviceChange.code(mac, "1234").jsonLine == Text(start + #""code":"1234"}"# + "\n")
  )
}

@Test("an answer to a question for consent is told in words and in JSON")
func consents() {
  let yes = DeviceChange.answered(MitigationID(7), isGiven: true)
  #expect(yes.text == "mitigation 7: begins\n")
  #expect(yes.jsonLine == "{\"version\":1,\"id\":7,\"consent\":true}\n")
  #expect(DeviceChange.answered(MitigationID(7), isGiven: false).text == "mitigation 7: refused\n")
}
