import Bytes
import JSON
import Model

extension [DeviceSummary] {
  /// The reply of `cordonctl --json devices`, on one line.
  public var jsonLine: Text { json.text() + "\n" }

  /// The same as a value.
  public var json: JSONValue {
    .object(["version": version, "devices": .array(map { $0.json })])
  }

  /// The answer of `cordonctl devices`.
  public func text(_ style: TextStyle) -> Text {
    if isEmpty { return "no devices\n" }
    var writer = BlockWriter(style)
    for device in self { device.write(to: &writer, style) }
    return writer.text
  }
}

extension DeviceSummary {
  fileprivate var json: JSONValue {
    .object([
      "mac": .string(device.mac.text),
      "name": device.name.isEmpty ? .null : .string(device.name),
      "addresses": .array(device.addresses.map { .string($0.text) }),
      "vendor": device.vendor.isEmpty ? .null : .string(device.vendor),
      "state": .string(state.label),
      "since": .optional(since) { .string($0.timestamp) },
      "releases_left": .optional(releasesLeft) { .unsigned(UInt64($0)) },
      "mitigations": .array(mitigations.map { .unsigned(UInt64($0.value)) }),
    ])
  }

  fileprivate func write(to writer: inout BlockWriter, _ style: TextStyle) {
    writer.block("device", device.mac.text)
    if !device.name.isEmpty { writer.line("name", device.name) }
    writer.line("addresses", listing: device.addresses.map { $0.text })
    if !device.vendor.isEmpty { writer.line("vendor", device.vendor) }
    writer.line("state", state.label)
    if let since { writer.line("since", Quantity.age(of: since, now: style.now)) }
    if let releasesLeft { writer.line("releases left", Text(decimal: releasesLeft)) }
    writer.line("mitigations", listing: mitigations.map { Text(decimal: $0.value) })
  }
}

/// What `cordonctl quarantine`, `release`, `code` and `consent` came to.
public enum DeviceChange: Hashable, Sendable {
  /// The device is in quarantine, or out of it; with what core adds, which may be empty.
  case moved(MACAddress, isQuarantined: Bool, note: Text)
  /// This code releases the device once from its page.
  case code(MACAddress, Text)
  /// The mitigation begins, or is refused.
  case answered(MitigationID, isGiven: Bool)
  /// The settings are read again.
  case reloading

  /// The reply in JSON, on one line.
  public var jsonLine: Text { json.text() + "\n" }

  /// The same as a value.
  public var json: JSONValue {
    switch self {
    case .moved(let mac, let isQuarantined, _):
      let state: DeviceState = isQuarantined ? .quarantined : .clear
      return .object([
        "version": version, "mac": .string(mac.text), "state": .string(state.label),
      ])
    case .code(let mac, let code):
      return .object(["version": version, "mac": .string(mac.text), "code": .string(code)])
    case .answered(let id, let isGiven):
      return .object([
        "version": version, "id": .unsigned(UInt64(id.value)), "consent": .bool(isGiven),
      ])
    case .reloading: return .object(["version": version, "reload": .string("asked")])
    }
  }

  /// The reply in one sentence: core's own where it has one.
  public var text: Text {
    switch self {
    case .moved(let mac, let isQuarantined, let note):
      let sentence: Text = isQuarantined ? ": in quarantine" : ": released from quarantine"
      return mac.text + (note.isEmpty ? sentence : ": " + note.printable) + "\n"
    case .code(let mac, let code):
      return mac.text + ": the code " + code.printable + " releases it once from its page\n"
    case .answered(let id, let isGiven):
      return "mitigation " + Text(decimal: id.value) + (isGiven ? ": begins\n" : ": refused\n")
    case .reloading: return "cordond reads its settings again; its log says whether they hold\n"
    }
  }
}
